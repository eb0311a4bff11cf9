// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezStaging

/// Finds which records belong together, from pairs that match, in bounded memory.
///
/// Several keys may connect the same people transitively (a and b share an e-mail, b and c a phone), so groups are the
/// connected components of the graph of pairs. The graph may be larger than memory; it is contracted by sorting alone,
/// with the two alternating star operations of Kiveris et al., "Connected Components in MapReduce and Beyond" (SoCC
/// 2014): each round is two sorts and two scans, and O(log² n) rounds end with every record pointing at the smallest
/// one of its component. Real duplicates are nearly stars already and take one or two rounds.
///
/// An edge is 16 bytes, two ordinals in big-endian order, so that byte order is numeric order.
package struct ConnectedComponents: ~Copyable {
    private let makeSorter: (_ width: Int) throws -> ExternalSorter
    private var edges: ExternalSorter
    private var count = 0

    /// - Parameter makeSorter: makes a sorter of entries of the given width within the stage's memory.
    package init(makeSorter: @escaping (_ width: Int) throws -> ExternalSorter) throws {
        self.makeSorter = makeSorter
        edges = try makeSorter(PairEntry.width)
    }

    /// States that two different records match.
    package mutating func connect(_ a: UInt64, _ b: UInt64) throws {
        guard a != b else { return }
        try edges.append(PairEntry(a, b))
        try edges.append(PairEntry(b, a))
        count += 1
    }

    /// (record, smallest record of its group), in the order of the first; records that match nothing are not listed.
    package consuming func members() throws -> SortedEntries {
        let makeSorter = makeSorter
        guard count > 0 else { return try edges.sorted() }
        var sorted = try edges.sorted()
        var fingerprint = EdgeFingerprint()
        while true {
            let large = try Self.largeStar(&sorted, into: makeSorter(PairEntry.width))
            sorted = try large.sorted()
            var next = EdgeFingerprint()
            let small = try Self.smallStar(&sorted, &next, into: makeSorter(PairEntry.width))
            sorted = try small.sorted()
            if next == fingerprint { break }
            fingerprint = next
        }
        // What is left are stars: each record points at the root, and the root at each record.
        var members = try makeSorter(PairEntry.width)
        var last: PairEntry?
        while let edge = try sorted.next(PairEntry.init) {
            guard edge != last, edge.first > edge.second else { continue }
            last = edge
            try members.append(edge)
            try members.append(PairEntry(edge.second, edge.second))
        }
        return try members.sorted()
    }

    /// Connects every larger neighbour of a record with the smallest one around it. Both directions of an edge come in.
    private static func largeStar(
        _ edges: inout SortedEntries, into output: consuming ExternalSorter
    ) throws -> ExternalSorter {
        var center: UInt64?
        var smallest: UInt64 = 0
        var last: PairEntry?
        while let edge = try edges.next(PairEntry.init) {
            if edge.first != center {
                center = edge.first
                smallest = min(edge.first, edge.second)
            } else if edge == last {
                continue
            }
            last = edge
            if edge.second > edge.first { try output.append(PairEntry(edge.second, smallest)) }
        }
        return output
    }

    /// Connects a record and its smaller neighbours with the smallest of them. Edges come from the larger to the
    /// smaller record and leave in both directions.
    private static func smallStar(
        _ edges: inout SortedEntries, _ fingerprint: inout EdgeFingerprint, into output: consuming ExternalSorter
    ) throws -> ExternalSorter {
        var center: UInt64?
        var smallest: UInt64 = 0
        var last: PairEntry?
        while let edge = try edges.next(PairEntry.init) {
            if edge == last { continue }
            last = edge
            let next: PairEntry
            if edge.first != center {
                center = edge.first
                smallest = edge.second
                next = edge
            } else {
                next = PairEntry(edge.second, smallest)
            }
            fingerprint.include(next)
            try output.append(next)
            try output.append(PairEntry(next.second, next.first))
        }
        return output
    }
}

/// Tells whether a round changed the set of edges, without keeping it: the sum over mixed edges does not depend on
/// their order.
private struct EdgeFingerprint: Equatable {
    private var count = 0
    private var sum: UInt64 = 0

    mutating func include(_ edge: PairEntry) {
        count += 1
        var mixed = edge.first &* 0x9E37_79B9_7F4A_7C15 ^ (edge.second &+ 0x632B_E59B_D9B4_E019)
        mixed = (mixed ^ (mixed >> 32)) &* 0xD6E8_FEB8_6659_FD93
        sum &+= mixed ^ (mixed >> 29)
    }
}
