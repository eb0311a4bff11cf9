// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezConnectorKit
import MigratezModel

/// What the settings say about the table of one object.
struct TableSettings: Sendable {
    /// The table or view.
    let name: String
    /// The column that tells its rows apart; `nil` = its primary key.
    let id: String?
    let modified: String?
    /// The column with the bytes of a record's file; `nil` = its records have none.
    let content: String?
    /// By the stream that they lead to.
    let links: [String: TableLink]

    /// The table with the object's own name: nothing is said about it.
    init(object: StreamName) {
        (name, id, modified, content, links) = (object.text, nil, nil, nil, [:])
    }

    init(_ settings: ConnectorSettings, object: StreamName) throws(MigratezError) {
        let prefix = "objects.\(object)"
        name = settings["\(prefix).table"] ?? object.text
        id = settings["\(prefix).id"]
        modified = settings["\(prefix).modified"]
        content = settings["\(prefix).content"]
        var links: [String: TableLink] = [:]
        for stream in settings.names(under: "\(prefix).links") {
            links[stream] = try Self.link(settings, "\(prefix).links.\(stream)")
        }
        self.links = links
    }

    private static func link(_ settings: ConnectorSettings, _ prefix: String) throws(MigratezError) -> TableLink {
        let names = ["table", "from", "to"].map { settings["\(prefix).\($0)"] ?? "" }
        switch (settings["\(prefix).column"] ?? "", names) {
        case (let column, ["", "", ""]) where !column.isEmpty:
            return .column(MemberLink(field: column, separator: settings["\(prefix).separator"]))
        case ("", _) where !names.contains(""):
            return .join(JoinTable(name: names[0], from: names[1], to: names[2]))
        default:
            throw MigratezError(
                .invalidSetting, "the setting \(prefix) does not say where the links are", remedy: .fixConfiguration,
                hint: "name a column of the object's table in `column`, or another table in `table`, `from` and `to`")
        }
    }

    /// The columns of the object's own table that hold links.
    var linkColumns: [String] {
        links.values.compactMap {
            if case .column(let link) = $0 { link.field } else { nil }
        }
    }
}

/// A table or view that is read in the order of a key.
struct SourceTable: Sendable {
    let table: Table
    /// The key as SQL: a quoted column, or `rowid`.
    let key: String
    /// Whether SQLite itself sees to it that no two rows have the same key, and none has NULL.
    let isKeyStrict: Bool
    private let settings: TableSettings

    /// - Throws: `invalidSetting` if there is no such table, or nothing tells its rows apart.
    static func find(_ settings: TableSettings, _ path: String, _ database: Database) throws -> SourceTable {
        guard let table = try Table.find(settings.name, database) else {
            throw MigratezError(
                .invalidSetting, "\(path) has no table or view '\(settings.name)'", remedy: .fixConfiguration,
                hint: "correct the setting `table` of the object")
        }
        if let column = table.column(recordKeyMember), settings.id.map(column.name.isSameName) != true,
            table.primaryKey?.name != column.name
        {
            throw MigratezError(
                .invalidSetting, "the column '\(column.name)' of '\(table.name)' has a name that is taken here",
                remedy: .fixConfiguration, hint: "read a view that names it differently")
        }
        // Fields are found by the exact spelling of their names.
        for name in settings.linkColumns + [settings.modified, settings.content].compactMap({ $0 })
        where !table.columns.contains(where: { $0.name == name }) { throw table.lacks(name) }
        return try SourceTable(table, settings)
    }

    private init(_ table: Table, _ settings: TableSettings) throws(MigratezError) {
        self.table = table
        self.settings = settings
        guard let id = settings.id else {
            guard let column = table.primaryKey else {
                throw MigratezError(
                    .invalidSetting,
                    table.isView
                        ? "'\(table.name)' is a view, and nothing says which column tells its rows apart"
                        : "'\(table.name)' has no primary key of one column",
                    remedy: .fixConfiguration,
                    hint: "name a column with different values in each row in the setting `id` of the object"
                        + (table.hasRowID ? ", or rowid if the file is not vacuumed meanwhile" : ""))
            }
            key = column.name.quotedName
            isKeyStrict = column.isRowIDAlias
            return
        }
        if let column = table.column(id) {
            key = column.name.quotedName
            isKeyStrict = column.isRowIDAlias
        } else if id.isSameName(as: "rowid"), table.hasRowID {
            key = "rowid"
            isKeyStrict = true
        } else {
            throw table.lacks(id)
        }
    }

    /// The columns to read so that these fields are there, and what else is needed of a record; all if none is named.
    func columns(for fields: [String]) -> [Table.Column] {
        guard !fields.isEmpty else { return fieldColumns }
        var wanted = Set(fields)
        if let modified = settings.modified { wanted.insert(modified) }
        wanted.formUnion(settings.linkColumns)
        return fieldColumns.filter { wanted.contains($0.name) }
    }

    /// All columns but the one with contents.
    var fieldColumns: [Table.Column] { table.columns.filter { $0.name != settings.content } }

    /// - Throws: `invalidSetting` if rows have no key: there would be no way to tell what became of them.
    func checkKeys(_ database: Database) throws {
        guard !isKeyStrict else { return }
        let count = try Int.fetchOne(
            database, sql: "SELECT count(*) FROM \(table.name.quotedName) WHERE \(key) IS NULL")
        guard let count, count > 0 else { return }
        throw MigratezError(
            .invalidSetting, "\(count) rows of '\(table.name)' have NULL in \(key), which is to be their id",
            remedy: .fixConfiguration, hint: "give them one, or name another column in the setting `id` of the object")
    }
}

extension Table {
    func lacks(_ column: String) -> MigratezError {
        MigratezError(
            .invalidSetting, "'\(name)' has no column '\(column)'", remedy: .fixConfiguration,
            hint: "its columns are \(columns.map(\.name).joined(separator: ", "))")
    }
}

/// The member that holds the id of a record, beside its columns: which of these it is, the database says.
let recordKeyMember = "_id"
