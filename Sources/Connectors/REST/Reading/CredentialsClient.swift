// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezModel
import MigratezTransport

/// What proves to a service who is asking, the same with every request.
enum Credentials: Sendable {
    case header(name: String, value: Secret)
    case query(name: String, value: Secret)
    /// RFC 7617.
    case basic(user: Secret, password: Secret)
}

/// Puts credentials that are never renewed on each request.
struct CredentialsClient: HTTPClient {
    private let base: any HTTPClient
    private let credentials: Credentials

    init(_ base: any HTTPClient, _ credentials: Credentials) {
        self.base = base
        self.credentials = credentials
    }

    func send(_ request: HTTPRequest) async throws -> HTTPResponse { try await base.send(authorized(request)) }

    func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        try await base.stream(authorized(request), receive: receive, chunk: chunk)
    }

    private func authorized(_ request: HTTPRequest) -> HTTPRequest {
        var request = request
        switch credentials {
        case .header(let name, let value):
            value.withExposed { request.headers.append(HTTPHeader(name, $0)) }
        case .query(let name, let value):
            let item = value.withExposed { URLQuery.encoded([(name, $0)]) }
            request.url += (request.url.contains("?") ? "&" : "?") + item
        case .basic(let user, let password):
            let pair = user.withExposed { user in password.withExposed { "\(user):\($0)" } }
            request.headers.append(HTTPHeader("Authorization", "Basic \(Base64.standard.encode(pair.utf8))"))
        }
        return request
    }
}
