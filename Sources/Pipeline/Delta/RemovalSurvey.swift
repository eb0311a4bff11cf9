// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
import MigratezLoad
import MigratezModel
import MigratezStaging
import MigratezTransform

/// Finds what earlier runs left in the destination and the source has no more; changes nothing on either side.
///
/// What the load has not marked in the baseline was not among the source's records. That alone is no proof: a record
/// that was read and not brought is left as it is, and the source is asked for every other one by its id before it counts
/// as deleted.
struct RemovalSurvey {
    let run: Run
    let baseline: Baseline
    private static let pageEntries = 1_000

    init(_ run: Run, _ baseline: Baseline) {
        self.run = run
        self.baseline = baseline
    }

    /// Notes the removals of a stream of records.
    func survey(_ object: ObjectSpec) async throws {
        let stream = object.stream
        try await leaveUnbrought(stream)
        try await forEachPage(of: stream) { page in
            let unseen = page.filter { $0.mark == .none }.map(\.entry.key)
            let present = try await present(unseen, of: stream)
            // Read too late to be brought by this run, or not at all; the next one will.
            try baseline.mark(present.map { ($0, .left) }, of: stream)
            return page.filter { !present.contains($0.entry.key) }.map { entry, mark in
                Removal(
                    key: entry.key, targetID: entry.targetID, fate: mark == .merged ? .merged : .deleted)
            }
        }
    }

    /// Notes the removals of a stream of links; those of its ends must be known.
    func survey(_ route: LinkRoute) async throws {
        try await forEachPage(of: route.stream) { page in
            let ends = page.map { route.isDeferred ? [$0.entry.targetID] : LoadDelta.ends(of: $0.entry.key) }
            let marks = try baseline.marks(targetIDs: Array(Set(ends.joined())).sorted())
            // A link of a record that was not brought was not, either.
            let left = zip(page, ends).filter { $0.1.contains { marks[$0] == .left } }.map(\.0.entry.key)
            try baseline.mark(left.map { ($0, .left) }, of: route.stream)
            let kept = Set(left)
            return page.filter { !kept.contains($0.entry.key) }.map { entry, _ in
                Removal(key: entry.key, targetID: entry.targetID, fate: .unlinked)
            }
        }
    }

    /// Marks the records that the run has read and not brought.
    private func leaveUnbrought(_ stream: StreamName) async throws {
        var start = 0
        while true {
            let from = start
            let outcomes = try await run.staging.manifest.read { try $0.outcomes(of: stream, from: from, limit: 5_000) }
            guard let last = outcomes.last else { return }
            start = last.ordinal + 1
            let read: ([Outcome]) -> [(key: String, mark: Baseline.Mark)] = { kinds in
                outcomes.filter { kinds.contains($0.outcome) }.compactMap { $0.sourceID.map { ($0, .left) } }
            }
            // A record of which the new values were refused is there with its old ones, and its links are, too.
            try baseline.mark(read([.rejected]), of: stream, replacing: [.none, .seen])
            try baseline.mark(read([.filtered, .skipped, .merged]), of: stream, replacing: [.none])
        }
    }

    /// The ids among these that the source knows.
    private func present(_ ids: [String], of stream: StreamName) async throws -> Set<String> {
        guard !ids.isEmpty else { return [] }
        let page = try await run.source.readRecords(of: stream, ids: ids, fields: [])
        let layout = run.source.layout(of: stream)
        var index = RecordIndex(fields: layout.fields)
        var present: Set<String> = []
        for range in page.records {
            try page.bytes[range].withUnsafeBufferPointer { record in
                try index.indexLine(record)
                if let id = index.sourceID(layout, in: record) { present.insert(id) }
            }
        }
        return present
    }

    private func forEachPage(
        of stream: StreamName, _ body: ([(entry: Baseline.Entry, mark: Baseline.Mark)]) async throws -> [Removal]
    ) async throws {
        var last: String?
        while true {
            try Task.checkCancellation()
            let page = try baseline.entries(
                of: stream, marked: [.none, .merged], after: last, limit: Self.pageEntries)
            guard let end = page.last else { return }
            last = end.entry.key
            let removals = try await body(page)
            try await run.staging.manifest.commit { try $0.record(removals, of: stream) }
        }
    }
}
