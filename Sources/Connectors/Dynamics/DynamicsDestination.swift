// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport

/// Microsoft Dynamics 365, or any environment of Dataverse, as a destination.
///
/// Every record carries our row key in a column of its own (`new_migratezid`), which an alternate key makes unique. Notes
/// take no columns: their ids are made of our key, so that writing one again meets the same record. Tables and lookups go
/// by their logical names; a lookup that may lead to several tables is one field. What links any two records is an
/// object of its own, `connection`. What a user must prepare is in the documentation of this module.
package struct DynamicsDestination: Destination {
    package let name = "dynamics"
    /// What may stand below `target:`.
    package static let settings: [SettingSpec] = DynamicsAccess.specs + DynamicsTargetSettings.specs
    package static let capabilities = DestinationCapabilities(
        routes: DynamicsTargetSettings.Route.allCases.map(\.rawValue) + [documentRouteName],
        bulkRoute: DynamicsTargetSettings.Route.multiple.rawValue,
        upsertKey: DynamicsTargetSettings.defaultKeyColumn, links: "lookups, and connections",
        movesFiles: true, createdDate: "every table, by overriddencreatedon", undoes: true,
        limits: [
            "\(DynamicsLimits.writeRowsDefault) records a write unless load.batch says more, "
                + "\(DynamicsLimits.batchRowsMax) at most",
            "a file a write, as long as the environment takes (5 MB unless an administrator allows more)",
            "\(DynamicsLimits.budget), unless rate.requests says more",
        ])

    private static let documentRouteName = "document"

    package let limiter: RateLimiter?
    /// Ids or tuples whose names an address has room for.
    package let readBatchSize = 100

    private let connection: DynamicsConnection
    private let settings: DynamicsTargetSettings
    private let clock: any WallClock

    /// - Parameter http: the process's client; retries, the rate budget and the token are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    package init(settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock) throws(MigratezError) {
        self.settings = try DynamicsTargetSettings(settings)
        connection = try DynamicsConnection(
            settings, keyColumn: self.settings.keyColumn, headers: self.settings.headers, http: http, clock: clock)
        limiter = connection.limiter
        self.clock = clock
    }

    // MARK: Schema

    package func discover(_ objects: [String]) async throws -> [ObjectSchema] {
        var schemas: [ObjectSchema] = []
        for object in objects.map(DynamicsObject.init) {
            let table = try await connection.catalog.describe(object.table)
            var schema = table.targetSchema(
                of: object,
                contentBytesMax: object.document == nil ? nil : try await connection.catalog.uploadBytesMax())
            if let place = schema.fields.firstIndex(where: { $0.name == settings.keyColumn }) {
                schema.fields[place].isUnique = table.hasActiveKey
            }
            schemas.append(schema)
        }
        return schemas
    }

    package func requirements(of object: ObjectSchema) -> [FieldCreation] {
        guard object.holdsKey, object.field(settings.keyColumn)?.isUnique != true else { return [] }
        return [FieldCreation(object: object.name, field: ColumnCreator.key(named: settings.keyColumn))]
    }

    package func prepare(_ creations: [FieldCreation]) async throws {
        try await ColumnCreator(
            api: connection.api, catalog: connection.catalog, keyColumn: settings.keyColumn, clock: clock
        ).create(creations)
    }

    package func people() async throws -> [Person] { try await connection.people() }

    // MARK: Writing

    package func route(for object: String, expectedRows: Int) -> WriteRoute {
        let form = DynamicsObject(object).document
        let isFile = form != nil
        return WriteRoute(
            name: isFile ? Self.documentRouteName : settings.route.rawValue,
            recordsMax: isFile ? 1 : settings.batchRecords, bytesMax: .MiB(8),
            // Lines and attachments open what is closed, and close it again.
            concurrencyMax: object == CatalogTable.lineItem || form == .attachment
                ? 1 : connection.concurrencyMax ?? DynamicsLimits.concurrencyDefault)
    }

    package func write(_ batch: Batch, by route: WriteRoute, intent: any WriteIntent) async throws -> [Receipt] {
        let table = try await table(batch.object)
        var receipts: [Receipt] = []
        if let form = DynamicsObject(batch.object).document {
            let writer = try await documents(form, table, batch.rows)
            for row in batch.rows { receipts.append(try await writer.write(row, intent: intent)) }
        } else if table.name == CatalogTable.lineItem {
            receipts = try await lines(table).write(batch.rows, intent: intent)
        } else {
            var writer = try await writer(table)
            if table.name == CatalogTable.product {
                writer.additions = try await salesCatalog.additions(toProducts: batch.rows)
            }
            receipts = try await writer.write(batch.rows)
        }
        return try batch.inOrder(receipts)
    }

    package func resolve(_ batch: Batch, by route: WriteRoute, note: String?) async throws -> [Receipt] {
        if batch.object == CatalogTable.lineItem {
            try await lines(try await table(batch.object)).complete(note)
        }
        if DynamicsObject(batch.object).document == .attachment {
            try await documents(.attachment, try await table(batch.object), batch.rows).complete(note, batch.rows)
        }
        let rows = batch.rows.filter { $0.targetID == nil }
        let found = try await lookup(try await table(batch.object)).records(keys: rows.map(\.key))
        return rows.compactMap { row in
            found[row.key].map { Receipt(key: row.key, result: .created(id: $0.id)) }
        }
    }

    package func delete(object: String, ids: [String]) async throws -> [Deletion] {
        let table = try await table(object)
        return try await table.name == CatalogTable.lineItem
            ? lines(table).delete(ids) : RecordDeletion(batches: batches, table: table).delete(ids)
    }

    package func finish() async throws {}

    private func table(_ object: String) async throws -> TableMetadata {
        try await connection.catalog.table(DynamicsObject(object).table)
    }

    private var batches: BatchSender { BatchSender(api: connection.api, headers: settings.headers, clock: clock) }

    private func lookup(_ table: TableMetadata) -> RecordLookup {
        RecordLookup(api: connection.api, table: table, keyColumn: settings.keyColumn)
    }

    private func documents(
        _ form: DocumentForm, _ table: TableMetadata, _ rows: [Batch.Row]
    ) async throws -> DocumentWriter {
        DocumentWriter(
            api: connection.api, form: form, catalog: connection.catalog, table: table, lookup: lookup(table),
            batches: batches, body: try await writer(table, messages: []).body(for: rows),
            bytesMax: try await connection.catalog.uploadBytesMax())
    }

    private func writer(_ table: TableMetadata) async throws -> RowWriter {
        let takesMany = settings.route == .multiple
        return writer(table, messages: takesMany ? try await connection.catalog.bulkMessages(of: table.name) : [])
    }

    private func writer(_ table: TableMetadata, messages: Set<String>) -> RowWriter {
        RowWriter(
            api: connection.api, catalog: connection.catalog, table: table, lookup: lookup(table), batches: batches,
            clock: clock, messages: messages)
    }

    private var salesCatalog: SalesCatalog {
        SalesCatalog(api: connection.api, unitGroup: settings.unitGroup, priceList: settings.priceList)
    }

    private func lines(_ table: TableMetadata) async throws -> LineItemWriter {
        LineItemWriter(
            rows: try await writer(table), catalog: salesCatalog, opportunity: try await self.table("opportunity"))
    }

    // MARK: Reading

    private func reader(_ object: String) async throws -> RecordReader {
        RecordReader(
            api: connection.api, table: try await table(object), keyColumn: settings.keyColumn,
            filter: DynamicsObject(object).filter)
    }

    package func readContent(object: String, id: String, piece: ([UInt8]) async throws -> Void) async throws {
        let values = try await reader(object).values(
            ids: [id].compactMap(RecordID.init), columns: [TableMetadata.documentSize])
        guard let form = DynamicsObject(object).document, let found = values.first?.value else {
            throw Rejection(.contentUnavailable, reason: "there is no such file")
        }
        try await DocumentReader(api: connection.api, form: form).read(
            id, bytes: found[TableMetadata.documentSize]?.int, piece: piece)
    }

    package func match(
        object: String, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] {
        try await reader(object).match(fields: fields, values: values, returning: returning)
    }

    package func read(object: String, ids: [String], fields: [String]) async throws -> [ReadBack] {
        try await reader(object).read(ids: ids.compactMap(RecordID.init), fields: fields)
    }

    package func sample(object: String, fields: [String], count: Int) async throws -> [ReadBack] {
        try await reader(object).sample(fields: fields, count: count)
    }

    package func count(object: String, keyPrefix: String) async throws -> Int? {
        let table = try await table(object)
        guard table.hasKeyColumn else { return nil }
        return try await RecordCount(api: connection.api).exact(
            table, where: "startswith(\(settings.keyColumn),\(ODataText.literal(keyPrefix)))")
    }

    private var history: RecordHistory { RecordHistory(connection: connection) }

    package func lastChanges(object: String, ids: [String]) async throws -> [String: LastChange] {
        try await history.lastChanges(of: try await reader(object), ids: ids.compactMap(RecordID.init))
    }

    package func referrers(object: String, ids: [String]) async throws -> [String: String] {
        try await history.referrers(of: try await table(object), ids: ids.compactMap(RecordID.init))
    }

    // MARK: The account and planning

    package func account(for objects: [String]) async throws -> AccountReport {
        try await DynamicsAccount(connection).report(
            rights: ["Read", "Create", "Write"], on: objects.map { DynamicsObject($0).table })
    }

    package func identity() async throws -> String { try await DynamicsAccount(connection).identity() }

    package func recordAddress(of object: String, id: String) async throws -> String? {
        connection.recordAddress(of: DynamicsObject(object).table, id: id)
    }

    package func sideEffects(on objects: [String]) async throws -> [SideEffect] {
        try await AutomationSurvey(
            api: connection.api, bypassesLogic: settings.bypassesLogic, allowsDuplicates: settings.allowsDuplicates
        ).effects(on: Set(objects.map { DynamicsObject($0).table }).sorted())
    }

    /// Keys are looked up first, then rows are created; those with a state take another request.
    package func estimatedCalls(writing object: String, records: Int, matchRules: Int) -> [CallEstimate] {
        if DynamicsObject(object).document != nil {
            return [
                CallEstimate(
                    "document", records, secondsEach: 0.1...5,
                    atOnce: route(for: object, expectedRows: records).concurrencyMax),
                CallEstimate("keys of \(object)", records, secondsEach: 0.1...1),
            ]
        }
        let writes = (records + settings.batchRecords - 1) / settings.batchRecords
        let looks = (records + readBatchSize - 1) / readBatchSize
        var calls = [
            CallEstimate(
                "\(settings.route.rawValue) \(object)", writes, secondsEach: 1...20,
                atOnce: connection.concurrencyMax ?? DynamicsLimits.concurrencyDefault),
            CallEstimate("keys of \(object)", looks, secondsEach: 0.1...1),
        ]
        if matchRules > 0 { calls.append(CallEstimate("query \(object)", looks * matchRules)) }
        return calls
    }
}
