// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTransport
import Synchronization

/// Counts the tokens that this connection has spent, since no answer tells what is left of the day's.
///
/// The company's budget is shared by all users and apps, and begins anew at midnight where its data lies, which nobody
/// tells either; so a day here is the 24 hours from the first request on.
final class TokenMeter: Sendable {
    private struct State {
        var begin: Timestamp?
        var used = 0
    }

    private let budget: Int?
    private let clock: any WallClock
    private let state = Mutex(State())

    /// - Parameter budget: tokens a day that are ours; `nil` = not known.
    init(budget: Int?, clock: any WallClock) {
        self.budget = budget
        self.clock = clock
    }

    func spend(_ tokens: Int) {
        let now = clock.now
        state.withLock { state in
            if state.begin.map({ now.duration(since: $0) >= .seconds(86_400) }) ?? true { state = State(begin: now) }
            state.used += tokens
        }
    }

    /// Adds to what an answer tells what has been counted.
    func complete(_ hints: RateHints?) -> RateHints? {
        guard let budget else { return hints }
        var hints = hints ?? RateHints()
        state.withLock { state in
            hints.dailyUsed = state.used
            hints.dailyLimit = budget
            hints.dailyResetsAt = state.begin?.advanced(by: .seconds(86_400))
        }
        return hints
    }
}

/// Spends the tokens of each request that is sent.
struct MeteredClient: HTTPClient {
    let base: any HTTPClient
    let meter: TokenMeter

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        spend(request)
        return try await base.send(request)
    }

    func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        spend(request)
        try await base.stream(request, receive: receive, chunk: chunk)
    }

    private func spend(_ request: HTTPRequest) {
        if let kind = RequestKind(rawValue: request.endpointClass) { meter.spend(kind.tokens) }
    }
}
