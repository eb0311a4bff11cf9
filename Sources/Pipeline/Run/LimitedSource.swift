// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezStaging
import MigratezTransform

/// A source that ends after so many records of each object.
struct LimitedSource: SourceDecorator {
    let inner: any Source
    let recordsMax: Int

    /// Cursors say how many records came before, then where the inner source goes on: `200 after:512`.
    func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        let (before, inner) = try Self.parts(of: cursor)
        var page = try await self.inner.readPage(of: object, fields: fields, after: inner)
        page.shorten(to: recordsMax - before)
        let count = before + page.records.count + page.malformed.count
        page.next = count < recordsMax ? page.next.map { Cursor("\(count) \($0.text)") } : nil
        return page
    }

    private static func parts(of cursor: Cursor?) throws(MigratezError) -> (before: Int, inner: Cursor?) {
        guard let cursor else { return (0, nil) }
        let parts = cursor.text.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let before = Int(parts[0]) else {
            throw MigratezError(
                .manifestDamaged, "the place in the source that a limited run goes on from is unreadable")
        }
        return (before, Cursor(String(parts[1])))
    }

    /// The source's exact count is not held against what is read.
    func count(of object: StreamName) async throws -> Int? { nil }
    func estimatedCount(of object: StreamName) async throws -> Int? {
        try await inner.estimatedCount(of: object).map { min($0, recordsMax) }
    }
}

extension Page {
    /// Drops what is more than `count`; records that cannot be read stand behind the others, as in a chunk.
    fileprivate mutating func shorten(to count: Int) {
        records = Array(records.prefix(count))
        malformed = Array(malformed.prefix(count - records.count))
    }
}

extension PlanConnection {
    /// The same connection for a run of at most so many records of each object: what is said of a whole CRM (expected
    /// numbers, the destination's own count) does not apply.
    package func limited(to recordsMax: Int) -> PlanConnection {
        var connection = self
        connection.source = LimitedSource(inner: source, recordsMax: recordsMax)
        connection.plan.limits.recordsMax = recordsMax
        connection.plan.transform.isLimited = true
        connection.plan.gates.expectations = []
        connection.plan.verify.countsAreExact = false
        return connection
    }
}

/// The note in the manifest that makes a run go on under the limit that it was begun with.
enum RecordLimit {
    private static let noteKey = "limit"

    /// Behind the pipeline's name in lists of runs and in the report, which know it after shredding, too.
    static func marker(_ recordsMax: Int) -> String { "\(markerStart)\(recordsMax) of each object)" }
    private static let markerStart = " (limited to "

    /// Whether a run with this name of a pipeline had a limit.
    static func marks(_ pipeline: String) -> Bool { pipeline.contains(markerStart) }

    /// The limit of a run; `nil` = it reads everything.
    static func noted(in manifest: ManifestView) throws -> Int? {
        guard let text = try manifest.note(noteKey) else { return nil }
        guard let recordsMax = Int(text), recordsMax >= 1 else {
            throw MigratezError(.manifestDamaged, "the note about the limit of the run cannot be read")
        }
        return recordsMax
    }

    static func note(_ recordsMax: Int, in transaction: ManifestTransaction) throws {
        try transaction.setNote(noteKey, String(recordsMax))
    }
}
