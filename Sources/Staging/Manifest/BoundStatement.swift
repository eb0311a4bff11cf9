// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import GRDBSQLite

/// A prepared statement that is bound, stepped and read through SQLite itself.
///
/// For loops over outcomes and what is done for each batch only: GRDB's arguments and rows cost more there than SQLite
/// does. GRDB owns the statement and its connection, and both outlive this value, which is used within one view of the
/// manifest.
struct BoundStatement {
    private let statement: OpaquePointer
    private let connection: OpaquePointer?
    /// Tells SQLite to copy the text at once (`SQLITE_TRANSIENT`, a cast that Swift does not import).
    private static let copied = unsafeBitCast(OpaquePointer(bitPattern: -1), to: sqlite3_destructor_type.self)

    init(_ statement: Statement, _ database: Database) {
        self.statement = statement.sqliteStatement
        connection = database.sqliteConnection
        reset()
    }

    /// The statement with this text, which GRDB keeps prepared.
    init(_ sql: String, _ database: Database) throws {
        self.init(try database.cachedStatement(sql: sql), database)
    }

    /// Binds the parameter with this index, from 1 upward.
    func bind(_ index: Int32, _ value: Int64?) throws {
        try check(value.map { sqlite3_bind_int64(statement, index, $0) } ?? sqlite3_bind_null(statement, index))
    }

    /// Binds the parameter with this index, from 1 upward.
    func bind(_ index: Int32, _ text: String?) throws {
        guard var text else { return try check(sqlite3_bind_null(statement, index)) }
        let result = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                sqlite3_bind_text(statement, index, $0.baseAddress, Int32($0.count), BoundStatement.copied)
            }
        }
        try check(result)
    }

    /// Runs a statement without rows to its end and returns how many rows it changed.
    func run() throws -> Int {
        let result = sqlite3_step(statement)
        sqlite3_reset(statement)
        guard result == SQLITE_DONE else { throw failure(result) }
        return Int(sqlite3_changes(connection))
    }

    /// Binds bytes that stay where they are until the statement has run (`SQLITE_STATIC`).
    func lend(_ index: Int32, _ text: UnsafeBufferPointer<UInt8>?) throws {
        guard let text else { return try check(sqlite3_bind_null(statement, index)) }
        let result = text.withMemoryRebound(to: CChar.self) {
            sqlite3_bind_text(statement, index, $0.baseAddress, Int32($0.count), nil)
        }
        try check(result)
    }

    /// Goes on to the next row; false after the last.
    func step() throws -> Bool {
        switch sqlite3_step(statement) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let result: throw failure(result)
        }
    }

    /// The number in a column of the current row, from 0 upward; nil for NULL.
    func integer(_ column: Int32) -> Int? {
        guard sqlite3_column_type(statement, column) != SQLITE_NULL else { return nil }
        return Int(sqlite3_column_int64(statement, column))
    }

    /// The text in a column of the current row, from 0 upward; nil for NULL.
    func text(_ column: Int32) -> String? {
        guard let start = sqlite3_column_text(statement, column) else { return nil }
        let count = Int(sqlite3_column_bytes(statement, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// Makes the statement ready to be run again with the same values.
    func rewind() { sqlite3_reset(statement) }

    /// Makes the statement ready for others: nothing running, nothing bound.
    func reset() {
        sqlite3_reset(statement)
        sqlite3_clear_bindings(statement)
    }

    private func check(_ result: CInt) throws {
        guard result == SQLITE_OK else { throw failure(result) }
    }

    private func failure(_ result: CInt) -> DatabaseError {
        DatabaseError(resultCode: ResultCode(rawValue: result), message: String(cString: sqlite3_errstr(result)))
    }
}
