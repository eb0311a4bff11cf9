// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

/// What is known of a write that was begun.
package enum BatchState: String, Sendable, CaseIterable {
    /// It may be under way now.
    case open
    /// The process ended while it was open: whether the destination has it must be looked up by our own key.
    case ambiguous
    /// Every row has its receipt.
    case settled
}

/// The durable intent to write some lines of a ready chunk.
package struct StagedBatch: Sendable, Hashable {
    package var id: Int64
    package var stream: StreamName
    /// The ready chunk of the stream.
    package var chunkSequence: Int
    /// The lines of the chunk, from 0, both ends included.
    package var lines: ClosedRange<Int>
    /// How it is written, as the stage encodes it.
    package var route: String
    /// What the connector noted (the id of a bulk job).
    package var note: String?
    package var state: BatchState
}

extension ManifestView {
    /// The batches of the stream in these states, oldest first; `chunkSequence` narrows it to one chunk.
    package func batches(
        of stream: StreamName, states: Set<BatchState> = [.open, .ambiguous], chunkSequence: Int? = nil
    ) throws -> [StagedBatch] {
        let listed = states.map { "'\($0.rawValue)'" }.sorted().joined(separator: ", ")
        return try Row.fetchAll(
            database,
            sql: """
                SELECT * FROM batches WHERE stream = ? AND state IN (\(listed))
                    AND (? IS NULL OR chunk_sequence = ?) ORDER BY id
                """, arguments: [number(of: stream), chunkSequence, chunkSequence]
        ).map { row in
            let first: Int = row["first_line"]
            let last: Int = row["last_line"]
            return StagedBatch(
                id: row["id"], stream: stream, chunkSequence: row["chunk_sequence"], lines: first...max(first, last),
                route: row["route"], note: row["note"],
                state: try decoded(BatchState(rawValue: row["state"]), "state"))
        }
    }
}

extension ManifestTransaction {
    /// Notes the intent to write these lines. The write may be sent once this commit is durable, and not before.
    package func openBatch(
        of stream: StreamName, chunkSequence: Int, lines: ClosedRange<Int>, route: String
    ) throws -> StagedBatch {
        let number = try number(of: stream)
        try run(
            """
            INSERT INTO batches (stream, chunk_sequence, first_line, last_line, route, state, opened_at)
            VALUES (?, ?, ?, ?, ?, 'open', ?)
            """
        ) { row in
            try row.bind(1, number)
            try row.bind(2, Int64(chunkSequence))
            try row.bind(3, Int64(lines.lowerBound))
            try row.bind(4, Int64(lines.upperBound))
            try row.bind(5, route)
            try row.bind(6, now.milliseconds)
        }
        return StagedBatch(
            id: database.lastInsertedRowID, stream: stream, chunkSequence: chunkSequence, lines: lines, route: route,
            note: nil, state: .open)
    }

    /// Keeps what the connector must know to find the write again.
    package func noteBatch(_ id: Int64, _ note: String) throws {
        try execute("UPDATE batches SET note = ? WHERE id = ?", [note, id])
    }

    /// Ends a batch: each of its rows has its outcome in the same commit.
    package func settleBatch(_ id: Int64) throws {
        let changed = try run(
            "UPDATE batches SET state = 'settled', settled_at = ? WHERE id = ? AND state <> 'settled'"
        ) { row in
            try row.bind(1, now.milliseconds)
            try row.bind(2, id)
        }
        guard changed == 1 else { throw MigratezError(.internalError, "batch \(id) is settled already or unknown") }
    }

    /// Declares the fate of an open batch unknown: its write was sent, and no answer came.
    package func doubtBatch(_ id: Int64) throws {
        try execute("UPDATE batches SET state = 'ambiguous' WHERE id = ? AND state = 'open'", [id])
    }

    /// Declares the fate of all open batches unknown; returns how many. For a run that has just got its one owner.
    func doubtOpenBatches() throws -> Int {
        try execute("UPDATE batches SET state = 'ambiguous' WHERE state = 'open'", [])
    }

    /// Forgets the settled batches of a chunk that is spent; returns how many there were.
    @discardableResult
    package func removeSettledBatches(of stream: StreamName, chunkSequence: Int) throws -> Int {
        try execute(
            "DELETE FROM batches WHERE stream = ? AND chunk_sequence = ? AND state = 'settled'",
            [number(of: stream), chunkSequence])
    }
}
