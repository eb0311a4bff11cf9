// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezJSON
package import MigratezModel

/// What a simulated account holds, in SQLite: a table for each object, with JSON documents under whole numbers.
///
/// Ids are never given twice. All work is done on the database's own queue, one closure at a time.
package final class DocumentStore: Sendable {
    /// One table.
    package struct Object: Sendable {
        package var name: String
        /// The id of the first document.
        package var firstID: Int64
        /// Members by which documents are looked for.
        package var indexed: [String]
        /// Members of which no two documents that are not deleted have the same value; absent and null ones do not count.
        package var unique: [String]

        package init(_ name: String, firstID: Int64 = 1, indexed: [String] = [], unique: [String] = []) {
            self.name = name
            self.firstID = firstID
            self.indexed = indexed
            self.unique = unique
        }
    }

    /// Another document has the same value in a member that is unique.
    package struct Conflict: Error, Equatable {
        package var object: String
        package var member: String

        package init(object: String, member: String) {
            self.object = object
            self.member = member
        }
    }

    private let queue: DatabaseQueue

    /// - Parameter path: the database file, created if it does not exist and continued with if it does; `nil` for a
    ///   temporary one that leaves no trace.
    package init(path: String?, objects: [Object]) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            // A simulator's data need not outlive a power cut; a kill of its process they do.
            try database.execute(sql: "PRAGMA synchronous = OFF")
        }
        // SQLite's empty file name: a private database that is deleted when it is closed (sqlite.org/inmemorydb.html).
        queue = try DatabaseQueue(path: path ?? "", configuration: configuration)
        try queue.write { database in
            let session = DocumentSession(database)
            for object in objects { try session.add(object) }
            try session.addContentTable()
        }
    }

    /// Runs `work` on what is stored; it must not write.
    package func read<Value>(_ work: (DocumentSession) throws -> Value) throws -> Value {
        try queue.read { try work(DocumentSession($0)) }
    }

    /// Runs `work` in one transaction, which an error rolls back.
    package func write<Value>(_ work: (DocumentSession) throws -> Value) throws -> Value {
        try queue.write { try work(DocumentSession($0)) }
    }
}

/// A document as it is stored.
package struct StoredDocument: Sendable {
    package var id: Int64
    package var document: JSONValue
    package var createdAt: Timestamp
    package var modifiedAt: Timestamp
    /// Whether it was deleted and is still there, as in a recycle bin.
    package var isDeleted: Bool
}
