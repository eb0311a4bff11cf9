// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransport
import Synchronization

/// A network that breaks down for good at a change on the other side, before or after it arrives.
final class CutLine: HTTPClient {
    private let inner: any HTTPClient
    private let changes: Int
    private let arrives: Bool
    private let count = Mutex(0)

    init(_ inner: any HTTPClient, changes: Int, arrives: Bool) {
        self.inner = inner
        self.changes = changes
        self.arrives = arrives
    }

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let isChange =
            [HTTPMethod.patch, .delete].contains(request.method)
            || (request.method == .post && request.endpointClass == "collections")
        let number = count.withLock { count in
            if isChange || count >= changes { count += 1 }
            return count
        }
        guard number >= changes else { return try await inner.send(request) }
        if arrives, number == changes { _ = try await inner.send(request) }
        throw MigratezError(.unreachable, "cut off, as told", remedy: .stop)
    }

    func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws { try await inner.stream(request, receive: receive, chunk: chunk) }
}
