// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezModel
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The file of a database, opened when it is first needed.
///
/// Between two calls no transaction is open, so that other programs can go on writing. Nobody's settings of the database
/// (its journal mode, for instance) are changed.
final class DatabaseFile: Sendable {
    enum Mode: Sendable {
        /// Opened so that SQLite itself refuses to write; that others write meanwhile is expected.
        case reading
        case writing
    }

    let path: String
    private let mode: Mode
    private let queue = Mutex<DatabaseQueue?>(nil)

    init(_ path: String, _ mode: Mode) {
        self.path = path
        self.mode = mode
    }

    var exists: Bool { access(path, F_OK) == 0 }

    /// Whether the file, or its folder if there is no file yet, may be written to.
    var isWritable: Bool {
        if exists { return access(path, R_OK | W_OK) == 0 }
        return access(folder, W_OK | X_OK) == 0
    }

    private var folder: String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Creates an empty database that only its owner may read, if there is no file. SQLite gives the same rights to the
    /// journals beside it.
    func create() throws(MigratezError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor < 0 else {
            close(descriptor)
            return
        }
        guard errno == EEXIST else {
            throw MigratezError(
                .fileNotFound, "cannot create \(path): \(String(cString: strerror(errno)))", remedy: .fixConfiguration,
                hint: "the folder must exist and be writable")
        }
    }

    /// Runs `body` on one consistent view of the database.
    func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        try await translated { try await self.opened().read(body) }
    }

    /// Runs `body` in one transaction, which is durable when this returns. If it throws, nothing has changed.
    func write<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        precondition(mode == .writing, "a database that is read only is written to")
        return try await translated { try await self.opened().write(body) }
    }

    /// Runs `body` with a connection of its own, in one transaction over all that it does there, which is durable when this
    /// returns. If it throws, nothing has changed: the connection ends, and its transaction with it.
    func transaction<T: Sendable>(_ body: (DatabaseQueue) async throws -> T) async throws -> T {
        try await translated {
            var configuration = configuration
            configuration.allowsUnsafeTransactions = true
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let begin = mode == .writing ? "BEGIN IMMEDIATE" : "BEGIN"
            try await queue.writeWithoutTransaction { try $0.execute(sql: begin) }
            let result = try await body(queue)
            try await queue.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
            return result
        }
    }

    private func translated<T>(_ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch let error as DatabaseError {
            throw error.resultCode == .SQLITE_INTERRUPT ? CancellationError() : error.failure(of: path)
        }
    }

    private func opened() throws -> DatabaseQueue {
        try queue.withLock { queue in
            if let queue { return queue }
            let fresh = try DatabaseQueue(path: path, configuration: configuration)
            queue = fresh
            return fresh
        }
    }

    private var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "migratez.sqlite"
        configuration.readonly = mode == .reading
        configuration.busyMode = .timeout(10)
        let isWriting = mode == .writing
        configuration.prepareDatabase { database in
            // https://www.sqlite.org/pragma.html: what the schema of somebody else's file calls is not trusted.
            try database.execute(sql: "PRAGMA trusted_schema = OFF")
            guard isWriting else { return }
            // A receipt is given for what a power cut leaves; what is deleted is overwritten.
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.execute(sql: "PRAGMA secure_delete = ON")
        }
        return configuration
    }
}

extension DatabaseError {
    /// The whole call failed. SQLite's own text is told where it names tables and columns only.
    func failure(of path: String) -> MigratezError {
        switch resultCode {
        case _ where [.SQLITE_READONLY_ROLLBACK, .SQLITE_READONLY_RECOVERY].contains(extendedResultCode):
            MigratezError(
                .fileNotFound, "the database \(path) was left by another program in the middle of a change",
                remedy: .fixConfiguration, hint: "open it once with that program, or with sqlite3, and close it again")
        case .SQLITE_CANTOPEN:
            MigratezError(
                .fileNotFound, "cannot open the database \(path)", remedy: .fixConfiguration,
                hint: "it must exist and be readable; one in WAL mode needs a folder that is writable, too")
        case .SQLITE_NOTADB:
            MigratezError(
                .invalidSetting, "\(path) is not an SQLite database, or is encrypted", remedy: .fixConfiguration)
        case .SQLITE_CORRUPT:
            MigratezError(
                .malformedRecord, "the database \(path) is damaged", remedy: .fixConfiguration,
                hint: "sqlite3 FILE 'PRAGMA integrity_check' tells more; restore a copy that is whole")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            MigratezError(
                .rowLocked, "another program holds the database \(path)", remedy: .retry(after: .seconds(2)),
                hint: "end what the other program does, then resume")
        case .SQLITE_FULL:
            MigratezError(
                .diskFull, "there is no space for the database \(path)", remedy: .fixConfiguration,
                hint: "make room, then resume")
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            MigratezError(.permissionMissing, "the database \(path) cannot be written to", remedy: .fixConfiguration)
        case .SQLITE_IOERR: MigratezError(.diskFailed, "the database \(path) cannot be read or written")
        case .SQLITE_CONSTRAINT:
            // At the end of a transaction: which row it was is found out by sending fewer.
            MigratezError(.ruleViolated, "a constraint of \(path) refuses the rows together", remedy: .rejectRecord)
        default:
            MigratezError(.requestRefused, "the database \(path) refused a statement: \(message ?? "no reason given")")
        }
    }
}
