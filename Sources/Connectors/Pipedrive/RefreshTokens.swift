// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezTransport
import Synchronization

/// Access tokens by OAuth refresh (RFC 6749, section 6); the app authenticates by HTTP Basic.
///
/// Source: pipedrive.readme.io, "OAuth authorization". Tokens live for an hour; a refresh token that is not used for 60
/// days expires.
final class RefreshTokens: TokenProvider {
    private let http: any HTTPClient
    private let url: String
    private let clock: any WallClock
    private let clientID: String
    private let clientSecret: Secret
    /// An answer may replace it.
    private let refreshToken: Mutex<Secret>

    /// - Parameter http: retries, but does not authenticate.
    init(
        http: any HTTPClient, url: String, clock: any WallClock, clientID: String, clientSecret: Secret,
        refreshToken: Secret
    ) {
        (self.http, self.url, self.clock) = (http, url, clock)
        (self.clientID, self.clientSecret) = (clientID, clientSecret)
        self.refreshToken = Mutex(refreshToken)
    }

    var isRenewable: Bool { true }

    func fetch() async throws -> AccessToken {
        let asked = clock.now
        let form = refreshToken.withLock { $0 }.withExposed {
            URLQuery.encoded([("grant_type", "refresh_token"), ("refresh_token", $0)])
        }
        let basic = clientSecret.withExposed { secret in
            String(decoding: Base64.standard.encodedBytes(Array("\(clientID):\(secret)".utf8)), as: UTF8.self)
        }
        let request = HTTPRequest(
            .post, url,
            headers: [
                HTTPHeader("Content-Type", "application/x-www-form-urlencoded"),
                HTTPHeader("Authorization", "Basic \(basic)"),
            ], body: .bytes(Array(form.utf8)), endpointClass: "token", isIdempotent: true)
        let response = try await http.send(request)
        guard response.isSuccess else {
            // RFC 6749, section 5.2: a refused grant or client is a 400 or a 401.
            guard response.status == 400 || response.status == 401 else {
                throw MigratezError.refusal(of: request, response)
            }
            throw MigratezError(
                .credentialsRejected, "Pipedrive refuses the refresh token or the app's credentials",
                remedy: .fixConfiguration, hint: "connect the app anew and set auth.refresh_token")
        }
        guard let answer = try? JSONValue(parsing: response.body), let token = answer["access_token"]?.text else {
            throw MigratezError(
                .brokenResponse, "Pipedrive's answer to a refresh holds no token", remedy: .retry(after: nil))
        }
        if let next = answer["refresh_token"]?.text { refreshToken.withLock { $0 = Secret(next) } }
        return AccessToken(
            Secret(token), expiresAt: answer["expires_in"]?.int.map { asked.advanced(by: .seconds($0)) })
    }
}
