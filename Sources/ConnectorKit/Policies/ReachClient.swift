// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezTransport

/// Says of each request which networks it may be sent into.
package struct ReachClient: HTTPClient {
    private let base: any HTTPClient
    private let reach: NetworkReach

    package init(_ base: any HTTPClient, _ reach: NetworkReach) {
        self.base = base
        self.reach = reach
    }

    package func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await base.send(reaching(request))
    }

    package func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        try await base.stream(reaching(request), receive: receive, chunk: chunk)
    }

    private func reaching(_ request: HTTPRequest) -> HTTPRequest {
        var request = request
        request.reach = reach
        return request
    }
}
