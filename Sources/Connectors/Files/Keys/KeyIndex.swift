// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// In which line of an object's file the record of a key is: for any number of records, in memory that hardly grows.
///
/// The newest keys are in a table; a full table becomes a sorted run in a file without a name, and runs of about the same
/// length become one, so that there are never many to look into. All of it can be made again from the object's file: it
/// is gone with the process.
final class KeyIndex {
    /// Where the files of the runs have their names for a moment.
    private let scratchPath: String
    private let recentMax: Int
    private var recent = RecentKeys()
    /// The oldest and longest first, each at least twice as long as the next one.
    private var runs: [KeyRun] = []

    /// - Parameter recentMax: how many keys the table takes.
    init(scratchPath: String, recentMax: Int) {
        self.scratchPath = scratchPath
        self.recentMax = recentMax
    }

    /// Notes that `line` holds the record of a key, and returns the line that did so before.
    func note(_ key: String, line: Int) throws(MigratezError) -> Int? {
        if recent.count == recentMax { try rest() }
        let entry = KeyEntry(key, line: line)
        if let earlier = recent.put(entry) { return earlier.line }
        for run in runs.reversed() { if let earlier = try run.find(entry) { return earlier.line } }
        return nil
    }

    /// Gives the table's memory back: for a file that others are now written before.
    func rest() throws(MigratezError) {
        guard recent.count > 0 else { return }
        var run = try KeyRun.write(recent.removeAll(), scratchPath: scratchPath)
        while let last = runs.last, last.count < 2 * run.count {
            run = try KeyRun.merge(last, run, scratchPath: scratchPath)
            runs.removeLast()
        }
        runs.append(run)
    }
}

/// A key, as 87 bits of a hash, with the number of a line in 40 bits.
///
/// The hash is SipHash with a seed of its own in each process, so nobody can choose keys that are alike; among a hundred
/// million keys any two are with a chance of 3 in 10¹¹.
struct KeyEntry: Comparable {
    /// The hash is in the upper bits, and their first one is set, so that no entry is 0.
    let bits: UInt128

    private static let lineBits = 40
    private static let lineMask = (UInt128(1) << lineBits) - 1

    init(bits: UInt128) { self.bits = bits }

    init(_ key: String, line: Int) {
        precondition(line >= 0 && line >> KeyEntry.lineBits == 0, "a file has at most 2⁴⁰ lines")
        var (upper, lower) = (Hasher(), Hasher())
        upper.combine(key)
        lower.combine(0)
        lower.combine(key)
        let hash =
            UInt128(UInt64(bitPattern: Int64(upper.finalize()))) << 64
            | UInt128(UInt64(bitPattern: Int64(lower.finalize())))
        bits = hash & ~KeyEntry.lineMask | UInt128(line) | 1 << 127
    }

    var line: Int { Int(bits & KeyEntry.lineMask) }
    /// The same for two entries of one key.
    var key: UInt128 { bits >> KeyEntry.lineBits }
    /// A number to spread entries by.
    var spread: Int { Int(truncatingIfNeeded: bits >> 64) }

    static func < (a: KeyEntry, b: KeyEntry) -> Bool { a.bits < b.bits }
}

/// A table of entries that grows from nothing: an entry lies in the first free place after the one that its hash names.
private struct RecentKeys {
    private(set) var count = 0
    /// 0 = free. Its length is a power of two, at least twice the count.
    private var places: [UInt128] = []

    /// Puts the entry in, and returns the one of the same key that it takes the place of.
    mutating func put(_ entry: KeyEntry) -> KeyEntry? {
        if 2 * (count + 1) > places.count { grow() }
        var i = entry.spread & (places.count - 1)
        while places[i] != 0 {
            let earlier = KeyEntry(bits: places[i])
            if earlier.key == entry.key {
                places[i] = entry.bits
                return earlier
            }
            i = (i + 1) & (places.count - 1)
        }
        places[i] = entry.bits
        count += 1
        return nil
    }

    /// Empties the table, and gives its entries in their order.
    mutating func removeAll() -> [KeyEntry] {
        let entries = places.filter { $0 != 0 }.sorted().map(KeyEntry.init(bits:))
        self = RecentKeys()
        return entries
    }

    private mutating func grow() {
        let entries = places
        places = [UInt128](repeating: 0, count: max(256, 2 * entries.count))
        count = 0
        for bits in entries where bits != 0 { _ = put(KeyEntry(bits: bits)) }
    }
}
