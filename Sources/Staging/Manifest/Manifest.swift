// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel
import Synchronization

/// The record of one run: streams, cursors, chunks, outcomes, intents, and what people did.
///
/// SQLite in WAL mode with `synchronous=FULL`: a commit that has returned survives a power cut (with NORMAL, 488 of
/// 1,990 did not). All work runs on one connection and its own queue, never on the cooperative pool. Changes that are
/// asked for while a commit is under way go into the next one together, so that many tasks share one fsync.
package final class Manifest: Sendable {
    private let queue: DatabaseQueue
    private let commits = Mutex(CommitQueue())
    private let clock: any WallClock
    private let onCommit: @Sendable (CommitMoment) throws -> Void

    /// A moment of a commit at which a test may let it fail.
    package enum CommitMoment: Sendable {
        /// Nothing of it has happened.
        case before
        /// It is durable, and its caller does not know yet.
        case after
    }

    /// Whether work is done at once by whoever asks for it, on their thread: for simulations, which must take the same
    /// course each time and cannot see the connection's own queue.
    @TaskLocal package static var worksInPlace = false

    /// The page cache of the connection.
    package static let cacheBytes = ByteCount.MiB(16)

    /// Opens the manifest at `path`, creating it if it is not there (the folder must exist and be 0700).
    ///
    /// - Parameters:
    ///   - isReadOnly: for looking at a run that another process owns.
    ///   - onCommit: what it throws fails the commit; for tests of those who commit.
    package init(
        path: String, isReadOnly: Bool = false, clock: any WallClock = SystemWallClock(),
        onCommit: @escaping @Sendable (CommitMoment) throws -> Void = { _ in }
    ) throws(MigratezError) {
        self.clock = clock
        self.onCommit = onCommit
        var configuration = Configuration()
        configuration.readonly = isReadOnly
        configuration.label = "migratez.manifest"
        configuration.foreignKeysEnabled = true
        configuration.journalMode = isReadOnly ? .default : .wal
        // Another process that only reads may hold the database for a moment.
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { database in
            // https://www.sqlite.org/pragma.html: FULL syncs the WAL at each commit; secure_delete writes zeros over
            // what is deleted; temporary tables and journals stay in memory.
            try database.execute(sql: "PRAGMA temp_store = MEMORY")
            try database.execute(sql: "PRAGMA cache_size = -\(Manifest.cacheBytes.bytes >> 10)")
            if !isReadOnly {
                try database.execute(sql: "PRAGMA secure_delete = ON")
                try database.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
            }
        }
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            if isReadOnly {
                let found = try queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
                try ManifestSchema.check(found)
            } else {
                try queue.writeWithoutTransaction { database in
                    try Manifest.syncEachCommit(database)
                    try ManifestSchema.migrate(database)
                }
            }
        } catch { throw MigratezError(manifest: error) }
    }

    /// Makes SQLite sync the log at each commit. Not before the connection is open: turning the log on, GRDB sets
    /// `synchronous` to NORMAL (`Database.setUpWALMode`), with which a power cut takes commits back. So SQLite is asked
    /// what it does.
    private static func syncEachCommit(_ database: Database) throws {
        try database.execute(sql: "PRAGMA synchronous = FULL")
        let (full, found) = (2, try Int.fetchOne(database, sql: "PRAGMA synchronous"))
        guard found == full else {
            throw MigratezError(.internalError, "commits of the manifest would not survive a power cut")
        }
    }

    /// Commits what `body` does, and returns when it is durable.
    ///
    /// Changes of several callers may share a transaction; a `body` that throws takes back its own changes only. It must
    /// not wait for anything. If the commit itself fails, nothing of it has happened.
    @discardableResult
    package func commit<T: Sendable>(
        _ body: @escaping @Sendable (ManifestTransaction) throws -> T
    ) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            let entry = CommitQueue.Entry(body: body, continuation: continuation)
            guard commits.withLock({ $0.submit(entry) }) == .drain else { return }
            enqueue { self.drain($0) }
        }
    }

    /// Runs `body` on a consistent view; it cannot change anything. Like a commit it is not cut off when the task is
    /// cancelled, so that whoever cleans up can still look.
    package func read<T: Sendable>(_ body: @escaping @Sendable (ManifestView) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            if Manifest.worksInPlace {
                continuation.resume(with: Manifest.result { try queue.read { try body(ManifestView($0)) } })
                return
            }
            queue.asyncRead { database in
                continuation.resume(with: Manifest.result { try body(ManifestView(try database.get())) })
            }
        }
    }

    /// Whether a commit that failed so may have become durable nevertheless: its end may stand in the log, which only
    /// the next opening reads.
    static func isFateUnknown(after error: any Error) -> Bool {
        guard let code = (error as? MigratezError)?.code else { return false }
        return [.diskFull, .diskFailed, .manifestDamaged].contains(code)
    }

    /// Runs `body` on the connection, outside of a transaction.
    private func onConnection<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            enqueue { database in continuation.resume(with: Manifest.result { try body(database) }) }
        }
    }

    /// Has `work` done on the connection, outside of a transaction.
    private func enqueue(_ work: @escaping @Sendable (Database) -> Void) {
        if Manifest.worksInPlace { queue.inDatabase(work) } else { queue.asyncWriteWithoutTransaction(work) }
    }

    /// What `body` returns or throws; errors of SQLite as ours.
    private static func result<T>(_ body: () throws -> T) -> Result<T, any Error> {
        do {
            return .success(try body())
        } catch {
            return .failure(error is DatabaseError ? MigratezError(manifest: error) : error)
        }
    }

    /// Closes the connection; nothing may be asked of the manifest afterwards.
    package func close() throws(MigratezError) {
        do { try queue.close() } catch { throw MigratezError(manifest: error) }
    }

    /// Moves everything from the WAL into the database file and empties the WAL.
    ///
    /// Throws `shredIncomplete` unless SQLite answers 0|0|0: not busy, nothing left in the log
    /// (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint).
    package func truncateLog() async throws {
        let answer: [Int] = try await onConnection { database in
            let row = try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            return row.map { row in (0..<3).map { row[$0] as Int } } ?? []
        }
        guard answer == [0, 0, 0] else {
            throw MigratezError(
                .shredIncomplete, "the manifest's log could not be emptied (\(answer)): somebody else reads the run",
                remedy: .retry(after: .seconds(5)), hint: "end other commands that look at this run, then shred again")
        }
    }

    /// Rewrites the database without its free pages (https://www.sqlite.org/lang_vacuum.html).
    package func compact() async throws {
        try await onConnection { try $0.execute(sql: "VACUUM") }
    }

    /// Commits everything that waits, until nothing does.
    private func drain(_ database: Database) {
        while true {
            let entries = commits.withLock { $0.take() }
            if entries.isEmpty { return }
            let failure = commit(entries, database)
            for entry in entries { entry.finish(failure) }
        }
    }

    /// Runs `body` so that its changes alone are taken back if it throws.
    ///
    /// GRDB's own savepoints compile their statements anew for each change.
    private static func inSavepoint(_ database: Database, _ body: () throws -> Void) throws {
        func run(_ sql: String) throws { _ = try BoundStatement(sql, database).run() }
        try run("SAVEPOINT change")
        do { try body() } catch {
            // If SQLite has given up the whole transaction, there is nothing to go back to.
            if database.isInsideTransaction {
                try run("ROLLBACK TO change")
                try run("RELEASE change")
            }
            throw error
        }
        try run("RELEASE change")
    }

    /// One transaction for all `entries`; the error if it did not become durable.
    private func commit(_ entries: [any CommitQueue.Pending], _ database: Database) -> MigratezError? {
        let transaction = ManifestTransaction(database, now: clock.now)
        do {
            try onCommit(.before)
            try database.inTransaction(.immediate) {
                for entry in entries {
                    do {
                        try Manifest.inSavepoint(database) { try entry.run(transaction) }
                    } catch {
                        // SQLite gives up the whole transaction for some errors (a full disk): then all have failed.
                        guard database.isInsideTransaction else { throw error }
                        entry.refuse(error is DatabaseError ? MigratezError(manifest: error) : error)
                    }
                }
                return .commit
            }
            try onCommit(.after)
            return nil
        } catch { return MigratezError(manifest: error) }
    }
}

extension MigratezError {
    /// What went wrong in a statement of the manifest. SQLite's text names tables and columns, never values: GRDB keeps
    /// arguments out of it, and it is not asked for the statement.
    init(manifest error: any Error) {
        if let error = error as? MigratezError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(.internalError, "the manifest failed", cause: error)
            return
        }
        let text = "\(error.message ?? "unknown") (SQLite \(error.extendedResultCode.rawValue))"
        switch error.resultCode {
        case .SQLITE_FULL:
            self.init(.diskFull, "the manifest cannot grow: \(text)", remedy: .fixConfiguration)
        case .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM:
            self.init(.diskFailed, "the manifest cannot be read or written: \(text)", remedy: .fixConfiguration)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            self.init(.manifestDamaged, "the manifest is damaged: \(text)")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(.runBusy, "the manifest is locked by another process: \(text)", remedy: .retry(after: nil))
        default:
            self.init(.internalError, "the manifest refused a statement: \(text)")
        }
    }
}
