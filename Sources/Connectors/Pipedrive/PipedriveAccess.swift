// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezModel
import MigratezTransport

/// How a company is reached: the settings that both sides of a pipeline share, checked.
struct PipedriveAccess: Sendable {
    let baseURL: String
    let tokenURL: String
    let paths: PipedrivePaths
    /// Tokens a day that are ours; `nil` = not known.
    let dailyTokens: Int?

    static let specs: [SettingSpec] =
        [
            SettingSpec(
                "base_url", .url,
                "the API's address; default https://api.pipedrive.com; with OAuth the company's own, https://NAME.pipedrive.com"
            ),
            SettingSpec("api_version", .text, "the version of the API; default v2"),
            SettingSpec("former_api_version", .text, "the version for what api_version lacks; default v1"),
            SettingSpec("auth.api_token", .secret, "a user's personal token"),
            SettingSpec("auth.url", .url, "where access tokens are renewed; default https://oauth.pipedrive.com"),
            SettingSpec("auth.client_id", .text, "the app's client id, with a refresh token"),
            SettingSpec("auth.client_secret", .secret, "the app's client secret, with a refresh token"),
            SettingSpec("auth.refresh_token", .secret, "a refresh token, instead of auth.api_token"),
            SettingSpec(
                "rate.daily_tokens", .integer,
                "how much of the company's tokens of a day may be used; default: no bound"),
        ] + PolicyStack.settings

    init(_ settings: ConnectorSettings) throws(MigratezError) {
        let base = try settings.baseURL("base_url")?.text
        // Access tokens are valid at the company's own address only, which the answer with the first one names
        // (`api_domain`); a personal token is valid at the common one, too.
        if base == nil, settings.secret("auth.refresh_token") != nil {
            throw MigratezError(
                .invalidSetting, "the company's address is not set", remedy: .fixConfiguration,
                hint: "set base_url to the api_domain of the app's tokens, https://NAME.pipedrive.com")
        }
        baseURL = base ?? "https://api.pipedrive.com"
        tokenURL = (try settings.baseURL("auth.url")?.text ?? "https://oauth.pipedrive.com") + "/oauth/token"
        paths = try PipedrivePaths(
            version: settings["api_version"] ?? "v2", formerVersion: settings["former_api_version"] ?? "v1")
        guard let text = settings["rate.daily_tokens"] else {
            dailyTokens = nil
            return
        }
        guard let tokens = Int(text), tokens > 0 else {
            throw MigratezError(
                .invalidSetting, "rate.daily_tokens is '\(text)', which is not a number of tokens",
                remedy: .fixConfiguration)
        }
        dailyTokens = tokens
    }
}

/// A client of one company with its policies: retries, authentication, the rate budget.
struct PipedriveConnection: Sendable {
    let client: PipedriveClient
    let paths: PipedrivePaths
    let limiter: RateLimiter
    /// The most requests at once that the settings allow; `nil` = to be found out.
    let concurrencyMax: Int?

    /// - Parameter http: the process's client; the policies are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    init(
        _ access: PipedriveAccess, _ settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock
    ) throws(MigratezError) {
        let retry = RetryPolicy(verdict: { PipedriveAnswers.verdict($0, now: $1) })
        let meter = TokenMeter(budget: access.dailyTokens, clock: clock)
        var base: any HTTPClient = MeteredClient(base: http, meter: meter)
        var tokens: (any TokenProvider)?
        if let token = settings.secret("auth.api_token"), !token.isEmpty {
            base = APITokenClient(base: base, token: token)
        } else if let refresh = settings.secret("auth.refresh_token"), let id = settings["auth.client_id"],
            let secret = settings.secret("auth.client_secret")
        {
            let tokenClient = try PolicyStack.make(
                http: http, clock: clock, settings: settings, tokens: nil, retry: retry)
            tokens = OAuthTokens(
                OAuthTokens.Endpoint(
                    http: tokenClient.client, url: access.tokenURL, clock: clock, vendor: "Pipedrive"),
                clientID: id, clientSecret: secret, grant: .refreshToken(refresh),
                authorization: Self.basicAuthorization(id, secret))
        } else {
            throw MigratezError(
                .invalidSetting, "there are no credentials for Pipedrive", remedy: .fixConfiguration,
                hint: "set auth.api_token, or auth.client_id, auth.client_secret and auth.refresh_token")
        }
        let policies = try PolicyStack.make(
            http: base, clock: clock, settings: settings, tokens: tokens, retry: retry, budget: PipedriveLimits.budget,
            hints: { meter.complete(PipedriveAnswers.hints($0)) })
        client = PipedriveClient(http: policies.client, baseURL: access.baseURL)
        paths = access.paths
        limiter = policies.limiter
        concurrencyMax = policies.concurrencyMax
    }

    /// How an app proves itself when it asks for a token. Tokens live for an hour; a refresh token that is not used for
    /// 60 days expires.
    ///
    /// Source: pipedrive.readme.io, "OAuth authorization".
    private static func basicAuthorization(_ id: String, _ secret: Secret) -> Secret {
        let credentials = secret.withExposed { Array("\(id):\($0)".utf8) }
        return Secret("Basic " + String(decoding: Base64.standard.encodedBytes(credentials), as: UTF8.self))
    }
}
