// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

/// A field of a record that both sides changed since the run before, and whose value stands.
package struct FieldConflict: Sendable, Hashable {
    package enum Decision: String, Sendable, CaseIterable {
        case source
        case target
        /// The record was rejected.
        case quarantine
    }

    package var ordinal: Int
    package var field: String
    package var decision: Decision

    package init(ordinal: Int, field: String, decision: Decision) {
        self.ordinal = ordinal
        self.field = field
        self.decision = decision
    }
}

/// How often a decision was taken about a field of a stream.
package struct ConflictCount: Sendable, Hashable {
    package var stream: StreamName
    package var field: String
    package var decision: FieldConflict.Decision
    package var count: Int
}

/// A record or link of the destination that an earlier run left there, and that the source has no more.
package struct Removal: Sendable, Hashable {
    /// What became of it in the source.
    package enum Fate: String, Sendable, CaseIterable {
        /// There is no record with this id.
        case deleted
        /// Another record stands for it.
        case merged
        /// The two records are no longer linked so.
        case unlinked
    }

    /// What became of it in the destination.
    package enum Outcome: String, Sendable, CaseIterable {
        case deleted
        /// The pipeline keeps such records.
        case kept
        /// It stays: somebody changed it since.
        case edited
        /// It stays: other records refer to it.
        case needed
        /// It stays: the destination refused the deletion.
        case refused
        /// Somebody had deleted it before.
        case gone
    }

    /// Its key in the baseline.
    package var key: String
    package var targetID: String
    package var fate: Fate
    /// `nil` = not decided yet.
    package var outcome: Outcome?

    package init(key: String, targetID: String, fate: Fate, outcome: Outcome? = nil) {
        self.key = key
        self.targetID = targetID
        self.fate = fate
        self.outcome = outcome
    }

    fileprivate init(_ row: Row) throws {
        key = row["key"]
        targetID = row["target_id"]
        fate = try decoded(Fate(rawValue: row["fate"]), "fate")
        let text: String? = row["outcome"]
        outcome = try text.map { try decoded(Outcome(rawValue: $0), "outcome") }
    }
}

/// How many records of a stream met a fate and an outcome.
package struct RemovalCount: Sendable, Hashable {
    package var stream: StreamName
    package var fate: Removal.Fate
    package var outcome: Removal.Outcome?
    package var count: Int
}

extension ManifestView {
    /// All decisions of the run; known after shredding, too.
    package func conflictCounts() throws -> [ConflictCount] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT streams.name AS name, field, decision, sum(count) AS count FROM (
                    SELECT stream, field, decision, 1 AS count FROM conflicts
                    UNION ALL SELECT stream, field, decision, count FROM conflict_counts
                ) JOIN streams ON streams.number = stream
                GROUP BY streams.number, field, decision ORDER BY streams.number, field, decision
                """
        ).map { row in
            ConflictCount(
                stream: try decoded(StreamName(row["name"]), "name"), field: row["field"],
                decision: try decoded(FieldConflict.Decision(rawValue: row["decision"]), "decision"),
                count: row["count"])
        }
    }

    /// What became of all that the source has no more; known after shredding, too.
    package func removalCounts() throws -> [RemovalCount] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT streams.name AS name, fate, outcome, sum(count) AS count FROM (
                    SELECT stream, fate, outcome, 1 AS count FROM removals
                    UNION ALL SELECT stream, fate, outcome, count FROM removal_counts
                ) JOIN streams ON streams.number = stream
                GROUP BY streams.number, fate, outcome ORDER BY streams.number, fate, outcome
                """
        ).map { row in
            let outcome: String? = row["outcome"]
            return RemovalCount(
                stream: try decoded(StreamName(row["name"]), "name"),
                fate: try decoded(Removal.Fate(rawValue: row["fate"]), "fate"),
                outcome: try outcome.map { try decoded(Removal.Outcome(rawValue: $0), "outcome") },
                count: row["count"])
        }
    }

    /// How many records of the stream an earlier run brought and this one left as the destination has them.
    package func countLeftAlone(of stream: StreamName) throws -> Int {
        try Int.fetchOne(
            database,
            sql: """
                SELECT count(*) FROM records WHERE stream = ? AND outcome = ? AND code IN (?, ?) AND target_id IS NOT NULL
                """,
            arguments: [
                number(of: stream), Outcome.skipped.rawValue, ErrorCode.unchanged.description,
                ErrorCode.changedThere.description,
            ]) ?? 0
    }

    /// How many removals of the stream left the record where it was.
    package func countKeptRemovals(of stream: StreamName) throws -> Int {
        try Int.fetchOne(
            database,
            sql: """
                SELECT count(*) FROM removals WHERE stream = ? AND outcome IN ('kept', 'edited', 'needed', 'refused')
                """,
            arguments: [number(of: stream)]) ?? 0
    }

    /// The removals with these keys.
    package func removals(of stream: StreamName, keys: [String]) throws -> [Removal] {
        let number = try number(of: stream)
        let statement = try database.cachedStatement(sql: "SELECT * FROM removals WHERE stream = ? AND key = ?")
        return try keys.compactMap { key in
            try Row.fetchOne(statement, arguments: [number, key]).map { try Removal($0) }
        }
    }

    /// Up to `limit` removals of a stream in the order of their keys, behind `key`.
    package func removals(of stream: StreamName, after key: String?, limit: Int) throws -> [Removal] {
        try Row.fetchAll(
            database, sql: "SELECT * FROM removals WHERE stream = ? AND key > ? ORDER BY key LIMIT ?",
            arguments: [number(of: stream), key ?? "", limit]
        ).map { try Removal($0) }
    }
}

extension ManifestTransaction {
    /// Notes decisions; one about the same field of the same record takes the place of an earlier one.
    package func record(_ conflicts: [FieldConflict], of stream: StreamName) throws {
        let number = try number(of: stream)
        for conflict in conflicts {
            try execute(
                "INSERT OR REPLACE INTO conflicts (stream, ordinal, field, decision) VALUES (?, ?, ?, ?)",
                [number, conflict.ordinal, conflict.field, conflict.decision.rawValue])
        }
    }

    /// Notes removals; the outcome of one that is known already takes the place of the earlier one.
    package func record(_ removals: [Removal], of stream: StreamName) throws {
        let number = try number(of: stream)
        for removal in removals {
            try execute(
                """
                INSERT INTO removals (stream, key, target_id, fate, outcome) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (stream, key) DO UPDATE SET outcome = excluded.outcome
                """,
                [number, removal.key, removal.targetID, removal.fate.rawValue, removal.outcome?.rawValue])
        }
    }

    /// Leaves only counts of what identifies records.
    func forgetDelta() throws {
        try execute(
            """
            INSERT INTO conflict_counts (stream, field, decision, count)
            SELECT stream, field, decision, count(*) FROM conflicts GROUP BY stream, field, decision
            """, [])
        try execute(
            """
            INSERT INTO removal_counts (stream, fate, outcome, count)
            SELECT stream, fate, outcome, count(*) FROM removals GROUP BY stream, fate, outcome
            """, [])
        for table in ["conflicts", "removals"] { try execute("DELETE FROM \(table)", []) }
    }
}
