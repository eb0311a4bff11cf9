// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

extension ManifestSchema {
    /// Where the bytes of files lie, and how verified files compared. The counts outlive shredding.
    @Sendable static func createContents(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE contents (
                    stream INTEGER NOT NULL REFERENCES streams, ordinal INTEGER NOT NULL,
                    state TEXT NOT NULL CHECK (state IN ('partial', 'whole', 'unavailable', 'unchanged')),
                    first_sequence INTEGER, first_line INTEGER, last_sequence INTEGER,
                    bytes INTEGER NOT NULL, sha256 TEXT, version TEXT,
                    PRIMARY KEY (stream, ordinal),
                    CHECK (state = 'unchanged' OR (first_sequence IS NOT NULL AND first_line IS NOT NULL)),
                    CHECK (state <> 'whole' OR (length(sha256) = 64 AND last_sequence >= first_sequence))
                ) STRICT, WITHOUT ROWID;
                CREATE INDEX contents_by_chunk ON contents (stream, first_sequence) WHERE first_sequence IS NOT NULL;
                CREATE TABLE content_counts (
                    stream INTEGER NOT NULL REFERENCES streams, state TEXT NOT NULL, files INTEGER NOT NULL,
                    bytes INTEGER NOT NULL
                ) STRICT;
                ALTER TABLE verifications ADD COLUMN files INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE verifications ADD COLUMN file_bytes INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE verifications ADD COLUMN files_different INTEGER NOT NULL DEFAULT 0;
                """)
    }
}
