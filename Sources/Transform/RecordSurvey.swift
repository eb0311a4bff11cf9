// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezStaging

/// What the first pass over the raw chunks of a stream finds out; the second pass walks it beside the records.
struct RecordSurvey: ~Copyable {
    /// (record, smallest record of its group) for every record that has duplicates, in order.
    var members: SortedEntries
    /// (record, the earlier record with the same id), in order: the source sent it twice.
    var repeats: SortedEntries
    /// `RecordEdgeEntry`s of the lookups, in the order of the records that they start from.
    var edges: SortedEntries
}

/// The first pass: hashes ids and match keys, finds groups, and brings the links to the records that they start from.
///
/// It is a pure function of the raw chunks and the pipeline, so that a resumed run finds the same.
struct Surveyor {
    let staging: StagingArea
    let spec: ObjectSpec
    let layout: RecordLayout
    let mapper: RecordMapper
    let matchKeys: MatchKeys
    /// The links that become fields of these records, in the order of the pipeline file.
    let lookups: [LinkRoute]
    let pseudonyms: PseudonymKey
    let targets: LinkTargets
    /// Records that take no part in merges, because they are held back.
    let holds: [Int: HoldKind]
    /// The most that the groups of duplicates may take in memory; where they take more, they are found by sorting.
    let forestMemory: ByteCount

    func survey() async throws -> RecordSurvey {
        var ids = try targets.makeSorter(PseudonymEntry.width)
        var keys = try targets.makeSorter(PseudonymEntry.width)
        var index = RecordIndex(fields: layout.fields)
        var material: [UInt8] = []
        var records = 0
        try await StreamReader(staging: staging, stream: spec.stream, kind: .raw).forEachLine { ordinal, line in
            records = ordinal + 1
            try index.indexLine(line)
            guard let id = index.sourceIDSlice(layout) else { return }
            try ids.append(PseudonymEntry(pseudonyms.pseudonym(of: id, in: line), UInt64(ordinal)))
            guard !spec.duplicates.isEmpty, holds[ordinal] == nil, mapper.accepts(line, index) else { return }
            try matchKeys.forEachPseudonym(of: line, index, material: &material) {
                try keys.append(PseudonymEntry($0, UInt64(ordinal)))
            }
        }
        let members = try groups(keys.sorted(), records: records)
        let byFrom = try await edgesByFrom()
        return try join(ids.sorted(), byFrom, members: members)
    }

    /// The groups that the keys of so many records make.
    private func groups(_ keys: consuming SortedEntries, records: Int) throws -> SortedEntries {
        // In place of one of the sorters that finding them by sorting would take.
        if var forest = RecordForest(records: records, within: forestMemory) {
            try Self.forEachMatch(keys) { forest.connect($0, $1) }
            return try forest.members(makeSorter: targets.makeSorter)
        }
        var components = try ConnectedComponents(makeSorter: targets.makeSorter)
        try Self.forEachMatch(keys) { try components.connect($0, $1) }
        return try components.members()
    }

    /// Records with the same key match; calls `body` with the first of them and each of the others.
    private static func forEachMatch(
        _ keys: consuming SortedEntries, _ body: (UInt64, UInt64) throws -> Void
    ) throws {
        var keys = keys
        var first: PseudonymEntry?
        while let entry = try keys.next(PseudonymEntry.init) {
            if let first, first.hash == entry.hash {
                try body(first.ordinal, entry.ordinal)
            } else {
                first = entry
            }
        }
    }

    /// The edges of all lookups with their target resolved, sorted by the id that they start from.
    private func edgesByFrom() async throws -> SortedEntries {
        var byFrom = try targets.makeSorter(EdgeEntry.width)
        for (number, route) in lookups.enumerated() {
            if let table = try await targets.tables([route.to])?[route.to] {
                try await forEachEdge(of: route, number) { edge in
                    var entry = edge
                    entry.resolve(to: table.find(entry.key))
                    entry.key = entry.other
                    try byFrom.append(entry)
                }
                continue
            }
            var byTo = try targets.makeSorter(EdgeEntry.width)
            try await forEachEdge(of: route, number) { try byTo.append($0) }
            var sorted = try byTo.sorted()
            var join = try TargetJoin(await targets.sorted(route.to))
            while var entry = try sorted.next(EdgeEntry.init) {
                entry.resolve(to: try join.find(entry.key))
                entry.key = entry.other
                try byFrom.append(entry)
            }
        }
        return try byFrom.sorted()
    }

    /// Calls `body` with each edge of the route, whose other end is to be looked up.
    private func forEachEdge(of route: LinkRoute, _ number: Int, _ body: (EdgeEntry) throws -> Void) async throws {
        let ranks = route.choose == .primary
        let pseudonyms = pseudonyms
        try await StreamReader(staging: staging, stream: route.stream, kind: .raw).forEachLine { ordinal, line in
            let edge = try EdgeLine.parse(line)
            try body(
                EdgeEntry(
                    key: pseudonyms.pseudonym(of: edge.to, in: line), edge: UInt64(ordinal),
                    other: pseudonyms.pseudonym(of: edge.from, in: line), resolved: 0, label: 0,
                    flags: EdgeEntry.flags(route: number, isPrimary: edge.isPrimary && ranks, state: .missing)))
        }
    }

    /// Walks ids and edges side by side: finds records that came twice, and the record that each edge starts from.
    private func join(
        _ ids: consuming SortedEntries, _ byFrom: consuming SortedEntries, members: consuming SortedEntries
    ) throws -> RecordSurvey {
        var repeats = try targets.makeSorter(PairEntry.width)
        var edges = try targets.makeSorter(RecordEdgeEntry.width)
        var edge = try byFrom.next(EdgeEntry.init)
        var first: PseudonymEntry?
        while let id = try ids.next(PseudonymEntry.init) {
            if let first, first.hash == id.hash {
                try repeats.append(PairEntry(id.ordinal, first.ordinal))
                continue
            }
            first = id
            while let next = edge, next.key < id.hash || next.key == id.hash {
                let record = next.key == id.hash ? id.ordinal : RecordEdgeEntry.noRecord
                try edges.append(
                    RecordEdgeEntry(record: record, flags: next.flags, edge: next.edge, target: next.resolved))
                edge = try byFrom.next(EdgeEntry.init)
            }
        }
        while let next = edge {
            try edges.append(
                RecordEdgeEntry(
                    record: RecordEdgeEntry.noRecord, flags: next.flags, edge: next.edge, target: next.resolved))
            edge = try byFrom.next(EdgeEntry.init)
        }
        return RecordSurvey(members: members, repeats: try repeats.sorted(), edges: try edges.sorted())
    }
}
