// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

extension ManifestSchema {
    /// What a run that goes on from an earlier one decides: fields that both sides changed, and records whose source is
    /// gone. The counts outlive shredding.
    @Sendable static func createDelta(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE conflicts (
                    stream INTEGER NOT NULL REFERENCES streams, ordinal INTEGER NOT NULL, field TEXT NOT NULL,
                    decision TEXT NOT NULL CHECK (decision IN ('source', 'target', 'quarantine')),
                    PRIMARY KEY (stream, ordinal, field)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE conflict_counts (
                    stream INTEGER NOT NULL REFERENCES streams, field TEXT NOT NULL, decision TEXT NOT NULL,
                    count INTEGER NOT NULL
                ) STRICT;
                CREATE TABLE removals (
                    stream INTEGER NOT NULL REFERENCES streams, key TEXT NOT NULL, target_id TEXT NOT NULL,
                    fate TEXT NOT NULL CHECK (fate IN ('deleted', 'merged', 'unlinked')),
                    outcome TEXT CHECK (outcome IN ('deleted', 'kept', 'edited', 'needed', 'refused', 'gone')),
                    PRIMARY KEY (stream, key)
                ) STRICT, WITHOUT ROWID;
                ALTER TABLE retention_policy ADD COLUMN keeps_baseline INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE verifications ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
                CREATE TABLE removal_counts (
                    stream INTEGER NOT NULL REFERENCES streams, fate TEXT NOT NULL, outcome TEXT, count INTEGER NOT NULL
                ) STRICT;
                """)
    }
}
