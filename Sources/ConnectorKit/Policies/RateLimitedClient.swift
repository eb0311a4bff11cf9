// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezTransport

/// Sends each request when the limiter lets it, and tells the limiter what the answers say.
package struct RateLimitedClient: HTTPClient {
    private let base: any HTTPClient
    private let limiter: RateLimiter
    private let hints: RateHintsReader?
    private let clock: any WallClock

    package init(_ base: any HTTPClient, limiter: RateLimiter, hints: RateHintsReader?, clock: any WallClock) {
        self.base = base
        self.limiter = limiter
        self.hints = hints
        self.clock = clock
    }

    package func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await limiter.admit(request.endpointClass)
        let response = try await base.send(request)
        learn(response.head, of: request)
        return response
    }

    package func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        try await limiter.admit(request.endpointClass)
        try await base.stream(request) { head in
            learn(head, of: request)
            try await receive(head)
        } chunk: { bytes in
            try await chunk(bytes)
        }
    }

    private func learn(_ head: HTTPResponseHead, of request: HTTPRequest) {
        if let hints = hints?(head) { limiter.learn(hints, endpointClass: request.endpointClass) }
        if head.status == 429 {
            let asked = RetryAfter.delay(head.headers, now: clock.now) ?? .zero
            limiter.holdBack(request.endpointClass, for: asked > .zero ? asked : .seconds(1))
        }
    }
}
