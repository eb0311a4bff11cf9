// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

/// Why a record of the destination was there before the run changed it.
package enum ImageOrigin: String, Sendable, CaseIterable {
    /// An earlier run wrote it: it carries our key.
    case ours
    /// It was found by a rule of `against_target`, and all mapped fields are set.
    case overwritten
    /// It was found by a rule of `against_target`, and only its empty fields are set.
    case completed
}

/// Where the values lie that a record of the destination had before the run changed it.
///
/// There is one for each record that a write may have changed: it is noted in the commit that notes the intent of that
/// write, and the first one counts.
package struct ImagePlace: Sendable, Hashable {
    package var ordinal: Int
    /// The destination's id of the record.
    package var targetID: String
    package var origin: ImageOrigin
    /// The sequence number of the before chunk of the stream, and the line in it, from 0.
    package var chunkSequence: Int
    package var line: Int
    /// The sequence number of the ready chunk that the record was last written from.
    package var readySequence: Int

    package init(
        ordinal: Int, targetID: String, origin: ImageOrigin, chunkSequence: Int, line: Int, readySequence: Int
    ) {
        self.ordinal = ordinal
        self.targetID = targetID
        self.origin = origin
        self.chunkSequence = chunkSequence
        self.line = line
        self.readySequence = readySequence
    }

    fileprivate init(_ row: Row) throws {
        ordinal = row["ordinal"]
        targetID = row["target_id"]
        origin = try decoded(ImageOrigin(rawValue: row["origin"]), "origin")
        chunkSequence = row["chunk_sequence"]
        line = row["line"]
        readySequence = row["ready_sequence"]
    }
}

extension ManifestView {
    /// The images of the records with these ordinals; those without one are absent from the answer.
    package func images(of stream: StreamName, ordinals: [Int]) throws -> [ImagePlace] {
        let number = try number(of: stream)
        let statement = try database.cachedStatement(sql: "SELECT * FROM images WHERE stream = ? AND ordinal = ?")
        return try ordinals.compactMap { ordinal in
            try Row.fetchOne(statement, arguments: [number, ordinal]).map { try ImagePlace($0) }
        }
    }

    /// The images of the records that were last written from one ready chunk.
    package func images(of stream: StreamName, readySequence: Int) throws -> [ImagePlace] {
        try Row.fetchAll(
            database, sql: "SELECT * FROM images WHERE stream = ? AND ready_sequence = ? ORDER BY ordinal",
            arguments: [number(of: stream), readySequence]
        ).map { try ImagePlace($0) }
    }
}

extension ManifestTransaction {
    /// Notes where the values before a change lie. An image of the same record of the destination stays as it is; one
    /// of another record, which was not changed after all, is replaced.
    package func recordImages(_ images: [ImagePlace], of stream: StreamName) throws {
        let number = try number(of: stream)
        for image in images {
            try execute(
                """
                INSERT INTO images (stream, ordinal, target_id, origin, chunk_sequence, line, ready_sequence)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (stream, ordinal) DO UPDATE SET target_id = excluded.target_id, origin = excluded.origin,
                    chunk_sequence = excluded.chunk_sequence, line = excluded.line,
                    ready_sequence = excluded.ready_sequence
                    WHERE target_id <> excluded.target_id
                """,
                [
                    number, image.ordinal, image.targetID, image.origin.rawValue, image.chunkSequence, image.line,
                    image.readySequence,
                ])
        }
    }

    /// Notes that records which have an image are written from this ready chunk now.
    package func moveImages(of stream: StreamName, ordinals: [Int], toReady sequence: Int) throws {
        let number = try number(of: stream)
        for ordinal in ordinals {
            try execute(
                "UPDATE images SET ready_sequence = ? WHERE stream = ? AND ordinal = ?", [sequence, number, ordinal])
        }
    }
}
