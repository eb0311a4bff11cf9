// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import Synchronization

/// Bearer tokens: who has one, how long it lasts, what it allows.
final class Authorization: Sendable {
    private struct State {
        var issued: [String: Timestamp] = [:]
        var count = 0
    }

    private let options: HubSpotOptions
    private let state = Mutex(State())

    init(_ options: HubSpotOptions) { self.options = options }

    func check(_ request: SimulatorRequest, for operation: Operation) throws(HubSpotFailure) {
        guard let header = request.headers["Authorization"], header.lowercased().hasPrefix("bearer "), header.count > 7
        else {
            throw HubSpotFailure(
                401, "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication.")
        }
        let token = String(header.dropFirst(7))
        let expiry = state.withLock { $0.issued[token] }
        if let expiry {
            guard options.clock.now < expiry else {
                throw HubSpotFailure(
                    401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired.")
            }
        } else if token.hasPrefix("simulated-access-") || options.tokens.map({ !$0.contains(token) }) == true {
            throw HubSpotFailure(401, "INVALID_AUTHENTICATION", "The access token is not valid.")
        }
        if let scope = operation.scope, let scopes = options.scopes, !scopes.contains(scope) {
            throw HubSpotFailure(
                403, "MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call.",
                context: [("requiredGranularScopes", [scope])])
        }
    }

    /// Whether the token is one of those that are accepted without having been handed out.
    func knows(_ token: String) -> Bool { options.tokens.map { $0.contains(token) } ?? true }

    /// Hands out an access token. The grant is checked for its shape only; every client and refresh token is known here.
    func token(for request: SimulatorRequest) throws(HubSpotFailure) -> SimulatorResponse {
        let form = Dictionary(request.form.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        func has(_ names: String...) -> Bool { names.allSatisfy { form[$0]?.isEmpty == false } }
        let isComplete =
            switch form["grant_type"] {
            case "refresh_token": has("client_id", "client_secret", "refresh_token")
            case "authorization_code": has("client_id", "client_secret", "code", "redirect_uri")
            case "client_credentials": has("client_id", "client_secret")
            default: false
            }
        guard isComplete else {
            throw HubSpotFailure(
                400, "VALIDATION_ERROR", "missing or unknown grant_type, or a parameter of it is missing")
        }
        let lifetime = options.tokenLifetime.components.seconds
        let expiry = options.clock.now.advanced(by: options.tokenLifetime)
        let token = state.withLock { state in
            state.count += 1
            let token = "simulated-access-\(state.count)"
            state.issued[token] = expiry
            return token
        }
        let answer: JSONValue = [
            "access_token": .string(token), "refresh_token": .string(form["refresh_token"] ?? "simulated-refresh"),
            "expires_in": .number(String(lifetime)), "token_type": "bearer",
            "hub_id": .number(String(HubSpotSimulator.portalID)),
        ]
        return .json(answer.serialized())
    }
}
