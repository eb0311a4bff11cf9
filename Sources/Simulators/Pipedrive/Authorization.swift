// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import Synchronization

/// Personal tokens, and access tokens that the token endpoint hands out.
final class Authorization: Sendable {
    private struct State {
        var issued: [String: Timestamp] = [:]
        var count = 0
    }

    private let options: PipedriveOptions
    private let state = Mutex(State())

    init(_ options: PipedriveOptions) { self.options = options }

    func check(_ request: SimulatorRequest) throws(PipedriveFailure) {
        if let header = request.headers["Authorization"] {
            guard header.lowercased().hasPrefix("bearer "), isLive(String(header.dropFirst(7))) else {
                throw .unauthorized
            }
            return
        }
        guard let token = request.headers["x-api-token"] ?? request.query("api_token"), !token.isEmpty,
            options.tokens.map({ $0.contains(token) }) ?? true
        else { throw .unauthorized }
    }

    private func isLive(_ token: String) -> Bool {
        state.withLock { $0.issued[token] }.map { options.clock.now < $0 } ?? false
    }

    /// `POST /oauth/token`: the app authenticates by HTTP Basic. Its grant is checked for the shape only.
    func token(for request: SimulatorRequest) throws(PipedriveFailure) -> SimulatorResponse {
        guard request.headers["Authorization"]?.hasPrefix("Basic ") == true else {
            throw PipedriveFailure(401, "invalid_client", "client authentication failed")
        }
        let form = Dictionary(request.form.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        func has(_ names: String...) -> Bool { names.allSatisfy { form[$0]?.isEmpty == false } }
        guard
            form["grant_type"] == "refresh_token" && has("refresh_token")
                || form["grant_type"] == "authorization_code" && has("code", "redirect_uri")
        else { throw PipedriveFailure(400, "invalid_grant", "the grant is missing or not valid") }
        let expiry = options.clock.now.advanced(by: options.tokenLifetime)
        let token = state.withLock { state in
            state.count += 1
            let token = "simulated-access-\(state.count)"
            state.issued[token] = expiry
            return token
        }
        let answer: JSONValue = [
            "access_token": .string(token), "token_type": "bearer",
            "expires_in": .number(String(options.tokenLifetime.components.seconds)),
            "refresh_token": .string(form["refresh_token"] ?? "simulated-refresh"), "scope": "base",
            "api_domain": .string("http://\(request.headers["Host"] ?? "127.0.0.1")"),
        ]
        return .json(answer.serialized())
    }
}
