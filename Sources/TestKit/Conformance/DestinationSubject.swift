// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel

/// An account that a destination connector writes to, with a view of what it holds that does not go through the connector.
package protocol DestinationSubject: Sendable {
    /// A new destination for the same account, as another process would make it.
    func makeDestination() throws -> any Destination
    var destinationCapabilities: DestinationCapabilities { get }

    /// The object that records are written to.
    var object: String { get }
    /// The fields of record number `number`; another `version` has other values in the same fields.
    func fields(_ number: Int, version: Int) -> [String: String]
    /// Fields that the account refuses, with the code that we have for it; `nil` if it takes anything.
    var refused: (fields: [String: String], code: ErrorCode)? { get }
    /// An object that the account lacks and a pipeline may ask for; `nil` if objects come into being by themselves, or must
    /// be there.
    var creation: ObjectCreation? { get }
    /// What links two records; `nil` if links are fields of records only.
    var link: LinkSubject? { get }

    /// An object that takes content; `nil` unless the connector says that it moves files.
    var content: ContentSubject? { get }
    /// Objects whose records can hold no key of ours.
    var unkeyed: [UnkeyedSubject] { get }
    /// Whether records of others can be found by their values; where not, asking must be refused with a way out.
    var matchesOthers: Bool { get }

    /// How many records of the object the account holds in truth.
    func count() async throws -> Int
    /// Makes a record as somebody else would; `nil` if nobody else can.
    func createByOthers(_ fields: [String: String]) async throws -> String?
}

extension DestinationSubject {
    package var creation: ObjectCreation? { nil }
    package var content: ContentSubject? { nil }
    package var unkeyed: [UnkeyedSubject] { [] }
    package var matchesOthers: Bool { true }
}

/// An object whose records can hold no key: what was written is told by the note that was taken before.
package struct UnkeyedSubject: Sendable {
    package var object: String
    /// The fields of record number `number`; another `version` has other values in the same fields.
    package var fields: @Sendable (_ number: Int, _ version: Int) -> [String: String]
    /// What every record refers to; it is there.
    package var references: @Sendable () async throws -> [Batch.Reference]
    /// Makes the next requests that write such records go wrong; `nil` where nothing is sent through a network.
    package var inject: (@Sendable (ConformanceFault, _ times: Int) async throws -> Void)?
    /// How many records of the object the account holds in truth.
    package var count: @Sendable () async throws -> Int

    package init(
        object: String, fields: @escaping @Sendable (_ number: Int, _ version: Int) -> [String: String],
        references: @escaping @Sendable () async throws -> [Batch.Reference],
        inject: (@Sendable (ConformanceFault, _ times: Int) async throws -> Void)? = nil,
        count: @escaping @Sendable () async throws -> Int
    ) {
        self.object = object
        self.fields = fields
        self.references = references
        self.inject = inject
        self.count = count
    }
}

/// An object whose records take content.
package struct ContentSubject: Sendable {
    package var object: String
    /// The field that takes the bytes.
    package var field: String
    /// Whether a file may have no bytes at all; where it may not, one that has none must be refused with a reason.
    package var takesEmpty: Bool
    /// A row of record number `number` without its content, the same for the same number; what it refers to is there.
    package var row: @Sendable (Int) async throws -> Batch.Row
    /// How many records of the object the account holds in truth.
    package var count: @Sendable () async throws -> Int

    package init(
        object: String, field: String, takesEmpty: Bool = true,
        row: @escaping @Sendable (Int) async throws -> Batch.Row,
        count: @escaping @Sendable () async throws -> Int
    ) {
        self.object = object
        self.field = field
        self.takesEmpty = takesEmpty
        self.row = row
        self.count = count
    }
}

/// A destination behind a network.
package protocol RemoteDestinationSubject: DestinationSubject, RemoteSubject {
    func expireToken() async throws
    func exhaustQuota() async throws
    /// How many requests so far would have changed something.
    var writes: Int { get }
    /// The codes with which the vendor refuses rows and calls, as far as its simulator knows them.
    var vendorCodes: [String] { get }
    /// Whether the connector's table has a row for the code.
    func knows(_ vendorCode: String) -> Bool
}

/// An object each of whose records joins two records of the subject's object or of others.
package struct LinkSubject: Sendable {
    package var object: String
    package var fromField: String
    package var toField: String
    /// The object of the other end, and fields of a record of it.
    package var toObject: String
    package var toFields: [String: String]

    package init(
        object: String, fromField: String, toField: String, toObject: String, toFields: [String: String]
    ) {
        self.object = object
        self.fromField = fromField
        self.toField = toField
        self.toObject = toObject
        self.toFields = toFields
    }
}

extension DestinationSubject {
    /// A batch of records with these numbers.
    func batch(_ numbers: some Sequence<Int>, version: Int = 1) -> Batch {
        Batch(object: object, rows: numbers.map { row($0, fields($0, version: version)) })
    }

    func row(_ number: Int, _ fields: [String: String]) -> Batch.Row {
        Batch.Row(key: Self.key(number), fields: Self.json(fields))
    }

    static func key(_ number: Int) -> String { "conformance-record-\(number)" }

    static func json(_ fields: [String: String]) -> [UInt8] {
        JSONValue.object(fields.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }).serialized()
    }

    /// The destination with everything created that it needs.
    func prepared() async throws -> any Destination {
        let destination = try makeDestination()
        let objects =
            [object] + (link.map { [$0.object, $0.toObject] } ?? []) + (content.map { [$0.object] } ?? [])
            + unkeyed.map(\.object)
        let schemas = try await destination.discover(Array(Set(objects)).sorted())
        try await destination.prepare(schemas.flatMap(destination.requirements))
        return destination
    }
}

extension Destination {
    /// Writes by the way that this many rows go.
    func put(_ batch: Batch, intent: any WriteIntent = KeptIntent()) async throws -> [Receipt] {
        try await write(batch, by: route(for: batch.object, expectedRows: batch.rows.count), intent: intent)
    }

    func found(_ batch: Batch, note: String? = nil) async throws -> [Receipt] {
        try await resolve(batch, by: route(for: batch.object, expectedRows: batch.rows.count), note: note)
    }

    /// Values of records as texts, by id.
    func values(_ object: String, _ ids: [String], _ fields: [String]) async throws -> [String: [String: String]] {
        var values: [String: [String: String]] = [:]
        for record in try await read(object: object, ids: ids, fields: fields) {
            let tree = try JSONValue(parsing: record.fields)
            values[record.id] = Dictionary(
                tree.members.compactMap { member in
                    (member.value.bool.map { $0 ? "true" : "false" } ?? member.value.text).map { (member.key, $0) }
                }, uniquingKeysWith: { $1 })
        }
        return values
    }
}

extension Receipt {
    var id: String? {
        switch result {
        case .created(let id), .updated(let id): id
        case .rejected: nil
        }
    }

    var isCreated: Bool { if case .created = result { true } else { false } }
    var isUpdated: Bool { if case .updated = result { true } else { false } }
}
