// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// A CRM, or files, to write to.
///
/// Contract:
/// - `write` may be called again with rows that were written before (after a crash): where the object has a stamp
///   (`holdsKey`), this updates the same record and creates nothing.
/// - Receipts are joined to rows by key. Every row of the batch has exactly one receipt, or the call throws; if it
///   throws, some rows may have been written: the caller treats them as ambiguous and asks `resolve`.
/// - Retries of whole calls that may pass (throttle, connection) are made inside, but a write whose fate is unknown
///   is never sent again inside unless the object holds our key.
/// - A row with content is the only one of its batch (the route of an object that takes content has `recordsMax == 1`).
///   Its pieces are streamed; a file that is written twice is one file, too: where the object cannot hold our key,
///   `resolve` finds it by what the key, the parent, the name and the size say.
/// - Nothing but `create`, `prepare`, `write` and `delete` changes anything on the other side.
package protocol Destination: Sendable {
    /// The connector's name: `salesforce`.
    var name: String { get }

    /// The objects with their fields, read from the other side. Only what `objects` names.
    func discover(_ objects: [String]) async throws -> [ObjectSchema]

    /// The objects that this account has of its own, for people who look for what there is to write to.
    ///
    /// - Throws: `permissionMissing` if whoever logs in may not see them.
    func ownObjects() async throws -> [OwnObject]

    /// Those of the objects that the other side does not have, and that it could be given. Empty = it has them all, or
    /// objects are no affair of this connector's: a table comes into being with its first field, for instance.
    func missing(_ objects: [String]) async throws -> [String]

    /// The creation of an object that is missing, as it would be carried out: with the field that names a record, and
    /// without what every object there has of itself. Nothing is asked or sent.
    ///
    /// - Throws: what is wrong with it, with a way out; `notSupported` if the connector creates no objects.
    func creation(of wanted: ObjectCreation) throws(MigratezError) -> ObjectCreation

    /// The objects with their fields, as they will be once the creations are carried out; `discover` where there are none.
    func discover(_ objects: [String], after creations: [ObjectCreation]) async throws -> [ObjectSchema]

    /// Creates the listed objects, with their fields and what they can be linked with; those that exist already are left
    /// as they are, so that it may be called again. Comes before `prepare`.
    func create(_ objects: [ObjectCreation]) async throws

    /// What is missing on the other side before `object` can be loaded: the field that holds our key, and others
    /// that the connector needs. Empty = nothing.
    func requirements(of object: ObjectSchema) -> [FieldCreation]

    /// The labels among these that links of `object` cannot have yet, as options of its field `field`, if the connector can
    /// create them. Empty = nothing.
    func requirements(ofLabels labels: [String], in field: String, of object: ObjectSchema) -> [FieldCreation]

    /// Creates the listed fields and options; those that exist already are left as they are.
    func prepare(_ creations: [FieldCreation]) async throws

    /// The people that records can belong to, inactive ones too.
    func people() async throws -> [Person]

    /// How rows of an object are best written, given how many will come in all.
    func route(for object: String, expectedRows: Int) -> WriteRoute

    /// Writes the rows. `intent` is durable already; what the connector notes in it survives a crash and is given
    /// back to `resolve`.
    func write(_ batch: Batch, by route: WriteRoute, intent: any WriteIntent) async throws -> [Receipt]

    /// Finds out what became of rows whose write was cut off: looks them up by key (never in a lagging index), or asks
    /// the job that `note` names. A row that is not in the answer was certainly not written.
    ///
    /// A row with a `targetID` is of a record that existed before: it is not looked up, as finding it says nothing;
    /// only what a job tells of it is given. Without a note, before anything was written, the answer tells which
    /// records exist already (`held`).
    func resolve(_ batch: Batch, by route: WriteRoute, note: String?) async throws -> [Receipt]

    /// Existing records, not written by us, whose `fields` equal one of the given value tuples (their order is that
    /// of `fields`): for `against_target`. Values are compared as the destination compares them.
    func match(object: String, fields: [String], values: [[String]], returning: [String]) async throws -> [ReadBack]

    /// Records by id, with the named fields; an id that does not exist is absent from the answer.
    func read(object: String, ids: [String], fields: [String]) async throws -> [ReadBack]

    /// Hands on the bytes that the destination holds now as the content of a record, as they arrive, from the first one
    /// each time, never held whole.
    ///
    /// - Parameter piece: takes the next bytes, at most 256 KiB of them.
    /// - Throws: `Rejection(.contentUnavailable)` if there is no such record or no content.
    func readContent(object: String, id: String, piece: ([UInt8]) async throws -> Void) async throws

    /// Some records of the object, whoever made them, for a look at what is there: at most `count`, fewer only if there
    /// are no more.
    func sample(object: String, fields: [String], count: Int) async throws -> [ReadBack]

    /// How many ids `read` and how many tuples `match` take at most.
    var readBatchSize: Int { get }

    /// Deletes records by id, any number of them, and tells what became of each in the order of `ids`.
    ///
    /// Safe to repeat: a record that is not there (any more) is `.absent`. What the other side deletes along with a
    /// record (an account's contacts) is its own affair, so callers delete children first. If the call throws, some
    /// records may be gone.
    func delete(object: String, ids: [String]) async throws -> [Deletion]

    /// When records were last changed, and whether by us, by id; what the destination cannot tell of is not in the
    /// answer.
    func lastChanges(object: String, ids: [String]) async throws -> [String: LastChange]

    /// For each of the records that others refer to (which would lose by its deletion, or go with it): the object of
    /// one that does.
    func referrers(object: String, ids: [String]) async throws -> [String: String]

    /// The number of records of the object that carry a key of ours which begins with `keyPrefix`; `nil` = cannot tell.
    func count(object: String, keyPrefix: String) async throws -> Int?

    /// The name by which reference fields mean `object`; most often the same.
    func referenceName(of object: String) -> String

    /// Called once after the last write of the run (a file is completed, for instance).
    func finish() async throws

    /// What tells the account from every other one of its kind, whoever logs in: an organisation's id, a folder.
    func identity() async throws -> String

    /// Who answers, as whom, with which rights and which allowances; the rights are held against what loading `objects`
    /// takes.
    ///
    /// - Throws: `unreachable`, `credentialsRejected` and their like. What else cannot be found out is in the report.
    func account(for objects: [String]) async throws -> AccountReport

    /// What the other side will do on its own when records of these objects are written.
    func sideEffects(on objects: [String]) async throws -> [SideEffect]

    /// Requests for writing so many records of the object, and for looking up those that may exist by `matchRules`
    /// rules.
    func estimatedCalls(writing object: String, records: Int, matchRules: Int) -> [CallEstimate]

    /// Where a person can look at the record in a browser, if there is such a place.
    func recordAddress(of object: String, id: String) async throws -> String?

    /// What holds its requests back, for progress and metrics; `nil` if nothing does.
    var limiter: RateLimiter? { get }
}

extension Destination {
    package var limiter: RateLimiter? { nil }
    package func ownObjects() async throws -> [OwnObject] { [] }
    package func missing(_ objects: [String]) async throws -> [String] { [] }

    package func creation(of wanted: ObjectCreation) throws(MigratezError) -> ObjectCreation {
        throw wanted.notSupported(by: name)
    }

    package func discover(_ objects: [String], after creations: [ObjectCreation]) async throws -> [ObjectSchema] {
        try await discover(objects)
    }

    package func create(_ objects: [ObjectCreation]) async throws {
        if let object = objects.first { throw object.notSupported(by: name) }
    }

    package func requirements(ofLabels labels: [String], in field: String, of object: ObjectSchema) -> [FieldCreation] {
        []
    }
    package func sideEffects(on objects: [String]) async throws -> [SideEffect] { [] }
    package func estimatedCalls(writing object: String, records: Int, matchRules: Int) -> [CallEstimate] { [] }
    package func recordAddress(of object: String, id: String) async throws -> String? { nil }
    package func referenceName(of object: String) -> String { object }

    package func readContent(object: String, id: String, piece: ([UInt8]) async throws -> Void) async throws {
        throw MigratezError(
            .notSupported, "\(name) does not give back the content of \(object) records", remedy: .fixConfiguration)
    }

    package func lastChanges(object: String, ids: [String]) async throws -> [String: LastChange] { [:] }

    package func referrers(object: String, ids: [String]) async throws -> [String: String] { [:] }

    /// The ids of those rows' records that the destination holds, by row key; to be asked before they are written.
    package func held(_ batch: Batch, by route: WriteRoute) async throws -> [String: String] {
        guard !batch.rows.isEmpty else { return [:] }
        var ids: [String: String] = [:]
        for receipt in try await resolve(batch, by: route, note: nil) {
            switch receipt.result {
            case .created(let id), .updated(let id): ids[receipt.key] = id
            case .rejected: continue
            }
        }
        return ids
    }
}

/// What a write leaves behind for the case that it is cut off.
package protocol WriteIntent: Sendable {
    /// Makes `note` durable (the id of a bulk job, for instance) before the next step is taken.
    func note(_ note: String) async throws
}

/// One way of writing, with its limits.
package struct WriteRoute: Sendable, Hashable, Codable {
    /// `collections`, `bulk2`, `file`.
    package var name: String
    package var recordsMax: Int
    package var bytesMax: ByteCount
    /// How many writes may be under way at once.
    package var concurrencyMax: Int

    package init(name: String, recordsMax: Int, bytesMax: ByteCount, concurrencyMax: Int) {
        self.name = name
        self.recordsMax = recordsMax
        self.bytesMax = bytesMax
        self.concurrencyMax = concurrencyMax
    }
}

/// What became of one record that was to be deleted.
package struct Deletion: Sendable, Equatable {
    package enum Result: Sendable, Equatable {
        /// It was there, and is no more.
        case deleted
        /// There is no such record; it may have been deleted before.
        case absent
        /// The other side keeps it.
        case refused(Rejection)
    }

    package var id: String
    package var result: Result

    package init(id: String, result: Result) {
        self.id = id
        self.result = result
    }
}

/// The last change of a record, by the destination's own clock.
package struct LastChange: Sendable, Hashable {
    package var at: Timestamp
    /// Whether the user that this connector works for made it.
    package var isOurs: Bool

    package init(at: Timestamp, isOurs: Bool) {
        self.at = at
        self.isOurs = isOurs
    }
}

/// A record as the destination holds it.
package struct ReadBack: Sendable {
    package var id: String
    /// Our key, if the record carries one.
    package var key: String?
    /// A JSON object with the fields that were asked for.
    package var fields: [UInt8]

    package init(id: String, key: String?, fields: [UInt8]) {
        self.id = id
        self.key = key
        self.fields = fields
    }
}
