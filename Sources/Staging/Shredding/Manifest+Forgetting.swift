// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezModel

extension ManifestTransaction {
    /// Deletes what identifies records, and ends the life of every chunk whose keys are destroyed. Counts, hashes,
    /// events and the audit trail stay.
    func forgetRecords() throws {
        try execute(
            """
            INSERT INTO reject_counts (stream, stage, code, vendor_code, fields, count)
            SELECT stream, stage, code, vendor_code, fields, count(*) FROM rejects
            GROUP BY stream, stage, code, vendor_code, fields
            """, [])
        try forgetDelta()
        try countContents()
        for table in [
            "records", "rejects", "tags", "batches", "images", "undo", "notes", "leases", "holds", "contents",
            "slices",
        ] {
            try execute("DELETE FROM \(table)", [])
        }
        try execute("UPDATE streams SET cursor = NULL", [])
        try execute("UPDATE chunks SET begins_at = NULL, ends_at = NULL", [])
        try execute("UPDATE events SET detail = NULL", [])
        for chunk in try chunks() {
            switch chunk.state {
            case .writing:
                try failChunk(chunk.address, .chunkInterrupted)
            case .leased:
                try execute("UPDATE chunks SET state = 'spent' WHERE id = ?", [chunk.id])
            case .sealed:
                try retire(chunk.address)
            case .spent, .failed: break
            case .shredded: continue
            }
            try shredChunk(try self.chunk(id: chunk.id))
        }
    }
}

extension ManifestView {
    /// How many rows identify records of a CRM.
    func personalRows() throws -> Int {
        try Int.fetchOne(
            database,
            sql: """
                SELECT (SELECT count(*) FROM (SELECT 1 FROM records LIMIT 1))
                    + (SELECT count(*) FROM rejects) + (SELECT count(*) FROM tags)
                    + (SELECT count(*) FROM batches) + (SELECT count(*) FROM notes)
                    + (SELECT count(*) FROM conflicts) + (SELECT count(*) FROM removals)
                    + (SELECT count(*) FROM holds) + (SELECT count(*) FROM contents)
                    + (SELECT count(*) FROM slices)
                    + (SELECT count(*) FROM images) + (SELECT count(*) FROM undo)
                    + (SELECT count(*) FROM streams WHERE cursor IS NOT NULL)
                    + (SELECT count(*) FROM chunks WHERE begins_at IS NOT NULL OR ends_at IS NOT NULL)
                """) ?? 0
    }
}
