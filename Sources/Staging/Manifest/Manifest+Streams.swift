// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

/// Whether a stream's entries are records or links between them.
package enum StreamKind: String, Sendable, Codable, CaseIterable {
    case object, link
}

/// How far one stage is with one stream.
package enum StageState: String, Sendable, Codable, CaseIterable {
    case pending, running, done
}

/// One stream as the manifest knows it.
package struct StreamStatus: Sendable {
    package var name: StreamName
    /// From 1 upward in the order of declaration.
    package var number: Int
    package var kind: StreamKind
    /// Where each stage is; a stage that was never set is `pending`.
    package var stages: [Stage: StageState]
    /// Where the source is read on from; nil before the first page and after the last, and where it is read in slices.
    package var cursor: MigratezModel.Cursor?
    /// Entries in raw chunks so far; the next ordinal.
    package var recordsRead: Int
    /// How many the source says there are, if it says so.
    package var sourceTotal: Int?

    /// Where the stage is.
    package func state(of stage: Stage) -> StageState { stages[stage] ?? .pending }
}

extension ManifestView {
    /// All streams in the order of their declaration.
    package func streams() throws -> [StreamStatus] {
        var stages: [Int: [Stage: StageState]] = [:]
        for row in try Row.fetchAll(database, sql: "SELECT stream, stage, state FROM stages") {
            let stage = try decoded(Stage(rawValue: row["stage"]), "stage")
            stages[row["stream"], default: [:]][stage] = try decoded(StageState(rawValue: row["state"]), "state")
        }
        return try Row.fetchAll(database, sql: "SELECT * FROM streams ORDER BY number").map { row in
            let cursor: String? = row["cursor"]
            return StreamStatus(
                name: try decoded(StreamName(row["name"]), "name"), number: row["number"],
                kind: try decoded(StreamKind(rawValue: row["kind"]), "kind"), stages: stages[row["number"]] ?? [:],
                cursor: cursor.map { MigratezModel.Cursor($0) }, recordsRead: row["records_read"],
                sourceTotal: row["source_total"])
        }
    }

    /// One stream, or nil if it has not been declared.
    package func stream(_ name: StreamName) throws -> StreamStatus? { try streams().first { $0.name == name } }
}

extension ManifestTransaction {
    /// Makes a stream known; it gets the next number. Declaring it again with the same kind changes nothing.
    package func declare(_ stream: StreamName, _ kind: StreamKind) throws {
        if let known = try self.stream(stream) {
            guard known.kind == kind else {
                throw MigratezError(.internalError, "stream '\(stream)' is declared as \(known.kind) already")
            }
            return
        }
        try execute("INSERT INTO streams (name, kind) VALUES (?, ?)", [stream.text, kind.rawValue])
    }

    /// Moves the source's cursor (nil: at the end), counting what was read since the last move.
    ///
    /// Belongs into the commit that seals the chunk with these records: then a crash costs re-reading, never a record.
    package func moveCursor(of stream: StreamName, to cursor: MigratezModel.Cursor?, recordsRead: Int) throws {
        try execute(
            "UPDATE streams SET cursor = ?, records_read = records_read + ? WHERE number = ?",
            [cursor?.text, recordsRead, number(of: stream)])
    }

    /// Notes how many records the source says the stream has.
    package func setSourceTotal(_ total: Int, of stream: StreamName) throws {
        try execute("UPDATE streams SET source_total = ? WHERE number = ?", [total, number(of: stream)])
    }

    /// Notes how far a stage is with the stream.
    package func set(_ stage: Stage, of stream: StreamName, to state: StageState) throws {
        try execute(
            "INSERT INTO stages (stream, stage, state) VALUES (?, ?, ?) "
                + "ON CONFLICT (stream, stage) DO UPDATE SET state = excluded.state",
            [number(of: stream), stage.rawValue, state.rawValue])
    }
}
