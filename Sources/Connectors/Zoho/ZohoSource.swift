// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport

/// Zoho CRM as a source. Streams go by the API names of modules: `Accounts`, `Contacts`, `Tasks`, custom ones too.
///
/// Records are read by COQL in the order of their ids, or by bulk jobs; notes, which neither takes, from their list. A link
/// to a record or to a user is its id. What a user must prepare, and what is not carried, is in the documentation of this module.
package struct ZohoSource: Source {
    package let name = "zoho"
    /// What a pipeline may set below `source:`.
    package static let settings: [SettingSpec] =
        ZohoAccess.specs + [
            SettingSpec(
                "extract.api", .oneOf(ReadRoute.allCases.map(\.rawValue)),
                "how records are read; default coql. Notes come from their list and files record by record in any case"),
            SettingSpec(
                "page_size", .integer,
                "records a page, 200 to \(COQL.recordsMax); default the most, of bulk jobs \(BulkPages.pieceRecords)"),
            SettingSpec(
                "contact_roles", .bool,
                "whether the roles of contacts in deals are read, one request a deal; default true"),
            SettingSpec(
                "attachments_of", .text,
                "modules asked for files, one request a record; default "
                    + defaultAttachmentModules.joined(separator: ", ")),
        ]

    package static let capabilities = SourceCapabilities(
        routes: [ReadRoute.coql.rawValue, "list", ReadRoute.bulk.rawValue], bulkRoute: ReadRoute.bulk.rawValue,
        tellsChanges: true, links: "lookups, and roles of contacts in deals as labels",
        movesFiles: true,
        limits: [
            "\(COQL.recordsMax) records a page, notes 100 and no more than 100,000",
            "\(BulkReadJobs.recordsMax) records a bulk job, ten downloads a minute",
            "credits of 24 hours by edition; one request a deal for contact roles, and a record for its files or its lines",
        ])

    /// What brings records that can be had in several ways.
    enum ReadRoute: String, CaseIterable { case coql, bulk }

    /// Modules whose records people attach files to.
    private static let defaultAttachmentModules = ["Accounts", "Contacts", "Leads", "Deals", "Notes"]

    package let limiter: RateLimiter?
    let connection: ZohoConnection
    let readsContactRoles: Bool
    private let route: ReadRoute
    /// `nil` = as many as the way takes.
    private let pageRecords: Int?
    private let results = BulkResults()
    private let clock: any WallClock
    /// `nil` = the usual ones, so far as the organisation has them.
    private let attachmentModules: [String]?

    /// - Parameter http: the process's client; retries, authentication and the rate budget are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    package init(settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock) throws(MigratezError) {
        pageRecords = try settings["page_size"].map { (text) throws(MigratezError) in
            guard let size = Int(text), (200...COQL.recordsMax).contains(size) else {
                throw MigratezError(
                    .invalidSetting, "page_size is '\(text)', which is not a number from 200 to \(COQL.recordsMax)",
                    remedy: .fixConfiguration)
            }
            return size
        }
        route = settings["extract.api"].flatMap(ReadRoute.init) ?? .coql
        self.clock = clock
        readsContactRoles = settings["contact_roles"] != "false"
        attachmentModules = settings["attachments_of"].map { text in
            text.split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init)
        }
        connection = try ZohoConnection(settings, http: http, clock: clock)
        limiter = connection.limiter
    }

    package func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] {
        var schemas: [ObjectSchema] = []
        for object in objects {
            schemas.append(
                try await object.text == Attachments.object
                    ? Attachments.schema(modules: attachedModules())
                    : connection.catalog.freshSchema(of: object.text))
        }
        return schemas
    }

    private var attachments: Attachments { Attachments(client: connection.client) }

    /// The modules whose records are asked for files.
    func attachedModules() async throws -> [String] {
        let known = Set(try await connection.catalog.modules().map(\.name))
        guard let wanted = attachmentModules else { return Self.defaultAttachmentModules.filter(known.contains) }
        if let missing = wanted.first(where: { !known.contains($0) }) {
            throw MigratezError(
                .invalidSetting, "attachments_of: the organisation has no module '\(missing)'",
                remedy: .fixConfiguration, hint: "modules go by their API names")
        }
        return wanted
    }

    package func layout(of object: StreamName) -> RecordLayout {
        RecordLayout(id: ZohoModule.id, modified: ZohoModule.modifiedTime)
    }

    package func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        guard object.text != Attachments.object else {
            return try await AttachmentPages(
                attachments: attachments, catalog: connection.catalog, modules: attachedModules()
            ).page(after: cursor)
        }
        let schema = try await connection.catalog.schema(of: object.text)
        if let subform = try await connection.catalog.subform(object.text) {
            return try await SubformRows(client: connection.client, subform: subform)
                .page(after: cursor, connection.catalog.schema(of: subform.parent))
        }
        let place = try cursor.map { cursor throws(MigratezError) in try ZohoPlace(cursor) }
        guard ZohoModule.isQueryable(object.text) else {
            return try await ListPages(connection.client, schema, fields: fields).page(at: place)
        }
        // A run goes on in the way in which it began.
        let pages = try QueryPages(connection.client, schema, fields: fields)
        switch place ?? (route == .bulk ? .bulk(BulkPlace()) : nil) {
        case .bulk(let place): return try await pages.tagged(bulkPages(schema, pages.columns).page(at: place))
        case .query(let last): return try await pages.page(after: last, limit: pageRecords ?? COQL.recordsMax)
        default: return try await pages.page(after: nil, limit: pageRecords ?? COQL.recordsMax)
        }
    }

    private func bulkPages(_ schema: ObjectSchema, _ columns: [String]) -> BulkPages {
        BulkPages(
            jobs: BulkReadJobs(calls: connection.bulk, watch: BulkCalls.watch(clock)), results: results, clock: clock,
            schema: schema, columns: columns, recordsMax: pageRecords ?? BulkPages.pieceRecords)
    }

    package func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        guard object.text != Attachments.object else {
            var page = Page(bytes: [], records: [], next: nil)
            for attachment in try await attachments.attachments(ids) {
                let start = page.bytes.count
                page.bytes += attachment.json.serialized()
                page.records.append(start..<page.bytes.count)
            }
            return page
        }
        let schema = try await connection.catalog.schema(of: object.text)
        if let subform = try await connection.catalog.subform(object.text) {
            return Page(rows: try await SubformRows(client: connection.client, subform: subform).rows(ids))
        }
        let ids = ids.filter(ZohoID.isID)
        return try await ZohoModule.isQueryable(object.text)
            ? QueryPages(connection.client, schema, fields: fields).records(ids)
            : ListPages(connection.client, schema, fields: fields).records(ids)
    }

    package func readContent(
        of object: StreamName, id: String, record: ArraySlice<UInt8>, piece: ([UInt8]) async throws -> Void
    ) async throws {
        guard object.text == Attachments.object, let attachment = AttachmentID(id) else {
            throw Rejection(.contentUnavailable, fields: [Attachments.content])
        }
        let size = Attachments.size(of: record.withUnsafeBufferPointer { JSONValue(validated: $0) })
        try await attachments.read(attachment, size: size, piece: piece)
    }

    /// Zoho's own count ("Get Record Count"); `nil` where it is not told for a module.
    package func count(of object: StreamName) async throws -> Int? {
        guard object.text != Attachments.object, !connection.catalog.isSubform(object.text) else { return nil }
        do {
            return try await connection.client.value("/\(object)/actions/count", class: "count")["count"]?.int
        } catch let error as MigratezError where error.callRefused?.status == 400 {
            return nil
        }
    }

    package func people() async throws -> [Person] { try await connection.catalog.people() }

    // MARK: The account and planning

    package func identity() async throws -> String { try await ZohoAccount(connection).identity() }

    package func account(for objects: [StreamName]) async throws -> AccountReport {
        let modules = objects.map(\.text).filter { $0 != Attachments.object }
        return try await ZohoAccount(connection).report(reading: modules, writing: [])
    }

    package func recordAddress(of object: StreamName, id: String) async throws -> String? {
        guard let attachment = AttachmentID(id) else {
            return try await ZohoAccount(connection).recordAddress(of: object.text, id: id)
        }
        return try await ZohoAccount(connection).recordAddress(of: attachment.module, id: attachment.record)
    }

    package func estimatedCalls(reading object: StreamName, records: Int) -> [CallEstimate] {
        if connection.catalog.isSubform(object.text) {
            // A request for each record that has them, which are fewer.
            return [
                CallEstimate(
                    "records with \(object)", records, secondsEach: 0.1...0.6, atOnce: SubformRows.recordsAtOnce)
            ]
        }
        if route == .bulk, ZohoModule.isExportable(object.text), object.text != Attachments.object {
            let jobs = max(1, (records + BulkReadJobs.recordsMax - 1) / BulkReadJobs.recordsMax)
            // Begin it, some ten looks, one download.
            return [CallEstimate("bulk \(object)", jobs * 12, secondsEach: 0.3...30)]
        }
        let isQuery = ZohoModule.isQueryable(object.text)
        let size = isQuery ? pageRecords ?? COQL.recordsMax : 100
        return [
            CallEstimate(
                "\(isQuery ? "coql" : "list") \(object)", max(1, (records + size - 1) / size), secondsEach: 0.3...3)
        ]
    }
}
