// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

extension ManifestSchema {
    /// Where each slice of a stream is read on from. A stream without any is read in one piece, by its own cursor, as in
    /// every run of an earlier version.
    @Sendable static func createSlices(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE slices (
                    stream INTEGER NOT NULL REFERENCES streams, number INTEGER NOT NULL CHECK (number >= 1),
                    cursor TEXT, PRIMARY KEY (stream, number)
                ) STRICT, WITHOUT ROWID;
                """)
    }
}
