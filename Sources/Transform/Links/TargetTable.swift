// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto

/// What the ids of a stream lead to, in memory: for streams that fit. Found in one step, where a sort of both sides would
/// handle each link twice.
///
/// Open addressing with slots of 16 bytes, so that a look-up mostly touches one cache line. The highest 32 bits of a
/// pseudonym choose the first slot, the other 96 are kept: two ids of a billion pass for one with a chance of 10⁻¹¹.
final class TargetTable {
    private struct Slot {
        var low: UInt64 = 0
        var high: UInt32 = 0
        /// The ordinal, shifted by two bits, and the state plus one; 0 = free.
        var target: UInt32 = 0

        static let ordinalsMax = 1 << 30

        var entry: (ordinal: UInt64, state: EdgeState) {
            (UInt64(target >> 2), EdgeState(rawValue: UInt64(target & 3) - 1) ?? .missing)
        }
    }

    private let slots: UnsafeMutableBufferPointer<Slot>
    private var free: Int
    /// One more than the largest ordinal that an id leads to.
    private(set) var ordinalsEnd = 0

    /// What a table for so many ids takes; `nil` = too many for any.
    static func bytes(forIDs count: Int) -> Int? {
        // Four of five slots are taken at most. One that is free ends every search.
        count < Slot.ordinalsMax ? (count + count / 4 + 1) * MemoryLayout<Slot>.stride : nil
    }

    /// - Parameter count: how many ids there are; fewer than `bytes(forIDs:)` gives an answer for.
    init(ids count: Int) {
        slots = .allocate(capacity: count + count / 4 + 1)
        slots.initialize(repeating: Slot())
        free = count
    }

    deinit { slots.deallocate() }

    /// Puts in what an id leads to. Of several, the one that is resolved stays, and then the first.
    ///
    /// - Returns: false, and nothing done, if there is no room, or the ordinal is too large.
    func insert(_ entry: TargetEntry) -> Bool {
        guard entry.ordinal < UInt64(Slot.ordinalsMax) else { return false }
        let (place, known) = place(of: entry.hash)
        if let known {
            let isBetter = (entry.state.rank, entry.ordinal) < (known.state.rank, known.ordinal)
            guard isBetter else { return true }
        } else {
            guard free > 0 else { return false }
            free -= 1
        }
        ordinalsEnd = max(ordinalsEnd, Int(entry.ordinal) + 1)
        slots[place] = Slot(
            low: entry.hash.low, high: UInt32(truncatingIfNeeded: entry.hash.high),
            target: UInt32(truncatingIfNeeded: entry.ordinal) << 2
                | UInt32(truncatingIfNeeded: entry.state.rawValue + 1))
        return true
    }

    /// What the id with this pseudonym leads to.
    func find(_ key: Pseudonym) -> TargetEntry? {
        place(of: key).entry.map { TargetEntry(hash: key, ordinal: $0.ordinal, state: $0.state) }
    }

    /// Where the id is, or where it would be put.
    private func place(of key: Pseudonym) -> (Int, entry: (ordinal: UInt64, state: EdgeState)?) {
        // The product of the bits and the number of slots spreads them over all slots.
        var place = Int(truncatingIfNeeded: (key.high >> 32 &* UInt64(slots.count)) >> 32)
        let high = UInt32(truncatingIfNeeded: key.high)
        while true {
            let slot = slots[place]
            if slot.target == 0 { return (place, nil) }
            if slot.low == key.low, slot.high == high { return (place, slot.entry) }
            place += 1
            if place == slots.count { place = 0 }
        }
    }
}

extension EdgeState {
    /// What is taken first, if an id leads to several records.
    fileprivate var rank: Int { self == .resolved ? 0 : 1 }
}
