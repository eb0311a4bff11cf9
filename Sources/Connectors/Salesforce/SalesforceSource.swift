// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport

/// Salesforce as a source. Streams go by the API names of objects: `Account`, `Task`, `Project__c`.
///
/// Records are read by SOQL in the order of their ids, so that each page can be gone on from by itself, or, where there are
/// many, from the results of one Bulk API 2.0 query job. Both give the same values in the same form. Tasks and events are
/// read with those that the platform has archived. A note is a `ContentNote`, its `Content` the text itself.
///
/// Links are the fields of a record that refer to others, and the rows of objects that join two, such as
/// `OpportunityContactRole`. Files are the latest versions of documents (`ContentVersion`, known by the id of the document),
/// and what was attached before there were documents (`Attachment`).
package struct SalesforceSource: Source {
    package let name = "salesforce"
    /// What may stand below `source:`.
    package static let settings: [SettingSpec] =
        SalesforceAccess.specs + SalesforceSourceSettings.specs + PolicyStack.settings
    package static let capabilities = SourceCapabilities(
        routes: [ReadRoute.rest.rawValue, ReadRoute.bulk2.rawValue], bulkRoute: ReadRoute.bulk2.rawValue,
        slicedBy: "ids, by rest", tellsChanges: true, links: "lookups and junction objects, with roles as labels",
        movesFiles: true,
        limits: [
            "\(SalesforceSourceSettings.pageRecordsMax) records a page",
            "bulk from \(SalesforceSourceSettings.bulkRecordsMin) records on, \(QueryJobs.pieceRecords) a page",
            "requests of 24 hours as the org tells them",
        ])

    package let limiter: RateLimiter?

    private let connection: SalesforceConnection
    private let settings: SalesforceSourceSettings
    private let catalog: SchemaCatalog
    private let clock: any WallClock

    /// - Parameter http: the process's client; retries, the rate budget and the token are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    package init(settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock) throws(MigratezError) {
        self.settings = try SalesforceSourceSettings(settings)
        connection = try SalesforceConnection(settings, http: http, clock: clock)
        limiter = connection.limiter
        // The field for our key means nothing on this side.
        catalog = SchemaCatalog(api: connection.api, stampField: SalesforceSettings.defaultStampField)
        self.clock = clock
    }

    package func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] {
        try await catalog.describe(objects.map(\.text)).map { metadata in
            var schema = metadata.schema
            for index in schema.fields.indices {
                if schema.name == ContentNote.object, schema.fields[index].name == ContentNote.content {
                    schema.fields[index].kind = .longText
                }
            }
            if schema.name == ProductPrices.object { schema.fields.append(ProductPrices.schema) }
            schema.content = SalesforceFile.content(of: schema.name)
            if let content = schema.content { schema.fields.removeAll { $0.name == content.field } }
            return schema
        }
    }

    package func layout(of object: StreamName) -> RecordLayout {
        RecordLayout(id: SalesforceFile.idField(of: object.text), modified: RecordSelection.modified)
    }

    // MARK: Files

    package func readContent(
        of object: StreamName, id: String, record: ArraySlice<UInt8>, piece: ([UInt8]) async throws -> Void
    ) async throws {
        guard let content = SalesforceFile.content(of: object.text) else {
            throw MigratezError(
                .notSupported, "records of \(object) have no content", remedy: .fixConfiguration,
                hint: "take the key content of the object out of the pipeline file")
        }
        let values = record.withUnsafeBufferPointer { JSONValue(validated: $0) }
        // The version that the record is of, not whatever is the latest by now.
        guard let version = values[RecordSelection.id]?.text, SalesforceID.isID(version) else {
            throw Rejection(.contentUnavailable, fields: [content.field])
        }
        try await FileContent(api: connection.api).read(
            object.text, id: version, field: content.field, bytes: content.sizeField.flatMap { values[$0]?.int },
            piece: piece)
    }

    // MARK: Records

    package func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        let selection = try await selection(of: object, fields)
        let place: ReadPlace
        if let cursor {
            place = try ReadPlace(cursor)
        } else {
            place = try await beginning(of: selection)
        }
        switch place {
        case .rest(let range):
            guard !selection.isNote else {
                return try await NotePages(api: connection.api).page(selection, range)
            }
            let page = try await QueryPages(api: connection.api, recordsMax: settings.pageRecords)
                .page(selection, range)
            return try await completed(page, selection)
        case .bulk(let job, let locator):
            return try await jobs.page(selection, job: job, at: locator)
        }
    }

    /// Where reading begins: with a job if there are so many records that it is worth its calls.
    private func beginning(of selection: RecordSelection) async throws -> ReadPlace {
        guard selection.isBulkable else { return .rest(IDRange()) }
        let usesBulk: Bool
        switch settings.route {
        case .rest: usesBulk = false
        case .bulk2: usesBulk = true
        case nil: usesBulk = Self.isWorthAJob(try await count(selection))
        }
        guard usesBulk else { return .rest(IDRange()) }
        return .bulk(job: try await jobs.create(selection), locator: nil)
    }

    private static func isWorthAJob(_ count: Int?) -> Bool {
        count ?? 0 >= SalesforceSourceSettings.bulkRecordsMin
    }

    /// Ranges of ids of the same width between the first and the last one, as the platform itself cuts tables (Bulk API
    /// Developer Guide, "PK Chunking"). What a job brings is not cut: the platform reads it in parts by itself.
    package func slices(of object: StreamName, atMost: Int) async throws -> [Cursor] {
        let selection = try await selection(of: object, [])
        if selection.isBulkable, settings.route == .bulk2 { return [] }
        let count = try await count(selection)
        if selection.isBulkable, settings.route == nil, Self.isWorthAJob(count) { return [] }
        let pageRecords = selection.isNote ? NotePages.recordsMax : settings.pageRecords
        let number = count.map { SliceBounds.count(of: $0, pageRecords: pageRecords, atMost: atMost) } ?? atMost
        guard number > 1, let first = try await outermostID(of: selection, "ASC"),
            let last = try await outermostID(of: selection, "DESC")
        else { return [] }
        return IDRange.slices(from: first, to: last, number).map(\.cursor)
    }

    private func outermostID(of selection: RecordSelection, _ direction: String) async throws -> String? {
        var id: String?
        try await connection.api.query(
            "SELECT Id FROM \(selection.object)" + (selection.filter.map { " WHERE \($0)" } ?? "")
                + " ORDER BY Id \(direction) LIMIT 1", includesArchived: selection.includesArchived
        ) { id = $0[RecordSelection.id]?.text }
        return id
    }

    private var jobs: QueryJobs {
        QueryJobs(api: connection.api, clock: clock, recordsMax: settings.pieceRecords)
    }

    package func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        let selection = try await selection(of: object, fields)
        let ids = ids.filter(SalesforceID.isID)
        guard !selection.isNote else {
            return try await NotePages(api: connection.api).records(selection, ids: ids)
        }
        let page = try await QueryPages(api: connection.api, recordsMax: settings.pageRecords)
            .records(selection, ids: ids)
        return try await completed(page, selection)
    }

    /// The page with what the platform keeps beside its records.
    private func completed(_ page: Page, _ selection: RecordSelection) async throws -> Page {
        selection.wantsPrice ? try await ProductPrices(api: connection.api).completed(page) : page
    }

    /// The platform's own count, archived activities included.
    package func count(of object: StreamName) async throws -> Int? {
        try await count(try await selection(of: object, []))
    }

    /// `nil` where counting takes longer than the platform lets a query run.
    private func count(_ selection: RecordSelection) async throws -> Int? {
        do {
            return try await connection.api.count(
                "SELECT COUNT() FROM \(selection.object)" + (selection.filter.map { " WHERE \($0)" } ?? ""),
                includesArchived: selection.includesArchived)
        } catch let error as MigratezError where error.code == .timedOut {
            return nil
        }
    }

    private func selection(of object: StreamName, _ fields: [String]) async throws -> RecordSelection {
        try RecordSelection(of: try await catalog.metadata(of: object.text), fields: fields)
    }

    // MARK: Links

    /// Links that fields hold cost no request; of the others as many are asked for at once as an address can name.
    package func linkBatchSize(from: StreamName, to: StreamName) -> Int? { LinkSurvey.recordsMax }

    package func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        try await survey(from, to).edges(of: records)
    }

    package func linkLabels(from: StreamName, to: StreamName) async throws -> [String] {
        try await survey(from, to).labels()
    }

    private func survey(_ from: StreamName, _ to: StreamName) async throws -> LinkSurvey {
        LinkSurvey(
            api: connection.api, from: try await catalog.metadata(of: from.text),
            to: try await catalog.metadata(of: to.text), catalog: catalog)
    }

    // MARK: The account and planning

    package func people() async throws -> [Person] { try await connection.people() }

    package func identity() async throws -> String { try await SalesforceAccount(connection.api).identity() }

    package func account(for objects: [StreamName]) async throws -> AccountReport {
        try await SalesforceAccount(connection.api).report(rights: ["queryable"], on: objects.map(\.text))
    }

    package func recordAddress(of object: StreamName, id: String) async throws -> String? {
        connection.recordAddress(id)
    }

    package func estimatedCalls(reading object: StreamName, records: Int) -> [CallEstimate] {
        let isNote = object.text == ContentNote.object
        let usesBulk = settings.route == .bulk2 || records >= SalesforceSourceSettings.bulkRecordsMin
        guard usesBulk, !isNote, settings.route != .rest else {
            let pageRecords = isNote ? NotePages.recordsMax : settings.pageRecords
            let pages = max(1, (records + pageRecords - 1) / pageRecords)
            // The text of each note is a request of its own.
            return [
                CallEstimate(
                    "query \(object)", pages + (isNote ? records : 0), secondsEach: 0.2...2, atOnce: isNote ? 4 : 1)
            ]
        }
        // Create, about ten looks at the state, the pieces.
        let pieces = (records + QueryJobs.pieceRecords - 1) / QueryJobs.pieceRecords
        return [CallEstimate("bulk query \(object)", 11 + pieces, secondsEach: 0.5...5)]
    }

    package func estimatedCalls(linksFrom from: StreamName, to: StreamName, records: Int) -> [CallEstimate] {
        guard LinkSurvey.isJoined(from.text, to.text) else { return [] }
        return [
            CallEstimate(
                "query links \(from) → \(to)", (records + LinkSurvey.recordsMax - 1) / LinkSurvey.recordsMax,
                secondsEach: 0.2...2)
        ]
    }
}

/// The ways of reading.
package enum ReadRoute: String, Sendable, CaseIterable {
    /// SOQL through REST, a page a call.
    case rest
    /// Bulk API 2.0 query jobs.
    case bulk2
}

/// What a pipeline says about Salesforce as its source, besides how it is reached.
struct SalesforceSourceSettings: Sendable {
    /// What one answer of a query holds at most (REST API Developer Guide, "Query Options Headers").
    static let pageRecordsMax = 2_000
    /// From so many records on a job takes fewer calls than pages do.
    static let bulkRecordsMin = 50_000

    /// `nil` = by the number of records.
    let route: ReadRoute?
    let pageRecords: Int
    let pieceRecords: Int

    static let specs: [SettingSpec] = [
        SettingSpec(
            "extract.api", .oneOf(["auto"] + ReadRoute.allCases.map(\.rawValue)),
            "Which API brings the records; default auto"),
        SettingSpec(
            "page_size", .integer,
            "Records of one page, 200 to \(pageRecordsMax); default that, and \(QueryJobs.pieceRecords) of a bulk query"
        ),
    ]

    init(_ settings: ConnectorSettings) throws(MigratezError) {
        route = settings["extract.api"].flatMap(ReadRoute.init)
        let text = settings["page_size"] ?? String(Self.pageRecordsMax)
        guard let size = Int(text), (200...Self.pageRecordsMax).contains(size) else {
            throw MigratezError(
                .invalidSetting, "page_size is '\(text)', which is not a number from 200 to \(Self.pageRecordsMax)",
                remedy: .fixConfiguration)
        }
        pageRecords = size
        pieceRecords = settings["page_size"] == nil ? QueryJobs.pieceRecords : size
    }
}
