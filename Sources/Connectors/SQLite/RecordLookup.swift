// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Finds records of a table that is written to, with some of their fields.
struct RecordLookup {
    private let target: TargetTable
    /// Those of the fields that the table has a column for.
    private let columns: [Table.Column]
    /// The id, our key or NULL, then the columns.
    private let selection: String

    init(_ target: TargetTable, fields: [String]) {
        self.target = target
        let wanted = Set(fields)
        columns = target.table.columns.filter { wanted.contains($0.name) }
        let key = target.table.column(SQLiteDestination.keyField)?.name.quotedName ?? "NULL"
        let names = [target.id.name.quotedName, key] + columns.map(\.name.quotedName)
        selection = "SELECT \(names.joined(separator: ", ")) FROM \(target.table.name.quotedName)"
    }

    func records(_ ids: [String], _ database: Database) throws -> [ReadBack] {
        let looking = try SQLStatement(database, "\(selection) WHERE \(target.isID)")
        defer { looking.reset() }
        return try ids.compactMap { id in
            looking.reset()
            try looking.bindID(id)
            return try looking.step() ? try record(looking) : nil
        }
    }

    func first(_ count: Int, _ database: Database) throws -> [ReadBack] {
        let looking = try SQLStatement(database, "\(selection) LIMIT ?1")
        defer { looking.reset() }
        try looking.bind(1, .integer(Int64(count)))
        return try records(looking)
    }

    /// Records without a key of ours whose fields equal one of the tuples, as SQLite compares them in these columns. In a
    /// field that the table does not have no record has a value.
    func records(
        with fields: [String], equalTo tuples: [[String]], _ database: Database
    ) throws -> [ReadBack] {
        let keys = fields.compactMap { field in target.table.columns.first { $0.name == field } }
        guard keys.count == fields.count else { return [] }
        var conditions = keys.enumerated().map { "\($1.name.quotedName) = ?\($0 + 1)" }
        if target.table.column(SQLiteDestination.keyField) != nil {
            conditions.append("\(SQLiteDestination.keyField.quotedName) IS NULL")
        }
        let looking = try SQLStatement(database, "\(selection) WHERE \(conditions.joined(separator: " AND "))")
        defer { looking.reset() }
        return try tuples.flatMap { tuple in
            looking.reset()
            for (number, (column, text)) in zip(keys, tuple).enumerated() {
                try looking.bind(number + 1, column.value(ofText: text))
            }
            return try records(looking)
        }
    }

    private func records(_ looking: SQLStatement) throws -> [ReadBack] {
        var records: [ReadBack] = []
        while try looking.step() {
            if let record = try record(looking) { records.append(record) }
        }
        return records
    }

    /// The current row; `nil` if it has no id, so that nobody could write to it.
    private func record(_ row: SQLStatement) throws -> ReadBack? {
        guard let id = row.value(0).id else { return nil }
        var writer = JSONWriter()
        writer.beginObject()
        for (number, column) in columns.enumerated() {
            let value = row.value(number + 2)
            if let problem = value.problem {
                // What is there could not be put back by an undo.
                throw MigratezError(
                    .notSupported,
                    "the column '\(column.name)' of '\(target.table.name)' \(problem), in the record \(id)",
                    remedy: .fixConfiguration, hint: "map another field, or clear the column there")
            }
            writer.key(column.name)
            value.write(to: &writer, isBoolean: column.isBoolean)
        }
        writer.endObject()
        return ReadBack(id: id, key: row.value(1).id, fields: writer.bytes)
    }
}

extension TargetTable {
    func delete(_ id: String, _ database: Database) throws -> Deletion.Result {
        let deleting = try SQLStatement(database, "DELETE FROM \(table.name.quotedName) WHERE \(isID)")
        defer { deleting.reset() }
        try deleting.bindID(id)
        do {
            _ = try deleting.step()
        } catch let error as DatabaseError {
            guard let rejection = Rejection(refusedBy: error), database.isInsideTransaction else { throw error }
            return .refused(rejection)
        }
        return deleting.changes > 0 ? .deleted : .absent
    }
}

/// The tables whose foreign keys refer to a table.
struct Referrers {
    private let target: TargetTable
    /// The referring table, and the statement that finds a row of it which refers to the row with the id in parameters 1
    /// and 2.
    private var statements: [(table: String, sql: String)] = []

    init(to target: TargetTable, _ database: Database) throws {
        self.target = target
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT list.name, key.id, key."from", key."to"
                FROM pragma_table_list AS list, pragma_foreign_key_list(list.name) AS key
                WHERE list.schema = 'main' AND list.type = 'table' AND key."table" = ? COLLATE NOCASE
                ORDER BY list.name, key.id, key.seq
                """, arguments: [target.table.name])
        let keys = Dictionary(grouping: rows) { "\($0[1] as Int) \($0[0] as String)" }
        for (_, columns) in keys.sorted(by: { $0.key < $1.key }) {
            let table: String = columns[0][0]
            let pairs = columns.map { row in
                // Without a name it is the primary key that is meant.
                let parent = (row[3] as String?) ?? target.id.name
                return "child.\((row[2] as String).quotedName) = parent.\(parent.quotedName)"
            }
            // A row that refers to itself goes with itself.
            let isOther =
                table.isSameName(as: target.table.name)
                ? " AND child.\(target.id.name.quotedName) IS NOT parent.\(target.id.name.quotedName)" : ""
            statements.append(
                (
                    table,
                    """
                    SELECT 1 FROM \(target.table.name.quotedName) AS parent, \(table.quotedName) AS child
                    WHERE parent.\(target.isID) AND \(pairs.joined(separator: " AND "))\(isOther) LIMIT 1
                    """
                ))
        }
    }

    /// For each of the records that others refer to: the table of one that does.
    func find(_ ids: [String], _ database: Database) throws -> [String: String] {
        var found: [String: String] = [:]
        for (table, sql) in statements {
            let looking = try SQLStatement(database, sql)
            defer { looking.reset() }
            for id in ids where found[id] == nil {
                looking.reset()
                try looking.bindID(id)
                if try looking.step() { found[id] = table }
            }
        }
        return found
    }
}
