// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezConnectorKit
import MigratezModel

/// A table or view, as the database describes it.
struct Table: Sendable {
    /// As the database spells it.
    let name: String
    let isView: Bool
    /// Whether rows have a `rowid` besides their columns.
    let hasRowID: Bool
    let columns: [Column]

    struct Column: Sendable {
        var name: String
        /// What the schema says, empty if nothing.
        var declaredType: String
        var isRequired: Bool
        /// Its place in the primary key, from 1; 0 = it is not in it.
        var keyPlace: Int
        var isGenerated: Bool
        /// No two rows have the same value, NULL aside.
        var isUnique: Bool
        /// The tables that it refers to.
        var refersTo: [String]

        var affinity: Affinity { Affinity(declaredType) }
        /// SQLite has no truth values of its own: a column that is declared so holds 1 and 0.
        var isBoolean: Bool { declaredType.nameKey.contains("bool") }
        /// The only column of the primary key, which SQLite numbers by itself.
        var isRowIDAlias = false
    }

    /// The table or view of the name; `nil` if there is none.
    static func find(_ name: String, _ database: Database) throws -> Table? {
        // Not `pragma_table_list(name)`: it looks into attached and temporary schemas, too.
        let row = try Row.fetchOne(
            database,
            sql: "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE",
            arguments: [name])
        guard let row else { return nil }
        let (name, type, isWithoutRowID) = (row[0] as String, row[1] as String, row[2] as Bool)
        let unique = try uniqueColumns(of: name, database)
        let references = try references(of: name, database)
        let rows = try Row.fetchAll(
            database, sql: "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?)",
            arguments: [name])
        let keyCount = rows.count { ($0[4] as Int) > 0 }
        // Hidden columns of virtual tables are their arguments, not data.
        let columns = rows.filter { ($0[5] as Int) != 1 }.map { row in
            let name: String = row[0]
            let keyPlace: Int = row[4]
            var column = Column(
                name: name, declaredType: row[1], isRequired: (row[2] as Bool) && (row[3] as String?) == nil,
                keyPlace: keyPlace, isGenerated: (row[5] as Int) > 1,
                isUnique: unique.contains(name.nameKey) || (keyCount == 1 && keyPlace == 1),
                refersTo: references[name.nameKey] ?? [])
            // https://www.sqlite.org/lang_createtable.html#rowid: exactly this type makes it one.
            column.isRowIDAlias =
                keyCount == 1 && keyPlace == 1 && !isWithoutRowID && column.declaredType.nameKey == "integer"
            return column
        }
        return Table(name: name, isView: type == "view", hasRowID: type == "table" && !isWithoutRowID, columns: columns)
    }

    /// The keys of the names of columns that a unique index covers alone and in all rows.
    private static func uniqueColumns(of table: String, _ database: Database) throws -> Set<String> {
        let names = try String.fetchAll(
            database,
            sql: """
                SELECT min(column.name) FROM pragma_index_list(?) AS list, pragma_index_info(list.name) AS column
                WHERE list."unique" = 1 AND list.partial = 0 GROUP BY list.name
                HAVING count(*) = 1 AND min(column.cid) >= 0
                """, arguments: [table])
        return Set(names.map(\.nameKey))
    }

    private static func references(of table: String, _ database: Database) throws -> [String: [String]] {
        let rows = try Row.fetchAll(
            database, sql: "SELECT \"from\", \"table\" FROM pragma_foreign_key_list(?)", arguments: [table])
        return Dictionary(grouping: rows) { ($0[0] as String).nameKey }.mapValues { $0.map { $0[1] } }
    }

    /// The column of the name, spelled in any case.
    func column(_ name: String) -> Column? { columns.first { $0.name.isSameName(as: name) } }

    /// The column that is the whole primary key.
    var primaryKey: Column? {
        let key = columns.filter { $0.keyPlace > 0 }
        return key.count == 1 ? key[0] : nil
    }
}

/// What a column prefers to store: https://www.sqlite.org/datatype3.html, 3.1.
enum Affinity: Sendable {
    case integer, text, none, real, numeric

    init(_ declaredType: String) {
        let type = declaredType.nameKey
        let names = { (words: [String]) in words.contains { type.contains($0) } }
        if names(["int"]) {
            self = .integer
        } else if names(["char", "clob", "text"]) {
            self = .text
        } else if type.isEmpty || names(["blob"]) || type == "any" {
            self = .none
        } else if names(["real", "floa", "doub"]) {
            self = .real
        } else {
            self = .numeric
        }
    }
}

extension Table.Column {
    /// The column as a field. What only prefers numbers may hold anything, so it is not called a number.
    var schema: FieldSchema {
        let kind: FieldSchema.Kind =
            switch affinity {
            case _ where isBoolean: .bool
            case .integer: .integer
            case .text: .text
            case .real: .decimal
            case .none: declaredType.nameKey == "blob" ? .binary : .other
            case .numeric: .other
            }
        return FieldSchema(
            name: name, label: name, kind: kind, isRequired: isRequired && !isRowIDAlias,
            isCreateable: !isGenerated, isUpdateable: !isGenerated, isUnique: isUnique, refersTo: refersTo)
    }
}
