// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransport

/// Adds a personal token to each request (`x-api-token`; pipedrive.readme.io, "Authentication").
struct APITokenClient: HTTPClient {
    let base: any HTTPClient
    let token: Secret

    func send(_ request: HTTPRequest) async throws -> HTTPResponse { try await base.send(authorized(request)) }

    func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        try await base.stream(authorized(request), receive: receive, chunk: chunk)
    }

    private func authorized(_ request: HTTPRequest) -> HTTPRequest {
        var request = request
        token.withExposed { request.headers.append(HTTPHeader("x-api-token", $0)) }
        return request
    }
}
