// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
package import MigratezModel
import MigratezStaging

/// At most so many records of each object are read: a trial of a whole pipeline.
///
/// Kept in the run, so that it goes on as it began. What is said of a whole CRM does not apply to it (expected numbers,
/// the share of rejects), and no other run goes on from it.
package struct RunLimit: Sendable, Hashable {
    package let recordsMax: Int

    /// The note in the manifest.
    static let noteKey = "limit"
    /// Behind the pipeline's name in lists of runs and in the report.
    var marker: String { "\(Self.markerStart)\(recordsMax) of each)" }
    private static let markerStart = " (first "

    /// - Throws: `invalidSetting` unless it is 1 or more.
    package init(_ recordsMax: Int) throws(MigratezError) {
        guard recordsMax >= 1 else {
            throw MigratezError(
                .invalidSetting, "'\(recordsMax)' is not a value for --limit", remedy: .fixConfiguration,
                hint: "write it as 1000")
        }
        self.recordsMax = recordsMax
    }

    /// The limit of a run that has one.
    init?(notedIn manifest: ManifestView) throws {
        guard let text = try manifest.note(Self.noteKey) else { return nil }
        guard let recordsMax = Int(text) else {
            throw MigratezError(.manifestDamaged, "the note about the limit of the run cannot be read")
        }
        self.recordsMax = recordsMax
    }

    func note(in transaction: ManifestTransaction) throws {
        try transaction.setNote(Self.noteKey, String(recordsMax))
    }

    /// Whether a run with this name of a pipeline had a limit; known after shredding, too.
    static func marks(_ pipeline: String) -> Bool {
        pipeline.hasSuffix(" of each)") && pipeline.contains(markerStart)
    }
}

extension PlanConnection {
    /// The same connection for a run of the first records of each object.
    package func limited(_ limit: RunLimit) -> PlanConnection {
        var connection = self
        connection.source = LimitedSource(inner: source, recordsMax: limit.recordsMax)
        connection.limit = limit
        connection.plan.gates.expectations = []
        connection.plan.gates.rejectedShareMax = nil
        return connection
    }
}

/// A source that ends after so many records of each object; everything else it passes on.
private struct LimitedSource: Source {
    let inner: any Source
    let recordsMax: Int

    var name: String { inner.name }
    var limiter: RateLimiter? { inner.limiter }

    func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] { try await inner.discover(objects) }
    func layout(of object: StreamName) -> RecordLayout { inner.layout(of: object) }

    /// Cursors say how many records came before, and where the source goes on: `300 abc`.
    func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        let words = cursor?.text.split(separator: " ", maxSplits: 1).map(String.init)
        let before = words?.first.flatMap { Int($0) } ?? 0
        var page = try await inner.readPage(
            of: object, fields: fields, after: words.flatMap { $0.count == 2 ? Cursor($0[1]) : nil })
        let room = recordsMax - before
        if page.records.count + page.malformed.count >= room {
            page.records = Array(page.records.prefix(room))
            page.malformed = Array(page.malformed.prefix(room - page.records.count))
            page.next = nil
        } else {
            let count = before + page.records.count + page.malformed.count
            page.next = page.next.map { Cursor("\(count) \($0.text)") }
        }
        return page
    }

    func count(of object: StreamName) async throws -> Int? {
        try await inner.count(of: object).map { min($0, recordsMax) }
    }
    func estimatedCount(of object: StreamName) async throws -> Int? {
        try await inner.estimatedCount(of: object).map { min($0, recordsMax) }
    }

    func linkBatchSize(from: StreamName, to: StreamName) -> Int? { inner.linkBatchSize(from: from, to: to) }
    func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        try await inner.readLinks(from: from, to: to, of: records)
    }

    func people() async throws -> [Person] { try await inner.people() }
    func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        try await inner.readRecords(of: object, ids: ids, fields: fields)
    }
    func account(for objects: [StreamName]) async throws -> AccountReport { try await inner.account(for: objects) }
    func estimatedCalls(reading object: StreamName, records: Int) -> [CallEstimate] {
        inner.estimatedCalls(reading: object, records: records)
    }
    func estimatedCalls(linksFrom from: StreamName, to: StreamName, records: Int) -> [CallEstimate] {
        inner.estimatedCalls(linksFrom: from, to: to, records: records)
    }
    func recordAddress(of object: StreamName, id: String) async throws -> String? {
        try await inner.recordAddress(of: object, id: id)
    }
}
