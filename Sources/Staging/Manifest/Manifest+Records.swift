// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

/// How one record or link ended.
package struct RecordOutcome: Sendable, Hashable {
    /// Its number within the stream, in the order of extraction, from 0.
    package var ordinal: Int
    package var outcome: Outcome
    /// The text of the `ErrorCode` that says why, where there is a why.
    package var code: String?
    /// The source's id; nil for links.
    package var sourceID: String?
    /// The destination's id, if it is there.
    package var targetID: String?
    /// The record that stands for it, if it was merged.
    package var survivor: Int?

    package init(
        ordinal: Int, outcome: Outcome, code: ErrorCode? = nil, sourceID: String? = nil, targetID: String? = nil,
        survivor: Int? = nil
    ) {
        self.ordinal = ordinal
        self.outcome = outcome
        self.code = code?.description
        self.sourceID = sourceID
        self.targetID = targetID
        self.survivor = survivor
    }

    /// Reads the current row of a statement that selects `columns`.
    fileprivate init(_ row: BoundStatement) throws {
        ordinal = try decoded(row.integer(0), "ordinal")
        outcome = try decoded(row.integer(1).flatMap { Outcome(rawValue: $0) }, "outcome")
        code = row.text(2)
        sourceID = row.text(3)
        targetID = row.text(4)
        survivor = row.integer(5)
    }

    fileprivate static let columns = "ordinal, outcome, code, source_id, target_id, survivor"
}

extension ManifestView {
    /// What is known of the records with these ordinals; those without an outcome are absent from the answer.
    ///
    /// - Precondition: `ordinals` are in ascending order, so that the table is read front to back; what is named several
    ///   times is found once.
    package func outcomes(of stream: StreamName, ordinals: [Int]) throws -> [RecordOutcome] {
        let statement = try database.cachedStatement(
            sql: "SELECT \(RecordOutcome.columns) FROM records WHERE stream = ? AND ordinal = ?")
        let row = BoundStatement(statement, database)
        defer { row.reset() }
        try row.bind(1, try number(of: stream))
        var found: [RecordOutcome] = []
        found.reserveCapacity(ordinals.count)
        var previous: Int?
        for ordinal in ordinals where ordinal != previous {
            previous = ordinal
            try row.bind(2, Int64(ordinal))
            if try row.step() { found.append(try RecordOutcome(row)) }
            row.rewind()
        }
        return found
    }

    /// Whether any record of the stream was left out for this reason.
    package func hasSkipped(of stream: StreamName, code: ErrorCode) throws -> Bool {
        try Bool.fetchOne(
            database,
            sql: "SELECT EXISTS (SELECT 1 FROM records WHERE stream = ? AND outcome = ? AND code = ?)",
            arguments: [number(of: stream), Outcome.skipped.rawValue, code.description]) ?? false
    }

    /// Up to `limit` outcomes in the order of ordinals, the first one at or after `start`; an empty answer is the end.
    package func outcomes(of stream: StreamName, from start: Int, limit: Int) throws -> [RecordOutcome] {
        let statement = try database.cachedStatement(
            sql: """
                SELECT \(RecordOutcome.columns) FROM records
                WHERE stream = ? AND ordinal >= ? ORDER BY ordinal LIMIT ?
                """)
        let row = BoundStatement(statement, database)
        defer { row.reset() }
        try row.bind(1, try number(of: stream))
        try row.bind(2, Int64(start))
        try row.bind(3, Int64(limit))
        var found: [RecordOutcome] = []
        while try row.step() { found.append(try RecordOutcome(row)) }
        return found
    }

    /// How many records of the stream have each outcome, by the stage that gave it.
    package func counters(of stream: StreamName) throws -> [Stage: [Outcome: Int]] {
        var counters: [Stage: [Outcome: Int]] = [:]
        let rows = try Row.fetchAll(
            database, sql: "SELECT stage, outcome, count FROM counters WHERE stream = ? AND count <> 0",
            arguments: [number(of: stream)])
        for row in rows {
            let stage = try decoded(Stage(rawValue: row["stage"]), "stage")
            counters[stage, default: [:]][try decoded(Outcome(rawValue: row["outcome"]), "outcome")] = row["count"]
        }
        return counters
    }

    /// The balance of every stream, from the counters.
    package func reconciliation() throws -> [Reconciliation] {
        try streams().map { stream in
            var outcomes: [Outcome: Int] = [:]
            for counts in try counters(of: stream.name).values { outcomes.merge(counts, uniquingKeysWith: +) }
            return Reconciliation(stream: stream, outcomes: outcomes)
        }
    }
}

/// Whether the outcomes of a stream add up to what was read.
package struct Reconciliation: Sendable {
    package var stream: StreamStatus
    package var outcomes: [Outcome: Int]

    /// What was read.
    package var read: Int { stream.recordsRead }
    /// How many records have an outcome.
    package var settled: Int { outcomes.values.reduce(0, +) }
    /// `read = created + updated + merged + filtered + skipped + rejected`.
    package var isClosed: Bool { read == settled }
    /// How many records ended so.
    package subscript(outcome: Outcome) -> Int { outcomes[outcome] ?? 0 }
}
