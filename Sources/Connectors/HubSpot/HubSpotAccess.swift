// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTransport

/// How an account is reached: the settings that both sides of a pipeline share, checked.
struct HubSpotAccess: Sendable {
    let baseURL: String
    let paths: HubSpotPaths

    static let specs: [SettingSpec] =
        [
            SettingSpec("base_url", .url, "the API's address; default https://api.hubapi.com"),
            SettingSpec("api_version", .text, "v3, or a dated version such as 2026-03; default v3"),
            SettingSpec("auth.token", .secret, "an access token that does not expire"),
            SettingSpec("auth.client_id", .text, "the app's client id, with a refresh token"),
            SettingSpec("auth.client_secret", .secret, "the app's client secret, with a refresh token"),
            SettingSpec("auth.refresh_token", .secret, "a refresh token, instead of auth.token"),
        ] + PolicyStack.settings

    init(_ settings: ConnectorSettings) throws(MigratezError) {
        baseURL = try settings.baseURL("base_url")?.text ?? "https://api.hubapi.com"
        paths = try HubSpotPaths(version: settings["api_version"] ?? "v3")
    }

    /// Where tokens come from: a fixed one, or a refresh token.
    fileprivate func tokens(
        _ settings: ConnectorSettings, endpoint: OAuthTokens.Endpoint
    ) throws(MigratezError) -> any TokenProvider {
        if let token = settings.secret("auth.token"), !token.isEmpty { return FixedToken(token) }
        guard let refresh = settings.secret("auth.refresh_token"), let secret = settings.secret("auth.client_secret"),
            let client = settings["auth.client_id"]
        else {
            throw MigratezError(
                .invalidSetting, "there are no credentials for HubSpot", remedy: .fixConfiguration,
                hint: "set auth.token, or auth.client_id, auth.client_secret and auth.refresh_token")
        }
        return OAuthTokens(endpoint, clientID: client, clientSecret: secret, grant: .refreshToken(refresh))
    }
}

/// A client of one account with its policies: retries, authentication, the rate budget.
struct HubSpotConnection: Sendable {
    let client: HubSpotClient
    let paths: HubSpotPaths
    let tokens: any TokenProvider
    let limiter: RateLimiter
    /// For signed addresses of files, which are of other hosts and take no token.
    let downloads: any HTTPClient
    /// The most requests at once that the settings allow; `nil` = to be found out.
    let concurrencyMax: Int?

    /// - Parameter http: the process's client; the policies are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    init(
        _ access: HubSpotAccess, _ settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock
    ) throws(MigratezError) {
        let retry = RetryPolicy(verdict: { HubSpotAnswers.verdict($0, now: $1) })
        let tokenClient = try PolicyStack.make(http: http, clock: clock, settings: settings, tokens: nil, retry: retry)
        downloads = tokenClient.client
        // HubSpot asks for renewal by `expires_in`, not on a 401.
        let endpoint = OAuthTokens.Endpoint(
            http: tokenClient.client, url: access.baseURL + access.paths.token, clock: clock, vendor: "HubSpot")
        tokens = try access.tokens(settings, endpoint: endpoint)
        let policies = try PolicyStack.make(
            http: http, clock: clock, settings: settings, tokens: tokens, retry: retry, budget: HubSpotLimits.budget,
            classBudgets: ["search": HubSpotLimits.searchBudget], hints: { HubSpotAnswers.hints($0) })
        client = HubSpotClient(http: policies.client, baseURL: access.baseURL)
        paths = access.paths
        limiter = policies.limiter
        concurrencyMax = policies.concurrencyMax
    }
}
