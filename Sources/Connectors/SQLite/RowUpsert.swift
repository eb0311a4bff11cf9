// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezJSON
import MigratezModel

/// Writes rows into a table within one transaction, each found by its id or by our key, or else inserted.
///
/// A row that the table refuses changes nothing and is told as rejected; those before and after it stay.
struct RowUpsert: ~Copyable {
    private let database: Database
    private var target: TargetTable
    /// The columns of the row before, by the names of its fields: most rows name the same ones.
    private var known: [String: Table.Column] = [:]
    private var index = RecordIndex(fields: nil)

    init(_ target: TargetTable, _ database: Database) {
        self.target = target
        self.database = database
    }

    private typealias Assignment = (column: String, value: SQLValue)

    mutating func write(_ row: Batch.Row) throws -> Receipt.Result {
        let assignments = try assignments(of: row)
        do {
            if let id = row.targetID { return try update(id, row, assignments) }
            guard let id = try id(ofKey: row.key) else { return try insert(row, assignments) }
            return try set(assignments, onID: id) ? .updated(id: id) : .rejected(.ignored)
        } catch let error as DatabaseError {
            return .rejected(try rejection(for: error))
        }
    }

    /// What the row sets, but for our key.
    private mutating func assignments(of row: Batch.Row) throws -> [Assignment] {
        var assignments: [Assignment] = []
        let fields = row.fields
        try fields.withUnsafeBufferPointer { bytes in
            try index.index(bytes)
            for name in index.fieldNames {
                guard let slice = index.topLevel(name) else { continue }
                let column = try column(name)
                assignments.append((column.name, column.value(slice, index.string(slice, in: bytes))))
            }
        }
        for reference in row.references {
            let column = try column(reference.field)
            assignments.removeAll { $0.column == column.name }
            assignments.append((column.name, column.value(ofText: reference.idOrKey)))
        }
        // Filled once the row is there.
        if let content = row.content {
            assignments.append((try target.column(forContent: content.field, database).name, .blob([])))
        }
        return assignments
    }

    private mutating func column(_ field: String) throws -> Table.Column {
        if let column = known[field] { return column }
        guard !field.isSameName(as: SQLiteDestination.keyField) else {
            throw MigratezError(
                .invalidSetting, "the field '\(field)' of '\(target.table.name)' is where our own key goes",
                remedy: .fixConfiguration, hint: "map another name")
        }
        let column = try target.column(for: field, database)
        known[field] = column
        return column
    }

    // MARK: Statements

    private func update(_ id: String, _ row: Batch.Row, _ assignments: [Assignment]) throws -> Receipt.Result {
        guard try holds(id) else { return .rejected(Rejection(.recordDeleted)) }
        var assignments = assignments
        // The key of a table that was made here is the record's id, which stays.
        if !target.isOurs {
            assignments.append((SQLiteDestination.keyField, row.keepsKey ? .text(row.key) : .null))
        }
        return try set(assignments, onID: id) ? .updated(id: id) : .rejected(.ignored)
    }

    /// Whether a row was changed; that nothing is to be set changes nothing of it, and is done.
    private func set(_ assignments: [Assignment], onID id: String) throws -> Bool {
        guard !assignments.isEmpty else { return true }
        let pairs = assignments.enumerated().map { "\($1.column.quotedName) = ?\($0 + 3)" }
        let changing = try SQLStatement(
            database,
            "UPDATE \(target.table.name.quotedName) SET \(pairs.joined(separator: ", ")) WHERE \(target.isID)")
        defer { changing.reset() }
        try changing.bindID(id)
        for (number, assignment) in assignments.enumerated() { try changing.bind(number + 3, assignment.value) }
        _ = try changing.step()
        return changing.changes > 0
    }

    private func insert(_ row: Batch.Row, _ assignments: [Assignment]) throws -> Receipt.Result {
        let all = [(column: SQLiteDestination.keyField, value: SQLValue.text(row.key))] + assignments
        let names = all.map(\.column.quotedName).joined(separator: ", ")
        let places = all.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        let inserting = try SQLStatement(
            database, "INSERT INTO \(target.table.name.quotedName) (\(names)) VALUES (\(places))")
        defer { inserting.reset() }
        for (number, assignment) in all.enumerated() { try inserting.bind(number + 1, assignment.value) }
        _ = try inserting.step()
        guard inserting.changes > 0 else { return .rejected(.ignored) }
        if target.isOurs { return .created(id: row.key) }
        // Looked up, as SQLite or a trigger may have given it.
        if let id = try id(ofKey: row.key) { return .created(id: id) }
        try remove(key: row.key)
        return .rejected(Rejection(.requiredFieldMissing, fields: [target.id.name]))
    }

    private func holds(_ id: String) throws -> Bool {
        let looking = try SQLStatement(
            database, "SELECT 1 FROM \(target.table.name.quotedName) WHERE \(target.isID)")
        defer { looking.reset() }
        try looking.bindID(id)
        return try looking.step()
    }

    /// The id of the row with our key; `nil` if there is none, or it has none.
    private func id(ofKey key: String) throws -> String? {
        let looking = try SQLStatement(database, target.idByKey)
        defer { looking.reset() }
        try looking.bind(1, .text(key))
        return try looking.step() ? looking.value(0).id : nil
    }

    private func remove(key: String) throws {
        let removing = try SQLStatement(
            database, "DELETE FROM \(target.table.name.quotedName) WHERE \(SQLiteDestination.keyField.quotedName) = ?1")
        defer { removing.reset() }
        try removing.bind(1, .text(key))
        _ = try removing.step()
    }

    /// What the table's refusal means for the row.
    ///
    /// - Throws: what is not about the row, or has undone the rows before it.
    private func rejection(for error: DatabaseError) throws -> Rejection {
        guard let rejection = Rejection(refusedBy: error) else { throw error }
        guard !database.isInsideTransaction else { return rejection }
        // ON CONFLICT ROLLBACK, or a trigger: the rows before it are gone, too, so the batch is sent in parts.
        throw MigratezError(
            .ruleViolated, "'\(target.table.name)' has rolled back the whole batch", remedy: .rejectRecord)
    }
}

extension TargetTable {
    /// Holds for the row with the id in parameters 1 and 2.
    var isID: String { "\(id.name.quotedName) IN (?1, ?2)" }

    /// Finds the id of the row whose key is parameter 1.
    var idByKey: String {
        "SELECT \(id.name.quotedName) FROM \(table.name.quotedName) WHERE \(SQLiteDestination.keyField.quotedName) = ?1"
    }
}

extension SQLStatement {
    /// Binds the parameters of `TargetTable.isID`.
    func bindID(_ id: String) throws {
        let values = SQLValue.values(of: id)
        try bind(1, values[0])
        try bind(2, values.count > 1 ? values[1] : .null)
    }
}

extension Table.Column {
    /// What is stored for a value of JSON with this text.
    func value(_ slice: JSONSlice, _ text: String) -> SQLValue {
        switch slice.kind {
        case .null: .null
        case .true: isBoolean ? .integer(1) : .text(text)
        case .false: isBoolean ? .integer(0) : .text(text)
        // A column with a type makes a number of it, where it has the type of numbers.
        case .number: value(ofText: text)
        case .string, .array, .object: .text(text)
        }
    }

    /// What is stored for a text that may stand for a number.
    func value(ofText text: String) -> SQLValue {
        affinity == .none ? SQLValue.number(text) ?? .text(text) : .text(text)
    }
}

extension Rejection {
    /// The table took no notice of the row, as one of its triggers or an ON CONFLICT IGNORE told it to.
    fileprivate static let ignored = Rejection(.ruleViolated, reason: "the table is told to leave out such a row")

    /// A row was refused; `nil` if the error is about something else.
    init?(refusedBy error: DatabaseError) {
        let code: ErrorCode
        switch error.extendedResultCode {
        case .SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY, .SQLITE_CONSTRAINT_ROWID: code = .duplicate
        case .SQLITE_CONSTRAINT_NOTNULL: code = .requiredFieldMissing
        case .SQLITE_CONSTRAINT_FOREIGNKEY: code = .parentMissing
        case .SQLITE_MISMATCH, .SQLITE_CONSTRAINT_DATATYPE: code = .wrongType
        case .SQLITE_TOOBIG: code = .tooLong
        default:
            guard error.resultCode == .SQLITE_CONSTRAINT else { return nil }
            code = .ruleViolated
        }
        self.init(
            code, fields: Self.columns(in: error.message ?? ""), vendorCode: "\(error.extendedResultCode.rawValue)",
            vendorText: error.message)
    }

    /// `NOT NULL constraint failed: people.name, people.born`: the columns in SQLite's own texts.
    private static func columns(in message: String) -> [String] {
        let parts = message.split(separator: "constraint failed: ", maxSplits: 1)
        guard parts.count == 2, message.hasPrefix("UNIQUE") || message.hasPrefix("NOT NULL") else { return [] }
        return parts[1].split(separator: ", ").compactMap { $0.split(separator: ".").last.map(String.init) }
    }
}
