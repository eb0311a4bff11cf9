// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import GRDBSQLite
import MigratezJSON

/// A prepared statement whose values go in and out as bytes.
///
/// GRDB would do, but for one thing: it takes a text to end at its first NUL and mends what is not UTF-8, and values are
/// to arrive as they are. GRDB owns the statement and its connection; this value is used within one call of
/// `DatabaseFile`.
struct SQLStatement {
    private let statement: OpaquePointer
    private let connection: OpaquePointer?
    /// Tells SQLite to copy the bytes at once (`SQLITE_TRANSIENT`, a cast that Swift does not import).
    private static let copied = unsafeBitCast(OpaquePointer(bitPattern: -1), to: sqlite3_destructor_type.self)

    init(_ database: Database, _ sql: String) throws {
        statement = try database.cachedStatement(sql: sql).sqliteStatement
        connection = database.sqliteConnection
        reset()
    }

    /// Makes the statement ready for others: nothing running, nothing bound.
    func reset() {
        sqlite3_reset(statement)
        sqlite3_clear_bindings(statement)
    }

    /// Binds the parameter with this index, from 1 upward.
    func bind(_ index: Int, _ value: SQLValue) throws {
        let index = Int32(index)
        let result =
            switch value {
            case .null: sqlite3_bind_null(statement, index)
            case .integer(let number): sqlite3_bind_int64(statement, index, number)
            case .real(let number): sqlite3_bind_double(statement, index, number)
            case .text(let bytes):
                bytes.withUnsafeBufferPointer { bytes in
                    // An empty array may have no address, which would make it NULL.
                    guard bytes.count > 0 else { return sqlite3_bind_text(statement, index, "", 0, Self.copied) }
                    return bytes.withMemoryRebound(to: CChar.self) {
                        sqlite3_bind_text64(
                            statement, index, $0.baseAddress, sqlite3_uint64($0.count), Self.copied,
                            UInt8(SQLITE_UTF8))
                    }
                }
            case .blob(let bytes):
                bytes.isEmpty
                    ? sqlite3_bind_zeroblob(statement, index, 0)
                    : sqlite3_bind_blob64(statement, index, bytes, sqlite3_uint64(bytes.count), Self.copied)
            }
        guard result == SQLITE_OK else { throw failure() }
    }

    /// Goes on to the next row; false after the last. Whatever it throws, the statement is to be reset.
    func step() throws -> Bool {
        switch sqlite3_step(statement) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw failure()
        }
    }

    /// How many rows the last statement that ended has inserted, changed or deleted.
    var changes: Int { Int(sqlite3_changes(connection)) }

    // MARK: The current row; columns count from 0 upward

    func value(_ column: Int) -> SQLValue {
        let column = Int32(column)
        switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, column))
        case SQLITE_FLOAT: return .real(sqlite3_column_double(statement, column))
        case SQLITE_TEXT: return .text(bytes(column))
        case SQLITE_BLOB: return .blob(bytes(column))
        default: return .null
        }
    }

    /// How many bytes a text or blob takes.
    func length(_ column: Int) -> Int {
        switch sqlite3_column_type(statement, Int32(column)) {
        case SQLITE_TEXT, SQLITE_BLOB: Int(sqlite3_column_bytes(statement, Int32(column)))
        default: 0
        }
    }

    private func bytes(_ column: Int32) -> [UInt8] {
        // In this order: the first call may convert the value, the second one tells its length then.
        let start =
            sqlite3_column_type(statement, column) == SQLITE_TEXT
            ? UnsafeRawPointer(sqlite3_column_text(statement, column)) : sqlite3_column_blob(statement, column)
        guard let start else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
    }

    private func failure() -> DatabaseError {
        DatabaseError(
            resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
            message: sqlite3_errmsg(connection).map { String(cString: $0) })
    }
}

/// A value as SQLite stores it.
enum SQLValue: Sendable, Equatable {
    case null
    case integer(Int64)
    case real(Double)
    /// In UTF-8, if whoever wrote it kept to that.
    case text([UInt8])
    case blob([UInt8])

    static func text(_ text: String) -> SQLValue { .text(Array(text.utf8)) }

    /// Why the value cannot be a value of JSON; `nil` if it can.
    var problem: String? {
        switch self {
        case .null, .integer: nil
        case .real(let number): number.isFinite ? nil : "holds an infinite number"
        case .text(let bytes): (try? UTF8Span(validating: bytes.span)) == nil ? "holds a text that is not UTF-8" : nil
        case .blob: "holds a BLOB"
        }
    }

    /// Writes a value without a problem.
    ///
    /// - Parameter isBoolean: the column's 1 and 0 mean true and false.
    func write(to writer: inout JSONWriter, isBoolean: Bool) {
        switch self {
        case .integer(1) where isBoolean: writer.bool(true)
        case .integer(0) where isBoolean: writer.bool(false)
        case .integer(let number): writer.raw(String(number).utf8)
        // The shortest digits that give the same number again.
        case .real(let number) where number.isFinite: writer.raw(number.description.utf8)
        case .text(let bytes): bytes.withUnsafeBufferPointer { writer.string($0) }
        case .null, .real, .blob: writer.null()
        }
    }

    /// The value as the id of a record; `nil` if it cannot be one.
    var id: String? {
        guard problem == nil else { return nil }
        return switch self {
        case .integer(let number): String(number)
        case .real(let number): number.description
        case .text(let bytes): bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
        case .null, .blob: nil
        }
    }

    /// The values that a column may hold for the id: a text, and a number if it reads like one.
    ///
    /// A column with a type makes the one into the other when it is compared; one without a type does not.
    static func values(of id: String) -> [SQLValue] {
        var values: [SQLValue] = [.text(id)]
        if let number = number(id) { values.append(number) }
        return values
    }

    /// The number that is written exactly so, if there is one.
    static func number(_ text: String) -> SQLValue? {
        if let integer = Int64(text), String(integer) == text { return .integer(integer) }
        if let real = Double(text), real.description == text, real.isFinite { return .real(real) }
        return nil
    }
}
