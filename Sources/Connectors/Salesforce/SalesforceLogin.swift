// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezJSON
package import MigratezModel
package import MigratezTransport
import Synchronization

/// Asks for access tokens and remembers where the org itself answers.
///
/// Source: Salesforce Help, "OAuth Authorization Flows"; the answer names no lifetime, so a token is used until it is
/// refused (401 INVALID_SESSION_ID).
package final class SalesforceLogin: Sendable {
    private let settings: SalesforceAccess
    private let http: any HTTPClient
    private let clock: any WallClock
    private let address = Mutex<String?>(nil)
    private let user = Mutex<String?>(nil)

    /// - Parameter http: a client that adds no token of its own.
    package init(settings: SalesforceAccess, http: any HTTPClient, clock: any WallClock) {
        self.settings = settings
        self.http = http
        self.clock = clock
    }

    /// Where calls go after a login (`instance_url`); before the first one, the login address.
    package var instanceURL: String { address.withLock { $0 } ?? settings.loginURL }

    /// The id of the user that the last login was for; `nil` before it, or if the answer did not say.
    var userID: String? { user.withLock { $0 } }

    /// Logs in and returns the access token.
    ///
    /// - Throws: `credentialsRejected` with what may help; errors of the transport as they are.
    package func accessToken() async throws -> Secret {
        let request = HTTPRequest(
            .post, settings.loginURL + "/services/oauth2/token",
            headers: [
                HTTPHeader("Content-Type", "application/x-www-form-urlencoded"),
                HTTPHeader("Accept", "application/json"),
            ],
            body: .bytes(Array(try form().utf8)), deadline: .seconds(60), responseBytesMax: .KiB(256),
            endpointClass: "login", isIdempotent: true)
        let response = try await http.send(request)
        guard response.isSuccess else { throw refusal(response) }
        guard let answer = try? JSONValue(parsing: response.body), let token = answer["access_token"]?.text,
            let instance = answer["instance_url"]?.text
        else {
            throw MigratezError(
                .brokenResponse, "the login answered without access_token or instance_url", remedy: .retry(after: nil))
        }
        let instanceURL = try screened(instance)
        address.withLock { $0 = instanceURL.text }
        // The identity URL ends in the user's id (Salesforce Help, "Identity URLs").
        let userID = answer["id"]?.text?.split(separator: "/").last.map { SalesforceID.canonical(String($0)) }
        user.withLock { $0 = userID }
        return Secret(token)
    }

    /// The token goes to that address from now on, so it is screened as one that a person gave; and only a login service
    /// on this machine may name this machine.
    private func screened(_ instance: String) throws(MigratezError) -> BaseURL {
        do throws(MigratezError) {
            let url = try BaseURL(instance, settings.reach)
            if url.isLoopback, !settings.loginIsLoopback {
                throw MigratezError(
                    .addressOutOfReach, "it is an address of this machine", remedy: .fixConfiguration,
                    hint: "check login_url: this login service is not Salesforce's")
            }
            return url
        } catch {
            var error = error
            error.message = "the instance_url of the login's answer: \(error.message)"
            throw error
        }
    }

    /// The form of the grant (RFC 6749 §4.4 and §6, RFC 7523 §2.1).
    private func form() throws -> String {
        var fields: [(String, String)] = []
        switch settings.grant {
        case .refreshToken(let token, let clientSecret):
            fields.append(("grant_type", "refresh_token"))
            token.withExposed { fields.append(("refresh_token", $0)) }
            fields.append(("client_id", settings.clientID))
            clientSecret?.withExposed { fields.append(("client_secret", $0)) }
        case .jwt(let user, let key):
            fields.append(("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"))
            fields.append(("assertion", try assertion(user: user, key: key)))
        case .clientCredentials(let clientSecret):
            fields.append(("grant_type", "client_credentials"))
            fields.append(("client_id", settings.clientID))
            clientSecret.withExposed { fields.append(("client_secret", $0)) }
        }
        return fields.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
    }

    /// A token that says for three minutes that we act for the user: the longest that Salesforce accepts
    /// (Help, "OAuth 2.0 JWT Bearer Flow").
    private func assertion(user: String, key: Secret) throws -> String {
        let claims: JSONValue = [
            "iss": .string(settings.clientID), "sub": .string(user), "aud": .string(Self.audience(settings.loginURL)),
            "exp": .number(String(clock.now.milliseconds / 1000 + 180)),
        ]
        let header: JSONValue = ["alg": "RS256", "typ": "JWT"]
        let base64 = Base64.urlUnpadded
        let signed = base64.encode(header.serialized()) + "." + base64.encode(claims.serialized())
        let signature = try RS256PrivateKey(pem: key).signature(of: Array(signed.utf8))
        return signed + "." + base64.encode(signature)
    }

    /// The audience is one of the two login hosts, also for an org that is addressed by its My Domain.
    package static func audience(_ loginURL: String) -> String {
        let host = loginURL.split(separator: "/", omittingEmptySubsequences: true).dropFirst().first ?? ""
        if host.hasSuffix(".sandbox.my.salesforce.com") { return "https://test.salesforce.com" }
        if host.hasSuffix(".my.salesforce.com") { return "https://login.salesforce.com" }
        return loginURL
    }

    private func refusal(_ response: HTTPResponse) -> MigratezError {
        guard (400..<500).contains(response.status), response.status != 429 else {
            return MigratezError(
                .serverFailed, "the login service answered \(response.status)", remedy: .retry(after: nil))
        }
        let answer = try? JSONValue(parsing: response.body)
        let error = answer?["error"]?.text ?? ""
        let isWord = !error.isEmpty && error.count <= 40 && error.allSatisfy { $0 == "_" || ($0 >= "a" && $0 <= "z") }
        let description = (answer?["error_description"]?.text ?? "").lowercased()
        return MigratezError(
            .credentialsRejected, "Salesforce refused the login (\(isWord ? error : "status \(response.status)"))",
            remedy: .fixConfiguration, hint: Self.hint(error: error, description: description))
    }

    /// What usually helps; the wording of the service itself is not passed on, since it may quote what was sent.
    private static func hint(error: String, description: String) -> String {
        if description.contains("approved this consumer") || error == "invalid_app_access" {
            return
                "let an administrator pre-authorise the external client app for this user (profile or permission set)"
        }
        if description.contains("audience") {
            return "set login_url to https://login.salesforce.com, or https://test.salesforce.com for a sandbox"
        }
        if description.contains("assertion") {
            return "check auth.user, and that auth.key belongs to the certificate of the external client app"
        }
        switch error {
        case "invalid_client_id", "invalid_client":
            return "check auth.client_id and auth.client_secret against the external client app"
        case "inactive_user", "inactive_org": return "the user or the org is inactive"
        case "unsupported_grant_type", "unauthorized_client":
            return
                "enable this OAuth flow in the external client app; client credentials need My Domain as base_url"
        case "invalid_grant": return "the grant is expired or revoked: authorise again, or check auth.user and auth.key"
        default: return "check the settings below auth"
        }
    }
}

/// Sends each request to the address that the last login named.
///
/// Requests are written for the login address, because the org's own is known only after the first login; this client
/// stands below the one that adds the token, so that by then it is.
struct InstanceClient: HTTPClient {
    let inner: any HTTPClient
    let login: SalesforceLogin
    /// The address that requests are written for.
    let writtenFor: String

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await inner.send(redirected(request))
    }

    func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        try await inner.stream(redirected(request), receive: receive, chunk: chunk)
    }

    private func redirected(_ request: HTTPRequest) -> HTTPRequest {
        var request = request
        if request.url.hasPrefix(writtenFor) {
            request.url = login.instanceURL + request.url.dropFirst(writtenFor.count)
        }
        return request
    }
}
