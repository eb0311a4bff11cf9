// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

/// What became of a record of the run when the run was undone. Each has one in the end.
package enum UndoOutcome: String, Sendable, CaseIterable {
    /// The change was sent, its answer is not known yet. Not an end: whoever goes on looks what became of it.
    case sent
    /// The run had created it; it is deleted.
    case deleted
    /// The run had changed it; it has its old values again.
    case restored
    /// It stays: somebody has changed it since.
    case edited
    /// It stays: other records refer to it.
    case needed
    /// It stays: the destination refused the change.
    case refused
    /// Somebody had deleted it before.
    case gone

    /// Whether the record stays as it is now.
    package var isKept: Bool { self == .edited || self == .needed || self == .refused }
}

extension ManifestView {
    /// What became of the records with these ordinals, as far as it is known.
    package func undoOutcomes(of stream: StreamName, ordinals: [Int]) throws -> [Int: UndoOutcome] {
        let number = try number(of: stream)
        let statement = try database.cachedStatement(
            sql: "SELECT outcome FROM undo WHERE stream = ? AND ordinal = ?")
        var outcomes: [Int: UndoOutcome] = [:]
        for ordinal in ordinals {
            guard let text = try String.fetchOne(statement, arguments: [number, ordinal]) else { continue }
            outcomes[ordinal] = try decoded(UndoOutcome(rawValue: text), "outcome")
        }
        return outcomes
    }

    /// How many records of the stream have each undo outcome, by the outcome that the load gave them.
    package func undoCounts(of stream: StreamName) throws -> [Outcome: [UndoOutcome: Int]] {
        var counts: [Outcome: [UndoOutcome: Int]] = [:]
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT records.outcome AS loaded, undo.outcome AS undone, count(*) AS count
                FROM undo JOIN records USING (stream, ordinal) WHERE stream = ? GROUP BY 1, 2
                """, arguments: [number(of: stream)])
        for row in rows {
            let loaded = try decoded(Outcome(rawValue: row["loaded"]), "outcome")
            counts[loaded, default: [:]][try decoded(UndoOutcome(rawValue: row["undone"]), "outcome")] = row["count"]
        }
        return counts
    }
}

extension ManifestTransaction {
    /// Notes what became of records; a later outcome takes the place of an earlier one.
    package func recordUndo(_ outcomes: [Int: UndoOutcome], of stream: StreamName) throws {
        let number = try number(of: stream)
        for (ordinal, outcome) in outcomes.sorted(by: { $0.key < $1.key }) {
            try execute(
                """
                INSERT INTO undo (stream, ordinal, outcome) VALUES (?, ?, ?)
                ON CONFLICT (stream, ordinal) DO UPDATE SET outcome = excluded.outcome
                """, [number, ordinal, outcome.rawValue])
        }
    }
}
