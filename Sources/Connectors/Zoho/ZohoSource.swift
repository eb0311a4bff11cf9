// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport

/// Zoho CRM as a source. Streams go by the API names of modules: `Accounts`, `Contacts`, `Tasks`, custom ones too.
///
/// Records are read by COQL in the order of their ids; notes, which cannot be queried, from their list. A link to a record
/// or to a user is its id. What a user must prepare, and what is not carried, is in the documentation of this module.
package struct ZohoSource: Source {
    package let name = "zoho"
    /// What a pipeline may set below `source:`.
    package static let settings: [SettingSpec] =
        ZohoAccess.specs + [
            SettingSpec(
                "page_size", .integer, "records a page, 200 to \(COQL.recordsMax); default the most"),
            SettingSpec(
                "contact_roles", .bool,
                "whether the roles of contacts in deals are read, one request a deal; default true"),
        ]

    package static let capabilities = SourceCapabilities(
        routes: ["coql", "list"], tellsChanges: true, links: "lookups, and roles of contacts in deals as labels",
        limits: [
            "\(COQL.recordsMax) records a page, notes 100 and no more than 100,000",
            "credits of 24 hours by edition; one request a deal for contact roles",
        ])

    package let limiter: RateLimiter?
    let connection: ZohoConnection
    let readsContactRoles: Bool
    private let pageRecords: Int

    /// - Parameter http: the process's client; retries, authentication and the rate budget are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    package init(settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock) throws(MigratezError) {
        let text = settings["page_size"] ?? String(COQL.recordsMax)
        guard let size = Int(text), (200...COQL.recordsMax).contains(size) else {
            throw MigratezError(
                .invalidSetting, "page_size is '\(text)', which is not a number from 200 to \(COQL.recordsMax)",
                remedy: .fixConfiguration)
        }
        pageRecords = size
        readsContactRoles = settings["contact_roles"] != "false"
        connection = try ZohoConnection(settings, http: http, clock: clock)
        limiter = connection.limiter
    }

    package func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] {
        var schemas: [ObjectSchema] = []
        for object in objects { schemas.append(try await connection.catalog.freshSchema(of: object.text)) }
        return schemas
    }

    package func layout(of object: StreamName) -> RecordLayout {
        RecordLayout(id: ZohoModule.id, modified: ZohoModule.modifiedTime)
    }

    package func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        let schema = try await connection.catalog.schema(of: object.text)
        let place = try cursor.map { cursor throws(MigratezError) in try ZohoPlace(cursor) }
        guard ZohoModule.isQueryable(object.text) else {
            return try await ListPages(connection.client, schema, fields: fields).page(at: place)
        }
        var last: String?
        if case .query(let id)? = place { last = id }
        return try await QueryPages(connection.client, schema, fields: fields).page(after: last, limit: pageRecords)
    }

    package func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        let schema = try await connection.catalog.schema(of: object.text)
        let ids = ids.filter(ZohoID.isID)
        return try await ZohoModule.isQueryable(object.text)
            ? QueryPages(connection.client, schema, fields: fields).records(ids)
            : ListPages(connection.client, schema, fields: fields).records(ids)
    }

    /// Zoho's own count ("Get Record Count"); `nil` where it is not told for a module.
    package func count(of object: StreamName) async throws -> Int? {
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
        try await ZohoAccount(connection).report(reading: objects.map(\.text), writing: [])
    }

    package func recordAddress(of object: StreamName, id: String) async throws -> String? {
        try await ZohoAccount(connection).recordAddress(of: object.text, id: id)
    }

    package func estimatedCalls(reading object: StreamName, records: Int) -> [CallEstimate] {
        let isQuery = ZohoModule.isQueryable(object.text)
        let size = isQuery ? pageRecords : 100
        return [
            CallEstimate(
                "\(isQuery ? "coql" : "list") \(object)", max(1, (records + size - 1) / size), secondsEach: 0.3...3)
        ]
    }
}
