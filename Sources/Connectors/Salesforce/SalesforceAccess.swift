// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport

/// How an org is reached and logged in to: the settings that both sides of a pipeline share, read once.
package struct SalesforceAccess: Sendable {
    /// How the connector logs in; all three need an External Client App in the org.
    package enum Grant: Sendable {
        /// A refresh token that a person granted (OAuth 2.0, RFC 6749 §6).
        case refreshToken(Secret, clientSecret: Secret?)
        /// A signed assertion for a user (RFC 7523), RS256 with the key whose certificate the app holds.
        case jwt(user: String, privateKeyPEM: Secret)
        /// The app's own user (RFC 6749 §4.4); needs the org's My Domain as login address.
        case clientCredentials(clientSecret: Secret)
    }

    /// The version in every path: Summer '26. The one place that states it.
    package static let defaultAPIVersion = "v67.0"

    /// Where tokens are asked for, without a slash at the end.
    package var loginURL: String
    /// Whether the login address is this machine by its literal name, as a simulator's is.
    package var loginIsLoopback: Bool
    /// Which networks requests may be sent into.
    package var reach: NetworkReach
    package var apiVersion: String
    package var clientID: String
    package var grant: Grant

    /// What may stand below `source:` and `target:` alike, but for the rate.
    static let specs: [SettingSpec] = [
        SettingSpec("base_url", .url, "The org's own address (My Domain); login goes there unless login_url is given"),
        SettingSpec("login_url", .url, "Where tokens are asked for; default https://login.salesforce.com"),
        SettingSpec("api_version", .text, "API version in every path; default \(defaultAPIVersion)"),
        SettingSpec(
            "auth.kind", .oneOf(["refresh", "jwt", "client_credentials"]), isRequired: true, "The way to log in"),
        SettingSpec("auth.client_id", .text, isRequired: true, "Consumer key of the external client app"),
        SettingSpec("auth.client_secret", .secret, "Consumer secret of the external client app"),
        SettingSpec("auth.refresh_token", .secret, "For kind refresh"),
        SettingSpec("auth.user", .text, "For kind jwt: the user name that the app acts for"),
        SettingSpec("auth.key", .secret, "For kind jwt: the private key (PEM) whose certificate the app holds"),
    ]

    /// Reads the settings; what is missing for the chosen way to log in is an `invalidSetting`.
    package init(_ settings: ConnectorSettings) throws(MigratezError) {
        let login = try settings.baseURL(settings["login_url"] == nil ? "base_url" : "login_url")
        loginURL = login?.text ?? "https://login.salesforce.com"
        loginIsLoopback = login?.isLoopback ?? false
        reach = settings.reach
        apiVersion = try Self.version(settings["api_version"] ?? Self.defaultAPIVersion)
        guard let clientID = settings.text("auth.client_id") else { throw Self.missing("auth.client_id") }
        self.clientID = clientID
        switch settings["auth.kind"] {
        case "refresh":
            guard let token = settings.secret("auth.refresh_token") else { throw Self.missing("auth.refresh_token") }
            grant = .refreshToken(token, clientSecret: settings.secret("auth.client_secret"))
        case "jwt":
            guard let user = settings["auth.user"] else { throw Self.missing("auth.user") }
            guard let key = settings.secret("auth.key") else { throw Self.missing("auth.key") }
            grant = .jwt(user: user, privateKeyPEM: key)
        case "client_credentials":
            guard let secret = settings.secret("auth.client_secret") else { throw Self.missing("auth.client_secret") }
            grant = .clientCredentials(clientSecret: secret)
        default:
            throw Self.missing("auth.kind")
        }
    }

    /// `67.0` and `v67.0` are both understood.
    private static func version(_ text: String) throws(MigratezError) -> String {
        let number = text.hasPrefix("v") ? text.dropFirst() : text[...]
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isASCIIDigit) }) else {
            throw MigratezError(
                .invalidSetting, "api_version is not of the form \(defaultAPIVersion)", remedy: .fixConfiguration)
        }
        return "v" + number
    }

    private static func missing(_ path: String) -> MigratezError {
        MigratezError(.invalidSetting, "the setting \(path) is missing", remedy: .fixConfiguration)
    }
}

extension Character {
    /// `0` to `9`.
    fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}

extension ConnectorSettings {
    /// A value that may be given as text or as a secret reference.
    fileprivate func text(_ path: String) -> String? {
        self[path] ?? secret(path)?.withExposed { $0 }
    }
}

/// A client of one org with its policies: retries, the login, the rate budget.
struct SalesforceConnection: Sendable {
    let api: SalesforceAPI
    let login: SalesforceLogin
    let limiter: RateLimiter
    /// The most calls at once that the settings allow; `nil` = to be found out.
    let concurrencyMax: Int?

    /// - Parameter http: the process's client; the policies are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    init(
        _ settings: ConnectorSettings, allowsDuplicates: Bool = false, http: any HTTPClient, clock: any WallClock
    ) throws(MigratezError) {
        let access = try SalesforceAccess(settings)
        let http = ReachClient(http, access.reach)
        let retry = RetryPolicy(verdict: SalesforceLimits.verdict)
        login = SalesforceLogin(
            settings: access, http: RetryingClient(http, policy: retry, clock: clock), clock: clock)
        let stack = try PolicyStack.make(
            http: InstanceClient(inner: http, login: login, writtenFor: access.loginURL), clock: clock,
            settings: settings, tokens: login, retry: retry, hints: SalesforceLimits.hints)
        api = SalesforceAPI(http: stack.client, access: access, allowsDuplicates: allowsDuplicates)
        limiter = stack.limiter
        concurrencyMax = stack.concurrencyMax
    }

    /// The people that records can belong to, inactive ones too.
    func people() async throws -> [Person] {
        var people: [Person] = []
        try await api.query("SELECT Id,Email,IsActive FROM User") { record in
            guard let id = record["Id"]?.text else { return }
            people.append(
                Person(
                    id: SalesforceID.canonical(id), email: record["Email"]?.text,
                    isActive: record["IsActive"]?.bool ?? false))
        }
        return people
    }

    /// The platform leads from `/<id>` to the page of any record.
    func recordAddress(_ id: String) -> String? { SalesforceID.isID(id) ? "\(login.instanceURL)/\(id)" : nil }
}
