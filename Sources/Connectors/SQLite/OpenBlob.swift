// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import GRDBSQLite
import Synchronization

/// One BLOB, or the bytes of one text, read or written in pieces wherever it lies, never held whole.
///
/// SQLite's incremental I/O (https://www.sqlite.org/c3ref/blob_open.html), which GRDB does not have. As long as it is
/// open, so is a transaction of its connection, which has to outlive it and must do nothing else meanwhile.
final class OpenBlob: Sendable {
    /// In bytes; writing cannot change it.
    let length: Int
    /// The address of SQLite's handle; 0 = closed.
    private let handle: Mutex<UInt>

    /// - Throws: `DatabaseError` if the value is neither BLOB nor text, or there is no such row.
    init(_ database: Database, table: String, column: String, rowID: Int64, isWritten: Bool) throws {
        var blob: OpaquePointer?
        let result = sqlite3_blob_open(
            database.sqliteConnection, "main", table, column, rowID, isWritten ? 1 : 0, &blob)
        guard result == SQLITE_OK, let blob else { throw Self.failure(result) }
        length = Int(sqlite3_blob_bytes(blob))
        handle = Mutex(UInt(bitPattern: blob))
    }

    deinit { close() }

    /// - Precondition: the bytes lie within 0..<`length`.
    func read(_ range: Range<Int>) throws -> [UInt8] {
        try withHandle { blob in
            try [UInt8](unsafeUninitializedCapacity: range.count) { bytes, count in
                let result = sqlite3_blob_read(blob, bytes.baseAddress, Int32(range.count), Int32(range.lowerBound))
                guard result == SQLITE_OK else { throw Self.failure(result) }
                count = range.count
            }
        }
    }

    /// - Precondition: the bytes end within `length`.
    func write(_ bytes: [UInt8], at offset: Int) throws {
        try withHandle { blob in
            let result = sqlite3_blob_write(blob, bytes, Int32(bytes.count), Int32(offset))
            guard result == SQLITE_OK else { throw Self.failure(result) }
        }
    }

    /// What it says of a failure was told when it failed.
    func close() {
        handle.withLock { address in
            sqlite3_blob_close(OpaquePointer(bitPattern: address))
            address = 0
        }
    }

    private func withHandle<T: Sendable>(_ body: (OpaquePointer?) throws -> T) throws -> T {
        try handle.withLock { address in
            precondition(address != 0, "a BLOB is used after it was closed")
            return try body(OpaquePointer(bitPattern: address))
        }
    }

    private static func failure(_ code: Int32) -> DatabaseError {
        DatabaseError(resultCode: ResultCode(rawValue: code))
    }
}
