// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport

/// Microsoft Dynamics 365, or any environment of Dataverse, as a source. Streams go by the logical names of tables:
/// `account`, `opportunity`, `annotation`, `new_project`.
///
/// Pages follow the environment's own links. A field goes by the name that it has in a record: a lookup is
/// `_parentcustomerid_value`. Links are lookups, connections between any two records, and those who take part in
/// activities. `file` are the notes that have a document, `activitymimeattachment` the attachments of e-mails.
package struct DynamicsSource: Source {
    package let name = "dynamics"
    /// What may stand below `source:`.
    package static let settings: [SettingSpec] = DynamicsAccess.specs + DynamicsSourceSettings.specs
    package static let capabilities = SourceCapabilities(
        routes: ["list"], slicedBy: "times of creation", tellsChanges: true,
        links: "lookups; connections and parties of activities with their roles as labels", movesFiles: true,
        limits: [
            "\(DynamicsLimits.pageRowsMax) records a page",
            "exact counts up to \(DynamicsLimits.countRowsMax) records",
            "\(DynamicsLimits.budget), unless rate.requests says more",
        ])

    package let limiter: RateLimiter?
    private let connection: DynamicsConnection
    private let settings: DynamicsSourceSettings

    /// - Parameter http: the process's client; retries, the rate budget and the token are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    package init(settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock) throws(MigratezError) {
        self.settings = try DynamicsSourceSettings(settings)
        // The column for our key means nothing on this side.
        connection = try DynamicsConnection(
            settings, keyColumn: DynamicsTargetSettings.defaultKeyColumn, http: http, clock: clock)
        limiter = connection.limiter
    }

    package func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] {
        var schemas: [ObjectSchema] = []
        for object in objects.map({ DynamicsObject($0.text) }) {
            schemas.append(try await connection.catalog.describe(object.table).sourceSchema(of: object))
        }
        return schemas
    }

    package func layout(of object: StreamName) -> RecordLayout {
        RecordLayout(id: RecordPages.primaryID(of: DynamicsObject(object.text).table), modified: RecordPages.modified)
    }

    // MARK: Records

    private var pages: RecordPages { RecordPages(api: connection.api, recordsMax: settings.pageRecords) }

    package func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        let object = DynamicsObject(object.text)
        return try await pages.page(
            of: try await connection.catalog.table(object.table), where: object.filter, fields: fields, after: cursor)
    }

    /// Windows of the same length between the first and the last record's creation.
    package func slices(of object: StreamName, atMost: Int) async throws -> [Cursor] {
        let count = try await count(of: object)
        let object = DynamicsObject(object.text)
        let number =
            count.map { SliceBounds.count(of: $0, pageRecords: settings.pageRecords, atMost: atMost) } ?? atMost
        guard number > 1 else { return [] }
        return try await pages.windows(
            of: try await connection.catalog.table(object.table), where: object.filter, number
        ).map(\.cursor)
    }

    package func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        let object = DynamicsObject(object.text)
        return try await pages.records(
            of: try await connection.catalog.table(object.table), where: object.filter,
            ids: ids.compactMap(RecordID.init), fields: fields)
    }

    package func readContent(
        of object: StreamName, id: String, record: ArraySlice<UInt8>, piece: ([UInt8]) async throws -> Void
    ) async throws {
        guard let form = DynamicsObject(object.text).document else {
            throw Rejection(.contentUnavailable, reason: "records of \(object) have no content")
        }
        let size = try? JSONValue(parsing: Array(record))[TableMetadata.documentSize]?.int
        try await DocumentReader(api: connection.api, form: form).read(id, bytes: size ?? nil, piece: piece)
    }

    /// The environment's own count; `nil` where it counts no further.
    package func count(of object: StreamName) async throws -> Int? {
        let object = DynamicsObject(object.text)
        return try await RecordCount(api: connection.api).exact(
            try await connection.catalog.table(object.table), where: object.filter)
    }

    package func estimatedCount(of object: StreamName) async throws -> Int? {
        do {
            return try await RecordCount(api: connection.api).snapshot(DynamicsObject(object.text).table)
        } catch is MigratezError {
            // Not worth stopping for: it is only for a progress bar.
            return nil
        }
    }

    // MARK: Links

    /// Links that lookups hold cost no request; connections are asked for by the ids of so many records at once.
    package func linkBatchSize(from: StreamName, to: StreamName) -> Int? { LinkSurvey.recordsMax }

    package func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        try await survey(from, to).edges(of: records)
    }

    package func linkLabels(from: StreamName, to: StreamName) async throws -> [String] {
        try await survey(from, to).labels(connection.catalog)
    }

    private func survey(_ from: StreamName, _ to: StreamName) async throws -> LinkSurvey {
        LinkSurvey(
            api: connection.api, from: try await connection.catalog.table(DynamicsObject(from.text).table),
            to: try await connection.catalog.table(DynamicsObject(to.text).table))
    }

    // MARK: The account and planning

    package func people() async throws -> [Person] { try await connection.people() }

    package func identity() async throws -> String { try await DynamicsAccount(connection).identity() }

    package func account(for objects: [StreamName]) async throws -> AccountReport {
        try await DynamicsAccount(connection).report(
            rights: ["Read"], on: objects.map { DynamicsObject($0.text).table })
    }

    package func recordAddress(of object: StreamName, id: String) async throws -> String? {
        connection.recordAddress(of: DynamicsObject(object.text).table, id: id)
    }

    package func estimatedCalls(reading object: StreamName, records: Int) -> [CallEstimate] {
        let pages = max(1, (records + settings.pageRecords - 1) / settings.pageRecords)
        return [CallEstimate("list \(object)", pages, secondsEach: 0.5...5)]
    }

    package func estimatedCalls(linksFrom from: StreamName, to: StreamName, records: Int) -> [CallEstimate] {
        let calls = (records + LinkSurvey.recordsMax - 1) / LinkSurvey.recordsMax
        return [CallEstimate("connections \(from) → \(to)", calls, secondsEach: 0.1...1)]
    }
}

/// What a pipeline says about Dynamics as its source, besides how it is reached.
struct DynamicsSourceSettings: Sendable {
    let pageRecords: Int

    static let specs: [SettingSpec] = [
        SettingSpec("page_size", .integer, "records a page, 1 to \(DynamicsLimits.pageRowsMax); default 1000")
    ]

    init(_ settings: ConnectorSettings) throws(MigratezError) {
        let text = settings["page_size"] ?? "1000"
        guard let size = Int(text), (1...DynamicsLimits.pageRowsMax).contains(size) else {
            throw MigratezError(
                .invalidSetting,
                "page_size is '\(text)', which is not a number from 1 to \(DynamicsLimits.pageRowsMax)",
                remedy: .fixConfiguration)
        }
        pageRecords = size
    }
}
