// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport

/// Salesforce as a destination. What the user must prepare is in the documentation of this module.
///
/// Every record carries our row key in a unique external-id field (the stamp), so that writing it again meets the same
/// record. Some objects are special: `ContentNote` is written and stamped as `ContentVersion`, a file is a `ContentVersion`
/// that is known by its document, and links such as `ContentDocumentLink`, which can hold no stamp, are known by what they
/// connect.
package struct SalesforceDestination: Destination {
    /// What may stand below `target:`.
    package static let settings: [SettingSpec] =
        SalesforceAccess.specs + SalesforceSettings.specs + PolicyStack.settings
    package static let capabilities = DestinationCapabilities(
        routes: [RouteName.collections, RouteName.bulk2, RouteName.multipart], bulkRoute: RouteName.bulk2,
        upsertKey: SalesforceSettings.defaultStampField, links: "lookups and junction objects, notes by their document",
        movesFiles: true, createdDate: "every object, with the right to set audit fields", undoes: true,
        limits: [
            "\(CollectionRequest.recordsMax) records a call",
            "bulk from \(bulkRowsMin) rows on, \(bulkBatchRecords) a job unless load.batch says more",
            "requests of 24 hours as the org tells them",
        ])

    /// From so many rows on a bulk job is cheaper than collections (Salesforce Developer Limits and Allocations Quick
    /// Reference: "more than 2,000 records").
    static let bulkRowsMin = 2000
    /// Rows of one bulk job, unless the settings say otherwise.
    private static let bulkBatchRecords = 20_000

    package let name = "salesforce"
    /// How many ids one retrieve call takes without growing past any limit on wide objects.
    package let readBatchSize = 200
    package let limiter: RateLimiter?

    private let connection: SalesforceConnection
    private let settings: SalesforceSettings
    private let catalog: SchemaCatalog
    private let collections: CollectionWriter
    private let children = ChildObjects()

    /// - Parameter http: the process's client; retries, the rate budget and the token are put around it here.
    /// - Throws: `invalidSetting`.
    package init(
        settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock
    ) throws(MigratezError) {
        self.settings = try SalesforceSettings(settings)
        connection = try SalesforceConnection(
            settings, allowsDuplicates: self.settings.allowsDuplicates, http: http, clock: clock)
        limiter = connection.limiter
        catalog = SchemaCatalog(api: connection.api, stampField: self.settings.stampField)
        collections = CollectionWriter(api: connection.api, settings: self.settings, catalog: catalog, clock: clock)
    }

    // MARK: Schema

    package func discover(_ objects: [String]) async throws -> [ObjectSchema] {
        let needsStorage = objects.contains(ContentNote.object) && !objects.contains(ContentNote.storageObject)
        let described = try await catalog.describe(objects + (needsStorage ? [ContentNote.storageObject] : []))
        let storage = described.first { $0.schema.name == ContentNote.storageObject }
        return described.prefix(objects.count).map { metadata in
            switch metadata.schema.name {
            case ContentNote.object:
                return storage.map {
                    ContentNote.schema(note: metadata.schema, storage: $0, stampField: settings.stampField)
                } ?? metadata.schema
            default: return Self.schema(metadata.schema)
            }
        }
    }

    /// The schema that a pipeline sees: products have a price, and what is part of an opportunity names its product.
    private static func schema(_ schema: ObjectSchema) -> ObjectSchema {
        var schema = schema
        switch schema.name {
        case ProductPrices.object: schema.fields.append(ProductPrices.schema)
        // A link is one of its roles: a relation could hold one key only.
        case RelationWriter.object: schema.holdsKey = false
        case SalesforceFile.object:
            schema.content = ContentSchema(field: "VersionData", bytesMax: SalesforceFile.bytesMax)
            schema.fields.removeAll { $0.name == "VersionData" }
        case LineItemWriter.object:
            for index in schema.fields.indices where schema.fields[index].name == LineItemWriter.product {
                schema.fields[index].isCreateable = true
            }
        default: break
        }
        return schema
    }

    /// Objects that no bulk job carries: the bodies of notes, and what is written in several steps or few at a time.
    private static let collectedObjects: Set = [
        ContentNote.object, ProductPrices.object, RelationWriter.object, "TaskRelation", "EventRelation",
    ]

    package func requirements(of object: ObjectSchema) -> [FieldCreation] {
        guard object.holdsKey, object.field(settings.stampField) == nil else { return [] }
        let holder = object.name == ContentNote.object ? ContentNote.storageObject : object.name
        return [FieldCreation(object: holder, field: FieldCreator.stamp(named: settings.stampField))]
    }

    package func prepare(_ creations: [FieldCreation]) async throws {
        try await FieldCreator(api: connection.api, catalog: catalog).create(creations)
    }

    package func people() async throws -> [Person] { try await connection.people() }

    // MARK: Writing

    package func route(for object: String, expectedRows: Int) -> WriteRoute {
        guard object != SalesforceFile.object else {
            // A request carries one file.
            return WriteRoute(
                name: RouteName.multipart, recordsMax: 1, bytesMax: .MiB(1),
                concurrencyMax: connection.concurrencyMax ?? 4)
        }
        let isBulk =
            switch settings.loadAPI {
            case .auto: expectedRows >= Self.bulkRowsMin
            case .collections: false
            case .bulk2: true
            }
        guard isBulk, !Self.collectedObjects.contains(object) else {
            return WriteRoute(
                name: RouteName.collections,
                recordsMax: min(settings.batchRecordsMax ?? .max, CollectionRequest.recordsMax),
                bytesMax: ByteCount(settings.collectionBytesMax),
                concurrencyMax: object == RelationWriter.object ? 1 : connection.concurrencyMax ?? 5)
        }
        // 150 MB is the platform's limit on a job, after base64; the default keeps two jobs within the memory ceiling.
        return WriteRoute(
            name: RouteName.bulk2, recordsMax: settings.batchRecordsMax ?? Self.bulkBatchRecords,
            bytesMax: min(settings.batchBytesMax ?? .MiB(32), .MiB(90)), concurrencyMax: connection.concurrencyMax ?? 2)
    }

    package func write(_ batch: Batch, by route: WriteRoute, intent: any WriteIntent) async throws -> [Receipt] {
        let receipts: [Receipt]
        switch batch.object {
        case ContentNote.object:
            receipts = try await NoteWriter(collections: collections).write(batch.rows)
        case SalesforceFile.object:
            receipts = try await FileWriter(collections: collections).write(batch.rows)
        case ProductPrices.object:
            receipts = try await ProductWriter(collections: collections).write(batch.rows, intent: intent)
        case LineItemWriter.object:
            let (rows, refused) = try await LineItemWriter(collections: collections).prepared(batch.rows)
            receipts = try await refused + write(rows, of: batch.object, by: route, intent)
        case RelationWriter.object: receipts = try await relations.write(batch.rows, intent: intent)
        case EmailMessage.relation:
            let rows = try await EmailMessage.withTypes(batch.rows, connection.api)
            receipts = try await write(rows, of: batch.object, by: route, intent)
        case ContentDocumentLink.object:
            let rows = batch.rows.map(ContentDocumentLink.withShareType)
            receipts = try await write(rows, of: batch.object, by: route, intent)
        default: receipts = try await write(batch.rows, of: batch.object, by: route, intent)
        }
        return try batch.inOrder(receipts)
    }

    private func write(
        _ rows: [Batch.Row], of object: String, by route: WriteRoute, _ intent: any WriteIntent
    ) async throws -> [Receipt] {
        guard !rows.isEmpty else { return [] }
        return route.name == RouteName.bulk2
            ? try await BulkWriter(collections: collections).write(rows, object: object, intent: intent)
            : try await collections.write(rows, object: object)
    }

    package func resolve(_ batch: Batch, by route: WriteRoute, note: String?) async throws -> [Receipt] {
        if ContentNote.isDocument(batch.object) {
            return try await NoteWriter(collections: collections).resolve(batch.rows)
        }
        if batch.object == ProductPrices.object {
            return try await ProductWriter(collections: collections).resolve(batch.rows, note: note)
        }
        if batch.object == RelationWriter.object { return try await relations.resolve(batch.rows, note: note) }
        return try await BulkWriter(collections: collections).resolve(batch.rows, object: batch.object, note: note)
    }

    package func delete(object: String, ids: [String]) async throws -> [Deletion] {
        object == RelationWriter.object
            ? try await relations.delete(ids)
            : try await RecordDeletion(collections: collections).delete(object: object, ids: ids)
    }

    private var relations: RelationWriter { RelationWriter(collections: collections, reader: reader) }

    /// Notes and files are linked by their document (Object Reference, "ContentDocumentLink").
    package func referenceName(of object: String) -> String {
        ContentNote.isDocument(object) ? "ContentDocument" : object
    }

    package func readContent(object: String, id: String, piece: ([UInt8]) async throws -> Void) async throws {
        guard ContentNote.isDocument(object) else {
            throw MigratezError(
                .notSupported, "records of \(object) have no content", remedy: .fixConfiguration)
        }
        guard let latest = try await FileWriter(collections: collections).latest(of: id) else {
            throw Rejection(.contentUnavailable, fields: ["VersionData"])
        }
        try await FileContent(api: connection.api).read(
            ContentNote.storageObject, id: latest.version, field: "VersionData", bytes: latest.bytes, piece: piece)
    }

    package func finish() async throws {}

    // MARK: Reading

    private var reader: RecordReader {
        RecordReader(api: connection.api, catalog: catalog, stampField: settings.stampField)
    }

    package func match(
        object: String, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] {
        try await withPrices(object, returning) { names in
            try await reader.match(object: object, fields: fields, values: values, returning: names)
        }
    }

    /// Reads records without the prices of products, which are read by themselves if they are wanted.
    private func withPrices(
        _ object: String, _ fields: [String], _ read: ([String]) async throws -> [ReadBack]
    ) async throws -> [ReadBack] {
        guard object == ProductPrices.object, fields.contains(ProductPrices.field) else {
            return try await read(fields)
        }
        return try await ProductPrices(api: connection.api)
            .completed(try await read(fields.filter { $0 != ProductPrices.field }))
    }

    package func read(object: String, ids: [String], fields: [String]) async throws -> [ReadBack] {
        guard object != RelationWriter.object else { return try await relations.read(ids, fields: fields) }
        let ids = ids.filter(SalesforceID.isID)
        guard !ContentNote.isDocument(object) else { return try await reader.documents(ids: ids, fields: fields) }
        return try await withPrices(object, fields) { names in
            try await reader.read(object: object, ids: ids, fields: names)
        }
    }

    package func sample(object: String, fields: [String], count: Int) async throws -> [ReadBack] {
        let ids = try await reader.someIDs(of: object, count: count)
        return try await read(object: object, ids: ids, fields: fields)
    }

    private var history: RecordHistory {
        RecordHistory(
            api: connection.api, catalog: catalog, reader: reader, children: children, ownUser: connection.login.userID)
    }

    package func lastChanges(object: String, ids: [String]) async throws -> [String: LastChange] {
        guard object == RelationWriter.object else {
            return try await history.lastChanges(object: object, ids: ids.filter(SalesforceID.isID))
        }
        let relations = ids.compactMap { RelationID($0) }
        let changes = try await history.lastChanges(object: object, ids: Set(relations.map(\.record)).sorted())
        return Dictionary(
            relations.compactMap { id in changes[id.record].map { (id.text, $0) } }, uniquingKeysWith: { $1 })
    }

    package func referrers(object: String, ids: [String]) async throws -> [String: String] {
        try await history.referrers(object: object, ids: ids.filter(SalesforceID.isID))
    }

    package func count(object: String, keyPrefix: String) async throws -> Int? {
        guard object != RelationWriter.object else { return nil }
        return try await reader.count(object: object, keyPrefix: keyPrefix)
    }

    // MARK: The account and planning

    package func account(for objects: [String]) async throws -> AccountReport {
        try await SalesforceAccount(connection.api).report(rights: ["queryable", "createable"], on: objects)
    }

    package func identity() async throws -> String { try await SalesforceAccount(connection.api).identity() }

    package func recordAddress(of object: String, id: String) async throws -> String? {
        connection.recordAddress(RelationID(id)?.record ?? id)
    }

    package func sideEffects(on objects: [String]) async throws -> [SideEffect] {
        try await AutomationSurvey(api: connection.api, allowsDuplicates: settings.allowsDuplicates).effects(
            on: objects)
    }

    package func estimatedCalls(writing object: String, records: Int, matchRules: Int) -> [CallEstimate] {
        let route = route(for: object, expectedRows: records)
        let writes = estimatedCalls(object: object, rows: records)
        let isBulk = route.name == RouteName.bulk2
        var calls = [
            // A call of 200 rows runs through all automations of the org; a bulk job of 20,000 rows takes minutes.
            CallEstimate(
                "\(route.name) \(object)", writes, secondsEach: isBulk ? 1...20 : 0.5...4,
                atOnce: route.concurrencyMax)
        ]
        if matchRules > 0 {
            calls.append(CallEstimate("query \(object)", (records + readBatchSize - 1) / readBatchSize * matchRules))
        }
        return calls
    }

    /// About how many API requests a load of so many rows takes, without looking up existing ones.
    package func estimatedCalls(object: String, rows: Int) -> Int {
        let route = route(for: object, expectedRows: rows)
        return SalesforceLimits.estimatedCalls(object: object, rows: rows, route: route)
    }
}

/// The names of the ways of writing.
enum RouteName {
    static let collections = "collections"
    static let bulk2 = "bulk2"
    static let multipart = "multipart"
}

extension SalesforceLogin: TokenProvider {
    package var isRenewable: Bool { true }
    package func fetch() async throws -> AccessToken { AccessToken(try await accessToken()) }
}
