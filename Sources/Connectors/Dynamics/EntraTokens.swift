// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Access tokens of Entra ID for the application itself (RFC 6749 §4.4). This flow has no refresh token: a new one is
/// asked for.
///
/// Source: Microsoft Learn, "Microsoft identity platform and the OAuth 2.0 client credentials flow".
struct EntraTokens: TokenProvider {
    private let access: DynamicsAccess
    private let http: any HTTPClient
    private let clock: any WallClock

    /// - Parameter http: a client that retries, and adds no token of its own.
    init(_ access: DynamicsAccess, http: any HTTPClient, clock: any WallClock) {
        self.access = access
        self.http = http
        self.clock = clock
    }

    var isRenewable: Bool { true }

    func fetch() async throws -> AccessToken {
        let asked = clock.now
        let form = access.clientSecret.withExposed { secret in
            URLQuery.encoded([
                ("grant_type", "client_credentials"), ("client_id", access.clientID), ("client_secret", secret),
                ("scope", access.baseURL + "/.default"),
            ])
        }
        let request = HTTPRequest(
            .post, "\(access.loginURL)/\(access.tenant)/oauth2/v2.0/token",
            headers: [
                HTTPHeader("Content-Type", "application/x-www-form-urlencoded"),
                HTTPHeader("Accept", "application/json"),
            ],
            body: .bytes(Array(form.utf8)), responseBytesMax: .KiB(256), endpointClass: "login", isIdempotent: true)
        let response = try await http.send(request)
        guard response.isSuccess else { throw Self.refusal(of: request, response) }
        guard let answer = try? JSONValue(parsing: response.body), let token = answer["access_token"]?.text else {
            throw MigratezError(
                .brokenResponse, "Entra ID's answer holds no access token", remedy: .retry(after: nil))
        }
        return AccessToken(
            Secret(token), expiresAt: answer["expires_in"]?.int.map { asked.advanced(by: .seconds($0)) })
    }

    /// A refusal names its reason by a number (`AADSTS7000215`); the words beside it may quote what was sent.
    private static func refusal(of request: HTTPRequest, _ response: HTTPResponse) -> MigratezError {
        guard response.status == 400 || response.status == 401 else {
            return MigratezError.refusal(of: request, response)
        }
        let answer = try? JSONValue(parsing: response.body)
        let text = answer?["error_description"]?.text ?? ""
        let code = text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber) }
        let hint =
            switch code {
            case "AADSTS7000215", "AADSTS7000222": "the client secret is wrong or has expired: set auth.client_secret"
            case "AADSTS700016", "AADSTS90002": "check auth.tenant and auth.client_id against the app registration"
            case "AADSTS1002012", "AADSTS500011", "AADSTS65001": "check base_url: it must be the environment's own"
            default: "check the settings below auth"
            }
        return MigratezError(
            .credentialsRejected,
            "Entra ID refused the application (\(code.hasPrefix("AADSTS") ? String(code) : "\(response.status)"))",
            remedy: .fixConfiguration, hint: hint)
    }
}
