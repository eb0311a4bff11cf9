// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import Synchronization

/// Access tokens: how they are obtained, what they are good for, and when they end (crm-apis: Salesforce, section 1).
final class Sessions: Sendable {
    private struct Session {
        var userID: String
        var expires: Timestamp?
        var requestsLeft: Int?
    }

    private struct State {
        var random: SeededRandom
        var sessions: [String: Session] = [:]
    }

    private let options: OrgOptions
    /// Ids by e-mail address; the administrator's under the empty text.
    private let users: [String: String]
    private let state: Mutex<State>

    init(options: OrgOptions, users: [String: String]) {
        self.options = options
        self.users = users
        // Tokens of an earlier start must not be valid again.
        state = Mutex(State(random: SeededRandom(seed: SystemRandomNumberGenerator.seed())))
    }

    /// The user on whose behalf a request is made; `nil` if its session has ended or never was.
    func user(of request: SimulatorRequest, now: Timestamp) -> String? {
        guard let header = request.headers["Authorization"], let space = header.firstIndex(of: " "),
            ["bearer", "oauth"].contains(header[..<space].lowercased())
        else { return nil }
        let token = String(header[header.index(after: space)...])
        if options.staticTokens.contains(token) { return users[""] }
        return state.withLock { state in
            guard let session = state.sessions[token] else { return nil }
            if let expires = session.expires, now >= expires {
                state.sessions[token] = nil
                return nil
            }
            if let left = session.requestsLeft {
                if left == 0 {
                    state.sessions[token] = nil
                    return nil
                }
                state.sessions[token]?.requestsLeft = left - 1
            }
            return session.userID
        }
    }

    func revoke(_ request: SimulatorRequest) -> SimulatorResponse {
        guard let token = value("token", request) else {
            return Sessions.refusal("unsupported_token_type", "this token type is not supported")
        }
        state.withLock { $0.sessions[token] = nil }
        return .empty(status: 200)
    }

    func token(_ request: SimulatorRequest, now: Timestamp) -> SimulatorResponse {
        let user: String?
        switch value("grant_type", request) {
        case "refresh_token":
            if let refusal = refusedClient(request, needsSecret: options.clientSecret != nil) { return refusal }
            guard let token = value("refresh_token", request),
                options.refreshToken.map({ $0 == token }) ?? !token.isEmpty
            else { return Sessions.refusal("invalid_grant", "expired access/refresh token") }
            user = users[""]
        case "client_credentials":
            if let refusal = refusedClient(request, needsSecret: true) { return refusal }
            user = users[""]
        case "urn:ietf:params:oauth:grant-type:jwt-bearer":
            let base = Sessions.base(of: request)
            switch JWTAssertion.check(value("assertion", request) ?? "", options, ownBase: base, now: now) {
            case .failure(let refusal): return Sessions.refusal(refusal.error, refusal.description)
            case .success(let subject): user = users[subject.lowercased()]
            }
        case nil: return Sessions.refusal("invalid_request", "must specify grant_type")
        default: return Sessions.refusal("unsupported_grant_type", "grant type not supported")
        }
        guard let user else { return Sessions.refusal("invalid_grant", "user hasn't approved this consumer") }
        return grant(user, request, now)
    }

    private func grant(_ user: String, _ request: SimulatorRequest, _ now: Timestamp) -> SimulatorResponse {
        let token = state.withLock { state in
            let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._")
            let text = (0..<86).map { _ in String(digits[Int(state.random.next() % 64)]) }.joined()
            let token = "00DMz0000000001!" + text
            state.sessions[token] = Session(
                userID: user, expires: options.sessionLifetime.map { now.advanced(by: $0) },
                requestsLeft: options.sessionRequestsMax)
            return token
        }
        let base = Sessions.base(of: request)
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("access_token", token)
        writer.member("instance_url", base)
        writer.member("id", base + "/id/00DMz0000000001AAA/" + user)
        writer.member("token_type", "Bearer")
        writer.member("issued_at", String(now.milliseconds))
        writer.member("signature", "c2ltdWxhdGVkIHNpZ25hdHVyZQ==")
        writer.member("scope", "refresh_token api")
        writer.endObject()
        return .json(writer.bytes)
    }

    private func refusedClient(_ request: SimulatorRequest, needsSecret: Bool) -> SimulatorResponse? {
        guard let client = value("client_id", request), options.clientID.map({ $0 == client }) ?? true else {
            return Sessions.refusal("invalid_client_id", "client identifier invalid")
        }
        guard needsSecret else { return nil }
        guard let secret = value("client_secret", request), options.clientSecret.map({ $0 == secret }) ?? true else {
            return Sessions.refusal("invalid_client", "invalid client credentials")
        }
        return nil
    }

    private func value(_ name: String, _ request: SimulatorRequest) -> String? {
        request.form.first { $0.name == name }?.value
    }

    private static func base(of request: SimulatorRequest) -> String {
        "http://" + (request.headers["Host"] ?? "127.0.0.1")
    }

    private static func refusal(_ error: String, _ description: String) -> SimulatorResponse {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("error", error)
        writer.member("error_description", description)
        writer.endObject()
        return .json(writer.bytes, status: 400)
    }
}

extension SystemRandomNumberGenerator {
    fileprivate static func seed() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
