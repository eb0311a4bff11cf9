// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTransport

/// A client of one account with its policies, as the definition and the pipeline's settings say.
struct RESTConnection: Sendable {
    let client: RESTClient
    let limiter: RateLimiter
    /// The most requests at once that the settings allow; `nil` = to be found out.
    let concurrencyMax: Int?
    /// Values of the definition's own settings, for placeholders.
    let values: [String: String]

    /// Settings that every definition has, whatever it says.
    static let commonSettings: [SettingSpec] = [
        SettingSpec("base_url", .url, "the API's address, in place of the definition's"),
        SettingSpec("page_size", .integer, "records a page; default the most"),
    ]

    static let authSettings: [(name: String, spec: SettingSpec)] = [
        ("auth.key", SettingSpec("auth.key", .secret, "an API key")),
        ("auth.user", SettingSpec("auth.user", .text, "the user's name")),
        ("auth.password", SettingSpec("auth.password", .secret, "the user's password")),
        ("auth.token", SettingSpec("auth.token", .secret, "an access token that does not expire")),
        ("auth.client_id", SettingSpec("auth.client_id", .text, "the app's client id")),
        ("auth.client_secret", SettingSpec("auth.client_secret", .secret, "the app's client secret")),
        ("auth.refresh_token", SettingSpec("auth.refresh_token", .secret, "a refresh token of the app")),
    ]

    static let tokenURLSetting = SettingSpec(
        "auth.token_url", .url, "where tokens are asked for, in place of the definition's")

    /// - Parameter http: the process's client; the policies are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    init(
        _ definition: RESTDefinition, _ settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock
    ) throws(MigratezError) {
        values = try Self.values(definition, settings)
        let own = values
        guard let baseText = definition.baseURL.filled({ own[$0] }) else {
            throw MigratezError(.internalError, "the base_url of \(definition.name) names an unknown setting")
        }
        let baseURL: BaseURL
        if let own = try settings.baseURL("base_url") {
            baseURL = own
        } else {
            baseURL = try BaseURL(baseText, settings.reach)
        }
        let errors = definition.errors
        let limits = definition.limits
        let retry = RetryPolicy(verdict: { response, now in
            let hints = limits.hints(response.head)
            let isUsedUp = hints.map { $0.dailyLimit != nil && $0.dailyUsed == $0.dailyLimit } ?? false
            return errors.verdict(response, now: now, isUsedUp: isUsedUp)
        })
        let access = try Self.access(definition, settings, own)
        var tokens: (any TokenProvider)?
        if case .oauth(let url, let grant) = access {
            let plain = try PolicyStack.make(http: http, clock: clock, settings: settings, tokens: nil)
            let endpoint = OAuthTokens.Endpoint(
                http: plain.client, url: try settings.baseURL("auth.token_url")?.text ?? url, clock: clock,
                vendor: definition.label)
            tokens = OAuthTokens(endpoint, clientID: grant.id, clientSecret: grant.secret, grant: grant.grant)
        }
        if case .token(let token) = access { tokens = FixedToken(token) }
        var headers: [HTTPHeader] = []
        for header in definition.headers {
            if let value = header.value.filled({ own[$0] }) { headers.append(HTTPHeader(header.name, value)) }
        }
        var decorated: any HTTPClient = http
        var secretItem: String?
        if case .fixed(let credentials) = access {
            decorated = CredentialsClient(http, credentials)
            if case .query(let name, _) = credentials { secretItem = name }
        }
        let policies = try PolicyStack.make(
            http: decorated, clock: clock, settings: settings, tokens: tokens, retry: retry, budget: limits.budget,
            hints: { limits.hints($0) })
        limiter = policies.limiter
        concurrencyMax = policies.concurrencyMax
        client = RESTClient(
            http: policies.client, baseURL: baseURL.text, headers: headers, errors: errors, secretItem: secretItem)
    }

    private static func values(
        _ definition: RESTDefinition, _ settings: ConnectorSettings
    ) throws(MigratezError) -> [String: String] {
        var values: [String: String] = [:]
        for setting in definition.settings {
            if let value = settings["settings.\(setting.name)"] ?? setting.otherwise {
                values[setting.name] = value
            } else if setting.isRequired {
                throw MigratezError(
                    .invalidSetting, "settings.\(setting.name) is not set: \(setting.summary)",
                    remedy: .fixConfiguration)
            }
        }
        return values
    }

    // MARK: Access

    private struct Grant {
        var id: String
        var secret: Secret
        var grant: OAuthTokens.Grant
    }

    private enum Access {
        case fixed(Credentials)
        case token(Secret)
        case oauth(url: String, Grant)
    }

    /// The first way whose settings are all given.
    private static func access(
        _ definition: RESTDefinition, _ settings: ConnectorSettings, _ own: [String: String]
    ) throws(MigratezError) -> Access {
        let given = { (name: String) in
            settings.secret(name).map { !$0.isEmpty } ?? (settings[name].map { !$0.isEmpty } ?? false)
        }
        guard let way = definition.auth.first(where: { $0.settings.allSatisfy(given) }) else {
            let ways = definition.auth.map { $0.settings.joined(separator: ", ") }
            throw MigratezError(
                .invalidSetting, "there are no credentials for \(definition.label)", remedy: .fixConfiguration,
                hint: "set \(ways.joined(separator: "; or "))")
        }
        let secret = { (name: String) in settings.secret(name) ?? Secret("") }
        /// The template's text, which is as secret as what is in it.
        func filled(_ template: TextTemplate) -> Secret {
            Secret(
                template.filled { name in
                    own[name] ?? settings[name] ?? settings.secret(name).map { $0.withExposed { $0 } }
                } ?? "")
        }
        switch way {
        case .header(let name, let value): return .fixed(.header(name: name, value: filled(value)))
        case .query(let name, let value): return .fixed(.query(name: name, value: filled(value)))
        case .basic(let user, let password):
            return .fixed(.basic(user: filled(user), password: filled(password)))
        case .bearer: return .token(secret("auth.token"))
        case .refreshToken(let url):
            return .oauth(
                url: url.filled { own[$0] } ?? "",
                Grant(
                    id: settings["auth.client_id"] ?? "", secret: secret("auth.client_secret"),
                    grant: .refreshToken(secret("auth.refresh_token"))))
        case .clientCredentials(let url, let scope):
            return .oauth(
                url: url.filled { own[$0] } ?? "",
                Grant(
                    id: settings["auth.client_id"] ?? "", secret: secret("auth.client_secret"),
                    grant: .clientCredentials(scope: scope)))
        }
    }
}

extension RESTLimits {
    /// What the headers of an answer tell; `nil` if they tell nothing.
    func hints(_ head: HTTPResponseHead) -> RateHints? {
        let remaining = windowRemaining.flatMap { number($0, head) }
        var hints = RateHints(
            windowRemaining: remaining, windowResetsAfter: windowReset.flatMap { number($0, head) }.map { .seconds($0) }
        )
        let limit = allowanceLimit.flatMap { number($0, head) }
        if let limit, let left = allowanceRemaining.flatMap({ number($0, head) }) {
            hints.dailyLimit = limit
            hints.dailyUsed = max(0, limit - left)
        } else if remaining == nil {
            return nil
        }
        return hints
    }

    /// A whole number of at least none; `limit=100, remaining=50` for items of a header.
    private func number(_ source: Source, _ head: HTTPResponseHead) -> Int? {
        guard var text = head.headers[source.header].map({ Substring($0) }) else { return nil }
        if let item = source.item {
            let items = text.split { $0 == "," || $0 == ";" || $0 == " " }
            guard let found = items.first(where: { $0.hasPrefix("\(item)=") }) else { return nil }
            text = found.dropFirst(item.count + 1)
        }
        // Seconds may have a fraction.
        return Double(text).flatMap { (0..<1e12).contains($0) ? Int($0.rounded(.up)) : nil }
    }
}
