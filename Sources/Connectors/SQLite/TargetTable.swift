// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezConnectorKit
import MigratezModel

/// A table that is written to, by the id of its records or by our key.
struct TargetTable: Sendable {
    private(set) var table: Table
    /// The column with the ids of records.
    let id: Table.Column

    /// Whether the table was made here: our key is its primary key, and it takes any column.
    var isOurs: Bool { id.name == SQLiteDestination.keyField }

    /// The table for an object; `nil` if there is none yet.
    ///
    /// - Throws: `invalidSetting` if it is a view, or has no primary key of one column.
    static func find(_ object: String, _ database: Database) throws -> TargetTable? {
        guard let table = try Table.find(object, database) else { return nil }
        guard !table.isView else {
            throw MigratezError(
                .invalidSetting, "'\(table.name)' is a view, which cannot be written to", remedy: .fixConfiguration,
                hint: "name a table")
        }
        guard let id = table.primaryKey else {
            throw MigratezError(
                .invalidSetting, "'\(table.name)' has no primary key of one column, so that its rows have no id",
                remedy: .fixConfiguration, hint: "give it one, or name a table that does not exist yet")
        }
        return TargetTable(table: table, id: id)
    }

    /// The table for an object that must be there.
    static func require(_ object: String, _ database: Database) throws -> TargetTable {
        guard let table = try find(object, database) else {
            throw MigratezError(
                .invalidSetting, "there is no table '\(object)' any more", remedy: .fixConfiguration,
                hint: "resume: it is created before the load goes on")
        }
        return table
    }

    /// The column that takes contents: the only one that is declared BLOB.
    var contentColumn: Table.Column? {
        let columns = table.columns.filter { $0.declaredType.nameKey == "blob" && !$0.isGenerated }
        return columns.count == 1 && table.hasRowID ? columns[0] : nil
    }

    /// The name of the column for contents where none is there yet.
    static let newContentColumn = "content"

    var schema: ObjectSchema {
        let content = contentColumn?.name ?? (isOurs ? Self.newContentColumn : nil)
        let fields = table.columns.filter { $0.name != contentColumn?.name }.map { column in
            var field = column.schema
            if !column.refersTo.isEmpty { field.kind = .reference }
            // The key's values come from here, whatever the table says.
            if column.name == SQLiteDestination.keyField { field.isRequired = false }
            return field
        }
        return ObjectSchema(
            name: table.name, label: table.name, fields: fields, holdsKey: true, isOpen: isOurs,
            content: content.map { ContentSchema(field: $0, bytesMax: Self.contentBytesMax) })
    }

    /// Creates what is missing: the table, columns, and the index by which rows are found by our key.
    static func prepare(_ object: String, _ fields: [FieldSchema], _ database: Database) throws {
        if try find(object, database) == nil {
            try object.checkAsNewName(of: "table")
            let key = SQLiteDestination.keyField.quotedName
            try database.execute(sql: "CREATE TABLE \(object.quotedName) (\(key) TEXT PRIMARY KEY NOT NULL)")
        }
        for field in fields {
            var target = try require(object, database)
            try target.add(field.name, declaredAs: field.kind.declaredType, database)
            guard field.isUnique, target.table.column(field.name)?.isUnique == false else { continue }
            let index = "\(target.table.name) by \(field.name)"
            try database.execute(
                sql: """
                    CREATE UNIQUE INDEX \(index.quotedName)
                    ON \(target.table.name.quotedName) (\(field.name.quotedName))
                    """)
        }
    }

    /// Adds a column, unless it is there.
    ///
    /// - Throws: `invalidSetting` if SQLite takes its name for that of another one.
    mutating func add(_ column: String, declaredAs type: String, _ database: Database) throws {
        if let known = table.column(column) {
            guard known.name != column else { return }
            throw MigratezError(
                .invalidSetting, "SQLite does not tell '\(column)' from '\(known.name)' of '\(table.name)'",
                remedy: .fixConfiguration, hint: "spell the field alike everywhere, or rename one of them")
        }
        try column.checkAsNewName(of: "column")
        try database.execute(
            sql: "ALTER TABLE \(table.name.quotedName) ADD COLUMN \(column.quotedName) \(type)")
        guard let changed = try Table.find(table.name, database) else { return }
        table = changed
    }

    /// What SQLite takes as one value unless it was built otherwise: https://www.sqlite.org/limits.html, 1.
    static let contentBytesMax = ByteCount(1_000_000_000)

    /// The column of a content that is to be written.
    mutating func column(forContent field: String, _ database: Database) throws -> Table.Column {
        if isOurs, contentColumn == nil { try add(field, declaredAs: "BLOB", database) }
        guard let column = contentColumn, column.name == field else {
            throw MigratezError(
                .invalidSetting, "'\(table.name)' takes no content in '\(field)'", remedy: .fixConfiguration,
                hint: "it needs one column that is declared BLOB, and no other")
        }
        return column
    }

    /// The column of a field that is to be written.
    ///
    /// A table that was made here gets it if it has none; one of somebody else stays as it is.
    mutating func column(for field: String, _ database: Database) throws -> Table.Column {
        if isOurs { try add(field, declaredAs: FieldSchema.Kind.text.declaredType, database) }
        guard let column = table.columns.first(where: { $0.name == field }) else {
            throw MigratezError(
                .invalidSetting, "'\(table.name)' has no column '\(field)'", remedy: .fixConfiguration,
                hint: "its columns are \(table.columns.map(\.name).joined(separator: ", "))")
        }
        return column
    }
}

extension FieldSchema.Kind {
    /// What a column for such values is declared as.
    ///
    /// TEXT keeps every value in the very form in which it came. NUMERIC makes a number of a text only where no digit is
    /// lost by that.
    fileprivate var declaredType: String {
        switch self {
        case .bool: "BOOLEAN"
        case .integer: "INTEGER"
        case .decimal: "NUMERIC"
        default: "TEXT"
        }
    }
}
