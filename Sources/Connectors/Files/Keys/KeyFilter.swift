// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Tells of most keys that are not in a run that they are not, without a look at the file.
///
/// A Bloom filter with eight bits a key, in which the four bits of a key are in one word (Putze, Sanders and Singler,
/// "Cache-, Hash- and Space-Efficient Bloom Filters", 2007): of thirty keys that are not there, one or so is looked for.
struct KeyFilter {
    private var words: [UInt64]
    /// Longer runs have none, so that the filters of an object never take more than some 16 MiB in all.
    static let keysMax = 1 << 23

    init(keys: Int) { words = [UInt64](repeating: 0, count: keys / 8 + 1) }

    mutating func insert(_ entry: KeyEntry) { words[place(of: entry)] |= Self.mask(of: entry) }

    /// False if the key is surely not there.
    func mayHold(_ entry: KeyEntry) -> Bool {
        let mask = Self.mask(of: entry)
        return words[place(of: entry)] & mask == mask
    }

    private func place(of entry: KeyEntry) -> Int {
        let spread = UInt64(truncatingIfNeeded: entry.key)
        return Int(truncatingIfNeeded: spread.multipliedFullWidth(by: UInt64(words.count)).high)
    }

    /// Four bits by the upper 24 bits of the hash, which do not decide about the place.
    private static func mask(of entry: KeyEntry) -> UInt64 {
        let bits = UInt64(truncatingIfNeeded: entry.bits >> 104)
        return 1 << (bits & 63) | 1 << (bits >> 6 & 63) | 1 << (bits >> 12 & 63) | 1 << (bits >> 18 & 63)
    }
}
