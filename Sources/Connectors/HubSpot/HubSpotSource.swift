// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport

/// HubSpot as a source.
///
/// Records are read from the list endpoints, which have no cap and do not lag behind, never from search. Each record is
/// a slice of HubSpot's own answer. Links come from the batch read of associations. Streams are named in the singular
/// (`contact`, `line_item`); a custom object by its id (`2-123`) or its fully
/// qualified name (`p456_subscription`).
package struct HubSpotSource: Source {
    package let name = "hubspot"
    /// What a pipeline may set below `source:`.
    package static let settings: [SettingSpec] = HubSpotAccess.specs + HubSpotSourceSettings.specs

    package static let capabilities = SourceCapabilities(
        routes: ["list"], tellsChanges: true, links: "associations v4, with labels", movesFiles: true,
        limits: [
            "\(HubSpotLimits.batchRecordsMax) records a page",
            "links of \(HubSpotLimits.linkReadIDsMax) records a request",
            "\(HubSpotLimits.budget) and search \(HubSpotLimits.searchBudget), unless rate.requests says more",
        ])

    package let limiter: RateLimiter?
    let settings: HubSpotSourceSettings
    let connection: HubSpotConnection
    private let facts: HubSpotAccountFacts
    private let loops = CursorLoopGuard()

    /// - Parameter http: the process's client; retries, authentication and the rate budget are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    package init(settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock) throws(MigratezError) {
        self.settings = try HubSpotSourceSettings(settings)
        connection = try HubSpotConnection(try HubSpotAccess(settings), settings, http: http, clock: clock)
        limiter = connection.limiter
        facts = HubSpotAccountFacts(connection)
    }

    package func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] {
        let catalog = HubSpotCatalog(connection)
        var schemas: [ObjectSchema] = []
        for object in objects {
            guard object.text != HubSpotAttachments.object else {
                schemas.append(HubSpotAttachments.sourceSchema)
                continue
            }
            guard object.text != ListReader.object else {
                schemas.append(ListReader.schema)
                continue
            }
            schemas.append(try await catalog.schema(of: HubSpotObject(object)))
        }
        return schemas
    }

    package func ownObjects() async throws -> [OwnObject] { try await HubSpotCatalog(connection).ownObjects() }

    package func linkLabels(from: StreamName, to: StreamName) async throws -> [String] {
        let unlabelled: Set = [HubSpotAttachments.object, ListReader.object]
        guard !unlabelled.contains(from.text), !unlabelled.contains(to.text) else { return [] }
        let path = connection.paths.linkLabels(HubSpotObject(from).type, HubSpotObject(to).type)
        return try await HubSpotCatalog(connection).results(path, []).map { LinkType($0) }
            .filter(\.isLabel).compactMap(\.label)
    }

    package func people() async throws -> [Person] { try await HubSpotCatalog(connection).people() }

    package func layout(of object: StreamName) -> RecordLayout {
        guard object.text != HubSpotAttachments.object else {
            return RecordLayout(id: "id", fields: "properties", modified: "updatedAt")
        }
        if object.text == ListReader.object { return ListReader.layout }
        return RecordLayout(
            id: "id", fields: "properties", modified: HubSpotObject(object).modified,
            formerIDs: HubSpotObject.mergedIDs)
    }

    package func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        if object.text == HubSpotAttachments.object {
            return try await AttachmentReader(connection: connection)
                .page(at: try AttachmentCursor(cursor), limit: settings.pageRecords)
        }
        if object.text == ListReader.object { return try await ListReader(connection: connection).page(after: cursor) }
        let place = try HubSpotCursor(cursor)
        var page = try await page(of: HubSpotObject(object), fields: fields, at: place)
        if page.next == nil, settings.includesArchived, !place.isArchived {
            page.next = HubSpotCursor(isArchived: true).cursor
        }
        if let next = page.next, loops.isLoop(object, from: cursor, to: next) {
            throw MigratezError(
                .cursorLoop, "HubSpot's list of \(object) leads back to a page that was read already",
                remedy: .retry(after: nil))
        }
        return page
    }

    package func readContent(
        of object: StreamName, id: String, record: ArraySlice<UInt8>, piece: ([UInt8]) async throws -> Void
    ) async throws {
        guard object.text == HubSpotAttachments.object else {
            throw MigratezError(
                .notSupported, "records of \(object) have no content", remedy: .fixConfiguration,
                hint: "files are records of '\(HubSpotAttachments.object)'")
        }
        try await AttachmentReader(connection: connection).content(id, piece: piece)
    }

    /// `nil`: HubSpot counts in search only, whose index lags behind.
    package func count(of object: StreamName) async throws -> Int? { nil }

    /// The total of a search without conditions.
    package func estimatedCount(of object: StreamName) async throws -> Int? {
        // How many activities carry files, nobody tells.
        guard object.text != HubSpotAttachments.object else { return nil }
        if object.text == ListReader.object { return try await ListReader(connection: connection).count() }
        let body: JSONValue = ["filterGroups": [], "limit": 1]
        do {
            let answer = try await connection.client.post(
                connection.paths.search(HubSpotObject(object).type), [], body, class: "search")
            return try JSONValue(parsing: answer)["total"]?.int
        } catch is MigratezError {
            // Not worth stopping for: it is only for a progress bar.
            return nil
        }
    }

    // MARK: The account

    package func account(for objects: [StreamName]) async throws -> AccountReport {
        try await facts.report(needing: Set(objects.flatMap { HubSpotObject($0).readScopes }))
    }

    package func identity() async throws -> String { try await facts.identity() }

    package func recordAddress(of object: StreamName, id: String) async throws -> String? {
        try await facts.recordAddress(of: HubSpotObject(object), id: id)
    }

    // MARK: Planning

    package func estimatedCalls(reading object: StreamName, records: Int) -> [CallEstimate] {
        guard object.text != HubSpotAttachments.object else {
            return [CallEstimate("file", records, secondsEach: 0.1...0.6)]
        }
        let pages = max(1, (records + settings.pageRecords - 1) / settings.pageRecords)
        return [CallEstimate("list \(HubSpotObject(object).type)", pages, secondsEach: 0.1...0.6)]
    }

    /// An address for each file, and the download itself.
    package func estimatedCalls(readingContentOf object: StreamName, records: Int) -> [CallEstimate] {
        [CallEstimate("content \(object)", records * 2, secondsEach: 0.1...1)]
    }

    package func estimatedCalls(linksFrom from: StreamName, to: StreamName, records: Int) -> [CallEstimate] {
        let batches = (records + HubSpotLimits.linkReadIDsMax - 1) / HubSpotLimits.linkReadIDsMax
        return [
            CallEstimate(
                "associations \(HubSpotObject(from).type) → \(HubSpotObject(to).type)", batches, secondsEach: 0.2...1)
        ]
    }
}
