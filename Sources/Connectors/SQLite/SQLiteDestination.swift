// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel

/// A database in a file as a destination: its tables are the objects.
///
/// A table that does not exist is created by `prepare`, with our key `migratez_id` as its primary key; the columns are
/// added as fields come, as TEXT, which keeps every value in the form in which it came. A table that exists keeps its
/// columns; it gets `migratez_id` as one more, unique, and its records go by its own primary key, which must be one column.
///
/// A batch is one transaction, and its receipts are given when that is durable. A row that the table refuses is rejected
/// by itself. SQLite keeps no account of who changed a record when, so `lastChanges` tells nothing; an undo tells edits by
/// the values that the run wrote. A table that it has emptied stays.
package final class SQLiteDestination: Destination {
    package let name = "sqlite"
    /// What a pipeline may set below `target:`.
    package static let settings = [
        SettingSpec("file", .path, isRequired: true, "the database; it is created if there is none")
    ]

    /// The column that holds our key; of tables that were created here it is the record's id, too.
    package static let keyField = "migratez_id"

    package static let capabilities = DestinationCapabilities(
        routes: [route.name], upsertKey: keyField, createsObjects: "a table for each",
        links: "foreign keys, or a table for each kind of link", movesFiles: true, createdDate: "any column",
        undoes: true,
        limits: ["\(route.recordsMax) rows or \(route.bytesMax) a transaction"])
    /// SQLite has one writer at a time.
    private static let route = WriteRoute(
        name: "transaction", recordsMax: 10_000, bytesMax: .MiB(8), concurrencyMax: 1)

    private let database: DatabaseFile

    /// - Throws: `invalidSetting`; the file is not looked at.
    package init(settings: ConnectorSettings) throws(MigratezError) {
        guard let path = settings["file"], !path.isEmpty else {
            throw MigratezError(
                .invalidSetting, "the target has no database", remedy: .fixConfiguration, hint: "set target.file")
        }
        database = DatabaseFile(path, .writing)
    }

    // MARK: What is there

    /// A table that does not exist yet takes any field, so none is listed.
    package func discover(_ objects: [String]) async throws -> [ObjectSchema] {
        var schemas: [ObjectSchema] = []
        for object in objects {
            var schema = ObjectSchema(
                name: object, label: object, fields: [], holdsKey: true, isOpen: true,
                content: ContentSchema(
                    field: TargetTable.newContentColumn, bytesMax: TargetTable.contentBytesMax))
            if let table = try await find(object) { schema = table.schema }
            // By the name that was asked for, however the database spells it.
            schema.name = object
            schemas.append(schema)
        }
        return schemas
    }

    package func requirements(of object: ObjectSchema) -> [FieldCreation] {
        if object.field(Self.keyField)?.isUnique == true { return [] }
        return [
            FieldCreation(
                object: object.name,
                field: FieldSchema(
                    name: Self.keyField, label: "key of the record's source", kind: .text, isUnique: true))
        ]
    }

    package func prepare(_ creations: [FieldCreation]) async throws {
        guard !creations.isEmpty else { return }
        try database.create()
        try await database.write { database in
            for (object, creations) in Dictionary(grouping: creations, by: \.object).sorted(by: { $0.key < $1.key }) {
                try TargetTable.prepare(object, creations.map(\.field), database)
            }
        }
    }

    package func people() async throws -> [Person] { [] }

    package func identity() async throws -> String { database.path }

    package func account(for objects: [String]) async throws -> AccountReport {
        var report = AccountReport(account: database.path)
        if !database.isWritable { report.missingRights.append("write to \(database.path)") }
        for object in objects {
            guard let count = try await count(object: object, where: "1", []) else { continue }
            report.facts.append(.init(object, "\(count) rows there already"))
        }
        return report
    }

    // MARK: Writing

    package func route(for object: String, expectedRows: Int) -> WriteRoute { Self.route }

    package func write(_ batch: Batch, by route: WriteRoute, intent: any WriteIntent) async throws -> [Receipt] {
        if batch.rows.contains(where: { $0.content != nil }) { return try await writeOneByOne(batch) }
        return try await database.write { database in
            var upsert = RowUpsert(try TargetTable.require(batch.object, database), database)
            return try batch.rows.map { Receipt(key: $0.key, result: try upsert.write($0)) }
        }
    }

    /// Each row with its content is a transaction of its own.
    private func writeOneByOne(_ batch: Batch) async throws -> [Receipt] {
        var receipts: [Receipt] = []
        for row in batch.rows {
            let result: Receipt.Result
            if let content = row.content {
                result = try await ContentWrite(file: database, object: batch.object).write(row, content)
            } else {
                result = try await database.write { database in
                    var upsert = RowUpsert(try TargetTable.require(batch.object, database), database)
                    return try upsert.write(row)
                }
            }
            receipts.append(Receipt(key: row.key, result: result))
        }
        return receipts
    }

    /// A transaction is there or it is not: the keys that the table holds were written, and no others.
    package func resolve(_ batch: Batch, by route: WriteRoute, note: String?) async throws -> [Receipt] {
        let keys = batch.rows.filter { $0.targetID == nil }.map(\.key)
        return try await look(batch.object, []) { target, database in
            guard target.table.column(Self.keyField) != nil else { return [] }
            let looking = try SQLStatement(database, target.idByKey)
            defer { looking.reset() }
            return try keys.compactMap { key in
                looking.reset()
                try looking.bind(1, .text(key))
                guard try looking.step(), let id = looking.value(0).id else { return nil }
                return Receipt(key: key, result: .created(id: id))
            }
        }
    }

    package func delete(object: String, ids: [String]) async throws -> [Deletion] {
        guard try await find(object) != nil else { return ids.map { Deletion(id: $0, result: .absent) } }
        return try await database.write { database in
            let target = try TargetTable.require(object, database)
            return try ids.map { Deletion(id: $0, result: try target.delete($0, database)) }
        }
    }

    /// Every batch is complete by itself.
    package func finish() async throws {}

    // MARK: Reading

    package var readBatchSize: Int { 2_000 }

    package func read(object: String, ids: [String], fields: [String]) async throws -> [ReadBack] {
        try await look(object, []) { target, database in
            try RecordLookup(target, fields: fields).records(ids, database)
        }
    }

    package func readContent(object: String, id: String, piece: ([UInt8]) async throws -> Void) async throws {
        guard let target = try await find(object), let column = target.contentColumn else {
            throw Rejection(.contentUnavailable, reason: "there is no column for it")
        }
        try await ContentColumn(target.table, column: column.name, id: target.id.name.quotedName)
            .read(id: id, from: database, piece)
    }

    package func sample(object: String, fields: [String], count: Int) async throws -> [ReadBack] {
        try await look(object, []) { target, database in
            let all = target.table.columns.map(\.name).filter {
                $0 != Self.keyField && $0 != target.contentColumn?.name
            }
            return try RecordLookup(target, fields: fields.isEmpty ? all : fields).first(count, database)
        }
    }

    package func match(
        object: String, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] {
        try await look(object, []) { target, database in
            try RecordLookup(target, fields: returning).records(with: fields, equalTo: values, database)
        }
    }

    package func referrers(object: String, ids: [String]) async throws -> [String: String] {
        try await look(object, [:]) { target, database in try Referrers(to: target, database).find(ids, database) }
    }

    package func count(object: String, keyPrefix: String) async throws -> Int? {
        guard try await find(object)?.table.column(Self.keyField) != nil else { return 0 }
        let key = Self.keyField.quotedName
        // The first condition finds the place in the index, the second one ends there.
        return try await count(
            object: object, where: "\(key) >= ?1 AND substr(\(key), 1, length(?1)) = ?1", [.text(keyPrefix)])
    }

    /// `nil` if there is no such table.
    private func count(object: String, where condition: String, _ values: [SQLValue]) async throws -> Int? {
        try await look(object, nil) { target, database in
            let counting = try SQLStatement(
                database, "SELECT count(*) FROM \(target.table.name.quotedName) WHERE \(condition)")
            defer { counting.reset() }
            for (number, value) in values.enumerated() { try counting.bind(number + 1, value) }
            guard try counting.step(), case .integer(let count) = counting.value(0) else { return 0 }
            return Int(count)
        }
    }

    private func find(_ object: String) async throws -> TargetTable? {
        try await look(object, nil) { target, _ in target }
    }

    /// Runs `body` with the object's table; what holds of an empty one if there is none, or no file yet.
    private func look<T: Sendable>(
        _ object: String, _ empty: T, _ body: @escaping @Sendable (TargetTable, Database) throws -> T
    ) async throws -> T {
        guard database.exists else { return empty }
        return try await database.read { database in
            guard let target = try TargetTable.find(object, database) else { return empty }
            return try body(target, database)
        }
    }
}
