// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import Synchronization

/// Access tokens: how they are obtained, and what they are good for.
///
/// Source: zoho.com/accounts/protocol/oauth and zoho.com/crm/developer, "Token validity". Refusals of the token endpoint
/// come with status 200.
final class AccessTokens: Sendable {
    private struct State {
        var issued: [String: Timestamp] = [:]
        /// When the last tokens were given out.
        var times: [Timestamp] = []
    }

    private let options: ZohoOptions
    private let state = Mutex(State())

    init(_ options: ZohoOptions) { self.options = options }

    /// Whose request it is, by the user's place.
    func user(of request: SimulatorRequest) throws(ZohoFailure) -> Int {
        // Not `Bearer`: that is the usual first mistake with Zoho.
        guard let header = request.headers["Authorization"], header.hasPrefix("Zoho-oauthtoken ") else {
            throw ZohoFailure(401, "AUTHENTICATION_FAILURE", "Authentication failed")
        }
        let token = String(header.dropFirst("Zoho-oauthtoken ".count))
        if options.otherTokens.contains(token) { return 1 }
        guard let expiry = state.withLock({ $0.issued[token] }), options.clock.now < expiry else {
            throw .invalidToken
        }
        return 0
    }

    func respond(to request: SimulatorRequest) -> SimulatorResponse {
        let values = Dictionary((request.query + request.form).map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        guard values["client_id"]?.isEmpty == false else { return Self.refusal("invalid_client") }
        guard let secret = values["client_secret"], options.clientSecret.map({ $0 == secret }) ?? !secret.isEmpty else {
            return Self.refusal("invalid_client_secret")
        }
        guard values["grant_type"] == "refresh_token", let refresh = values["refresh_token"],
            options.refreshToken.map({ $0 == refresh }) ?? !refresh.isEmpty
        else { return Self.refusal("invalid_code") }
        let now = options.clock.now
        let token = state.withLock { state -> String? in
            state.times.removeAll { now.duration(since: $0) >= .seconds(600) }
            guard state.times.count < options.tokensMax else { return nil }
            state.times.append(now)
            let token = "1000.simulated\(state.issued.count + 1).access"
            state.issued[token] = now.advanced(by: options.tokenLifetime)
            return token
        }
        guard let token else {
            return .json(
                JSONValue.object([
                    .init(
                        "error_description",
                        "You have made too many requests continuously. Please try again after some time."),
                    .init("error", "Access Denied"), .init("status", "failure"),
                ]).serialized())
        }
        let domain = options.apiDomain ?? "http://\(request.headers["Host"] ?? "127.0.0.1")"
        let answer: JSONValue = [
            "access_token": .string(token), "scope": "ZohoCRM.modules.ALL ZohoCRM.settings.ALL",
            "api_domain": .string(domain), "token_type": "Bearer",
            "expires_in": .number(String(options.tokenLifetime.components.seconds)),
        ]
        return .json(answer.serialized())
    }

    private static func refusal(_ error: String) -> SimulatorResponse {
        .json(JSONValue.object([.init("error", .string(error))]).serialized())
    }
}
