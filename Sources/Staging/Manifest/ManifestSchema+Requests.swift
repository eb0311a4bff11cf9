// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

extension ManifestSchema {
    /// What people asked of the run about their own data: records that are held back, and chunks whose lines are replaced.
    @Sendable static func createRequests(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE holds (
                    stream INTEGER NOT NULL REFERENCES streams, ordinal INTEGER NOT NULL,
                    kind TEXT NOT NULL CHECK (kind IN ('erased', 'restricted')),
                    subject TEXT NOT NULL CHECK (length(subject) = 32), requested_at INTEGER NOT NULL,
                    PRIMARY KEY (stream, ordinal)
                ) STRICT, WITHOUT ROWID;
                ALTER TABLE chunks ADD COLUMN slot INTEGER;
                CREATE TABLE replacements (
                    chunk INTEGER PRIMARY KEY REFERENCES chunks, slot INTEGER NOT NULL UNIQUE,
                    plaintext_bytes INTEGER NOT NULL, stored_bytes INTEGER NOT NULL,
                    sha256 TEXT NOT NULL CHECK (length(sha256) = 64)
                ) STRICT;
                """)
    }
}
