// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
package import MigratezTransport

/// Adds the token to each request, as a bearer's (RFC 6750 §2.1) or by the scheme of the vendor's own, and renews it when a
/// server refuses it.
///
/// An answer 401 means that the request was not carried out, so it is sent once more with a new token, whatever it was.
/// A second 401, or the first with a token that cannot be renewed, is `credentialsRejected`.
package struct AuthorizedClient: HTTPClient {
    private let base: any HTTPClient
    private let token: SharedToken
    private let scheme: String

    /// - Parameter scheme: what stands before the token in the header `Authorization`.
    package init(_ base: any HTTPClient, token: SharedToken, scheme: String = "Bearer") {
        self.base = base
        self.token = token
        self.scheme = scheme
    }

    package func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let grant = try await token.grant()
        let response = try await base.send(authorized(request, grant))
        guard response.status == 401 else { return response }
        let renewed = try await renewed(after: grant, request)
        let second = try await base.send(authorized(request, renewed))
        guard second.status != 401 else { throw refusal(request) }
        return second
    }

    package func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        let grant = try await token.grant()
        guard try await !passes(authorized(request, grant), receive, chunk) else { return }
        let renewed = try await renewed(after: grant, request)
        guard try await passes(authorized(request, renewed), receive, chunk) else { throw refusal(request) }
    }

    /// Streams the answer on unless it is a 401. `false` = it was one.
    private func passes(
        _ request: HTTPRequest, _ receive: (HTTPResponseHead) async throws -> Void,
        _ chunk: ([UInt8]) async throws -> Void
    ) async throws -> Bool {
        var isRefused = false
        try await base.stream(request) { head in
            isRefused = head.status == 401
            if !isRefused { try await receive(head) }
        } chunk: { bytes in
            if !isRefused { try await chunk(bytes) }
        }
        return !isRefused
    }

    private func renewed(after grant: SharedToken.Grant, _ request: HTTPRequest) async throws -> SharedToken.Grant {
        guard token.provider.isRenewable else { throw refusal(request) }
        let renewed = try await token.grant(after: grant.generation)
        if case .stream = request.body {
            // The body is gone; with the new token the caller's next attempt passes.
            throw MigratezError(
                .credentialsRejected, "\(request): the access token had expired", remedy: .retry(after: nil))
        }
        return renewed
    }

    private func authorized(_ request: HTTPRequest, _ grant: SharedToken.Grant) -> HTTPRequest {
        var request = request
        grant.token.secret.withExposed { request.headers.append(HTTPHeader("Authorization", "\(scheme) \($0)")) }
        return request
    }

    private func refusal(_ request: HTTPRequest) -> MigratezError {
        MigratezError(
            .credentialsRejected, "\(request): the access token was refused", remedy: .fixConfiguration,
            hint: "check the token, whether it has expired and what it may access")
    }
}
