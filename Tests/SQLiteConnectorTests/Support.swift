// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import GRDB
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSQLiteConnector
import MigratezTestKit

/// A database that other programs work with, beside the connector.
struct OtherProgram {
    let path: String
    private let queue: DatabaseQueue

    init(_ folder: String, _ statements: String...) throws {
        path = "\(folder)/crm.sqlite"
        queue = try DatabaseQueue(path: path)
        for statement in statements { try run(statement) }
    }

    func run(_ sql: String) throws {
        try queue.write { try $0.execute(sql: sql) }
    }

    /// A row with its bytes.
    func insert(_ table: String, _ column: String, _ bytes: [UInt8], title: String) throws {
        try queue.write {
            try $0.execute(
                sql: "INSERT INTO \(table) (title, \(column)) VALUES (?, ?)", arguments: [title, Data(bytes)])
        }
    }

    func setJournal(_ mode: String) throws {
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = \(mode)") }
    }

    /// Does `body` while a change is under way that is larger than SQLite's cache; then takes the change back.
    func interrupted(by change: String, _ body: () throws -> Void) throws {
        try queue.writeWithoutTransaction { database in
            try database.execute(
                sql: """
                    PRAGMA cache_size = 1;
                    CREATE VIEW person_numbers AS
                    WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 5000)
                    SELECT value FROM n
                    """)
            try database.inTransaction(.immediate) {
                try database.execute(sql: change)
                try body()
                return .rollback
            }
        }
    }

    /// The first column of each row.
    func texts(_ sql: String) throws -> [String] { try queue.read { try String.fetchAll($0, sql: sql) } }

    func source(_ settings: [String: String] = [:]) throws -> SQLiteSource {
        try SQLiteSource(settings: ConnectorSettings(texts: settings.merging(["file": path]) { $1 }))
    }

    func destination() throws -> SQLiteDestination {
        try SQLiteDestination(settings: ConnectorSettings(texts: ["file": path]))
    }
}

let person = StreamName("person").unsafelyUnwrapped
let company = StreamName("company").unsafelyUnwrapped

func texts(_ page: Page) -> [String] { page.records.map { String(decoding: page.bytes[$0], as: UTF8.self) } }

func ids(_ page: Page) throws -> [String] {
    try page.records.compactMap { try JSONValue(parsing: Array(page.bytes[$0]))["_id"]?.text }
}

/// Reads all pages; `between` is done after each of them.
func readAll(
    _ fields: [String] = [], between: (Page) throws -> Void = { _ in }, _ source: () throws -> SQLiteSource
) async throws -> [String] {
    var found: [String] = []
    var cursor: MigratezModel.Cursor?
    repeat {
        let page = try await source().readPage(of: person, fields: fields, after: cursor)
        found += try ids(page)
        try between(page)
        cursor = page.next
    } while cursor != nil
    return found
}
