// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezTransport
import Synchronization

/// A client without a network: a closure answers, and what was asked is remembered.
package final class StubHTTPClient: HTTPClient {
    private let received = Mutex<[HTTPRequest]>([])
    private let answer: @Sendable (HTTPRequest, Int) async throws -> HTTPResponse

    /// - Parameter answer: gets the request and its number, from 1 upward.
    package init(_ answer: @escaping @Sendable (HTTPRequest, Int) async throws -> HTTPResponse) { self.answer = answer }

    /// All requests so far.
    package var requests: [HTTPRequest] { received.withLock { $0 } }

    package func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let number = received.withLock { received in
            received.append(request)
            return received.count
        }
        return try await answer(request, number)
    }

    package func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        let response = try await send(request)
        try await receive(response.head)
        if !response.body.isEmpty { try await chunk(response.body) }
    }
}
