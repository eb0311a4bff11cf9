// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTestKit
import MigratezTransport
import Testing

/// What the policies tell about the time for which they held work up.
@Suite struct `Waits are measured` {
    @Test func `by the rate limiter, once however many requests are held back`() async throws {
        let clock = ManualClock()
        let limiter = RateLimiter(budget: RateBudget(requests: 1, per: .seconds(1)), clock: clock)
        try await limiter.admit("list")
        #expect(limiter.holds.total == .zero)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 { group.addTask { try await limiter.admit("list") } }
            await clock.waitForSleepers(3)
            #expect(limiter.holds.waiting == 3)
            clock.advance(by: .seconds(1))
            clock.advance(by: .seconds(2))
            try await group.waitForAll()
        }
        #expect(limiter.holds.total == .seconds(3))
        #expect(limiter.waited == .seconds(6))
        #expect(limiter.budget?.description == "1/s")
    }

    @Test(arguments: ["150/10s", "5/s", "1000/h", "7/1500ms", "625000/d"])
    func `a budget is told as it is written`(_ text: String) throws {
        #expect(try RateBudget(parsing: text).description == text)
    }

    @Test func `by the adaptive concurrency, which also tells that it is held down`() async throws {
        let gauge = ConcurrencyGauge(clock: ManualClock())
        let limiter = AdaptiveConcurrency(initial: 4, limitMax: 4, gauge: gauge)
        try await limiter.run {}
        #expect(!gauge.isHeldDown)
        _ = try? await limiter.run { throw MigratezError(.throttled, "x") }
        #expect(gauge.isHeldDown)
        for _ in 0..<20 { try await limiter.run {} }
        #expect(!gauge.isHeldDown)
        #expect(gauge.waits.waiting == 0)
    }

    @Test func `by the log of requests, with how they ended`() async throws {
        let clock = ManualClock()
        let meter = TrafficMeter(clock: clock)
        let statuses = [200, 503, 200]
        let stub = StubHTTPClient { _, number in
            #expect(meter.underWay.waiting == 1)
            clock.advance(by: .milliseconds(200))
            return HTTPResponse(status: statuses[number - 1], body: [1, 2])
        }
        let client = LoggedClient(stub, clock: clock, underWay: meter.underWay) { meter.record($0) }
        for _ in statuses { _ = try await client.send(HTTPRequest(.get, "https://example.test/x")) }
        #expect(meter.totals.requests == ["200": 2, "503": 1])
        #expect(meter.totals.bytesReceived == 6)
        #expect(meter.underWay.total == .milliseconds(600))
        #expect(meter.totals.durationSum == .milliseconds(600))
        // None took 0.1 s, all took at most 0.25.
        #expect(meter.totals.durations[3] == 0 && meter.totals.durations[4] == 3)
    }
}
