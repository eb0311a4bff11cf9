// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezChunkFormat
import MigratezCrypto
import MigratezModel

extension ManifestView {
    /// The chunks whose replacement was decided and is not finished.
    func chunksBeingReplaced() throws -> [Chunk] {
        try Int64.fetchAll(database, sql: "SELECT chunk FROM replacements ORDER BY chunk").map { try chunk(id: $0) }
    }
}

extension ManifestTransaction {
    /// A slot of the key ring that no chunk has had or will have.
    ///
    /// Slots are numbered like chunks, so the number is taken out of theirs
    /// (https://www.sqlite.org/autoinc.html: the sequence is an ordinary table).
    func takeSlot() throws -> Int64 {
        try execute("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'chunks'", [])
        return try decoded(
            Int64.fetchOne(database, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'chunks'"), "seq")
    }

    /// Decides that the file that was written under a temporary name takes the chunk's place.
    func decideReplacement(of chunk: Chunk, slot: Int64, _ summary: ChunkSummary) throws {
        try execute(
            "INSERT INTO replacements (chunk, slot, plaintext_bytes, stored_bytes, sha256) VALUES (?, ?, ?, ?, ?)",
            [
                chunk.id, slot, summary.plaintextBytes, summary.ciphertextBytes, Hex.encode(summary.ciphertextDigest),
            ])
    }

    /// Notes that the file is in its place and the key of the one before is destroyed: the chunk's next attempt.
    func finishReplacement(of chunk: Chunk) throws {
        try execute(
            """
            UPDATE chunks SET attempt = attempt + 1, slot = replacements.slot,
                plaintext_bytes = replacements.plaintext_bytes, stored_bytes = replacements.stored_bytes,
                sha256 = replacements.sha256, changed_at = ?
            FROM replacements WHERE replacements.chunk = chunks.id AND chunks.id = ?
            """, [now.milliseconds, chunk.id])
        try execute("DELETE FROM replacements WHERE chunk = ?", [chunk.id])
    }
}
