// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// How an environment is reached and logged in to: the settings that both sides of a pipeline share, read once.
struct DynamicsAccess: Sendable {
    /// The version in every path. The one place that states it.
    static let defaultAPIVersion = "v9.2"
    private static let defaultLoginURL = "https://login.microsoftonline.com"

    let baseURL: String
    let loginURL: String
    let apiVersion: String
    let tenant: String
    let clientID: String
    let clientSecret: Secret

    /// What may stand below `source:` and `target:` alike.
    static let specs: [SettingSpec] =
        [
            SettingSpec(
                "base_url", .url, isRequired: true, "the environment's address, such as https://acme.crm4.dynamics.com"),
            SettingSpec("login_url", .url, "where tokens are asked for; default \(defaultLoginURL)"),
            SettingSpec("api_version", .text, "version of the Web API; default \(defaultAPIVersion)"),
            SettingSpec("auth.tenant", .text, isRequired: true, "id or domain of the Entra ID tenant"),
            SettingSpec("auth.client_id", .text, isRequired: true, "application (client) id of the app registration"),
            SettingSpec("auth.client_secret", .secret, isRequired: true, "client secret of the app registration"),
        ] + PolicyStack.settings

    /// - Throws: `invalidSetting`, and as `BaseURL` does.
    init(_ settings: ConnectorSettings) throws(MigratezError) {
        guard let base = try settings.baseURL("base_url") else { throw Self.missing("base_url") }
        baseURL = base.text
        loginURL = try settings.baseURL("login_url")?.text ?? Self.defaultLoginURL
        apiVersion = try Self.version(settings["api_version"] ?? Self.defaultAPIVersion)
        guard let tenant = settings["auth.tenant"], Self.isWord(tenant) else { throw Self.missing("auth.tenant") }
        self.tenant = tenant
        guard let clientID = settings["auth.client_id"] ?? settings.secret("auth.client_id")?.withExposed({ $0 })
        else { throw Self.missing("auth.client_id") }
        self.clientID = clientID
        guard let clientSecret = settings.secret("auth.client_secret"), !clientSecret.isEmpty else {
            throw Self.missing("auth.client_secret")
        }
        self.clientSecret = clientSecret
    }

    /// `9.2` and `v9.2` are both understood.
    private static func version(_ text: String) throws(MigratezError) -> String {
        let number = text.hasPrefix("v") ? text.dropFirst() : text[...]
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } }) else {
            throw MigratezError(
                .invalidSetting, "api_version is not of the form \(defaultAPIVersion)", remedy: .fixConfiguration)
        }
        return "v" + number
    }

    /// Whether a text can be a part of a path as it stands.
    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "." || $0 == "_") }
    }

    private static func missing(_ path: String) -> MigratezError {
        MigratezError(.invalidSetting, "the setting \(path) is missing or not valid", remedy: .fixConfiguration)
    }
}

/// A client of one environment with its policies: retries, the token, the rate budget.
struct DynamicsConnection: Sendable {
    let api: DynamicsAPI
    let catalog: MetadataCatalog
    let limiter: RateLimiter
    /// The most requests at once that the settings allow; `nil` = to be found out.
    let concurrencyMax: Int?
    private let baseURL: String

    /// - Parameters:
    ///   - headers: what every request carries besides.
    ///   - http: the process's client; the policies are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    init(
        _ settings: ConnectorSettings, keyColumn: String, headers: [HTTPHeader] = [], http: any HTTPClient,
        clock: any WallClock
    ) throws(MigratezError) {
        let access = try DynamicsAccess(settings)
        let retry = RetryPolicy(verdict: DynamicsLimits.verdict)
        let login = try PolicyStack.make(http: http, clock: clock, settings: settings, tokens: nil, retry: retry)
        let tokens = EntraTokens(access, http: login.client, clock: clock)
        let policies = try PolicyStack.make(
            http: http, clock: clock, settings: settings, tokens: tokens, retry: retry, budget: DynamicsLimits.budget,
            hints: DynamicsLimits.hints)
        api = DynamicsAPI(
            http: policies.client, root: "\(access.baseURL)/api/data/\(access.apiVersion)/", headers: headers)
        catalog = MetadataCatalog(api: api, keyColumn: keyColumn)
        limiter = policies.limiter
        concurrencyMax = policies.concurrencyMax
        baseURL = access.baseURL
    }

    /// The people who can own records, those who were disabled too. Teams can own records as well, and are no people.
    func people() async throws -> [Person] {
        var people: [Person] = []
        try await api.rows(
            "systemusers", query: [("$select", "systemuserid,internalemailaddress,isdisabled")]
        ) { row in
            guard let id = row["systemuserid"]?.text else { return }
            people.append(
                Person(
                    id: id, email: row["internalemailaddress"]?.text, isActive: row["isdisabled"]?.bool == false))
        }
        return people
    }

    /// Model-driven apps lead from the name of a table and an id to the form (Microsoft Learn, "Open forms, views,
    /// dialogs, and reports with a URL").
    func recordAddress(of object: String, id: String) -> String? {
        guard let id = RecordID(id), ODataText.isName(object) else { return nil }
        return "\(baseURL)/main.aspx?etn=\(object)&id=\(id.text)&pagetype=entityrecord"
    }
}
