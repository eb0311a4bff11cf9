// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import Synchronization

/// Access tokens of Entra ID for an application (crm-apis: Dynamics, section 1; Microsoft Learn, "Microsoft identity
/// platform and the OAuth 2.0 client credentials flow").
final class Tokens: Sendable {
    private struct State {
        var next = 1
        var expiries: [String: Timestamp] = [:]
    }

    private let options: DynamicsOptions
    private let state = Mutex(State())

    init(_ options: DynamicsOptions) { self.options = options }

    func isValid(_ request: SimulatorRequest, now: Timestamp) -> Bool {
        guard let header = request.headers["Authorization"], header.hasPrefix("Bearer ") else { return false }
        let token = String(header.dropFirst("Bearer ".count))
        if options.staticTokens.contains(token) { return true }
        return state.withLock { $0.expiries[token].map { now < $0 } ?? false }
    }

    /// Answers `POST /{tenant}/oauth2/v2.0/token`.
    func token(_ request: SimulatorRequest, tenant: String, now: Timestamp) -> SimulatorResponse {
        let form = Dictionary(request.form.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        guard options.tenant.map({ $0 == tenant }) ?? true else {
            return Self.refusal(400, "invalid_request", "AADSTS90002: Tenant '\(tenant)' not found.")
        }
        guard form["grant_type"] == "client_credentials" else {
            return Self.refusal(400, "unsupported_grant_type", "AADSTS70003: The grant type is not supported.")
        }
        guard let scope = form["scope"], scope.hasPrefix("http"), scope.hasSuffix("/.default") else {
            return Self.refusal(400, "invalid_scope", "AADSTS1002012: The provided value for scope is not valid.")
        }
        guard let client = form["client_id"], options.clientID.map({ $0 == client }) ?? true else {
            return Self.refusal(400, "unauthorized_client", "AADSTS700016: The application was not found.")
        }
        guard let secret = form["client_secret"], options.clientSecret.map({ $0 == secret }) ?? true else {
            return Self.refusal(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        }
        let token = state.withLock { state in
            let token = "eyJ0eXAi.simulated-\(state.next).\(now.milliseconds)"
            state.next += 1
            state.expiries[token] = now.advanced(by: options.tokenLifetime)
            return token
        }
        let lifetime = JSONValue.number(String(options.tokenLifetime.components.seconds))
        let answer: JSONValue = [
            "token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": .string(token),
        ]
        return .json(answer.serialized())
    }

    private static func refusal(_ status: Int, _ error: String, _ description: String) -> SimulatorResponse {
        let answer: JSONValue = ["error": .string(error), "error_description": .string(description)]
        return .json(answer.serialized(), status: status)
    }
}
