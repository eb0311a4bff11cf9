// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import GRDB
package import MigratezCrypto
package import MigratezModel

/// What earlier runs of a pipeline have left in the destination: for each record its id there, and a keyed fingerprint
/// of each field as it was to be.
///
/// A run that goes on from there compares with it: what did not change is not written again, and a field that the
/// destination holds otherwise was changed there by somebody else. No value can be learnt from it without its key, which
/// is kept in it wrapped: under the run's key while the run has one, under the root key where the pipeline asks for the
/// baseline to be kept.
///
/// SQLite, ordered by the source's ids, so that a run that reads them in order walks through it front to back. Calls are
/// synchronous; each commit is durable.
package final class Baseline: Sendable {
    /// One record of a stream, or one link.
    package struct Entry: Sendable, Hashable {
        /// The source's id; for a link, the destination's ids of its ends and its tag.
        package var key: String
        package var targetID: String
        /// By the places of the stream's fields.
        package var fingerprints: [Fingerprint]
        /// Of every field beyond them.
        package var others: Fingerprint

        package init(key: String, targetID: String, fingerprints: [Fingerprint] = [], others: Fingerprint = .blank) {
            self.key = key
            self.targetID = targetID
            self.fingerprints = fingerprints
            self.others = others
        }
    }

    /// What of an entry this run has seen.
    package enum Mark: Int, Sendable, CaseIterable {
        /// Nothing yet.
        case none = 0
        /// Its record is there, or another one has taken its place in the destination.
        case seen = 1
        /// Its record was merged into another one, which has an entry of its own.
        case merged = 2
        /// The run has its record but did not bring it: it stays as it is.
        case left = 3
    }

    private let queue: DatabaseQueue
    /// Makes the fingerprints.
    package let pseudonyms: PseudonymKey
    let key: SymmetricKey
    private static let cacheBytes = ByteCount.MiB(8)

    private init(_ queue: DatabaseQueue, _ key: SymmetricKey) {
        self.queue = queue
        self.key = key
        pseudonyms = PseudonymKey(derivedFrom: key)
    }

    // MARK: Files

    /// Makes an empty one.
    ///
    /// - Parameter key: that of the baseline that this one goes on from; `nil` = a new one.
    static func create(
        _ path: String, for run: RunID, under wrapper: RootKey, key: SymmetricKey?, _ fileSystem: any FileSystem
    ) throws -> Baseline {
        for leftover in [path, path + "-journal"] { try fileSystem.remove(leftover) }
        // Made here, as SQLite would let the umask decide who may read it.
        _ = try fileSystem.open(path, .new)
        let key = try key ?? SymmetricKey(randomBytes: 32)
        let slot = try KeySlot.wrap(key, for: run, under: wrapper)
        let queue = try connect(path, isReadOnly: false)
        try mapping {
            try queue.write { database in
                try database.execute(
                    sql: """
                        CREATE TABLE head (
                            only INTEGER PRIMARY KEY CHECK (only = 1), slot BLOB NOT NULL, since TEXT,
                            is_complete INTEGER NOT NULL
                        ) STRICT;
                        CREATE TABLE streams (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
                        CREATE TABLE fields (
                            stream TEXT NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL,
                            PRIMARY KEY (stream, place)
                        ) STRICT, WITHOUT ROWID;
                        CREATE TABLE entries (
                            stream TEXT NOT NULL, key TEXT NOT NULL, target_id TEXT NOT NULL, mark INTEGER NOT NULL,
                            fingerprints BLOB NOT NULL, PRIMARY KEY (stream, key)
                        ) STRICT, WITHOUT ROWID;
                        """)
                try database.execute(
                    sql: "INSERT INTO head (only, slot, is_complete) VALUES (1, ?, 0)", arguments: [Data(slot)])
            }
        }
        return Baseline(queue, key)
    }

    /// Opens one; `nil` if there is none, or its making was cut off.
    static func open(
        _ path: String, of run: RunID, under wrapper: RootKey, isReadOnly: Bool, _ fileSystem: any FileSystem
    ) throws -> Baseline? {
        guard try fileSystem.length(path) ?? 0 > 0 else { return nil }
        let queue = try connect(path, isReadOnly: isReadOnly)
        let head = try mapping {
            try queue.read { try Row.fetchOne($0, sql: "SELECT slot, is_complete FROM head") }
        }
        guard let head, head["is_complete"] == 1 else {
            try mapping { try queue.close() }
            return nil
        }
        let slot: Data = head["slot"]
        return Baseline(queue, try KeySlot.unwrap(Array(slot), for: run, under: wrapper))
    }

    /// Replaces the wrapped key by what `body` makes of it, in one durable step; nil leaves it as it is.
    static func replaceSlot(_ path: String, _ body: ([UInt8]) throws -> [UInt8]?) throws {
        let queue = try connect(path, isReadOnly: false)
        try mapping {
            try queue.writeWithoutTransaction { database in
                // The old slot must not stay behind on a free page.
                try database.execute(sql: "PRAGMA secure_delete = ON")
                try database.inTransaction(.immediate) {
                    guard let slot = try Data.fetchOne(database, sql: "SELECT slot FROM head"),
                        let replacement = try body(Array(slot))
                    else { return .rollback }
                    try database.execute(sql: "UPDATE head SET slot = ?", arguments: [Data(replacement)])
                    return .commit
                }
            }
            try queue.close()
        }
    }

    private static func connect(_ path: String, isReadOnly: Bool) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = isReadOnly
        configuration.label = "migratez.baseline"
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA temp_store = MEMORY")
            try database.execute(sql: "PRAGMA cache_size = -\(cacheBytes.bytes >> 10)")
            if !isReadOnly { try database.execute(sql: "PRAGMA synchronous = FULL") }
        }
        return try mapping { try DatabaseQueue(path: path, configuration: configuration) }
    }

    /// Says that nothing is missing, and what it is of.
    package func complete(since: String?) throws {
        try write { try $0.execute(sql: "UPDATE head SET is_complete = 1, since = ?", arguments: [since]) }
    }

    /// The run that it was made of, where it was made to go on from that run.
    package var since: String? {
        get throws { try read { try String.fetchOne($0, sql: "SELECT since FROM head") } }
    }

    package func close() throws { try Self.mapping { try queue.close() } }

    // MARK: Entries

    /// The names of the stream's fields, by their places.
    package func fields(of stream: StreamName) throws -> [String] {
        try read {
            try String.fetchAll(
                $0, sql: "SELECT name FROM fields WHERE stream = ? ORDER BY place", arguments: [stream.text])
        }
    }

    /// The entries with these keys, by key. Fastest if the keys are in order.
    package func entries(of stream: StreamName, keys: [String]) throws -> [String: Entry] {
        try read { database in
            let statement = try database.cachedStatement(
                sql: "SELECT key, target_id, fingerprints FROM entries WHERE stream = ? AND key = ?")
            var found: [String: Entry] = [:]
            for key in keys {
                guard let row = try Row.fetchOne(statement, arguments: [stream.text, key]) else { continue }
                found[key] = Entry(row)
            }
            return found
        }
    }

    /// Up to `limit` entries with one of the marks, in the order of their keys, behind `key`.
    package func entries(
        of stream: StreamName, marked marks: [Mark], after key: String?, limit: Int
    ) throws -> [(entry: Entry, mark: Mark)] {
        let list = marks.map { String($0.rawValue) }.joined(separator: ", ")
        return try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT key, target_id, fingerprints, mark FROM entries
                    WHERE stream = ? AND key > ? AND mark IN (\(list)) ORDER BY key LIMIT ?
                    """, arguments: [stream.text, key ?? "", limit]
            ).map { (Entry($0), Mark(rawValue: $0["mark"]) ?? .none) }
        }
    }

    /// The marks of the records with these ids in the destination.
    package func marks(targetIDs: [String]) throws -> [String: Mark] {
        try read { database in
            let statement = try database.cachedStatement(sql: "SELECT mark FROM entries WHERE target_id = ?")
            var found: [String: Mark] = [:]
            for id in targetIDs {
                if let mark = try Int.fetchOne(statement, arguments: [id]) { found[id] = Mark(rawValue: mark) }
            }
            return found
        }
    }

    /// How many entries the stream has, or how many with this mark.
    package func count(of stream: StreamName, marked mark: Mark? = nil) throws -> Int {
        try read {
            try Int.fetchOne(
                $0, sql: "SELECT count(*) FROM entries WHERE stream = ?1 AND mark = coalesce(?2, mark)",
                arguments: [stream.text, mark?.rawValue]) ?? 0
        }
    }

    /// The streams that it knows.
    package var streams: [StreamName] {
        get throws {
            try read { try String.fetchAll($0, sql: "SELECT name FROM streams ORDER BY name") }
                .compactMap { StreamName($0) }
        }
    }

    /// Adds entries; one with a key that is there already is replaced or left alone.
    package func put(_ entries: [Entry], of stream: StreamName, replacing: Bool = true) throws {
        let conflict = replacing ? "REPLACE" : "IGNORE"
        try write { database in
            let statement = try database.cachedStatement(
                sql: """
                    INSERT OR \(conflict) INTO entries (stream, key, target_id, mark, fingerprints)
                    VALUES (?, ?, ?, 0, ?)
                    """)
            for entry in entries {
                try statement.execute(arguments: [stream.text, entry.key, entry.targetID, entry.data])
            }
        }
    }

    /// Makes a stream known, with the names of its fields.
    package func setFields(_ names: [String], of stream: StreamName) throws {
        try write { database in
            try database.execute(sql: "INSERT OR IGNORE INTO streams (name) VALUES (?)", arguments: [stream.text])
            for (place, name) in names.enumerated() {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO fields (stream, place, name) VALUES (?, ?, ?)",
                    arguments: [stream.text, place, name])
            }
        }
    }

    /// Marks entries, those with one of the marks `replacing`; keys that have no such entry are passed over.
    package func mark(
        _ marks: [(key: String, mark: Mark)], of stream: StreamName, replacing: [Mark] = Mark.allCases
    ) throws {
        guard !marks.isEmpty else { return }
        let list = replacing.map { String($0.rawValue) }.joined(separator: ", ")
        try write { database in
            let statement = try database.cachedStatement(
                sql: """
                    UPDATE entries SET mark = ?1
                    WHERE stream = ?2 AND key = ?3 AND mark <> ?1 AND mark IN (\(list))
                    """)
            for (key, mark) in marks { try statement.execute(arguments: [mark.rawValue, stream.text, key]) }
        }
    }

    /// Takes over all that another one knows, and completes this one.
    package func copy(_ other: Baseline) throws {
        for stream in try other.streams {
            try setFields(other.fields(of: stream), of: stream)
            var last: String?
            while true {
                let page = try other.entries(of: stream, marked: Mark.allCases, after: last, limit: 5_000)
                guard let end = page.last else { break }
                last = end.entry.key
                try put(page.map(\.entry), of: stream)
            }
        }
        try indexTargetIDs()
        try complete(since: other.since)
    }

    /// Makes looking for records by their ids in the destination fast.
    package func indexTargetIDs() throws {
        try write { try $0.execute(sql: "CREATE INDEX IF NOT EXISTS entries_by_target ON entries (target_id)") }
    }

    private func read<T>(_ body: (Database) throws -> T) throws -> T { try Self.mapping { try queue.read(body) } }
    private func write(_ body: (Database) throws -> Void) throws { try Self.mapping { try queue.write(body) } }

    /// Errors of SQLite as ours.
    private static func mapping<T>(_ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw MigratezError(manifest: error)
        }
    }
}

extension Baseline {
    /// What is known of a field's value.
    package struct Fingerprint: Sendable, Hashable {
        package let bits: UInt64

        package init(bits: UInt64) { self.bits = bits }

        /// The field belongs to the destination: the run found the record there, and its own value in it.
        package static let theirs = Fingerprint(bits: 0)
        /// The field has no value.
        package static let blank = Fingerprint(bits: 1)
    }

    /// The fingerprint of a value that is not blank, given in a form in which equal values are equal bytes.
    package func fingerprint(of canonical: String) -> Fingerprint {
        let bits = pseudonyms.pseudonym(of: canonical).high
        return Fingerprint(bits: bits < 2 ? bits + 2 : bits)
    }
}

extension Baseline.Entry {
    /// The fingerprint of the field at a place.
    package subscript(place: Int) -> Baseline.Fingerprint {
        get { place < fingerprints.count ? fingerprints[place] : others }
        set {
            while fingerprints.count <= place { fingerprints.append(others) }
            fingerprints[place] = newValue
        }
    }

    fileprivate init(_ row: Row) {
        let data: Data = row["fingerprints"]
        let bytes = Array(data)
        var prints = stride(from: 0, to: bytes.count - bytes.count % 8, by: 8).map { start in
            Baseline.Fingerprint(bits: bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) })
        }
        let others = prints.isEmpty ? .blank : prints.removeFirst()
        self.init(key: row["key"], targetID: row["target_id"], fingerprints: prints, others: others)
    }

    /// Eight bytes a fingerprint, most significant first; that of the other fields comes first.
    fileprivate var data: Data {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(fingerprints.count * 8 + 8)
        for fingerprint in [others] + fingerprints {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: fingerprint.bits >> UInt64(shift)))
            }
        }
        return Data(bytes)
    }
}
