// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

/// A consistent view of the manifest. It lives for one `Manifest.read` or `commit` and is used there only.
package class ManifestView {
    let database: Database

    init(_ database: Database) { self.database = database }

    /// The number of a declared stream.
    func number(of stream: StreamName) throws -> Int64 {
        let row = try BoundStatement("SELECT number FROM streams WHERE name = ?", database)
        defer { row.reset() }
        try row.bind(1, stream.text)
        guard try row.step(), let number = row.integer(0) else {
            throw MigratezError(.internalError, "stream '\(stream)' has not been declared in the manifest")
        }
        return Int64(number)
    }
}

/// What a commit may change. It is a view as well, and sees its own changes.
package final class ManifestTransaction: ManifestView {
    /// The time at which the commit began; used for every time it writes.
    package let now: Timestamp

    init(_ database: Database, now: Timestamp) {
        self.now = now
        super.init(database)
    }

    /// Runs a cached statement and returns how many rows it changed.
    @discardableResult
    func execute(_ sql: String, _ arguments: StatementArguments) throws -> Int {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
        return database.changesCount
    }

    /// The same, with what `bind` binds and without GRDB's arguments: for what is done for each batch of a load.
    @discardableResult
    func run(_ sql: String, _ bind: (BoundStatement) throws -> Void) throws -> Int {
        let statement = try BoundStatement(sql, database)
        defer { statement.reset() }
        try bind(statement)
        return try statement.run()
    }
}

/// Turns what a row says into a domain value; anything unknown means that the manifest is damaged.
func decoded<T>(_ value: T?, _ column: StaticString) throws(MigratezError) -> T {
    guard let value else {
        throw MigratezError(.manifestDamaged, "column '\(column)' of the manifest holds something unknown")
    }
    return value
}
