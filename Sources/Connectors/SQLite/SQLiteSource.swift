// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel

/// A database in a file as a source: its tables and views are the objects, their columns the fields.
///
/// The file is opened for reading only, and may be written to by others meanwhile. Rows are read in the order of the
/// primary key, or of the column that `id:` names, a page in one short transaction each; a row that is inserted or deleted
/// while the pages are read costs no other its place. Values come as they are stored: an integer or real number as a
/// number, a text as a text, 1 and 0 in a column that is declared BOOLEAN as true and false. A row with a value that a
/// record cannot have (a BLOB outside the column that the setting `content` names, a text that is not UTF-8, an infinite number) comes as a malformed record.
///
/// Beside its columns a record has the member `_id` with its key.
package struct SQLiteSource: Source {
    package let name = "sqlite"
    /// What a pipeline may set below `source:`.
    package static let settings = [
        SettingSpec("file", .path, isRequired: true, "the database"),
        SettingSpec("objects.*.table", .text, "the object's table or view; default: the one with the object's name"),
        SettingSpec(
            "objects.*.id", .text,
            "the column that tells rows apart, or rowid; default: the primary key, if it is one column"),
        SettingSpec("objects.*.modified", .text, "the column that tells when a row was last changed"),
        SettingSpec("objects.*.content", .text, "the column with the bytes of each record's file"),
        SettingSpec("objects.*.links.*.column", .text, "the column with the id of the linked record, a foreign key"),
        SettingSpec("objects.*.links.*.separator", .text, "between several ids in a value; default: one id"),
        SettingSpec("objects.*.links.*.table", .text, "the table with a row for each link, instead of a column"),
        SettingSpec("objects.*.links.*.from", .text, "its column with the id of the record"),
        SettingSpec("objects.*.links.*.to", .text, "its column with the id of the linked record"),
    ]

    /// A table knows of changes only where the setting `modified` names the column.
    package static let capabilities = SourceCapabilities(
        routes: ["table"], slicedBy: "the key", tellsChanges: false,
        links: "foreign keys and join tables, with `links` in the settings",
        movesFiles: true,
        limits: ["\(TableReader.pageRows) rows or \(TableReader.pageBytes) a page"])

    private let database: DatabaseFile
    private let tables: [StreamName: TableSettings]

    /// - Throws: `invalidSetting`; the file is not looked at.
    package init(settings: ConnectorSettings) throws(MigratezError) {
        guard let path = settings["file"], !path.isEmpty else {
            throw MigratezError(
                .invalidSetting, "the source has no database", remedy: .fixConfiguration, hint: "set source.file")
        }
        database = DatabaseFile(path, .reading)
        var tables: [StreamName: TableSettings] = [:]
        for text in settings.names(under: "objects") {
            guard let stream = StreamName(text) else {
                throw MigratezError(
                    .invalidSetting, "'\(text)' is not a name for an object", remedy: .fixConfiguration,
                    hint: "use letters, digits, _ and - only, and name its table in the setting `table`")
            }
            tables[stream] = try TableSettings(settings, object: stream)
        }
        self.tables = tables
    }

    package func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] {
        var schemas: [ObjectSchema] = []
        for object in objects {
            let table = try await read(object) { source, database in
                try source.checkKeys(database)
                return source
            }
            let settings = tables[object]
            schemas.append(
                ObjectSchema(
                    name: object.text, label: table.table.name, fields: table.fieldColumns.map(\.schema),
                    content: settings?.content.map {
                        ContentSchema(field: $0, versionFields: [settings?.modified].compactMap(\.self))
                    }))
        }
        return schemas
    }

    package func layout(of object: StreamName) -> RecordLayout {
        RecordLayout(id: recordKeyMember, modified: tables[object]?.modified)
    }

    package func readPage(
        of object: StreamName, fields: [String], after cursor: MigratezModel.Cursor?
    ) async throws -> Page {
        let range = try KeyRange(cursor)
        return try await read(object) { source, database in
            // Rows without a key come before all others, and no page would have them.
            if range.after == nil { try source.checkKeys(database) }
            return try TableReader(source, fields: fields).page(range, database)
        }
    }

    /// Slices of about as many rows each. They come from one file, through one connection: what they save is waiting
    /// between the stages, not reading.
    package func slices(of object: StreamName, atMost: Int) async throws -> [MigratezModel.Cursor] {
        try await read(object) { source, database in
            try source.checkKeys(database)
            return try TableReader(source, fields: []).slices(atMost: atMost, database)
        }
    }

    package func count(of object: StreamName) async throws -> Int? {
        try await read(object) { source, database in
            try Int.fetchOne(database, sql: "SELECT count(*) FROM \(source.table.name.quotedName)")
        }
    }

    package func linkBatchSize(from: StreamName, to: StreamName) -> Int? {
        tables[from]?.links[to.text] == nil ? nil : 1_000
    }

    package func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        switch tables[from]?.links[to.text] {
        case nil: return []
        case .column(let link)?: return try link.edges(of: records)
        case .join(let table)?:
            let ids = records.map(\.id)
            return try await database.read { try table.edges(of: ids, $0) }
        }
    }

    package func readContent(
        of object: StreamName, id: String, record: ArraySlice<UInt8>, piece: ([UInt8]) async throws -> Void
    ) async throws {
        guard let column = tables[object]?.content else {
            throw MigratezError(
                .notSupported, "nothing says which column has the content of \(object) records",
                remedy: .fixConfiguration, hint: "name it in source.objects.\(object).content")
        }
        let content = try await read(object) { source, _ in
            try ContentColumn(source.table, column: column, id: source.key)
        }
        try await content.read(id: id, from: database, piece)
    }

    package func people() async throws -> [Person] { [] }

    package func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        try await read(object) { source, database in
            try TableReader(source, fields: fields).page(ids: ids, database)
        }
    }

    package func identity() async throws -> String { database.path }

    /// - Throws: `fileNotFound` if there is no database, `invalidSetting` if it lacks a table.
    package func account(for objects: [StreamName]) async throws -> AccountReport {
        var report = AccountReport(account: database.path)
        for object in objects {
            let count = try await count(of: object) ?? 0
            report.facts.append(.init(tables[object]?.name ?? object.text, "\(count) rows"))
        }
        return report
    }

    private func read<T: Sendable>(
        _ object: StreamName, _ body: @escaping @Sendable (SourceTable, Database) throws -> T
    ) async throws -> T {
        let settings = tables[object] ?? TableSettings(object: object)
        let path = database.path
        return try await database.read { database in
            try body(try SourceTable.find(settings, path, database), database)
        }
    }
}
