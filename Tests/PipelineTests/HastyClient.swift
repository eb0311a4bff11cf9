// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezTransport

/// Waits at most two seconds for an answer, and one for the next bytes of it. `MIGRATEZ_PATIENCE` makes it so many times
/// as patient, for tests that run slower than usual.
struct HastyClient: HTTPClient {
    private static let patience = ProcessInfo.processInfo.environment["MIGRATEZ_PATIENCE"].flatMap { Int($0) } ?? 1
    private let inner: CurlClient

    init() throws(MigratezError) {
        inner = try CurlClient(TransportConfiguration(stallWindow: .seconds(Self.patience)))
    }

    private static func hastened(_ request: HTTPRequest) -> HTTPRequest {
        var request = request
        request.deadline = min(request.deadline, .seconds(2 * patience))
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
