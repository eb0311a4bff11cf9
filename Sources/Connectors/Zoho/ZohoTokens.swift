// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Access tokens by OAuth refresh (RFC 6749, section 6), each good for an hour.
///
/// The endpoint's refusals come with status 200, so that only the body tells. Ten tokens in ten minutes are given out for
/// one refresh token.
///
/// Source: zoho.com/crm/developer, "Refresh access tokens" and "Token validity".
struct ZohoTokens: TokenProvider {
    let http: any HTTPClient
    let url: String
    let clock: any WallClock
    let clientID: String
    let clientSecret: Secret
    let refreshToken: Secret
    /// Where the tokens must be good; `nil` = wherever.
    let apiDomain: String?

    var isRenewable: Bool { true }

    func fetch() async throws -> AccessToken {
        let asked = clock.now
        let form = clientSecret.withExposed { secret in
            refreshToken.withExposed { refresh in
                URLQuery.encoded([
                    ("grant_type", "refresh_token"), ("client_id", clientID), ("client_secret", secret),
                    ("refresh_token", refresh),
                ])
            }
        }
        let request = HTTPRequest(
            .post, url, headers: [HTTPHeader("Content-Type", "application/x-www-form-urlencoded")],
            body: .bytes(Array(form.utf8)), endpointClass: "token", isIdempotent: true)
        let response = try await http.send(request)
        let answer = (try? JSONValue(parsing: response.body)) ?? .null
        if let error = answer["error"]?.text { throw refusal(error) }
        guard response.isSuccess else { throw MigratezError.refusal(of: request, response) }
        guard let token = answer["access_token"]?.text else {
            throw MigratezError(
                .brokenResponse, "Zoho's answer to a refresh holds no token", remedy: .retry(after: nil))
        }
        if let apiDomain, let told = answer["api_domain"]?.text, told != apiDomain {
            throw MigratezError(
                .invalidSetting, "the refresh token belongs to another data centre of Zoho's: \(told)",
                remedy: .fixConfiguration, hint: "set data_center to where the organisation is kept")
        }
        let lifetime = answer["expires_in"]?.int.map { asked.advanced(by: .seconds($0)) }
        return AccessToken(Secret(token), expiresAt: lifetime)
    }

    private func refusal(_ error: String) -> MigratezError {
        switch error {
        case "Access Denied", "access_denied":
            MigratezError(
                .throttled, "Zoho gives out no more access tokens for this refresh token now",
                remedy: .waitForQuota(until: clock.now.advanced(by: .seconds(600))),
                hint: "ten in ten minutes are allowed: let fewer programs share the refresh token")
        case "invalid_client", "invalid_client_secret":
            MigratezError(
                .credentialsRejected, "Zoho refuses the client's id or secret", remedy: .fixConfiguration,
                hint: "check auth.client_id and auth.client_secret, and that data_center is the client's")
        default:
            MigratezError(
                .credentialsRejected, "Zoho refuses the refresh token", remedy: .fixConfiguration,
                hint: "make a new one and set auth.refresh_token; check data_center")
        }
    }
}

/// Makes a missing scope a 403.
///
/// Zoho answers it with the same 401 as an expired token, which would cost one of the few new tokens and be taken for a
/// refusal of the credentials.
struct ScopeRefusalClient: HTTPClient {
    private let base: any HTTPClient

    init(_ base: any HTTPClient) { self.base = base }

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        var response = try await base.send(request)
        if response.status == 401, ZohoAnswers.code(response.body) == ZohoAnswers.scopeMismatch {
            response.head.status = 403
        }
        return response
    }

    /// What is streamed keeps its status: its body is not seen before it is handed on.
    func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        try await base.stream(request, receive: receive, chunk: chunk)
    }
}
