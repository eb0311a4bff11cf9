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
        var records: Set<ObjectType> = []
        var links = false
        var properties: [ObjectType: [PropertyDefinition]] = [:]
        var definitions = AccountDefinitions()
    }

    /// - Parameter seed: how many records of a custom object there are from the start; 0 = no such object.
    init(path: String?, crm: SyntheticCRM, seed subscriptions: Int) throws {
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
            if try Int.fetchOne(database, sql: "PRAGMA user_version") == 0 {
                let session = OverlaySession(database: database, crm: crm, AccountDefinitions())
                if crm.counts.files > 0 { try session.attachFiles() }
                if subscriptions > 0 { try session.seedSubscriptions(subscriptions) }
                try database.execute(sql: "PRAGMA user_version = 1")
            }
            var found = Touched()
            found.definitions = try Overlay.definitions(database)
            for object in try Int.fetchAll(database, sql: "SELECT DISTINCT object FROM record") {
                if let object = ObjectType(number: object) { found.records.insert(object) }
            }
            found.links = try Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM linkPair)") ?? false
            for row in try Row.fetchAll(database, sql: "SELECT object, definition FROM property ORDER BY rowid") {
                guard let object = ObjectType(number: row["object"]),
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
                CREATE TABLE IF NOT EXISTS customObject (number INTEGER PRIMARY KEY, definition TEXT NOT NULL);
                CREATE TABLE IF NOT EXISTS linkType (
                    id INTEGER PRIMARY KEY, inverseId INTEGER NOT NULL, fromObject INTEGER NOT NULL,
                    toObject INTEGER NOT NULL, label TEXT, inverseLabel TEXT, name TEXT);
                """)
    }

    private static func definitions(_ database: Database) throws -> AccountDefinitions {
        var definitions = AccountDefinitions()
        for row in try Row.fetchAll(database, sql: "SELECT number, definition FROM customObject") {
            let number: Int = row["number"]
            definitions.customObjects[number] = CustomObject(number: number, stored: row["definition"])
        }
        for row in try Row.fetchAll(database, sql: "SELECT * FROM linkType ORDER BY id") {
            guard let from = ObjectType(number: row["fromObject"]), let to = ObjectType(number: row["toObject"]) else {
                continue
            }
            definitions.links.add(
                LinkTypeBook.Addition(
                    id: row["id"], inverseID: row["inverseId"], from: from, to: to, label: row["label"],
                    inverseLabel: row["inverseLabel"], name: row["name"]))
        }
        return definitions
    }

    /// What was defined in the account.
    var definitions: AccountDefinitions { touched.withLock { $0.definitions } }
    /// Whether records of the object have been written.
    func hasRecords(of object: ObjectType) -> Bool { touched.withLock { $0.records.contains(object) } }
    /// Whether links have been written.
    var hasLinks: Bool { touched.withLock { $0.links } }
    /// The properties that were added to the object.
    func properties(of object: ObjectType) -> [PropertyDefinition] { touched.withLock { $0.properties[object] ?? [] } }

    func read<Value: Sendable>(
        _ body: @Sendable @escaping (OverlaySession) throws -> Value
    ) async throws(HubSpotFailure) -> Value {
        do {
            return try await queue.read { [crm, touched = definitions] in
                try body(OverlaySession(database: $0, crm: crm, touched))
            }
        } catch {
            throw Overlay.failure(error)
        }
    }

    /// Runs `body` in a transaction that is rolled back if it throws.
    func write<Value: Sendable>(
        _ body: @Sendable @escaping (OverlaySession) throws -> Value
    ) async throws(HubSpotFailure) -> Value {
        do {
            let (value, changes) = try await queue.write { [crm, self] database in
                let session = OverlaySession(database: database, crm: crm, definitions)
                let value = try body(session)
                // Here and not below: the next write must see what this one defined.
                touched.withLock { $0.definitions = session.definitions }
                return (value, session.changes)
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
        var records: Set<ObjectType> = []
        var links = false
        var properties: [(ObjectType, PropertyDefinition)] = []
    }

    let database: Database
    let crm: SyntheticCRM
    var changes = Changes()
    /// What is defined in the account, with what this transaction adds.
    var definitions: AccountDefinitions

    init(database: Database, crm: SyntheticCRM, _ definitions: AccountDefinitions) {
        self.database = database
        self.crm = crm
        self.definitions = definitions
    }

    /// Runs `body` so that what it wrote is undone if it throws.
    func undoing<Value>(_ body: () throws -> Value) throws -> Value {
        let before = (changes, definitions)
        do {
            var value: Value?
            try database.inSavepoint {
                value = try body()
                return .commit
            }
            guard let value else { throw HubSpotFailure(500, "INTERNAL_ERROR", "the savepoint was not run") }
            return value
        } catch {
            (changes, definitions) = before
            throw error
        }
    }
}
