// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport
import Synchronization

/// HubSpot as a destination.
///
/// Every record carries our row key in a unique property (`migratez_id`), by which batches create or update it; so writing
/// it again meets the same record. Objects are named in the singular, as on the source side (`contact`, `line_item`), a
/// custom one by any of its names (`2-123`, `p456_project`, `project`), and the links from one to another are an object of
/// their own (`contact_to_company`).
///
/// Nothing that was written is ever looked for in the search index, which lags behind. What a user must prepare is in the
/// documentation of this module.
package final class HubSpotDestination: Destination {
    package let name = "hubspot"
    /// What a pipeline may set below `target:`.
    package static let settings: [SettingSpec] = HubSpotAccess.specs + HubSpotTargetSettings.specs
    package static let capabilities = DestinationCapabilities(
        routes: [RouteName.batch, RouteName.associations, RouteName.files],
        upsertKey: HubSpotTargetSettings.defaultKeyProperty,
        createsObjects: "custom objects, with `create`",
        links: "associations v4, with labels",
        movesFiles: true,
        createdDate: "activities only (\(HubSpotObject.activityTime))", undoes: true,
        limits: [
            "\(HubSpotLimits.batchRecordsMax) records a request", "\(HubSpotLimits.linkWritesMax) links a request",
            "\(HubSpotLimits.budget) and search \(HubSpotLimits.searchBudget), unless rate.requests says more",
        ])

    package let limiter: RateLimiter?
    /// Records of one batch read.
    package let readBatchSize = HubSpotLimits.batchRecordsMax

    private let connection: HubSpotConnection
    private let directory: ObjectDirectory
    private let keyProperty: String
    private let clock: any WallClock
    private let facts: HubSpotAccountFacts
    /// Asked for once for each object.
    private let linkTypes = Mutex<[LinkObject: LinkTypes]>([:])

    /// - Parameter http: the process's client; retries, authentication and the rate budget are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    package init(settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock) throws(MigratezError) {
        keyProperty = try HubSpotTargetSettings(settings).keyProperty
        connection = try HubSpotConnection(try HubSpotAccess(settings), settings, http: http, clock: clock)
        limiter = connection.limiter
        facts = HubSpotAccountFacts(connection)
        directory = ObjectDirectory(connection)
        self.clock = clock
    }

    // MARK: Schema

    package func discover(_ objects: [String]) async throws -> [ObjectSchema] {
        try await discover(objects, after: [])
    }

    package func discover(_ objects: [String], after creations: [ObjectCreation]) async throws -> [ObjectSchema] {
        let created = Set(creations.map(\.object))
        var schemas: [ObjectSchema] = []
        for name in objects {
            if let link = LinkObject(name) {
                let isPlain = link.carriesFiles || created.contains(link.fromName) || created.contains(link.toName)
                schemas.append(isPlain ? link.plainSchema : link.schema(try await types(of: link)))
                continue
            }
            if let creation = creations.first(where: { $0.object == name }) {
                schemas.append(ObjectCreator.schema(of: creation))
                continue
            }
            if name == HubSpotAttachments.object {
                let notes = try await HubSpotCatalog(connection).schema(of: HubSpotAttachments.note)
                schemas.append(HubSpotAttachments.targetSchema(key: notes.field(keyProperty)))
                continue
            }
            let object = try await directory.object(name)
            var schema = try await HubSpotCatalog(connection).schema(of: object)
            // By the name that was asked for: requests name objects in the plural.
            schema.name = name
            schema.holdsKey = true
            if name == "email" {
                for place in schema.fields.indices where EmailHeaders.parts.contains(schema.fields[place].name) {
                    schema.fields[place].isCreateable = true
                    schema.fields[place].isUpdateable = true
                }
            }
            if object.isActivity, let time = schema.fields.firstIndex(where: { $0.name == HubSpotObject.activityTime })
            {
                schema.fields[time].isRequired = true
            }
            schemas.append(schema)
        }
        return schemas
    }

    package func requirements(of object: ObjectSchema) -> [FieldCreation] {
        guard object.holdsKey, object.field(keyProperty)?.isUnique != true else { return [] }
        // A file itself has no properties: the key is held by the note that carries it, and by its path.
        let name = object.name == HubSpotAttachments.object ? "note" : object.name
        return [FieldCreation(object: name, field: PropertyCreator.key(named: keyProperty))]
    }

    package func requirements(
        ofLabels labels: [String], in field: String, of object: ObjectSchema
    ) -> [FieldCreation] {
        guard field == LinkObject.labelField, let link = LinkObject(object.name), !link.carriesFiles else { return [] }
        return LabelCreator.missing(labels, of: object)
    }

    package func prepare(_ creations: [FieldCreation]) async throws {
        let labels = creations.filter { LinkObject($0.object) != nil }
        try await PropertyCreator(connection: connection, directory: directory)
            .create(creations.filter { LinkObject($0.object) == nil })
        for creation in labels {
            guard let link = LinkObject(creation.object) else { continue }
            try await LabelCreator(connection: connection, object: try await directory.link(link))
                .create(creation.field.options.map(\.label))
            linkTypes.withLock { $0[link] = nil }
        }
    }

    package func ownObjects() async throws -> [OwnObject] { try await HubSpotCatalog(connection).ownObjects() }

    package func missing(_ objects: [String]) async throws -> [String] { try await directory.missing(objects) }

    package func creation(of wanted: ObjectCreation) throws(MigratezError) -> ObjectCreation {
        try ObjectCreator.creation(of: wanted)
    }

    package func create(_ objects: [ObjectCreation]) async throws {
        try await ObjectCreator(connection: connection, directory: directory).create(objects)
    }

    package func people() async throws -> [Person] { try await HubSpotCatalog(connection).people() }

    // MARK: Writing

    package func route(for object: String, expectedRows: Int) -> WriteRoute {
        guard LinkObject(object) == nil else {
            // What a pair of records has is read before it is written, so that no two calls may do it at once.
            return WriteRoute(
                name: RouteName.associations, recordsMax: HubSpotLimits.linkWritesMax, bytesMax: .MiB(4),
                concurrencyMax: 1)
        }
        guard object != HubSpotAttachments.object else {
            return WriteRoute(
                name: RouteName.files, recordsMax: 1, bytesMax: .MiB(8),
                concurrencyMax: connection.concurrencyMax ?? 4)
        }
        return WriteRoute(
            name: RouteName.batch, recordsMax: HubSpotLimits.batchRecordsMax, bytesMax: .MiB(8),
            concurrencyMax: connection.concurrencyMax ?? 4)
    }

    package func write(_ batch: Batch, by route: WriteRoute, intent: any WriteIntent) async throws -> [Receipt] {
        if let link = LinkObject(batch.object) {
            if link.carriesFiles { return try await fileLinkWriter(link).write(batch.rows) }
            return try await linkWriter(link).write(batch.rows)
        }
        if batch.object == HubSpotAttachments.object { return try await fileWriter.write(batch.rows) }
        let rows = batch.object == "email" ? batch.rows.map(EmailHeaders.folded) : batch.rows
        return try await rowWriter.write(rows, object: try await directory.object(batch.object))
    }

    package func resolve(_ batch: Batch, by route: WriteRoute, note: String?) async throws -> [Receipt] {
        if let link = LinkObject(batch.object) {
            if link.carriesFiles { return try await fileLinkWriter(link).resolve(batch.rows) }
            return try await linkWriter(link).resolve(batch.rows)
        }
        if batch.object == HubSpotAttachments.object { return try await fileWriter.resolve(batch.rows) }
        return try await rowWriter.resolve(batch.rows, object: try await directory.object(batch.object))
    }

    /// Deleted records can be restored for 90 days in HubSpot itself. An archive answers nothing about single records
    /// (developers.hubspot.com, "CRM objects"), so what is there is read first.
    package func delete(object name: String, ids: [String]) async throws -> [Deletion] {
        if let link = LinkObject(name) {
            if link.carriesFiles { return try await fileLinkWriter(link).delete(ids) }
            return try await linkWriter(link).delete(ids)
        }
        if name == HubSpotAttachments.object { return try await fileWriter.delete(ids) }
        let object = try await directory.object(name)
        let there = Set(
            try await BatchRead(connection).records(Self.ids(ids), [], of: object).compactMap { $0["id"]?.text })
        var rest = there.sorted()[...]
        while !rest.isEmpty {
            let group = rest.prefix(HubSpotLimits.batchRecordsMax)
            rest = rest.dropFirst(group.count)
            let body: JSONValue = ["inputs": .array(group.map { ["id": .string($0)] })]
            _ = try await connection.client.write(
                .post, connection.paths.batchWrite(object.type, "archive"), body.serialized(), class: "batch",
                isRepeatable: true)
        }
        return ids.map { Deletion(id: $0, result: there.contains($0) ? .deleted : .absent) }
    }

    package func finish() async throws {}

    private var rowWriter: RowWriter { RowWriter(connection: connection, keyProperty: keyProperty, clock: clock) }

    private func linkWriter(_ object: LinkObject) async throws -> LinkWriter {
        LinkWriter(
            connection: connection, object: try await directory.link(object), types: try await types(of: object))
    }

    private var fileWriter: FileWriter { FileWriter(connection: connection, keyProperty: keyProperty, clock: clock) }

    private func fileLinkWriter(_ object: LinkObject) async throws -> FileLinkWriter {
        let carriers = FileCarriers(connection: connection, keyProperty: keyProperty, clock: clock)
        var notes: LinkWriter?
        if HubSpotAttachments.carrier(object.toName) == nil, let link = LinkObject("note_to_\(object.toName)") {
            notes = try await linkWriter(link)
        }
        return FileLinkWriter(connection: connection, object: object, carriers: carriers, notes: notes)
    }

    private func types(of link: LinkObject) async throws -> LinkTypes {
        if let known = linkTypes.withLock({ $0[link] }) { return known }
        let object = try await directory.link(link)
        let labels = try await HubSpotCatalog(connection)
            .results(connection.paths.linkLabels(object.from.type, object.to.type), [])
        guard let types = LinkTypes(labels, of: object) else {
            throw MigratezError(
                .requestRefused, "HubSpot has no links from \(object.from.type) to \(object.to.type)",
                remedy: .fixConfiguration,
                hint: object.from.isCustom || object.to.isCustom
                    ? "let them be associated under Settings, Objects, or take the link out"
                    : "check 'as: \(object.name)' below links")
        }
        linkTypes.withLock { $0[link] = types }
        return types
    }

    // MARK: Reading

    package func read(object name: String, ids: [String], fields: [String]) async throws -> [ReadBack] {
        if let link = LinkObject(name) {
            if link.carriesFiles { return try await fileLinkWriter(link).read(ids, fields: fields) }
            return try await linkWriter(link).read(ids, fields: fields)
        }
        if name == HubSpotAttachments.object { return try await fileWriter.read(Self.ids(ids), fields: fields) }
        let object = try await directory.object(name)
        return try await BatchRead(connection).records(Self.ids(ids), fields + [keyProperty], of: object)
            .compactMap { ReadBack(record: $0, fields: fields, keyProperty: keyProperty) }
    }

    package func readContent(object: String, id: String, piece: ([UInt8]) async throws -> Void) async throws {
        try await AttachmentReader(connection: connection).content(id, piece: piece)
    }

    package func match(
        object: String, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] {
        guard object != HubSpotAttachments.object else {
            throw MigratezError(
                .notSupported, "files of HubSpot's are not found by their fields", remedy: .fixConfiguration,
                hint: "take against_target out of the object 'file'")
        }
        return try await RecordMatching(connection: connection, keyProperty: keyProperty)
            .find(try await directory.object(object), fields: fields, values: values, returning: returning)
    }

    package func sample(object name: String, fields: [String], count: Int) async throws -> [ReadBack] {
        if name == HubSpotAttachments.object {
            let page = try await AttachmentReader(connection: connection)
                .page(at: AttachmentCursor(carrier: 0), limit: HubSpotLimits.batchRecordsMax)
            let ids = page.records.prefix(count).compactMap { record in
                page.bytes[record].withUnsafeBufferPointer { JSONValue(validated: $0) }["id"]?.text
            }
            return try await fileWriter.read(ids, fields: fields)
        }
        let object = try await directory.object(name)
        var ids: [String] = []
        var after: String?
        repeat {
            var query = [("limit", String(min(count - ids.count, HubSpotLimits.batchRecordsMax)))]
            if let after { query.append(("after", after)) }
            let page = try await connection.client.value(connection.paths.objects(object.type), query, class: "list")
            ids += (page["results"]?.elements ?? []).compactMap { $0["id"]?.text }
            after = page["paging"]?["next"]?["after"]?.text
        } while after != nil && ids.count < count
        return try await read(object: name, ids: ids, fields: fields)
    }

    /// The first of the other objects that one of the records is linked with: a link is lost with either end.
    package func referrers(object name: String, ids: [String]) async throws -> [String: String] {
        // Whoever else names a file, nobody tells.
        guard LinkObject(name) == nil, name != HubSpotAttachments.object else { return [:] }
        let object = try await directory.object(name)
        let reader = LinkReader(connection)
        var found: [String: String] = [:]
        for other in HubSpotObject.linked + (try await customStreams()) {
            let rest = Self.ids(ids).filter { found[$0] == nil }
            guard !rest.isEmpty else { break }
            do {
                for link in try await reader.links(of: rest, from: object, to: HubSpotObject(other)) {
                    found[link.from] = other.text
                }
            } catch let error as MigratezError
                where error.code == .permissionMissing || error.callRefused?.isAboutRows == true
            {
                // Objects that the account does not have, or that the token may not see, hold no links of ours.
                continue
            }
        }
        return found
    }

    /// None if the token may not see them: then it made no links with them either.
    private func customStreams() async throws -> [StreamName] {
        do {
            return try await HubSpotCatalog(connection).customObjects().compactMap { StreamName($0.typeID) }
        } catch let error as MigratezError where error.code == .permissionMissing {
            return []
        }
    }

    /// `nil`: HubSpot counts in search only, whose index lags behind.
    package func count(object: String, keyPrefix: String) async throws -> Int? { nil }

    // MARK: The account and planning

    package func account(for objects: [String]) async throws -> AccountReport {
        let needs = try await directory.needs(objects.filter { LinkObject($0) == nil })
        var report = try await facts.report(needing: needs.scopes)
        guard needs.newObjects > 0, let limit = try await CustomObjectLimit.read(connection) else { return report }
        report.facts.append(.init("custom objects", "\(limit.remaining) of \(limit.most) may be added"))
        if limit.remaining < needs.newObjects {
            report.missingRights.append("room for \(needs.newObjects) more custom objects")
        }
        return report
    }

    package func identity() async throws -> String { try await facts.identity() }

    package func recordAddress(of object: String, id: String) async throws -> String? {
        guard LinkObject(object) == nil else { return nil }
        return try await facts.recordAddress(of: try await directory.object(object), id: id)
    }

    /// No request tells which workflows a record would set off (developers.hubspot.com has none for it).
    package func sideEffects(on objects: [String]) async throws -> [SideEffect] {
        guard objects.contains(where: { LinkObject($0) == nil }) else { return [] }
        return [
            SideEffect(
                .unknown, "workflows run for records that are written, and HubSpot does not say which",
                advice: "look at Automation, Workflows, and turn off for the time of the load what must not run")
        ]
    }

    package func estimatedCalls(writing object: String, records: Int, matchRules: Int) -> [CallEstimate] {
        let route = route(for: object, expectedRows: records)
        let calls = (records + route.recordsMax - 1) / route.recordsMax
        if route.name == RouteName.files {
            return [CallEstimate("file", records * 3, secondsEach: 0.2...2, atOnce: route.concurrencyMax)]
        }
        if route.name == RouteName.associations {
            return [CallEstimate("associations \(object)", calls * 3, secondsEach: 0.2...1)]
        }
        var estimates = [
            CallEstimate("batch \(object)", calls, secondsEach: 0.3...2, atOnce: route.concurrencyMax)
        ]
        if matchRules > 0 { estimates.append(CallEstimate("match \(object)", calls * matchRules * 2)) }
        return estimates
    }

    /// What is no number is no id of HubSpot's, and a request that names it would be refused.
    private static func ids(_ ids: [String]) -> [String] { ids.filter { Int($0) != nil } }
}

/// The names of the ways of writing.
enum RouteName {
    static let batch = "batch"
    static let associations = "associations"
    static let files = "files"
}
