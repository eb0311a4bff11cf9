// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

extension ManifestSchema {
    /// What the report and the proof rest on besides outcomes: counts and sums only, so that all of it but `tags`, which
    /// names records, outlives shredding.
    @Sendable static func createProof(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE field_counts (
                    stream INTEGER NOT NULL REFERENCES streams, field TEXT NOT NULL, measure TEXT NOT NULL,
                    count INTEGER NOT NULL, PRIMARY KEY (stream, field, measure)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE tags (
                    stream INTEGER NOT NULL REFERENCES streams, tag TEXT NOT NULL, ordinal INTEGER NOT NULL,
                    PRIMARY KEY (stream, tag, ordinal)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE reject_counts (
                    stream INTEGER NOT NULL REFERENCES streams, stage TEXT NOT NULL, code TEXT NOT NULL,
                    vendor_code TEXT, fields TEXT NOT NULL, count INTEGER NOT NULL
                ) STRICT;
                CREATE TABLE samples (
                    time INTEGER PRIMARY KEY, session INTEGER NOT NULL, extracted INTEGER NOT NULL,
                    transformed INTEGER NOT NULL, loaded INTEGER NOT NULL, rejected INTEGER NOT NULL,
                    resident_bytes INTEGER NOT NULL, staged_bytes INTEGER NOT NULL, remaining INTEGER
                ) STRICT;
                CREATE TABLE traffic (
                    session INTEGER NOT NULL, side TEXT NOT NULL CHECK (side IN ('source', 'destination')),
                    requests INTEGER NOT NULL, throttled INTEGER NOT NULL, failed INTEGER NOT NULL,
                    PRIMARY KEY (session, side)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE verifications (
                    stream INTEGER PRIMARY KEY REFERENCES streams, object TEXT NOT NULL, checked_at INTEGER NOT NULL,
                    share REAL NOT NULL, loaded INTEGER NOT NULL, counted INTEGER, compared INTEGER NOT NULL,
                    missing INTEGER NOT NULL
                ) STRICT;
                CREATE TABLE verified_fields (
                    stream INTEGER NOT NULL REFERENCES verifications ON DELETE CASCADE, field TEXT NOT NULL,
                    sent INTEGER NOT NULL, held INTEGER NOT NULL, different INTEGER NOT NULL,
                    PRIMARY KEY (stream, field)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE verified_sums (
                    stream INTEGER NOT NULL REFERENCES verifications ON DELETE CASCADE, field TEXT NOT NULL,
                    labels TEXT NOT NULL, sent TEXT NOT NULL, held TEXT NOT NULL, sent_count INTEGER NOT NULL,
                    held_count INTEGER NOT NULL, unreadable INTEGER NOT NULL, PRIMARY KEY (stream, field, labels)
                ) STRICT, WITHOUT ROWID;
                """)
    }
}
