// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport
import Synchronization

/// Access tokens by OAuth refresh (RFC 6749, section 6). HubSpot asks for renewal by `expires_in`, not on a 401.
struct RefreshTokens: TokenProvider {
    /// Where tokens are asked for; the client retries, but does not authenticate.
    struct Exchange: Sendable {
        var http: any HTTPClient
        var url: String
        var clock: any WallClock
    }

    private let exchange: Exchange
    private let clientID: String
    private let clientSecret: Secret
    private let refreshToken: RefreshTokenBox

    init(_ exchange: Exchange, clientID: String, clientSecret: Secret, refreshToken: Secret) {
        self.exchange = exchange
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.refreshToken = RefreshTokenBox(refreshToken)
    }

    var isRenewable: Bool { true }

    func fetch() async throws -> AccessToken {
        let asked = exchange.clock.now
        let form = clientSecret.withExposed { secret in
            refreshToken.current.withExposed { refresh in
                URLQuery.encoded([
                    ("grant_type", "refresh_token"), ("client_id", clientID), ("client_secret", secret),
                    ("refresh_token", refresh),
                ])
            }
        }
        let request = HTTPRequest(
            .post, exchange.url, headers: [HTTPHeader("Content-Type", "application/x-www-form-urlencoded")],
            body: .bytes(Array(form.utf8)), endpointClass: "token", isIdempotent: true)
        let response = try await exchange.http.send(request)
        guard response.isSuccess else {
            // RFC 6749, section 5.2: a refused grant or client is a 400 or a 401.
            guard response.status == 400 || response.status == 401 else {
                throw MigratezError.refusal(of: request, response)
            }
            throw MigratezError(
                .credentialsRejected, "HubSpot refuses the refresh token or the app's credentials",
                remedy: .fixConfiguration, hint: "connect the app anew and set source.auth.refresh_token")
        }
        guard let answer = try? JSONValue(parsing: response.body), let token = answer["access_token"]?.text else {
            throw MigratezError(
                .brokenResponse, "HubSpot's answer to a refresh holds no token", remedy: .retry(after: nil))
        }
        if let next = answer["refresh_token"]?.text { refreshToken.current = Secret(next) }
        let lifetime = answer["expires_in"]?.int.map { asked.advanced(by: .seconds($0)) }
        return AccessToken(Secret(token), expiresAt: lifetime)
    }
}

/// The refresh token, which an answer may replace (RFC 6749, section 6).
private final class RefreshTokenBox: Sendable {
    private let token: Mutex<Secret>

    init(_ token: Secret) { self.token = Mutex(token) }

    var current: Secret {
        get { token.withLock { $0 } }
        set { token.withLock { $0 = newValue } }
    }
}
