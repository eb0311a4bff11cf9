// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezStaging

/// Finds which records belong together, from pairs that match, with four bytes a record in memory: for streams that fit.
/// `ConnectedComponents` finds the same in any number of records, by four sorts of all pairs at the least.
///
/// A forest in which every record points towards the smallest one of its group (Galler and Fischer, 'An improved
/// equivalence algorithm', CACM 1964); paths are halved on the way, so that a look-up is a step or two.
package struct RecordForest: ~Copyable {
    /// The record that each one points to: itself, if it is the smallest of its group; `alone`, if it matches none.
    private let parents: UnsafeMutableBufferPointer<UInt32>
    private static let alone = UInt32.max

    /// - Parameter records: one more than the largest ordinal.
    /// - Returns: `nil` if so many records take more than `memory`.
    package init?(records: Int, within memory: ByteCount) {
        guard records < Int(Self.alone), records <= memory.bytes / MemoryLayout<UInt32>.stride else { return nil }
        parents = .allocate(capacity: records)
        parents.initialize(repeating: Self.alone)
    }

    deinit { parents.deallocate() }

    /// States that two different records match.
    package mutating func connect(_ a: UInt64, _ b: UInt64) {
        guard a != b else { return }
        let (first, second) = (root(of: a), root(of: b))
        parents[max(first, second)] = UInt32(truncatingIfNeeded: min(first, second))
    }

    /// (record, smallest record of its group), in the order of the first; records that match nothing are not listed.
    package consuming func members(makeSorter: (_ width: Int) throws -> ExternalSorter) throws -> SortedEntries {
        // What comes in order is not sorted, and spilled if it is too much.
        var members = try makeSorter(PairEntry.width)
        for record in parents.indices where parents[record] != Self.alone {
            try members.append(PairEntry(UInt64(record), UInt64(root(of: UInt64(record)))))
        }
        return try members.sorted()
    }

    /// The smallest record of the group; one that was alone becomes a group.
    private mutating func root(of record: UInt64) -> Int {
        var place = Int(record)
        if parents[place] == Self.alone { parents[place] = UInt32(truncatingIfNeeded: place) }
        while Int(parents[place]) != place {
            let next = Int(parents[place])
            parents[place] = parents[next]
            place = next
        }
        return place
    }
}
