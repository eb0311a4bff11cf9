// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

/// One of the parts of a stream that are read side by side.
package struct StreamSlice: Sendable, Hashable {
    /// From 1 upward in the order in which the slices' records count.
    package var number: Int
    /// Where it is read on from; nil = it is read to its end.
    package var cursor: MigratezModel.Cursor?

    /// How many chunks of a kind a slice may have. The sequences of the first one begin with 1, those of the second one
    /// behind this number, and so on: so chunks, and the ordinals of the records in them, are in the order of the slices,
    /// whichever of these was faster.
    static let chunksMax = 1_000_000

    /// The sequences of a slice's chunks.
    static func sequences(of number: Int) -> ClosedRange<Int> {
        (number - 1) * chunksMax + 1...number * chunksMax
    }
}

extension ManifestView {
    /// The slices of a stream in their order; none if it is read in one piece.
    package func slices(of stream: StreamName) throws -> [StreamSlice] {
        try Row.fetchAll(
            database, sql: "SELECT number, cursor FROM slices WHERE stream = ? ORDER BY number",
            arguments: [number(of: stream)]
        ).map { row in
            let cursor: String? = row["cursor"]
            return StreamSlice(number: row["number"], cursor: cursor.map { MigratezModel.Cursor($0) })
        }
    }
}

extension ManifestTransaction {
    /// Notes the slices in which a stream is read, before anything of it is.
    ///
    /// - Throws: `invalidTransition` if its reading has begun.
    package func cut(_ stream: StreamName, into slices: [MigratezModel.Cursor]) throws {
        guard try self.stream(stream)?.state(of: .extract) == .pending else {
            throw MigratezError(.invalidTransition, "the reading of '\(stream)' has begun, so it is not cut any more")
        }
        for (index, cursor) in slices.enumerated() {
            try execute(
                "INSERT INTO slices (stream, number, cursor) VALUES (?, ?, ?)",
                [number(of: stream), index + 1, cursor.text])
        }
        try set(.extract, of: stream, to: .running)
    }

    /// Moves the cursor of a slice (nil: it is at its end), counting what was read since the last move. With the last
    /// slice the stream is at its end.
    ///
    /// Belongs into the commit that seals the chunk with these records, as `moveCursor(of:to:recordsRead:)` does.
    package func moveCursor(
        of stream: StreamName, slice: Int, to cursor: MigratezModel.Cursor?, recordsRead: Int
    ) throws {
        let changed = try execute(
            "UPDATE slices SET cursor = ? WHERE stream = ? AND number = ?", [cursor?.text, number(of: stream), slice])
        guard changed == 1 else {
            throw MigratezError(.internalError, "stream '\(stream)' has no slice \(slice)")
        }
        try moveCursor(of: stream, to: nil, recordsRead: recordsRead)
        if try slices(of: stream).allSatisfy({ $0.cursor == nil }) { try set(.extract, of: stream, to: .done) }
    }
}
