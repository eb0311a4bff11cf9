// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging
import MigratezTestKit
import MigratezTransform
import Testing

@Suite struct DedupeComponentsTests {
    /// Graphs of up to 20,000 edges between up to 30,000 records.
    enum Shape: CaseIterable { case none, pair, star, starFromTheLargest, chain, cliques, sparse, dense }

    private func edges(_ shape: Shape, _ generator: inout SeededGenerator) -> [(UInt64, UInt64)] {
        var edges: [(UInt64, UInt64)] = []
        func connect(_ a: Int, _ b: Int) { edges.append((UInt64(a), UInt64(b))) }
        switch shape {
        case .none: break
        case .pair: connect(5, 3)
        case .star: for leaf in 1...20_000 { connect(0, leaf) }
        case .starFromTheLargest: for leaf in 0..<20_000 { connect(30_000, leaf) }
        case .chain: for record in 0..<5_000 { connect(record, record + 1) }
        case .cliques:
            for clique in 0..<200 {
                for a in 0..<10 { for b in 0..<a { connect(clique * 30 + a * 3, clique * 30 + b * 3) } }
            }
        case .sparse, .dense:
            let (records, count) = shape == .sparse ? (30_000, 9_000) : (3_000, 20_000)
            for _ in 0..<count {
                connect(Int.random(in: 0..<records, using: &generator), Int.random(in: 0..<records, using: &generator))
            }
        }
        return edges
    }

    /// The smallest record of each group, found in memory.
    private func expected(_ edges: [(UInt64, UInt64)]) -> [UInt64: UInt64] {
        var parent: [UInt64: UInt64] = [:]
        func root(_ record: UInt64) -> UInt64 {
            var root = record
            while let next = parent[root], next != root { root = next }
            parent[record] = root
            return root
        }
        for (a, b) in edges where a != b {
            let (first, second) = (root(a), root(b))
            parent[max(first, second)] = min(first, second)
            parent[min(first, second)] = min(first, second)
        }
        return Dictionary(uniqueKeysWithValues: parent.keys.map { ($0, root($0)) })
    }

    @Test(arguments: Shape.allCases, [1, 2] as [UInt64])
    func `groups are those of a union-find in memory, although the sorters spill`(
        shape: Shape, seed: UInt64
    ) async throws {
        try await withTemporaryFolder { path in
            let area = try await StagedRun(path).create(objects: [])
            var generator = SeededGenerator(seed: seed)
            // Numbers without a pattern, so that neither their order nor that of the edges helps.
            let names = (0...30_000 as ClosedRange<UInt64>).shuffled(using: &generator)
            let edges = edges(shape, &generator).shuffled(using: &generator).map { (names[Int($0)], names[Int($1)]) }
            let makeSorter = { width in area.makeSorter(entryBytes: width, memory: ExternalSorter.memoryMin) }
            do {
                var components = try ConnectedComponents(makeSorter: makeSorter)
                for (a, b) in edges { try components.connect(a, b) }
                #expect(try groups(components.members()) == expected(edges), "seed \(seed)")
            }
            if var forest = RecordForest(records: 30_001, within: ByteCount(4 * 30_001)) {
                for (a, b) in edges { forest.connect(a, b) }
                #expect(try groups(forest.members(makeSorter: makeSorter)) == expected(edges), "seed \(seed)")
            } else {
                Issue.record("30,001 records take 120,004 bytes")
            }
            #expect(area.budget.usage.used == ByteCount(0), "no spill file is left")
            try await area.close()
        }
    }

    /// What `members` say: in the order of the records, each once or more often with the same answer.
    private func groups(_ members: consuming SortedEntries) throws -> [UInt64: UInt64] {
        var members = members
        var found: [UInt64: UInt64] = [:]
        var last: UInt64 = 0
        while let pair = try members.withNext({ bytes -> [UInt64] in
            (0..<2).map { UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self)) }
        }) {
            #expect(pair[0] >= last, "in the order of the records")
            #expect(found[pair[0]] == nil || found[pair[0]] == pair[1])
            last = pair[0]
            found[pair[0]] = pair[1]
        }
        return found
    }

    @Test func `a forest takes four bytes a record, or is not made`() {
        func isMade(_ records: Int, _ bytes: Int) -> Bool {
            guard let _ = RecordForest(records: records, within: ByteCount(bytes)) else { return false }
            return true
        }
        #expect(!isMade(1_000, 3_999))
        #expect(isMade(1_000, 4_000))
        #expect(isMade(0, 0))
    }
}
