// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTransport

/// Where Zoho keeps an organisation: each data centre has hosts of its own, and a token is good in one of them only.
///
/// Source: zoho.com/crm/developer, "Multi DC support".
enum DataCenter: String, CaseIterable {
    case us, eu, `in`, au, jp, ca, sa, cn

    private var suffix: String {
        switch self {
        case .us: "com"
        case .eu: "eu"
        case .in: "in"
        case .au: "com.au"
        case .jp: "jp"
        case .ca: "ca"
        case .sa: "sa"
        case .cn: "com.cn"
        }
    }

    var api: String { self == .ca ? "https://www.zohoapis.ca" : "https://www.zohoapis.\(suffix)" }
    /// Canada's accounts are the only ones under another name.
    var accounts: String { self == .ca ? "https://accounts.zohocloud.ca" : "https://accounts.zoho.\(suffix)" }
    /// Where files for bulk writes are sent (zoho/crm-oas, `v8.0/bulk_write.json`).
    var uploads: String { "https://content.zohoapis.\(suffix)" }
    /// Under these lies whatever Zoho keeps there.
    var domains: [String] { self == .ca ? ["zohocloud.ca", "zohoapis.ca"] : ["zoho.\(suffix)", "zohoapis.\(suffix)"] }
    /// Where people look at records.
    var pages: String { self == .ca ? "https://crm.zohocloud.ca" : "https://crm.zoho.\(suffix)" }
}

/// How an organisation is reached: the settings that both sides of a pipeline share, checked.
struct ZohoAccess: Sendable {
    let dataCenter: DataCenter
    /// The address of the interface, without a version.
    let baseURL: String
    /// Whether `baseURL` was given, rather than the data centre's own.
    let isBaseURLGiven: Bool
    let accountsURL: String
    /// The address that takes files for bulk writes, without a version.
    let uploadURL: String
    let version: String
    /// Credits of 24 hours; `nil` = to be estimated.
    let dailyCredits: Int?

    static let specs: [SettingSpec] =
        [
            SettingSpec(
                "data_center", .oneOf(DataCenter.allCases.map(\.rawValue)),
                "where Zoho keeps the organisation; default us"),
            SettingSpec("base_url", .url, "the API's address, instead of the data centre's own"),
            SettingSpec("accounts_url", .url, "the address that gives out tokens, instead of the data centre's own"),
            SettingSpec(
                "upload_url", .url, "the address that takes files for bulk writes, instead of the data centre's own"),
            SettingSpec("api_version", .text, "a version of the API, v6 or later; default v8"),
            SettingSpec("auth.client_id", .text, isRequired: true, "the client's id"),
            SettingSpec("auth.client_secret", .secret, isRequired: true, "the client's secret"),
            SettingSpec("auth.refresh_token", .secret, isRequired: true, "the refresh token"),
            SettingSpec(
                "rate.daily_credits", .integer,
                "credits of 24 hours that edition and licences give; estimated without it"),
        ] + PolicyStack.settings

    init(_ settings: ConnectorSettings) throws(MigratezError) {
        dataCenter = settings["data_center"].flatMap(DataCenter.init) ?? .us
        let given = try settings.baseURL("base_url")?.text
        isBaseURLGiven = given != nil
        baseURL = given ?? dataCenter.api
        accountsURL = try settings.baseURL("accounts_url")?.text ?? given ?? dataCenter.accounts
        uploadURL = try settings.baseURL("upload_url")?.text ?? given ?? dataCenter.uploads
        version = settings["api_version"] ?? "v8"
        guard version.wholeMatch(of: /v[6-9]|v[1-9]\d/) != nil else {
            throw MigratezError(
                .invalidSetting, "'\(version)' is not a version of Zoho CRM's API that is supported",
                remedy: .fixConfiguration, hint: "write v8")
        }
        dailyCredits = try settings["rate.daily_credits"].map { (text) throws(MigratezError) in
            guard let credits = Int(text), credits > 0 else {
                throw MigratezError(
                    .invalidSetting, "rate.daily_credits is '\(text)', which is not a number of credits",
                    remedy: .fixConfiguration)
            }
            return credits
        }
    }

    fileprivate func tokens(
        _ settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock
    ) throws(MigratezError) -> ZohoTokens {
        guard let client = settings["auth.client_id"], let secret = settings.secret("auth.client_secret"),
            let refresh = settings.secret("auth.refresh_token"), !secret.isEmpty, !refresh.isEmpty
        else {
            throw MigratezError(
                .invalidSetting, "there are no credentials for Zoho CRM", remedy: .fixConfiguration,
                hint: "set auth.client_id, auth.client_secret and auth.refresh_token")
        }
        return ZohoTokens(
            http: http, url: accountsURL + "/oauth/v2/token", clock: clock, clientID: client, clientSecret: secret,
            refreshToken: refresh, apiDomain: isBaseURLGiven ? nil : baseURL)
    }
}

/// A client of one organisation with its policies: retries, authentication, the rate budget.
struct ZohoConnection: Sendable {
    let client: ZohoClient
    let bulk: BulkCalls
    let catalog: ZohoCatalog
    let access: ZohoAccess
    let limiter: RateLimiter
    /// The most requests at once that the settings allow; `nil` = to be found out.
    let concurrencyMax: Int?

    /// - Parameter http: the process's client; the policies are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    init(_ settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock) throws(MigratezError) {
        access = try ZohoAccess(settings)
        let retry = RetryPolicy(verdict: { ZohoAnswers.verdict($0, now: $1) })
        let tokenClient = try PolicyStack.make(http: http, clock: clock, settings: settings, tokens: nil, retry: retry)
        let credits = CreditMeter(limit: access.dailyCredits)
        let policies = try PolicyStack.make(
            http: ScopeRefusalClient(http), clock: clock, settings: settings,
            tokens: try access.tokens(settings, http: tokenClient.client, clock: clock),
            tokenScheme: "Zoho-oauthtoken", retry: retry,
            classBudgets: [BulkCalls.downloadClass: BulkCalls.downloads], hints: { credits.hints($0) })
        client = ZohoClient(http: policies.client, baseURL: "\(access.baseURL)/crm/\(access.version)")
        bulk = BulkCalls(http: policies.client, access: access)
        catalog = ZohoCatalog(client)
        limiter = policies.limiter
        concurrencyMax = policies.concurrencyMax
    }
}
