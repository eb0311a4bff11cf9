// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import GRDB
import MigratezJSON
import MigratezModel
import Synchronization

/// The records of an organisation in SQLite: one table for each sObject, one column for each field.
///
/// A record's key is its ordinal `n`, from which its id is computed; deleted records stay, with `IsDeleted = 1`, as in
/// the recycle bin. All work with the database is done on its own queue, one request at a time.
final class RecordStore: Sendable {
    let queue: DatabaseQueue

    private struct State {
        var schema: OrgSchema
        /// The next ordinal of each object.
        var next: [String: Int64] = [:]
    }

    private let state: Mutex<State>

    /// - Parameter path: the database file, created if it does not exist; `nil` for a temporary one that leaves no
    ///   trace. A file that was used before is continued with.
    init(path: String?, schema: OrgSchema) throws {
        var configuration = Configuration()
        let isTemporary = path == nil
        configuration.prepareDatabase { db in
            // A simulator need not survive a power cut; a kill of its process it does survive.
            try db.execute(sql: "PRAGMA synchronous = OFF")
            // At every commit of a temporary database SQLite walks all pages that it never had to write out, so a large
            // cache costs more than it saves.
            try db.execute(sql: "PRAGMA cache_size = \(isTemporary ? -24_576 : -65_536)")
            try db.execute(sql: "PRAGMA journal_mode = \(isTemporary ? "MEMORY" : "WAL")")
            db.add(function: RecordStore.ordinalFunction)
        }
        // SQLite's empty file name: a private database that is deleted when it is closed (sqlite.org/inmemorydb.html).
        queue = try DatabaseQueue(path: path ?? "", configuration: configuration)
        var opened = State(schema: schema)
        try queue.write { db in
            try db.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS custom_field (
                        object TEXT NOT NULL, name TEXT NOT NULL, metadata BLOB NOT NULL, visible INTEGER NOT NULL,
                        PRIMARY KEY (object, name)) WITHOUT ROWID
                    """)
            for object in schema.objects where object.name != "ContentNote" { try RecordStore.create(object, db) }
            try RecordStore.createNoteView(db)
            let rows = try Row.fetchAll(
                db, sql: "SELECT object, metadata, visible FROM custom_field ORDER BY object, name")
            for row in rows {
                let name: String = row[0]
                let metadata: [UInt8] = Array(row[1] as Data)
                guard let object = opened.schema[name], let document = try? JSONValue(parsing: metadata),
                    case .success(var field) = CustomField.definition(named: document["FullName"]?.text ?? "", document)
                else { continue }
                field.isVisible = row[2]
                opened.schema.replace(object.adding(field))
            }
            for object in schema.objects where object.name != "ContentNote" {
                let last = try Int64.fetchOne(db, sql: "SELECT MAX(n) FROM \(RecordStore.quoted(object.name))")
                opened.next[object.name] = (last ?? 0) + 1
            }
        }
        state = Mutex(opened)
    }

    var schema: OrgSchema { state.withLock { $0.schema } }

    /// The ordinal of a new record; never given twice, whether or not the record comes to be.
    func nextOrdinal(of object: ObjectDefinition) -> Int64 {
        state.withLock { state in
            let ordinal = state.next[object.name, default: 1]
            state.next[object.name] = ordinal + 1
            return ordinal
        }
    }

    /// Adds a column and remembers it.
    func add(_ field: FieldDefinition, to object: ObjectDefinition, metadata: [UInt8], _ db: Database) throws {
        try db.inSavepoint {
            let table = RecordStore.quoted(object.name)
            try db.execute(sql: "ALTER TABLE \(table) ADD COLUMN \(RecordStore.column(field))")
            if !field.defaultValue.isNull {
                try db.execute(
                    sql: "UPDATE \(table) SET \(RecordStore.quoted(field.name)) = ?", arguments: [field.defaultValue])
            }
            try RecordStore.createIndex(on: field, of: object, db)
            try db.execute(
                sql: "INSERT INTO custom_field (object, name, metadata, visible) VALUES (?, ?, ?, ?)",
                arguments: [object.name, field.name, Data(metadata), field.isVisible])
            return .commit
        }
        state.withLock { $0.schema.replace(object.adding(field)) }
    }

    static func quoted(_ name: String) -> String { "\"\(name)\"" }

    private static func create(_ object: ObjectDefinition, _ db: Database) throws {
        var columns = ["n INTEGER PRIMARY KEY"] + object.fields.dropFirst().map(column)
        // The version that the document shows, for the view of notes.
        if object.name == "ContentDocument" { columns.append("latest INTEGER") }
        try db.execute(
            sql: "CREATE TABLE IF NOT EXISTS \(quoted(object.name)) (\(columns.joined(separator: ", ")))")
        for field in object.fields where field.isIndexed { try createIndex(on: field, of: object, db) }
        if object.name == "ContentDocumentLink" {
            try db.execute(
                sql: """
                    CREATE UNIQUE INDEX IF NOT EXISTS link_once ON ContentDocumentLink (ContentDocumentId, LinkedEntityId)
                    WHERE IsDeleted = 0
                    """)
        }
    }

    /// SOQL compares text without regard to case, unless the field is case-sensitive or an id.
    private static func column(_ field: FieldDefinition) -> String {
        let type =
            switch field.kind {
            case .id, .reference: "TEXT"
            case .boolean, .int, .datetime: "INTEGER"
            case .double, .currency, .percent: "REAL"
            case .date: "TEXT"
            case .base64: "BLOB"
            case .string, .textarea, .picklist, .multipicklist, .email, .phone, .url, .combobox:
                field.isCaseSensitive ? "TEXT" : "TEXT COLLATE NOCASE"
            }
        return "\(quoted(field.name)) \(type)"
    }

    /// What is in the recycle bin does not stand in the way of a unique value.
    private static func createIndex(on field: FieldDefinition, of object: ObjectDefinition, _ db: Database) throws {
        guard field.isIndexed, field.kind != .id else { return }
        let name = quoted("\(object.name).\(field.name)")
        try db.execute(
            sql: """
                CREATE \(field.isUnique ? "UNIQUE " : "")INDEX IF NOT EXISTS \(name)
                ON \(quoted(object.name)) (\(quoted(field.name))) \(field.isUnique ? "WHERE IsDeleted = 0" : "")
                """)
    }

    private static func createNoteView(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE VIEW IF NOT EXISTS ContentNote AS
                SELECT d.n, d.IsDeleted, d.Title, v.VersionData AS Content,
                    SUBSTR(CAST(v.VersionData AS TEXT), 1, 255) AS TextPreview, d.FileType, d.FileExtension, d.ContentSize,
                    d.LatestPublishedVersionId, d.OwnerId, d.CreatedDate, d.CreatedById, d.LastModifiedDate,
                    d.LastModifiedById, d.SystemModstamp
                FROM ContentDocument d LEFT JOIN ContentVersion v ON v.n = d.latest WHERE d.FileType = 'SNOTE'
                """)
    }

    /// From an id to its ordinal, for joins along lookups.
    private static let ordinalFunction = DatabaseFunction("ordinal", argumentCount: 1, pure: true) { arguments in
        guard let text = String.fromDatabaseValue(arguments[0]) else { return nil }
        return RecordID(text)?.ordinal
    }
}
