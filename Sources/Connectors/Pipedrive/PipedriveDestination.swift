// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport

/// Pipedrive as a destination.
///
/// Objects: `person`, `organization`, `deal`, `activity`, `note`, `file`, `product`, `lead`, `deal_product`, and `deal_participant` for the people of a deal besides
/// its contact person. People, organizations, deals and products carry our row key in a custom text field (`migratez_id`), by which
/// a row is looked up before it is written; so writing it again meets the same record. Activities, notes and files can hold
/// no key. What a user must prepare is in the documentation of this module.
package struct PipedriveDestination: Destination {
    package let name = "pipedrive"
    /// What a pipeline may set below `target:`.
    package static let settings: [SettingSpec] =
        PipedriveAccess.specs + [
            SettingSpec(
                "load.external_id", .text,
                "the name of the custom field that holds our row key; default \(defaultKeyField)")
        ]
    package static let capabilities = DestinationCapabilities(
        routes: [RouteName.records, RouteName.participants, RouteName.files], upsertKey: defaultKeyField,
        links: "fields of records, and participants of deals", movesFiles: true,
        createdDate: "people, organizations and notes (add_time)", undoes: true,
        limits: [
            "a request for each record", "\(PipedriveLimits.budget), unless rate.requests says more",
            "the company's tokens of a day, of which rate.daily_tokens may be used",
        ])

    static let defaultKeyField = "migratez_id"

    package let limiter: RateLimiter?
    /// Ids that a list takes.
    package let readBatchSize = PipedriveLimits.idsMax

    private let connection: PipedriveConnection
    private let keyField: String
    private let catalog: PipedriveCatalog
    private let lists: RecordLists
    private let lookup: RecordLookup
    private let leadLists: LeadLists
    private let leads: LeadWriter
    private let facts: PipedriveAccountFacts
    private let clock: any WallClock

    /// - Parameter http: the process's client; retries, authentication and the rate budget are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    package init(settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock) throws(MigratezError) {
        keyField = settings["load.external_id"] ?? Self.defaultKeyField
        guard !keyField.isEmpty, keyField.count <= PipedriveLimits.textCharactersMax else {
            throw MigratezError(
                .invalidSetting, "load.external_id is not the name of a field", remedy: .fixConfiguration)
        }
        connection = try PipedriveConnection(try PipedriveAccess(settings), settings, http: http, clock: clock)
        limiter = connection.limiter
        catalog = PipedriveCatalog(connection)
        lists = RecordLists(connection, catalog)
        lookup = RecordLookup(lists, keyField: keyField)
        leadLists = LeadLists(connection, catalog)
        leads = LeadWriter(connection: connection, lists: leadLists, keyField: keyField, clock: clock)
        facts = PipedriveAccountFacts(connection)
        self.clock = clock
    }

    // MARK: Schema

    package func discover(_ objects: [String]) async throws -> [ObjectSchema] {
        var schemas: [ObjectSchema] = []
        for name in objects {
            if name == ParticipantWriter.object || name == DealProducts.object {
                schemas.append(name == DealProducts.object ? DealProducts.schema : ParticipantWriter.schema)
                continue
            }
            var schema: ObjectSchema
            if name == LeadFields.object {
                schema = try await leadLists.schema()
                schema.holdsKey = true
            } else {
                let object = try PipedriveObject(named: name)
                schema = try await catalog.schema(of: object)
                schema.holdsKey = object.isKeyed
            }
            schemas.append(schema)
        }
        return schemas
    }

    package func requirements(of object: ObjectSchema) -> [FieldCreation] {
        guard object.holdsKey, object.field(keyField)?.kind != .text else { return [] }
        return [FieldCreation(object: object.name, field: FieldCreator.key(named: keyField))]
    }

    package func prepare(_ creations: [FieldCreation]) async throws {
        try await FieldCreator(connection: connection, catalog: catalog).create(
            creations.map { creation in
                // Leads have the custom fields of deals.
                var creation = creation
                if creation.object == LeadFields.object { creation.object = PipedriveObject.deal.rawValue }
                return creation
            })
        if creations.contains(where: { $0.object == LeadFields.object }) { _ = try await leadLists.fields(anew: true) }
    }

    package func people() async throws -> [Person] { try await catalog.people() }

    // MARK: Writing

    /// Rows that are told by what they hold, and links that are read before they are written, are not written by two at
    /// once.
    package func route(for object: String, expectedRows: Int) -> WriteRoute {
        if object == PipedriveObject.file.rawValue {
            return WriteRoute(name: RouteName.files, recordsMax: 1, bytesMax: .MiB(1), concurrencyMax: 1)
        }
        let isKeyed = PipedriveObject(rawValue: object)?.isKeyed == true
        return WriteRoute(
            name: object == ParticipantWriter.object ? RouteName.participants : RouteName.records,
            recordsMax: PipedriveLimits.batchRows, bytesMax: .MiB(8),
            concurrencyMax: isKeyed ? connection.concurrencyMax ?? 4 : 1)
    }

    package func write(_ batch: Batch, by route: WriteRoute, intent: any WriteIntent) async throws -> [Receipt] {
        guard batch.object != ParticipantWriter.object else { return try await participants.write(batch.rows) }
        guard batch.object != LeadFields.object else { return try await leads.write(batch.rows) }
        guard batch.object != DealProducts.object else { return try await lines.write(batch.rows, intent: intent) }
        guard batch.object != PipedriveObject.file.rawValue else {
            return try await files.write(batch.rows, intent: intent)
        }
        return try await writer.write(batch.rows, try PipedriveObject(named: batch.object), intent: intent)
    }

    package func resolve(_ batch: Batch, by route: WriteRoute, note: String?) async throws -> [Receipt] {
        guard batch.object != ParticipantWriter.object else { return try await participants.resolve(batch.rows) }
        guard batch.object != LeadFields.object else { return try await leads.resolve(batch.rows) }
        guard batch.object != DealProducts.object else { return try await lines.resolve(batch.rows, note: note) }
        guard batch.object != PipedriveObject.file.rawValue else {
            return try await files.resolve(batch.rows, note: note)
        }
        return try await writer.resolve(batch.rows, try PipedriveObject(named: batch.object), note: note)
    }

    /// Deleted records can be restored for 30 days in Pipedrive itself; notes and files cannot.
    package func delete(object name: String, ids: [String]) async throws -> [Deletion] {
        guard name != ParticipantWriter.object else { return try await participants.delete(ids) }
        guard name != LeadFields.object else { return try await leads.delete(ids) }
        guard name != DealProducts.object else { return try await lines.delete(ids) }
        let object = try PipedriveObject(named: name)
        let there = Set(try await lists.records(object, ids, names: []).map(\.id))
        return try await connection.client.delete(ids) { id in
            guard there.contains(id) else { return nil }
            return (connection.paths.record(object, id), object.isFormer ? .formerDelete : .delete)
        }
    }

    package func finish() async throws {}

    private var writer: RecordWriter {
        RecordWriter(connection: connection, lists: lists, lookup: lookup, keyField: keyField, clock: clock)
    }

    private var files: FileTransfer { FileTransfer(connection: connection, lists: lists, clock: clock) }

    private var lines: DealProductWriter {
        DealProductWriter(products: DealProducts(connection: connection, lists: lists))
    }

    private var participants: ParticipantWriter { ParticipantWriter(connection: connection) }

    // MARK: Reading

    package func read(object name: String, ids: [String], fields: [String]) async throws -> [ReadBack] {
        guard name != ParticipantWriter.object else { return try await participants.read(ids, fields: fields) }
        guard name != LeadFields.object else { return readBacks(try await leadLists.leads(ids), fields) }
        guard name != DealProducts.object else { return try await lines.read(ids, fields: fields) }
        let object = try PipedriveObject(named: name)
        return try await readBacks(try await lists.records(object, ids, names: fields + [keyField]), object, fields)
    }

    package func readContent(
        object name: String, id: String, piece: ([UInt8]) async throws -> Void
    ) async throws {
        guard try PipedriveObject(named: name) == .file else { throw Rejection(.contentUnavailable) }
        try await files.read(id, record: nil, piece: piece)
    }

    package func match(
        object name: String, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] {
        guard name != LeadFields.object, name != DealProducts.object else {
            throw MigratezError(
                .notSupported, "existing records of \(name) cannot be found by their values", remedy: .fixConfiguration,
                hint: "leave out against_target for '\(name)'")
        }
        let object = try PipedriveObject(named: name)
        return try await readBacks(try await lookup.matching(object, fields, values), object, returning)
    }

    package func sample(object name: String, fields: [String], count: Int) async throws -> [ReadBack] {
        guard name != DealProducts.object else { return try await lines.sample(fields: fields, count: count) }
        if name == LeadFields.object {
            var found: [(id: String, json: JSONValue)] = []
            var place: LeadLists.Place? = .init()
            while let current = place, found.count < count {
                let page = try await leadLists.page(at: current, limit: count - found.count)
                found += page.leads
                place = page.next
            }
            return readBacks(Array(found.prefix(count)), fields)
        }
        let object = try PipedriveObject(named: name)
        var records: [FlatRecord] = []
        var place: PipedriveCursor? = .beginning(of: object)
        while let current = place, records.count < count {
            let page = try await lists.page(
                of: object, at: current,
                RecordLists.Narrowing(limit: min(count - records.count, PipedriveLimits.pageRecordsMax)))
            records += page.records
            place = page.next
        }
        return try await readBacks(Array(records.prefix(count)), object, fields)
    }

    private func readBacks(_ leads: [(id: String, json: JSONValue)], _ fields: [String]) -> [ReadBack] {
        leads.map { lead in
            let values = fields.map { JSONValue.Member($0, lead.json[$0] ?? .null) }
            let key = lead.json[keyField]?.text.flatMap { $0.isEmpty ? nil : $0 }
            return ReadBack(id: lead.id, key: key, fields: JSONValue.object(values).serialized())
        }
    }

    private func readBacks(
        _ records: [FlatRecord], _ object: PipedriveObject, _ fields: [String]
    ) async throws -> [ReadBack] {
        let list = try await catalog.fields(of: object)
        return records.map { record in
            let values = fields.map { name in
                JSONValue.Member(name, record[list[name]?.name ?? name] ?? .null)
            }
            let key = object.isKeyed ? record[keyField]?.text.flatMap { $0.isEmpty ? nil : $0 } : nil
            return ReadBack(id: record.id, key: key, fields: JSONValue.object(values).serialized())
        }
    }

    /// By the counts that the company keeps of what refers to a record; one that is not zero is looked into.
    package func referrers(object name: String, ids: [String]) async throws -> [String: String] {
        guard let object = PipedriveObject(rawValue: name), !object.counts.isEmpty, let link = object.linkField else {
            return [:]
        }
        let counts = try await lists.counts(object, ids)
        var found: [String: String] = [:]
        for (id, values) in counts {
            for (count, other) in object.counts where values[count]?.int ?? 0 > 0 && found[id] == nil {
                guard let referring = PipedriveObject(rawValue: other) else {
                    found[id] = other
                    continue
                }
                let refers =
                    try await referring == .file
                    ? lists.hasFiles(object, id) : lists.refers(referring, by: link, to: id)
                if refers { found[id] = other }
            }
        }
        return found
    }

    package func count(object: String, keyPrefix: String) async throws -> Int? {
        guard object != LeadFields.object else { return try await leads.count(keyPrefix: keyPrefix) }
        guard let object = PipedriveObject(rawValue: object), object.isKeyed else { return nil }
        return try await lookup.count(object, keyPrefix: keyPrefix)
    }

    // MARK: The account and planning

    package func account(for objects: [String]) async throws -> AccountReport { try await facts.report() }

    package func identity() async throws -> String { try await facts.identity() }

    package func recordAddress(of object: String, id: String) async throws -> String? {
        guard object != LeadFields.object else { return try await facts.leadAddress(id) }
        guard let object = PipedriveObject(rawValue: object) else { return nil }
        return try await facts.recordAddress(of: object, id: id)
    }

    /// No request tells which automations a record would set off.
    package func sideEffects(on objects: [String]) async throws -> [SideEffect] {
        guard objects.contains(where: { $0 != ParticipantWriter.object }) else { return [] }
        return [
            SideEffect(
                .unknown, "automations run for records that are written, and Pipedrive does not say which",
                advice: "look at Tools and apps, Automations, and turn off for the time of the load what must not run")
        ]
    }

    package func estimatedCalls(writing object: String, records: Int, matchRules: Int) -> [CallEstimate] {
        let route = route(for: object, expectedRows: records)
        var estimates = [
            CallEstimate("\(route.name) \(object)", records, secondsEach: 0.1...0.6, atOnce: route.concurrencyMax),
            // What is there is looked up for each batch.
            CallEstimate("list \(object)", (records + route.recordsMax - 1) / route.recordsMax, secondsEach: 0.1...1),
        ]
        if matchRules > 0 { estimates.append(CallEstimate("match \(object)", records / route.recordsMax * matchRules)) }
        return estimates
    }
}

/// The names of the ways of writing.
enum RouteName {
    static let records = "records"
    static let participants = "participants"
    static let files = "files"
}
