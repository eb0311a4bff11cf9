// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// A source that has only the records of a selection.
struct SampledSource: SourceDecorator {
    let inner: any Source
    let selection: SampleSelection

    private static let pageRecords = 100

    /// Cursors are places in the selection.
    func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        let ids = selection.ids[object.text] ?? []
        let start = cursor.flatMap { Int($0.text) } ?? 0
        let end = min(start + Self.pageRecords, ids.count)
        guard start < end else { return Page(bytes: [], records: [], next: nil) }
        var page = try await inner.readRecords(of: object, ids: Array(ids[start..<end]), fields: fields)
        page.next = end < ids.count ? Cursor(String(end)) : nil
        return page
    }

    /// A record may be deleted between the choice and the reading, so that there is no exact count.
    func count(of object: StreamName) async throws -> Int? { nil }
    func estimatedCount(of object: StreamName) async throws -> Int? { selection.ids[object.text]?.count ?? 0 }
}

extension PlanConnection {
    /// The same connection for a run of a few chosen records: the real path, but what is said of a whole CRM does not
    /// apply (expected numbers, the share of rejects, the destination's own count).
    package func sampled(_ selection: SampleSelection) -> PlanConnection {
        var connection = self
        connection.source = SampledSource(inner: source, selection: selection)
        connection.sample = selection
        connection.plan.gates.expectations = []
        connection.plan.gates.rejectedShareMax = nil
        connection.plan.verify.countsAreExact = false
        return connection
    }
}
