// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezModel

/// The numbered migrations of the manifest. One that has shipped is never edited; a change is a new number.
enum ManifestSchema {
    /// The version that this program writes, kept in SQLite's `user_version`.
    static let version = 10

    /// Brings an empty or older manifest to `version`; each step is a transaction of its own with the number in it.
    ///
    /// Throws `manifestTooNew` and changes nothing if a newer program wrote it.
    static func migrate(_ database: Database) throws {
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        try check(found)
        for (number, step) in steps.enumerated() where number >= found {
            try database.inTransaction(.immediate) {
                try step(database)
                try database.execute(sql: "PRAGMA user_version = \(number + 1)")
                return .commit
            }
        }
    }

    /// Throws `manifestTooNew` for a version above ours.
    static func check(_ found: Int) throws(MigratezError) {
        guard found <= version else {
            throw MigratezError(
                .manifestTooNew, "the manifest has version \(found), this program knows up to \(version)",
                remedy: .fixConfiguration, hint: "use the version of migratez that started the run, or a newer one")
        }
    }

    private static let steps: [@Sendable (Database) throws -> Void] = [
        version1, version2, version3, version4, version5, createProof, createDelta, createRequests, createContents,
        createSlices,
    ]

    /// Times are milliseconds since 1970 in UTC; stages, kinds, states and codes are their texts, outcomes their numbers.
    @Sendable private static func version1(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE run (
                    id TEXT PRIMARY KEY CHECK (length(id) = 8),
                    pipeline TEXT NOT NULL, digest TEXT NOT NULL, source TEXT NOT NULL, destination TEXT NOT NULL,
                    phase TEXT NOT NULL CHECK (phase IN ('running', 'loaded', 'verified', 'confirmed',
                        'keys_destroyed', 'unlinked', 'residue_checked', 'certified')),
                    activity TEXT NOT NULL CHECK (activity IN ('active', 'paused', 'interrupted', 'failed', 'finished')),
                    activity_code TEXT, activity_message TEXT, resumes_at INTEGER,
                    created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE streams (
                    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
                    kind TEXT NOT NULL CHECK (kind IN ('object', 'link')),
                    cursor TEXT, records_read INTEGER NOT NULL DEFAULT 0, source_total INTEGER
                ) STRICT;
                CREATE TABLE stages (
                    stream INTEGER NOT NULL REFERENCES streams, stage TEXT NOT NULL,
                    state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'done')),
                    PRIMARY KEY (stream, stage)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE counters (
                    stream INTEGER NOT NULL REFERENCES streams, stage TEXT NOT NULL, outcome INTEGER NOT NULL,
                    count INTEGER NOT NULL, PRIMARY KEY (stream, stage, outcome)
                ) STRICT, WITHOUT ROWID;
                """)
        try createChunks(database)
        try createRecords(database)
        try createLedgers(database)
    }

    private static func createChunks(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE chunk_transitions (
                    old TEXT NOT NULL, new TEXT NOT NULL, PRIMARY KEY (old, new)
                ) STRICT, WITHOUT ROWID;
                INSERT INTO chunk_transitions (old, new) VALUES
                    ('writing', 'sealed'), ('writing', 'failed'),
                    ('sealed', 'leased'), ('sealed', 'spent'), ('sealed', 'failed'),
                    ('leased', 'sealed'), ('leased', 'spent'), ('leased', 'failed'),
                    ('spent', 'shredded'),
                    ('failed', 'sealed'), ('failed', 'writing'), ('failed', 'shredded');
                CREATE TABLE chunks (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    stream INTEGER NOT NULL REFERENCES streams, kind TEXT NOT NULL, sequence INTEGER NOT NULL,
                    state TEXT NOT NULL CHECK (state IN ('writing', 'sealed', 'leased', 'spent', 'shredded', 'failed')),
                    attempt INTEGER NOT NULL CHECK (attempt >= 1),
                    failure TEXT, records INTEGER NOT NULL DEFAULT 0, first_ordinal INTEGER,
                    plaintext_bytes INTEGER NOT NULL DEFAULT 0, stored_bytes INTEGER NOT NULL DEFAULT 0,
                    sha256 TEXT, changed_at INTEGER NOT NULL,
                    UNIQUE (stream, kind, sequence),
                    CHECK ((state = 'failed') = (failure IS NOT NULL)),
                    CHECK (state NOT IN ('sealed', 'leased', 'spent') OR length(sha256) = 64)
                ) STRICT;
                CREATE INDEX chunks_by_state ON chunks (stream, kind, state, sequence);
                CREATE TRIGGER chunks_begin_as_writing BEFORE INSERT ON chunks WHEN new.state <> 'writing'
                BEGIN SELECT RAISE(ABORT, 'a chunk begins as writing'); END;
                CREATE TRIGGER chunks_follow_the_lifecycle BEFORE UPDATE OF state ON chunks
                WHEN NOT EXISTS (SELECT 1 FROM chunk_transitions WHERE old = old.state AND new = new.state)
                BEGIN SELECT RAISE(ABORT, 'the lifecycle has no such transition'); END;
                CREATE TABLE leases (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, chunk INTEGER NOT NULL UNIQUE REFERENCES chunks,
                    stage TEXT NOT NULL, deadline INTEGER NOT NULL
                ) STRICT;
                """)
    }

    private static func createRecords(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE records (
                    stream INTEGER NOT NULL, ordinal INTEGER NOT NULL,
                    outcome INTEGER NOT NULL CHECK (outcome BETWEEN 1 AND 6), stage TEXT NOT NULL,
                    code TEXT, source_id TEXT, target_id TEXT, survivor INTEGER,
                    PRIMARY KEY (stream, ordinal)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE rejects (
                    stream INTEGER NOT NULL REFERENCES streams, ordinal INTEGER NOT NULL, stage TEXT NOT NULL,
                    source_id TEXT, code TEXT NOT NULL, vendor_code TEXT, fields TEXT NOT NULL,
                    chunk_sequence INTEGER, line INTEGER,
                    PRIMARY KEY (stream, ordinal, stage)
                ) STRICT, WITHOUT ROWID;
                CREATE INDEX rejects_by_code ON rejects (code, stream, ordinal);
                CREATE TABLE batches (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    stream INTEGER NOT NULL REFERENCES streams, chunk_sequence INTEGER NOT NULL,
                    first_line INTEGER NOT NULL, last_line INTEGER NOT NULL CHECK (last_line >= first_line),
                    route TEXT NOT NULL, note TEXT,
                    state TEXT NOT NULL CHECK (state IN ('open', 'ambiguous', 'settled')),
                    opened_at INTEGER NOT NULL, settled_at INTEGER,
                    CHECK ((state = 'settled') = (settled_at IS NOT NULL))
                ) STRICT;
                CREATE INDEX batches_unsettled ON batches (stream, chunk_sequence) WHERE state <> 'settled';
                """)
    }

    private static func createLedgers(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
                CREATE TABLE quota (
                    service TEXT NOT NULL, budget TEXT NOT NULL, used INTEGER NOT NULL, allowed INTEGER,
                    resets_at INTEGER, PRIMARY KEY (service, budget)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE events (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, name TEXT NOT NULL,
                    stream INTEGER REFERENCES streams, code TEXT, detail TEXT
                ) STRICT;
                CREATE TABLE audit (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, actor TEXT NOT NULL,
                    action TEXT NOT NULL, detail TEXT NOT NULL
                ) STRICT;
                CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
                BEGIN SELECT RAISE(ABORT, 'audit entries are append-only'); END;
                CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
                BEGIN SELECT RAISE(ABORT, 'audit entries are append-only'); END;
                CREATE TABLE retention (
                    only INTEGER PRIMARY KEY CHECK (only = 1), until INTEGER NOT NULL, person TEXT NOT NULL,
                    reason TEXT NOT NULL, requested_at INTEGER NOT NULL
                ) STRICT;
                CREATE TABLE confirmation (
                    only INTEGER PRIMARY KEY CHECK (only = 1), person TEXT NOT NULL, basis TEXT NOT NULL,
                    confirmed_at INTEGER NOT NULL
                ) STRICT;
                """)
    }

    /// What the person who began the run decided about the end of its data.
    @Sendable private static func version2(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE retention_policy (
                    only INTEGER PRIMARY KEY CHECK (only = 1), shreds_when_confirmed INTEGER NOT NULL,
                    unconfirmed_max INTEGER, keeps_report INTEGER NOT NULL, keeps_id_map INTEGER NOT NULL,
                    recipients INTEGER NOT NULL
                ) STRICT;
                """)
    }

    /// Where in the source a raw chunk begins and ends.
    @Sendable private static func version3(_ database: Database) throws {
        try database.execute(
            sql: """
                ALTER TABLE chunks ADD COLUMN begins_at TEXT;
                ALTER TABLE chunks ADD COLUMN ends_at TEXT;
                """)
    }

    /// A run can be `cancelled`. SQLite cannot change a CHECK, so the table is made anew
    /// (https://www.sqlite.org/lang_altertable.html#otheralter).
    @Sendable private static func version4(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE run_with_cancelled (
                    id TEXT PRIMARY KEY CHECK (length(id) = 8),
                    pipeline TEXT NOT NULL, digest TEXT NOT NULL, source TEXT NOT NULL, destination TEXT NOT NULL,
                    phase TEXT NOT NULL CHECK (phase IN ('running', 'loaded', 'verified', 'confirmed',
                        'keys_destroyed', 'unlinked', 'residue_checked', 'certified')),
                    activity TEXT NOT NULL CHECK (activity IN ('active', 'paused', 'interrupted', 'failed', 'finished',
                        'cancelled')),
                    activity_code TEXT, activity_message TEXT, resumes_at INTEGER,
                    created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID;
                INSERT INTO run_with_cancelled SELECT id, pipeline, digest, source, destination, phase, activity,
                    activity_code, activity_message, resumes_at, created_at, changed_at FROM run;
                DROP TABLE run;
                ALTER TABLE run_with_cancelled RENAME TO run;
                """)
    }

    /// Values before changes, and what became of records when the run was undone.
    @Sendable private static func version5(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE images (
                    stream INTEGER NOT NULL REFERENCES streams, ordinal INTEGER NOT NULL, target_id TEXT NOT NULL,
                    origin TEXT NOT NULL CHECK (origin IN ('ours', 'overwritten', 'completed')),
                    chunk_sequence INTEGER NOT NULL, line INTEGER NOT NULL, ready_sequence INTEGER NOT NULL,
                    PRIMARY KEY (stream, ordinal)
                ) STRICT, WITHOUT ROWID;
                CREATE INDEX images_by_ready ON images (stream, ready_sequence);
                CREATE TABLE undo (
                    stream INTEGER NOT NULL REFERENCES streams, ordinal INTEGER NOT NULL,
                    outcome TEXT NOT NULL CHECK (outcome IN ('sent', 'deleted', 'restored', 'edited', 'needed',
                        'refused', 'gone')),
                    PRIMARY KEY (stream, ordinal)
                ) STRICT, WITHOUT ROWID;
                """)
    }
}
