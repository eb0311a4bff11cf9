// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezConnectorKit
import MigratezModel

/// The column of a table whose values are contents of records, moved in pieces.
///
/// While a content is on its way a transaction is open. Where the database is in WAL mode, or is only read, nobody else
/// notices; otherwise who wants to write has to wait.
struct ContentColumn: Sendable {
    let table: String
    let column: String
    /// The column with the ids of records, or `rowid`, quoted.
    let id: String

    /// - Throws: `notSupported` if the rows of the table cannot be reached for pieces: it is a view, or has no `rowid`.
    init(_ table: Table, column: String, id: String) throws(MigratezError) {
        guard table.hasRowID else {
            throw MigratezError(
                .notSupported, "'\(table.name)' is a view or has no rowid, so that '\(column)' cannot be had in pieces",
                remedy: .fixConfiguration, hint: "name a table of the usual kind, or take `content` out")
        }
        self.table = table.name
        self.column = column
        self.id = id
    }

    /// Hands on the bytes of one record's content.
    ///
    /// - Throws: `Rejection(.contentUnavailable)` if there is no such row, or neither BLOB nor text in it.
    func read(id: String, from file: DatabaseFile, _ piece: ([UInt8]) async throws -> Void) async throws {
        try await file.transaction { queue in
            let blob = try await queue.writeWithoutTransaction { database -> OpenBlob in
                guard
                    let rowID = try rowID(of: id, holding: "typeof(\(column.quotedName)) IN ('blob', 'text')", database)
                else { throw Rejection(.contentUnavailable, reason: "the column holds no content for it") }
                return try OpenBlob(database, table: table, column: column, rowID: rowID, isWritten: false)
            }
            defer { blob.close() }
            for start in stride(from: 0, to: blob.length, by: RowContent.pieceBytesMax) {
                try Task.checkCancellation()
                try await piece(blob.read(start..<min(start + RowContent.pieceBytesMax, blob.length)))
            }
        }
    }

    /// Makes room for the content of a row that is there, and gives the place to write it to.
    func makeRoom(for bytes: Int, id: String, _ database: Database) throws -> OpenBlob {
        guard let rowID = try rowID(of: id, holding: "1", database) else {
            throw MigratezError(.internalError, "a row of '\(table)' is gone within its own transaction")
        }
        try database.execute(
            sql: "UPDATE \(table.quotedName) SET \(column.quotedName) = zeroblob(?) WHERE rowid = ?",
            arguments: [bytes, rowID])
        return try OpenBlob(database, table: table, column: column, rowID: rowID, isWritten: true)
    }

    private func rowID(of id: String, holding condition: String, _ database: Database) throws -> Int64? {
        let looking = try SQLStatement(
            database, "SELECT rowid FROM \(table.quotedName) WHERE \(self.id) IN (?1, ?2) AND \(condition) LIMIT 1")
        defer { looking.reset() }
        try looking.bindID(id)
        guard try looking.step(), case .integer(let rowID) = looking.value(0) else { return nil }
        return rowID
    }
}

/// Writes one row and its content in one transaction: neither is ever there without the other.
struct ContentWrite: Sendable {
    let file: DatabaseFile
    let object: String

    func write(_ row: Batch.Row, _ content: RowContent) async throws -> Receipt.Result {
        try await file.transaction { queue in
            let (result, blob) = try await queue.writeWithoutTransaction { database -> (Receipt.Result, OpenBlob?) in
                var upsert = RowUpsert(try TargetTable.require(object, database), database)
                let result = try upsert.write(row)
                switch result {
                case .created(let id), .updated(let id):
                    let target = try TargetTable.require(object, database)
                    let column = try ContentColumn(target.table, column: content.field, id: target.id.name.quotedName)
                    return (result, try column.makeRoom(for: content.bytes, id: id, database))
                default: return (result, nil)
                }
            }
            defer { blob?.close() }
            guard let blob else { return result }
            let next = try await content.pieces()
            var offset = 0
            while let piece = try await next() {
                guard offset + piece.count <= blob.length else { break }
                try blob.write(piece, at: offset)
                offset += piece.count
            }
            guard offset == blob.length else {
                throw MigratezError(.internalError, "a content of \(blob.length) bytes came with another length")
            }
            return result
        }
    }
}
