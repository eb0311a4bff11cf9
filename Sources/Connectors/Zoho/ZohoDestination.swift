// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport

/// Zoho CRM as a destination. Objects go by the API names of modules: `Accounts`, `Contacts`, `Tasks`, custom ones too.
///
/// Every record carries our row key in a custom field whose values are unique (`Migratez_ID`), so that writing it again meets
/// the same record. Four objects are special: notes, which can hold no key (`NoteWriter`), files, which neither can
/// (`AttachmentWriter`), rows of subforms, which are written with their records (`SubformWriter`), and `Contact_Roles`, the
/// contacts of deals, which are known by what they connect. What a user must prepare is in the documentation of this module.
package struct ZohoDestination: Destination {
    package let name = "zoho"
    /// What a pipeline may set below `target:`.
    package static let settings: [SettingSpec] =
        ZohoAccess.specs + [
            SettingSpec(
                "load.external_id", .text,
                "the API name of the unique field that holds our row key; default \(defaultKeyField)"),
            SettingSpec(
                "load.api", .oneOf(LoadAPI.allCases.map(\.rawValue)),
                "what carries the rows; default records. Activities, notes, files and contact roles go by calls anyway"),
            SettingSpec(
                "load.bulk_rows_min", .integer,
                "rows of one shape from which on a bulk job is made for them; default \(defaultBulkRowsMin)"),
            SettingSpec(
                "load.contact_role", .text, "the role of contacts in deals whose link names none; without it refused"),
            SettingSpec(
                ProvisionalRow.setting, .text,
                "the id of a product for the line with which new quotes, orders and invoices begin"),
        ]
    package static let capabilities = DestinationCapabilities(
        routes: [LoadAPI.records.rawValue, fileRouteName, LoadAPI.bulk.rawValue], bulkRoute: LoadAPI.bulk.rawValue,
        upsertKey: defaultKeyField,
        links: "lookups, and contacts of deals by their role", movesFiles: true,
        createdDate: nil, undoes: true,
        limits: [
            "\(RowBatch.rowsMax) records a request, a credit for ten of them",
            "\(BulkSheet.rowsMax) records a bulk job, for 500 credits",
            "\(Attachments.bytesMax) a file", "credits of 24 hours by edition", "times in whole seconds",
        ])

    /// What carries rows: calls of 100, or bulk write jobs.
    enum LoadAPI: String, CaseIterable { case records, bulk }

    /// From so many on a job costs fewer credits than calls.
    private static let defaultBulkRowsMin = 5_000
    private static let fileRouteName = "files"
    private static let defaultKeyField = "Migratez_ID"

    package let limiter: RateLimiter?
    /// Values of one criterion of a query.
    package let readBatchSize = COQL.valuesMax

    let connection: ZohoConnection
    private let keyField: String
    private let defaultRole: String?
    let placeholder: ProvisionalRow?
    let loadAPI: LoadAPI
    private let bulkRowsMin: Int
    private let clock: any WallClock

    /// - Parameter http: the process's client; retries, authentication and the rate budget are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    package init(settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock) throws(MigratezError) {
        keyField = settings["load.external_id"] ?? Self.defaultKeyField
        guard COQL.isName(keyField), keyField.first?.isLetter == true else {
            throw MigratezError(
                .invalidSetting, "load.external_id is not the API name of a field", remedy: .fixConfiguration,
                hint: "API names are of letters, digits and _, and begin with a letter")
        }
        defaultRole = settings["load.contact_role"]
        placeholder = try settings[ProvisionalRow.setting].map { (id) throws(MigratezError) in
            guard ZohoID.isID(id) else {
                throw MigratezError(
                    .invalidSetting, "\(ProvisionalRow.setting) is not the id of a record", remedy: .fixConfiguration,
                    hint: "it is the last number of the address of the product's page")
            }
            return ProvisionalRow(productID: id)
        }
        loadAPI = settings["load.api"].flatMap(LoadAPI.init) ?? .records
        let rowsMin = settings["load.bulk_rows_min"] ?? String(Self.defaultBulkRowsMin)
        guard let rowsMin = Int(rowsMin), (1...BulkSheet.rowsMax).contains(rowsMin) else {
            throw MigratezError(
                .invalidSetting,
                "load.bulk_rows_min is '\(rowsMin)', which is not a number from 1 to \(BulkSheet.rowsMax)",
                remedy: .fixConfiguration)
        }
        bulkRowsMin = rowsMin
        connection = try ZohoConnection(settings, http: http, clock: clock)
        limiter = connection.limiter
        self.clock = clock
    }

    private var client: ZohoClient { connection.client }
    var catalog: ZohoCatalog { connection.catalog }
    private var reader: RecordReader { RecordReader(client: client, catalog: catalog, keyField: keyField) }
    private var roleWriter: DealRoleWriter { DealRoleWriter(client: client, defaultRole: defaultRole) }
    private var files: AttachmentWriter {
        AttachmentWriter(attachments: Attachments(client: client), catalog: catalog, clock: clock)
    }
    private var noteWriter: NoteWriter { NoteWriter(client: client, catalog: catalog, clock: clock) }

    // MARK: Schema

    package func discover(_ objects: [String]) async throws -> [ObjectSchema] {
        var schemas: [ObjectSchema] = []
        for name in objects {
            switch name {
            case DealRoles.object: schemas.append(try await DealRoles(client).schema())
            case Attachments.object:
                let modules = try await catalog.modules().filter { $0.parent == nil }.map(\.name)
                let parents = modules.filter { !ZohoModule.unlinked.contains($0) || $0 == ZohoModule.notes }
                schemas.append(Attachments.schema(modules: parents))
            default:
                var schema = try await catalog.freshSchema(of: name)
                // A field for our key that somebody added to the lines is used; none is asked for.
                if try await catalog.subform(name) != nil { schema.holdsKey = schema.field(keyField) != nil }
                schemas.append(schema)
            }
        }
        return schemas
    }

    package func requirements(of object: ObjectSchema) -> [FieldCreation] {
        guard object.holdsKey, object.field(keyField)?.isUnique != true, !catalog.isSubform(object.name) else {
            return []
        }
        return [FieldCreation(object: object.name, field: FieldCreator.key(named: keyField))]
    }

    package func prepare(_ creations: [FieldCreation]) async throws {
        try await FieldCreator(client: client, catalog: catalog).create(creations)
    }

    package func people() async throws -> [Person] { try await catalog.people() }

    // MARK: Writing

    /// Notes, contact roles and rows of subforms are written by one call at a time: what was there before is looked at first.
    package func route(for object: String, expectedRows: Int) -> WriteRoute {
        if object == Attachments.object {
            return WriteRoute(name: Self.fileRouteName, recordsMax: 1, bytesMax: .MiB(1), concurrencyMax: 1)
        }
        if loadAPI == .bulk, expectedRows >= bulkRowsMin, takesBulkWrite(object) {
            return WriteRoute(
                name: LoadAPI.bulk.rawValue, recordsMax: BulkSheet.rowsMax, bytesMax: .MiB(16),
                concurrencyMax: min(connection.concurrencyMax ?? 2, 2))
        }
        let isAlone = object == ZohoModule.notes || object == DealRoles.object || catalog.isSubform(object)
        return WriteRoute(
            name: LoadAPI.records.rawValue, recordsMax: RowBatch.rowsMax, bytesMax: .MiB(8),
            concurrencyMax: isAlone ? 1 : min(connection.concurrencyMax ?? 4, Self.heavyCallsMax))
    }

    func takesBulkWrite(_ object: String) -> Bool {
        !Self.isPartOfRecords(object) && ZohoModule.takesBulkWrite(object) && !catalog.isSubform(object)
    }

    private func rowWriter(_ object: String) async throws -> RowWriter {
        RowWriter(
            client: client, schema: try await catalog.schema(of: object), keyField: keyField, clock: clock,
            required: try await requiredSubforms(of: object), placeholder: placeholder)
    }

    func requiredSubforms(of module: String) async throws -> [Subform] {
        try await catalog.subforms(of: module).filter(\.isRequired)
    }

    /// What writes the object, if it is a subform.
    private func subformWriter(_ object: String) async throws -> SubformWriter? {
        guard !Self.isPartOfRecords(object), let subform = try await catalog.subform(object) else { return nil }
        return SubformWriter(
            rows: SubformRows(client: client, subform: subform), schema: try await catalog.schema(of: object),
            keyField: keyField, placeholder: placeholder, clock: clock)
    }

    private func bulkWriter(_ object: String) async throws -> BulkWriter {
        let jobs = BulkWriteJobs(
            calls: connection.bulk, catalog: catalog, watch: BulkCalls.watch(clock), clock: clock)
        return BulkWriter(calls: try await rowWriter(object), jobs: jobs, reader: reader, rowsMin: bulkRowsMin)
    }

    /// Upserts of more than ten records at once that Zoho allows ("API limits": sub-concurrency).
    private static let heavyCallsMax = 10

    package func write(_ batch: Batch, by route: WriteRoute, intent: any WriteIntent) async throws -> [Receipt] {
        switch batch.object {
        case DealRoles.object: return try await roleWriter.write(batch.rows)
        case ZohoModule.notes: return try await noteWriter.write(batch.rows, intent: intent)
        case Attachments.object: return try await files.write(batch.rows, intent: intent)
        default:
            if let subforms = try await subformWriter(batch.object) {
                return try await subforms.write(batch.rows, intent: intent)
            }
            // A job could give a new record no row.
            let isBulk =
                route.name == LoadAPI.bulk.rawValue ? try await requiredSubforms(of: batch.object).isEmpty : false
            return try await tagged(batch).write(intent) { rows in
                isBulk
                    ? try await bulkWriter(batch.object).write(rows, intent: intent)
                    : try await rowWriter(batch.object).write(rows)
            }
        }
    }

    package func resolve(_ batch: Batch, by route: WriteRoute, note: String?) async throws -> [Receipt] {
        switch batch.object {
        case DealRoles.object: return try await roleWriter.resolve(batch.rows)
        case ZohoModule.notes: return try await noteWriter.resolve(batch.rows, note: note)
        case Attachments.object: return try await files.resolve(batch.rows, note: note)
        default:
            if let subforms = try await subformWriter(batch.object) {
                return try await subforms.resolve(batch.rows, note: note)
            }
            return try await tagged(batch).resolve(note: note) { rows in
                if BulkWriter.isNote(note) {
                    return try await bulkWriter(batch.object).resolve(rows, note: note)
                }
                let keys = rows.filter { $0.targetID == nil }.map(\.key)
                let ids = try await reader.ids(ofKeys: keys, in: batch.object)
                return keys.compactMap { key in ids[key].map { Receipt(key: key, result: .created(id: $0)) } }
            }
        }
    }

    private func tagged(_ batch: Batch) async throws -> TaggedRows {
        TaggedRows(batch.rows, try await catalog.schema(of: batch.object), client)
    }

    /// Into the recycle bin, without workflows. A lost call is sent again: what the first one deleted is then not there.
    package func delete(object: String, ids: [String]) async throws -> [Deletion] {
        if object == DealRoles.object { return try await roleWriter.delete(ids) }
        if object == Attachments.object { return try await files.delete(ids) }
        if let subforms = try await subformWriter(object) { return try await subforms.delete(ids) }
        let schema = try await catalog.schema(of: object)
        var results: [String: Deletion.Result] = [:]
        var rest = Set(ids.filter(ZohoID.isID)).sorted()[...]
        while !rest.isEmpty {
            try Task.checkCancellation()
            let group = rest.prefix(RowBatch.rowsMax)
            rest = rest.dropFirst(group.count)
            let answers = try await client.write(
                .delete, "/\(object)", [("ids", group.joined(separator: ",")), ("wf_trigger", "false")],
                isRepeatable: true)
            guard answers.count == group.count else {
                throw MigratezError(
                    .brokenResponse, "\(group.count) deletions of \(object) got \(answers.count) answers",
                    remedy: .retry(after: nil))
            }
            for (id, answer) in zip(group, answers) {
                let refusal = ZohoRefusal(answer)
                results[id] =
                    answer["status"]?.text == "success"
                    ? .deleted : refusal.code == "INVALID_DATA" ? .absent : .refused(refusal.rejection(schema))
            }
        }
        // What is no id of Zoho's cannot be there.
        return ids.map { Deletion(id: $0, result: results[$0] ?? .absent) }
    }

    package func finish() async throws {}

    // MARK: Reading

    package func read(object: String, ids: [String], fields: [String]) async throws -> [ReadBack] {
        switch object {
        case DealRoles.object: return try await roleWriter.read(ids, fields: fields)
        case Attachments.object: return try await files.read(ids, fields: fields)
        default:
            if let subforms = try await subformWriter(object) { return try await subforms.read(ids, fields: fields) }
            return try await reader.read(ids, of: object, fields: fields)
        }
    }

    package func readContent(
        object: String, id: String, piece: ([UInt8]) async throws -> Void
    ) async throws {
        guard object == Attachments.object, let attachment = AttachmentID(id),
            let held = try await files.attachments.attachments([id]).first
        else { throw Rejection(.contentUnavailable, fields: [Attachments.content]) }
        try await files.attachments.read(attachment, size: Attachments.size(of: held.json), piece: piece)
    }

    package func match(
        object: String, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] {
        guard !catalog.isSubform(object) else {
            throw MigratezError(
                .notSupported, "\(object) cannot be found by what they hold", remedy: .fixConfiguration,
                hint: "leave out against_target for them")
        }
        return try await reader.match(object, fields: fields, values: values, returning: returning)
    }

    package func sample(object: String, fields: [String], count: Int) async throws -> [ReadBack] {
        guard !Self.isPartOfRecords(object) else {
            throw MigratezError(
                .notSupported, "\(object) are listed by record only", remedy: .fixConfiguration,
                hint: "look at the records that they belong to")
        }
        if let subforms = try await subformWriter(object) {
            return try await subforms.sample(
                count, fields: fields, parent: catalog.schema(of: subforms.rows.subform.parent))
        }
        return try await reader.sample(count, of: object, fields: fields)
    }

    private var history: RecordHistory { RecordHistory(client: client, catalog: catalog, reader: reader) }

    /// Objects that are no modules: their rows are known by the records that they belong to.
    static func isPartOfRecords(_ object: String) -> Bool {
        object == DealRoles.object || object == Attachments.object
    }

    package func lastChanges(object: String, ids: [String]) async throws -> [String: LastChange] {
        guard !Self.isPartOfRecords(object) else { return [:] }
        guard let subform = try await catalog.subform(object) else {
            return try await history.lastChanges(ids, of: object)
        }
        // A row tells nobody who changed it, its record does.
        let rows = ids.compactMap { SubformRowID($0) }
        let changes = try await history.lastChanges(Set(rows.map(\.record)).sorted(), of: subform.parent)
        return Dictionary(
            rows.compactMap { row in changes[row.record].map { (row.text, $0) } }, uniquingKeysWith: { $1 })
    }

    package func referrers(object: String, ids: [String]) async throws -> [String: String] {
        guard !Self.isPartOfRecords(object), !catalog.isSubform(object) else { return [:] }
        return try await history.referrers(ids.filter(ZohoID.isID), of: object)
    }

    package func count(object: String, keyPrefix: String) async throws -> Int? {
        guard !Self.isPartOfRecords(object), !catalog.isSubform(object) else { return nil }
        return try await reader.count(object, keyPrefix: keyPrefix)
    }
}
