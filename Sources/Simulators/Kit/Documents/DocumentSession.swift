// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import GRDB
package import MigratezJSON
package import MigratezModel

/// The documents of a store within one transaction; of no use after the closure that it was given to.
package struct DocumentSession {
    private let database: Database

    init(_ database: Database) { self.database = database }

    /// Makes the table of an object, if there is none.
    package func add(_ object: DocumentStore.Object) throws {
        let table = Self.quoted(object.name)
        guard try !database.tableExists(object.name) else { return }
        try database.execute(
            sql: """
                CREATE TABLE \(table) (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, document TEXT NOT NULL, created INTEGER NOT NULL,
                    modified INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0);
                CREATE INDEX \(Self.quoted("\(object.name) by time")) ON \(table) (modified, id);
                """)
        try database.execute(
            sql: "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", arguments: [object.name, object.firstID - 1])
        for member in object.indexed {
            try database.execute(
                sql: "CREATE INDEX \(Self.quoted("\(object.name).\(member)")) ON \(table) (\(Self.value(of: member)))")
        }
        for member in object.unique {
            try database.execute(
                sql: """
                    CREATE UNIQUE INDEX \(Self.quoted("\(object.name).\(member)")) ON \(table) (\(Self.value(of: member)))
                    WHERE deleted = 0
                    """)
        }
    }

    /// Stores a new document and gives its id.
    ///
    /// - Parameter id: the id that it is to have; by itself the one after the highest that was ever given.
    /// - Throws: `DocumentStore.Conflict`.
    @discardableResult
    package func insert(
        _ object: String, _ document: JSONValue, at instant: Timestamp, id: Int64? = nil
    ) throws -> Int64 {
        try detectingConflict(in: object) {
            try run(
                "INSERT INTO \(Self.quoted(object)) (id, document, created, modified) VALUES (?, ?, ?, ?)",
                [id, Self.text(document), instant.milliseconds, instant.milliseconds])
        }
        return database.lastInsertedRowID
    }

    /// The document with the id, deleted or not.
    package func document(_ object: String, _ id: Int64) throws -> StoredDocument? {
        try documents(object, where: .id(.equals, id), includingDeleted: true).first
    }

    /// Puts another document in the place of one.
    ///
    /// - Throws: `DocumentStore.Conflict`.
    package func replace(
        _ object: String, _ id: Int64, with document: JSONValue, at instant: Timestamp
    ) throws {
        try detectingConflict(in: object) {
            try run(
                "UPDATE \(Self.quoted(object)) SET document = ?, modified = ? WHERE id = ?",
                [Self.text(document), instant.milliseconds, id])
        }
    }

    /// Marks a document as deleted; it stays.
    package func delete(_ object: String, _ id: Int64, at instant: Timestamp) throws {
        try run(
            "UPDATE \(Self.quoted(object)) SET deleted = 1, modified = ? WHERE id = ?", [instant.milliseconds, id])
    }

    /// Removes a document for good.
    package func erase(_ object: String, _ id: Int64) throws {
        try run("DELETE FROM \(Self.quoted(object)) WHERE id = ?", [id])
    }

    /// The documents that meet a condition, in an order.
    package func documents(
        _ object: String, where condition: DocumentCondition = .all, order: DocumentOrder = .id,
        offset: Int = 0, limit: Int? = nil, includingDeleted: Bool = false
    ) throws -> [StoredDocument] {
        var arguments: [DatabaseValue] = []
        let filter = condition.sql(&arguments) + (includingDeleted ? "" : " AND deleted = 0")
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT id, document, created, modified, deleted FROM \(Self.quoted(object))
                WHERE \(filter) ORDER BY \(order.sql) LIMIT \(limit ?? -1) OFFSET \(offset)
                """, arguments: StatementArguments(arguments))
        return try rows.map { row in
            let text: String = row[1]
            return StoredDocument(
                id: row[0], document: try JSONValue(parsing: Array(text.utf8)),
                createdAt: Timestamp(milliseconds: row[2]), modifiedAt: Timestamp(milliseconds: row[3]),
                isDeleted: row[4])
        }
    }

    /// How many documents meet a condition.
    package func count(
        _ object: String, where condition: DocumentCondition = .all, includingDeleted: Bool = false
    ) throws -> Int {
        var arguments: [DatabaseValue] = []
        let filter = condition.sql(&arguments) + (includingDeleted ? "" : " AND deleted = 0")
        return try Int.fetchOne(
            database, sql: "SELECT COUNT(*) FROM \(Self.quoted(object)) WHERE \(filter)",
            arguments: StatementArguments(arguments)) ?? 0
    }

    /// Runs `work`; if it throws, nothing that it wrote is kept, and the transaction goes on.
    package func savepoint<Value>(_ work: () throws -> Value) throws -> Value {
        var value: Value?
        try database.inSavepoint {
            value = try work()
            return .commit
        }
        guard let value else { preconditionFailure("a savepoint that was released has run its work") }
        return value
    }

    private func run(_ sql: String, _ arguments: StatementArguments) throws {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
    }

    /// SQLite names the index whose rule was broken: `UNIQUE constraint failed: index 'object.member'`.
    private func detectingConflict(in object: String, _ work: () throws -> Void) throws {
        do {
            try work()
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE {
            let parts = (error.message ?? "").split(separator: "'")
            guard parts.count == 2, parts[1].hasPrefix("\(object).") else { throw error }
            throw DocumentStore.Conflict(object: object, member: String(parts[1].dropFirst(object.count + 1)))
        }
    }

    func execute(_ sql: String, _ arguments: StatementArguments = []) throws {
        try database.execute(sql: sql, arguments: arguments)
    }

    /// The blob that a query finds.
    func firstBlob(_ sql: String, _ arguments: StatementArguments) throws -> Data? {
        try Data.fetchOne(database, sql: sql, arguments: arguments)
    }

    static func quoted(_ name: String) -> String {
        precondition(!name.contains("\"") && !name.contains("'"), "names of objects and members have no quotes")
        return "\"\(name)\""
    }

    /// The value of a member, as an expression that an index may have.
    static func value(of member: String) -> String { "json_extract(document, '$.\(quoted(member))')" }

    private static func text(_ document: JSONValue) -> String { String(decoding: document.serialized(), as: UTF8.self) }
}
