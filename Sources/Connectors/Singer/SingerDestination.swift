// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
import Synchronization

/// Any Singer target as a destination: each object is a stream, each row a record with our key as `migratez_id`.
///
/// A target takes records and confirms them, and tells nothing: what it holds cannot be looked up, read back, compared or
/// deleted here. A batch is one process of the target (see `Target`), so its receipts are true when they are given.
///
/// A batch that was cut off is sent again only if the setting `writes: upsert` says that the target replaces a record whose
/// key it holds. Otherwise its rows are rejected as open questions, for a person to look into: nothing comes twice, and
/// nothing is left out in silence.
package struct SingerDestination: Destination {
    package let name = "singer"
    /// What a pipeline may set below `target:`.
    package static let settings =
        ConnectionSettings.specs("target") + [
            SettingSpec(
                "writes", .oneOf(Writing.allCases.map(\.rawValue)),
                "what the target does with a record whose key it holds: append (default) or upsert")
        ]

    package static let capabilities = DestinationCapabilities(
        routes: [route.name], upsertKey: keyField, createsObjects: "a stream for each",
        links: "a stream for each kind of link, or ids in a field", createdDate: "any field", undoes: false,
        limits: [
            "\(route.recordsMax) records or \(route.bytesMax) a batch, a child process each",
            "the target must add to what it wrote before, never replace it",
            "no verify, no undo, no run --since-last: a target cannot be read",
        ])
    /// One writer at a time: a target may write to one file.
    private static let route = WriteRoute(name: "target", recordsMax: 20_000, bytesMax: .MiB(8), concurrencyMax: 1)

    /// The member that holds our key; it is the target id, too.
    package static let keyField = "migratez_id"

    private enum Writing: String, CaseIterable { case append, upsert }

    /// What this process knows of the objects that it writes.
    private final class Objects: Sendable {
        let schemas = Mutex<[String: RowSchema]>([:])
        /// Those whose schema the target has taken without rows.
        let tried = Mutex<Set<String>>([])
    }

    private let target: Target
    private let writing: Writing
    private let objects = Objects()

    /// - Parameter log: gets what the target says on its error output, redacted.
    /// - Throws: `invalidSetting`; the target is not started.
    package init(
        settings: ConnectorSettings, log: @escaping @Sendable (_ line: String) -> Void = { _ in }
    ) throws(MigratezError) {
        target = Target(settings: try ConnectionSettings(settings, side: "target"), log: log)
        writing = settings["writes"].flatMap { Writing(rawValue: $0) } ?? .append
    }

    /// Any field is taken, so none is listed.
    package func discover(_ objects: [String]) async throws -> [ObjectSchema] {
        objects.map { ObjectSchema(name: $0, label: $0, fields: [], holdsKey: true, isOpen: true) }
    }

    package func requirements(of object: ObjectSchema) -> [FieldCreation] { [] }
    package func prepare(_ creations: [FieldCreation]) async throws {}
    package func people() async throws -> [Person] { [] }

    package func route(for object: String, expectedRows: Int) -> WriteRoute { Self.route }

    package func write(_ batch: Batch, by route: WriteRoute, intent: any WriteIntent) async throws -> [Receipt] {
        let rows = batch.rows.filter { $0.targetID == nil }
        if !rows.isEmpty {
            let schema = try objects.schemas.withLock { schemas in
                try schemas[batch.object, default: RowSchema()].take(rows)
                return schemas[batch.object] ?? RowSchema()
            }
            // A target that cannot even start must leave no row in doubt.
            if !objects.tried.withLock({ $0.contains(batch.object) }) {
                try await target.deliver([], of: batch.object, schema: schema)
                objects.tried.withLock { _ = $0.insert(batch.object) }
            }
            try await intent.note(Self.sentNote)
            try await target.deliver(rows, of: batch.object, schema: schema)
        }
        return batch.rows.map { row in
            guard row.targetID == nil else {
                return Receipt(key: row.key, result: .rejected(Self.unchangeable))
            }
            return Receipt(key: row.key, result: .created(id: row.key))
        }
    }

    /// Whether a delivery had begun.
    private static let sentNote = "sent"

    private static let unchangeable = Rejection(
        .notSupported, reason: "a Singer target cannot change some of the fields of a record that is there")

    /// A target cannot be asked. Rows of a delivery that had not begun were certainly not written; with `upsert` the others
    /// may be sent again, and with `append` each of them is an open question.
    package func resolve(_ batch: Batch, by route: WriteRoute, note: String?) async throws -> [Receipt] {
        guard note != nil, writing == .append else { return [] }
        let open = Rejection(
            .brokenResponse,
            reason:
                "the run, or the target, ended while the target was given the row: whether it keeps it, only a look at "
                + "what it wrote can tell")
        return batch.rows.filter { $0.targetID == nil }.map { Receipt(key: $0.key, result: .rejected(open)) }
    }

    package func match(
        object: String, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] {
        throw Self.unreadable("so no records that are there can be found", "leave out `against_target`")
    }

    package func read(object: String, ids: [String], fields: [String]) async throws -> [ReadBack] {
        throw Self.unreadable(
            "so nothing can be compared",
            "look at what it wrote with tools of its own; each batch was confirmed by the target")
    }

    package func sample(object: String, fields: [String], count: Int) async throws -> [ReadBack] {
        throw Self.unreadable("so nothing of it can be shown", "look at what it wrote with tools of its own")
    }

    package var readBatchSize: Int { Self.route.recordsMax }

    package func delete(object: String, ids: [String]) async throws -> [Deletion] {
        throw Self.unreadable(
            "so nothing can be deleted there", "delete by `\(Self.keyField)` with tools of its own")
    }

    package func count(object: String, keyPrefix: String) async throws -> Int? { nil }

    /// Every batch is confirmed already.
    package func finish() async throws {}

    package func identity() async throws -> String { "singer \(target.settings.identity)" }

    /// Looks for the program, and starts nothing: a target that runs may write.
    package func account(for objects: [String]) async throws -> AccountReport {
        _ = try target.settings.program.path()
        _ = try target.settings.config.document()
        var report = AccountReport(account: target.settings.program.name)
        report.unknown += [
            "where the target writes, and whether it may: it tells only when it is given records",
            "whether it adds to what it wrote before: one that replaces it keeps the last batch only",
        ]
        return report
    }

    private static func unreadable(_ what: String, _ hint: String) -> MigratezError {
        MigratezError(
            .notSupported, "a Singer target takes records and tells nothing, \(what)", remedy: .fixConfiguration,
            hint: hint)
    }
}
