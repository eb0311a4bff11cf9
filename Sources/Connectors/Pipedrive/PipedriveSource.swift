// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport

/// Pipedrive as a source. Streams: `person`, `organization`, `deal`, `activity`, `note`, `file`, `product`,
/// `lead`, `deal_product`.
///
/// Records come from the lists, in the order of their ids; deals with those that are archived. Version 2 is asked for what
/// it has, version 1 for notes, files, leads, people and participants of deals. A record's custom fields stand beside the others, by the
/// names that people gave them.
package struct PipedriveSource: Source {
    package let name = "pipedrive"
    /// What a pipeline may set below `source:`.
    package static let settings: [SettingSpec] =
        PipedriveAccess.specs + [
            SettingSpec(
                "page_size", .integer, "records a page, 1 to \(PipedriveLimits.pageRecordsMax); default the most")
        ]
    package static let capabilities = SourceCapabilities(
        routes: ["list"], tellsChanges: true, links: "fields of records, and participants of deals and activities",
        movesFiles: true,
        limits: [
            "\(PipedriveLimits.pageRecordsMax) records a page",
            "\(PipedriveLimits.budget), unless rate.requests says more",
            "the company's tokens of a day, of which rate.daily_tokens may be used",
        ])

    package let limiter: RateLimiter?
    private let connection: PipedriveConnection
    private let catalog: PipedriveCatalog
    private let lists: RecordLists
    private let leads: LeadLists
    private let facts: PipedriveAccountFacts
    private let pageRecords: Int
    private let clock: any WallClock

    /// - Parameter http: the process's client; retries, authentication and the rate budget are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    package init(settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock) throws(MigratezError) {
        let text = settings["page_size"] ?? String(PipedriveLimits.pageRecordsMax)
        guard let size = Int(text), (1...PipedriveLimits.pageRecordsMax).contains(size) else {
            throw MigratezError(
                .invalidSetting,
                "page_size is '\(text)', which is not a number from 1 to \(PipedriveLimits.pageRecordsMax)",
                remedy: .fixConfiguration)
        }
        pageRecords = size
        connection = try PipedriveConnection(try PipedriveAccess(settings), settings, http: http, clock: clock)
        limiter = connection.limiter
        catalog = PipedriveCatalog(connection)
        lists = RecordLists(connection, catalog)
        leads = LeadLists(connection, catalog)
        facts = PipedriveAccountFacts(connection)
        self.clock = clock
    }

    package func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] {
        var schemas: [ObjectSchema] = []
        for object in objects {
            switch object.text {
            case LeadFields.object: schemas.append(try await leads.schema())
            case DealProducts.object: schemas.append(DealProducts.schema)
            default: schemas.append(try await catalog.schema(of: PipedriveObject(named: object.text)))
            }
        }
        return schemas
    }

    package func layout(of object: StreamName) -> RecordLayout { RecordLayout(id: "id", modified: "update_time") }

    // MARK: Records

    package func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        if object.text == LeadFields.object {
            let place = try cursor.map { (cursor) throws(MigratezError) in try LeadLists.Place(cursor) }
            let page = try await leads.page(at: place ?? LeadLists.Place(), limit: pageRecords)
            return Self.page(page.leads, page.malformed, next: page.next?.cursor)
        }
        if object.text == DealProducts.object {
            let place = try cursor.map { (cursor) throws(MigratezError) in try PipedriveCursor(cursor) }
            let page = try await products.page(at: place ?? .beginning(of: .deal))
            return Self.page(page.lines.map { ($0.id.text, $0.json) }, [], next: page.next?.cursor)
        }
        let object = try PipedriveObject(named: object.text)
        let place = try cursor.map { (cursor) throws(MigratezError) in try PipedriveCursor(cursor) }
        let narrowing = RecordLists.Narrowing(
            query: object.isFormer
                ? [] : RecordLists.customFields(try await catalog.fields(of: object).customCodes(fields)),
            limit: pageRecords)
        let page = try await lists.page(of: object, at: place ?? .beginning(of: object), narrowing)
        return Self.page(page.records.map { ($0.id, $0.json) }, page.malformed, next: page.next?.cursor)
    }

    package func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        guard object.text != LeadFields.object else { return Self.page(try await leads.leads(ids), [], next: nil) }
        guard object.text != DealProducts.object else {
            return Self.page(try await products.lines(ids).map { ($0.id.text, $0.json) }, [], next: nil)
        }
        let object = try PipedriveObject(named: object.text)
        return Self.page(
            try await lists.records(object, ids, names: fields).map { ($0.id, $0.json) }, [], next: nil)
    }

    private var products: DealProducts { DealProducts(connection: connection, lists: lists) }

    private static func page(
        _ records: [(id: String, json: JSONValue)], _ malformed: [(number: Int, entry: JSONValue)], next: Cursor?
    ) -> Page {
        var page = Page(bytes: [], records: [], next: next)
        for record in records {
            let bytes = record.json.serialized()
            let start = page.bytes.count
            guard bytes.count <= JSONLimits.record.recordBytesMax.bytes else {
                page.malformed.append(
                    MalformedRecord(
                        locator: "record \(record.id)", reason: "too long",
                        bytes: Array(bytes.prefix(JSONLimits.record.recordBytesMax.bytes))))
                continue
            }
            page.bytes += bytes
            page.records.append(start..<page.bytes.count)
        }
        for (number, entry) in malformed {
            page.malformed.append(
                MalformedRecord(
                    locator: "item \(number) of a page", reason: "not an object with an id", bytes: entry.serialized()))
        }
        return page
    }

    /// `nil`: no answer tells a total.
    package func count(of object: StreamName) async throws -> Int? { nil }

    package func readContent(
        of object: StreamName, id: String, record: ArraySlice<UInt8>, piece: ([UInt8]) async throws -> Void
    ) async throws {
        guard try PipedriveObject(named: object.text) == .file else { throw Rejection(.contentUnavailable) }
        let record = record.withUnsafeBufferPointer { JSONValue(validated: $0) }
        try await FileTransfer(connection: connection, lists: lists, clock: clock).read(
            id, record: record, piece: piece)
    }

    // MARK: Links

    /// Links that fields hold cost no request.
    package func linkBatchSize(from: StreamName, to: StreamName) -> Int? { PipedriveLimits.pageRecordsMax }

    package func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        if from.text == LeadFields.object || from.text == DealProducts.object {
            return try LinkSurvey.edges(ofRecords: from.text, records, to: to.text)
        }
        let survey = LinkSurvey(
            connection: connection, from: try PipedriveObject(named: from.text), to: try PipedriveObject(named: to.text)
        )
        return try await survey.edges(of: records)
    }

    // MARK: The account and planning

    package func people() async throws -> [Person] { try await catalog.people() }

    package func identity() async throws -> String { try await facts.identity() }

    package func account(for objects: [StreamName]) async throws -> AccountReport { try await facts.report() }

    package func recordAddress(of object: StreamName, id: String) async throws -> String? {
        switch object.text {
        case LeadFields.object: try await facts.leadAddress(id)
        case DealProducts.object: nil
        default: try await facts.recordAddress(of: try PipedriveObject(named: object.text), id: id)
        }
    }

    /// Products of deals take two requests for a hundred deals, however many products these have.
    package func estimatedCalls(reading object: StreamName, records: Int) -> [CallEstimate] {
        let pageRecords = min(pageRecords, PipedriveObject(rawValue: object.text)?.pageRecordsMax ?? pageRecords)
        return [
            CallEstimate("list \(object)", max(1, (records + pageRecords - 1) / pageRecords), secondsEach: 0.1...1)
        ]
    }

    /// At worst each deal has participants besides its contact person.
    package func estimatedCalls(linksFrom from: StreamName, to: StreamName, records: Int) -> [CallEstimate] {
        guard from.text == "deal", to.text == "person" else { return [] }
        return [CallEstimate("participants of deals", records, secondsEach: 0.1...0.5)]
    }
}
