// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
package import MigratezModel
package import MigratezTransport
import Synchronization

/// Access tokens that an OAuth server hands out (RFC 6749), fetched anew before they expire.
package struct OAuthTokens: TokenProvider {
    /// Where tokens are asked for; the client retries, but does not authenticate.
    package struct Endpoint: Sendable {
        package var http: any HTTPClient
        package var url: String
        package var clock: any WallClock
        /// Whose server it is, for messages.
        package var vendor: String

        package init(http: any HTTPClient, url: String, clock: any WallClock, vendor: String) {
            self.http = http
            self.url = url
            self.clock = clock
            self.vendor = vendor
        }
    }

    /// What is given for a token.
    package enum Grant: Sendable {
        /// RFC 6749, section 6; an answer may replace the token.
        case refreshToken(Secret)
        /// RFC 6749, section 4.4.
        case clientCredentials(scope: String?)
    }

    private let endpoint: Endpoint
    private let clientID: String
    private let clientSecret: Secret
    private let authorization: Secret?
    private let scope: String?
    private let refreshToken: RefreshTokenBox?

    /// - Parameter authorization: the header `Authorization` by which the client proves itself, where the server takes
    ///   HTTP Basic; without it, the form holds id and secret (RFC 6749, section 2.3.1).
    package init(
        _ endpoint: Endpoint, clientID: String, clientSecret: Secret, grant: Grant, authorization: Secret? = nil
    ) {
        self.endpoint = endpoint
        self.authorization = authorization
        self.clientID = clientID
        self.clientSecret = clientSecret
        switch grant {
        case .refreshToken(let token): (scope, refreshToken) = (nil, RefreshTokenBox(token))
        case .clientCredentials(let scope): (self.scope, refreshToken) = (scope, nil)
        }
    }

    package var isRenewable: Bool { true }

    package func fetch() async throws -> AccessToken {
        let asked = endpoint.clock.now
        var headers = [HTTPHeader("Content-Type", "application/x-www-form-urlencoded")]
        authorization?.withExposed { headers.append(HTTPHeader("Authorization", $0)) }
        let request = HTTPRequest(
            .post, endpoint.url, headers: headers,
            body: .bytes(Array(form.utf8)), endpointClass: "token", isIdempotent: true)
        let response = try await endpoint.http.send(request)
        guard response.isSuccess else {
            // RFC 6749, section 5.2: a refused grant or client is a 400 or a 401.
            guard response.status == 400 || response.status == 401 else {
                throw MigratezError.refusal(of: request, response)
            }
            throw refusal
        }
        guard let answer = try? JSONValue(parsing: response.body), let token = answer["access_token"]?.text else {
            throw MigratezError(
                .brokenResponse, "\(endpoint.vendor)'s answer to a request for a token holds none",
                remedy: .retry(after: nil))
        }
        if let next = answer["refresh_token"]?.text { refreshToken?.current = Secret(next) }
        let lifetime = answer["expires_in"]?.int.map { asked.advanced(by: .seconds($0)) }
        return AccessToken(Secret(token), expiresAt: lifetime)
    }

    private var form: String {
        clientSecret.withExposed { secret in
            let client = authorization == nil ? [("client_id", clientID), ("client_secret", secret)] : []
            guard let refreshToken else {
                return URLQuery.encoded(
                    [("grant_type", "client_credentials")] + client + (scope.map { [("scope", $0)] } ?? []))
            }
            return refreshToken.current.withExposed { refresh in
                URLQuery.encoded([("grant_type", "refresh_token")] + client + [("refresh_token", refresh)])
            }
        }
    }

    private var refusal: MigratezError {
        guard refreshToken != nil else {
            return MigratezError(
                .credentialsRejected, "\(endpoint.vendor) refuses the app's credentials", remedy: .fixConfiguration,
                hint: "check auth.client_id and auth.client_secret")
        }
        return MigratezError(
            .credentialsRejected, "\(endpoint.vendor) refuses the refresh token or the app's credentials",
            remedy: .fixConfiguration, hint: "connect the app anew and set source.auth.refresh_token")
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
