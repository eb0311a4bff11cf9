// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezModel
import MigratezSyntheticCRM
import Synchronization

/// What has been written since the start, in SQLite. A record here hides the synthetic one with the same id.
///
/// While nothing of an object has been written, nobody needs to ask the database about it.
final class Overlay: Sendable {
    private let queue: DatabaseQueue
    private let crm: SyntheticCRM
    private let touched: Mutex<Touched>

    private struct Touched {
        var records: Set<CRMObject> = []
        var links = false
        var properties: [CRMObject: [PropertyDefinition]] = [:]
    }

    init(path: String?, crm: SyntheticCRM) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            // A simulator's data need not outlive a power cut.
            try database.execute(sql: "PRAGMA synchronous = OFF")
        }
        queue =
            try path.map { try DatabaseQueue(path: $0, configuration: configuration) }
            ?? DatabaseQueue(configuration: configuration)
        self.crm = crm
        let found = try queue.write { database in
            try Overlay.createTables(database)
            if crm.counts.files > 0, try Int.fetchOne(database, sql: "PRAGMA user_version") == 0 {
                try OverlaySession(database: database, crm: crm).attachFiles()
                try database.execute(sql: "PRAGMA user_version = 1")
            }
            var found = Touched()
            for object in try Int.fetchAll(database, sql: "SELECT DISTINCT object FROM record") {
                if let object = CRMObject(rawValue: object) { found.records.insert(object) }
            }
            found.links = try Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM linkPair)") ?? false
            for row in try Row.fetchAll(database, sql: "SELECT object, definition FROM property ORDER BY rowid") {
                guard let object = CRMObject(rawValue: row["object"]),
                    let property = PropertyDefinition(stored: row["definition"])
                else { continue }
                found.properties[object, default: []].append(property)
            }
            return found
        }
        touched = Mutex(found)
    }

    private static func createTables(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS record (
                    object INTEGER NOT NULL, id INTEGER NOT NULL, properties TEXT NOT NULL, created INTEGER NOT NULL,
                    updated INTEGER NOT NULL, archived INTEGER, PRIMARY KEY (object, id)) WITHOUT ROWID;
                CREATE TABLE IF NOT EXISTS uniqueValue (
                    object INTEGER NOT NULL, property TEXT NOT NULL, value TEXT NOT NULL, id INTEGER NOT NULL,
                    PRIMARY KEY (object, property, value)) WITHOUT ROWID;
                CREATE INDEX IF NOT EXISTS uniqueValueById ON uniqueValue (object, id);
                CREATE TABLE IF NOT EXISTS linkPair (
                    fromObject INTEGER NOT NULL, fromId INTEGER NOT NULL, toObject INTEGER NOT NULL,
                    toId INTEGER NOT NULL, types TEXT NOT NULL,
                    PRIMARY KEY (fromObject, fromId, toObject, toId)) WITHOUT ROWID;
                CREATE TABLE IF NOT EXISTS property (
                    object INTEGER NOT NULL, name TEXT NOT NULL, definition TEXT NOT NULL, UNIQUE (object, name));
                CREATE TABLE IF NOT EXISTS folder (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
                CREATE TABLE IF NOT EXISTS file (
                    id INTEGER PRIMARY KEY, name TEXT NOT NULL, extension TEXT NOT NULL, folder INTEGER NOT NULL,
                    access TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
                    isDeleted INTEGER NOT NULL, content BLOB NOT NULL);
                CREATE TABLE IF NOT EXISTS propertyGroup (
                    object INTEGER NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL, PRIMARY KEY (object, name));
                """)
    }

    /// Whether records of the object have been written.
    func hasRecords(of object: CRMObject) -> Bool { touched.withLock { $0.records.contains(object) } }
    /// Whether links have been written.
    var hasLinks: Bool { touched.withLock { $0.links } }
    /// The properties that were added to the object.
    func properties(of object: CRMObject) -> [PropertyDefinition] { touched.withLock { $0.properties[object] ?? [] } }

    func read<Value: Sendable>(
        _ body: @Sendable @escaping (OverlaySession) throws -> Value
    ) async throws(HubSpotFailure) -> Value {
        do {
            return try await queue.read { [crm] in try body(OverlaySession(database: $0, crm: crm)) }
        } catch {
            throw Overlay.failure(error)
        }
    }

    /// Runs `body` in a transaction that is rolled back if it throws.
    func write<Value: Sendable>(
        _ body: @Sendable @escaping (OverlaySession) throws -> Value
    ) async throws(HubSpotFailure) -> Value {
        do {
            let (value, changes) = try await queue.write { [crm] database in
                let session = OverlaySession(database: database, crm: crm)
                return (try body(session), session.changes)
            }
            touched.withLock {
                $0.records.formUnion(changes.records)
                $0.links = $0.links || changes.links
                for (object, property) in changes.properties { $0.properties[object, default: []].append(property) }
            }
            return value
        } catch {
            throw Overlay.failure(error)
        }
    }

    private static func failure(_ error: any Error) -> HubSpotFailure {
        error as? HubSpotFailure ?? HubSpotFailure(500, "INTERNAL_ERROR", "the simulator's database failed")
    }
}

/// One transaction on the overlay; lives no longer than the closure that it is given to.
final class OverlaySession {
    /// What a transaction touched, for the flags that spare the database.
    struct Changes: Sendable {
        var records: Set<CRMObject> = []
        var links = false
        var properties: [(CRMObject, PropertyDefinition)] = []
    }

    let database: Database
    let crm: SyntheticCRM
    var changes = Changes()

    init(database: Database, crm: SyntheticCRM) {
        self.database = database
        self.crm = crm
    }

    /// Runs `body` so that what it wrote is undone if it throws.
    func undoing<Value>(_ body: () throws -> Value) throws -> Value {
        let before = changes
        do {
            var value: Value?
            try database.inSavepoint {
                value = try body()
                return .commit
            }
            guard let value else { throw HubSpotFailure(500, "INTERNAL_ERROR", "the savepoint was not run") }
            return value
        } catch {
            changes = before
            throw error
        }
    }
}
