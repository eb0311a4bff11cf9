// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransport

/// Waits at most two seconds for an answer, and one for the next bytes of it.
struct HastyClient: HTTPClient {
    private let inner: CurlClient

    init() throws(MigratezError) {
        inner = try CurlClient(TransportConfiguration(stallWindow: .seconds(1)))
    }

    private static func hastened(_ request: HTTPRequest) -> HTTPRequest {
        var request = request
        request.deadline = min(request.deadline, .seconds(2))
        return request
    }

    func send(_ request: HTTPRequest) async throws -> HTTPResponse { try await inner.send(Self.hastened(request)) }

    func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        try await inner.stream(Self.hastened(request), receive: receive, chunk: chunk)
    }
}
