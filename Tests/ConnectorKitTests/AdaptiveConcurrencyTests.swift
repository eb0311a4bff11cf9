// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTestKit
import Synchronization
import Testing

@Suite struct AdaptiveConcurrencyTests {
    private static let throttled = MigratezError(.throttled, "slow down", remedy: .retry(after: nil))

    @Test func `it grows by one a round up to its limit`() async throws {
        let limiter = AdaptiveConcurrency(initial: 1, limitMax: 3)
        var limits: [Int] = []
        for _ in 0..<8 {
            try await limiter.run {}
            limits.append(limiter.limit)
        }
        #expect(limits == [2, 2, 2, 3, 3, 3, 3, 3] || limits == [2, 2, 3, 3, 3, 3, 3, 3])
        #expect(limiter.running == 0)
    }

    @Test(arguments: [
        (ErrorCode.throttled, true), (.rowLocked, true), (.timedOut, true), (.serverFailed, true),
        (.unreachable, false),
        (.requestRefused, false), (.quotaExhausted, false),
    ]) func `only overload shrinks it`(code: ErrorCode, shrinks: Bool) async throws {
        let limiter = AdaptiveConcurrency(initial: 8, limitMax: 8)
        _ = try? await limiter.run { throw MigratezError(code, "x") }
        #expect(limiter.limit == (shrinks ? 4 : 8))
    }

    @Test func `it never falls below one`() async throws {
        let limiter = AdaptiveConcurrency(initial: 2, limitMax: 8)
        for _ in 0..<5 { _ = try? await limiter.run { throw Self.throttled } }
        #expect(limiter.limit == 1)
        limiter.noteOverload()
        #expect(limiter.limit == 1)
    }

    @Test func `failures of one round count once`() async throws {
        let limiter = AdaptiveConcurrency(initial: 8, limitMax: 8)
        let started = Tally()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    _ = try? await limiter.run {
                        started.add()
                        while started.value < 8 { await Task.yield() }
                        throw Self.throttled
                    }
                }
            }
        }
        #expect(limiter.limit == 4)
    }

    @Test func `no more than the limit run at once and all get their turn`() async throws {
        let limiter = AdaptiveConcurrency(initial: 3, limitMax: 3)
        let running = Running()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    try await limiter.run {
                        running.change { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                        await Task.yield()
                        running.change { $0.now -= 1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(running.most <= 3)
        #expect(limiter.running == 0)
    }

    @Test func `a cancelled wait takes no place`() async throws {
        let limiter = AdaptiveConcurrency(initial: 1, limitMax: 1)
        try await limiter.run {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await #expect(throws: CancellationError.self) { try await limiter.run {} } }
                for _ in 0..<100 { await Task.yield() }
                group.cancelAll()
            }
        }
        #expect(limiter.running == 0)
        try await limiter.run {}
    }
}

/// How many run now and how many did at most.
private final class Running: Sendable {
    private let state = Mutex((now: 0, most: 0))
    var most: Int { state.withLock { $0.most } }
    func change(_ body: (inout (now: Int, most: Int)) -> Void) { state.withLock { body(&$0) } }
}
