// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTransport

/// How a database is reached: the settings that both sides of a pipeline share, checked.
struct OdooAccess: Sendable {
    /// By which interface methods are called; the methods are the same.
    enum Interface: String, CaseIterable {
        /// From version 19 on.
        case json2 = "json-2"
        /// Of all versions before, deprecated in 19.
        case jsonRPC = "json-rpc"
    }

    let baseURL: String
    let interface: Interface
    let database: String?
    let login: String?
    let key: Secret

    static let specs: [SettingSpec] =
        [
            SettingSpec("base_url", .url, isRequired: true, "the server's address, such as https://acme.odoo.com"),
            SettingSpec(
                "api_version", .oneOf(Interface.allCases.map(\.rawValue)),
                "json-2 (Odoo 19 and later) or json-rpc (before); default json-2"),
            SettingSpec(
                "database", .text, "the database's name; needed with json-rpc, and where a server has several"),
            SettingSpec("auth.token", .secret, isRequired: true, "an API key of the user that the program works as"),
            SettingSpec("auth.user", .text, "that user's login; needed with json-rpc"),
        ] + PolicyStack.settings

    init(_ settings: ConnectorSettings) throws(MigratezError) {
        guard let base = try settings.baseURL("base_url") else { throw Self.missing("base_url") }
        baseURL = base.text
        interface = settings["api_version"].flatMap(Interface.init) ?? .json2
        database = settings["database"]
        login = settings["auth.user"]
        guard let key = settings.secret("auth.token"), !key.isEmpty else { throw Self.missing("auth.token") }
        self.key = key
        guard interface == .jsonRPC else { return }
        if database == nil { throw Self.missing("database") }
        if login == nil { throw Self.missing("auth.user") }
    }

    private static func missing(_ path: String) -> MigratezError {
        MigratezError(.invalidSetting, "the setting \(path) is missing", remedy: .fixConfiguration)
    }
}

/// A client of one database with its policies: retries, the key, the rate budget.
struct OdooConnection: Sendable {
    let client: OdooClient
    let catalog: OdooCatalog
    let limiter: RateLimiter
    /// The most calls at once that the settings allow; `nil` = to be found out.
    let concurrencyMax: Int?

    /// - Parameter http: the process's client; the policies are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    init(_ settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock) throws(MigratezError) {
        let access = try OdooAccess(settings)
        let policies = try PolicyStack.make(
            http: http, clock: clock, settings: settings,
            // JSON-RPC takes the key with its arguments.
            tokens: access.interface == .json2 ? FixedToken(access.key) : nil,
            retry: RetryPolicy(verdict: OdooAnswers.verdict))
        client = OdooClient(http: policies.client, access: access, clock: clock)
        catalog = OdooCatalog(client)
        limiter = policies.limiter
        concurrencyMax = policies.concurrencyMax
    }
}

/// What a request of ours asks of the server: its own limits are those of its workers.
///
/// Source: documentation, "Command-line interface", `--limit-time-cpu` 60 s, `--limit-time-real` 120 s.
enum OdooLimits {
    /// Records of one page; a thousand take a worker less than a second.
    static let pageRecordsDefault = 1_000
    static let pageRecordsMax = 5_000
    /// Rows of one `load`, which makes about a hundred records a second.
    static let loadRowsMax = 200
    /// The content of one file: a request may have 128 MiB unless the server's `web.max_file_upload_size` says otherwise
    /// (odoo/odoo, `odoo/http.py`), and base 64 makes four bytes of three.
    static let contentBytesMax = ByteCount.MiB(95)
    /// Ids, keys or values of one look-up.
    static let lookupMax = 500
}
