// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import GRDB

/// Bytes beside documents: files that somebody uploaded.
extension DocumentSession {
    static let contentTable = "contents of documents"

    func addContentTable() throws {
        try execute(
            """
            CREATE TABLE IF NOT EXISTS \(Self.quoted(Self.contentTable)) (
                object TEXT NOT NULL, id INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (object, id))
            """)
    }

    /// Keeps bytes with a document, in the place of those that it had.
    package func keepContent(_ object: String, _ id: Int64, _ bytes: [UInt8]) throws {
        try execute(
            "INSERT OR REPLACE INTO \(Self.quoted(Self.contentTable)) VALUES (?, ?, ?)", [object, id, Data(bytes)])
    }

    /// The bytes of a document; `nil` if it has none.
    package func content(_ object: String, _ id: Int64) throws -> [UInt8]? {
        try firstBlob(
            "SELECT bytes FROM \(Self.quoted(Self.contentTable)) WHERE object = ? AND id = ?", [object, id]
        ).map { Array($0) }
    }
}
