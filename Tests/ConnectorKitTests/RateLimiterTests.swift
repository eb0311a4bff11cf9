// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTestKit
import MigratezTransport
import Testing

@Suite struct RateLimiterTests {
    @Test(arguments: [
        ("150/10s", 150, Duration.seconds(10)), ("5/s", 5, .seconds(1)), ("1000/1h", 1000, .seconds(3600)),
        ("1/500ms", 1, .milliseconds(500)), ("60/m", 60, .seconds(60)), ("250000/1d", 250_000, .seconds(86_400)),
    ]) func `a rate is read`(text: String, requests: Int, per: Duration) throws {
        #expect(try RateBudget(parsing: text) == RateBudget(requests: requests, per: per))
    }

    @Test(arguments: [
        "", "150", "150/", "/10s", "0/10s", "-1/10s", "150/0s", "150/10", "150/10x", "150/10s/2", "1.5/s", "9999999/s",
        "1/9999999s",
    ])
    func `what is not a rate is refused`(text: String) {
        let error = #expect(throws: MigratezError.self) { try RateBudget(parsing: text) }
        #expect(error?.code == .invalidSetting)
    }

    @Test func `a share is read`() throws {
        #expect(try RateBudget.share(parsing: "70%") == 0.7)
        #expect(try RateBudget.share(parsing: "100%") == 1)
        for text in ["", "70", "0%", "101%", "-1%", "x%", "nan%"] {
            #expect(throws: MigratezError.self) { try RateBudget.share(parsing: text) }
        }
    }

    /// Whatever the budget and however hard one pushes: no period holds more than the budget's number.
    @Test(arguments: [
        (1, 1000), (2, 1000), (9, 1000), (10, 1000), (150, 10_000), (190, 10_000), (5, 1000), (1000, 60_000),
    ])
    func `no window holds more than the budget`(requests: Int, period: Int64) async throws {
        let clock = ManualClock(advancesBySleeping: true)
        let budget = RateBudget(requests: requests, per: .milliseconds(period))
        let limiter = RateLimiter(budget: budget, clock: clock)
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        var sent: [Int64] = []
        var paused: Int64 = 0
        for _ in 0..<(requests * 5) {
            // Now and then a pause, so that the bucket fills up.
            if Int.random(in: 0..<20, using: &generator) == 0 {
                let pause = Int64.random(in: 0...period, using: &generator)
                clock.advance(by: .milliseconds(pause))
                paused += pause
            }
            try await limiter.admit("list")
            sent.append(clock.now.milliseconds)
        }
        for (index, time) in sent.enumerated() where index >= requests {
            #expect(time - sent[index - requests] >= period, "seed \(seed)")
        }
        // And it does not dawdle: without pauses it takes about as long as the budget says.
        #expect(sent[sent.count - 1] - sent[0] - paused < period * 6, "seed \(seed)")
    }

    @Test func `waits are reserved in the order of the calls`() async throws {
        let clock = ManualClock()
        let limiter = RateLimiter(budget: RateBudget(requests: 1, per: .seconds(1)), clock: clock)
        try await limiter.admit("list")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...3 {
                group.addTask { try await limiter.admit("list") }
                await clock.waitForSleepers(number)
            }
            #expect(clock.slept == [.seconds(1), .seconds(2), .seconds(3)])
            clock.advance(by: .seconds(3))
            try await group.waitForAll()
        }
        #expect(limiter.waited == .seconds(6))
    }

    @Test func `a cancelled wait gives its place back`() async throws {
        let clock = ManualClock()
        let limiter = RateLimiter(budget: RateBudget(requests: 1, per: .seconds(1)), clock: clock)
        try await limiter.admit("list")
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await #expect(throws: CancellationError.self) { try await limiter.admit("list") } }
            await clock.waitForSleepers(1)
            group.cancelAll()
        }
        clock.advance(by: .seconds(1))
        try await limiter.admit("list")
        #expect(clock.slept == [.seconds(1)])
    }

    @Test func `a class with a budget of its own counts against both`() async throws {
        let clock = ManualClock(advancesBySleeping: true)
        let limiter = RateLimiter(
            budget: RateBudget(requests: 1000, per: .seconds(1)),
            classes: ["search": RateBudget(requests: 1, per: .seconds(1))],
            clock: clock)
        for _ in 0..<3 { try await limiter.admit("search") }
        #expect(clock.slept == [.seconds(1), .seconds(1)])
        try await limiter.admit("list")
        #expect(clock.slept.count == 2)
    }

    @Test func `without a budget nothing waits`() async throws {
        let clock = ManualClock()
        let limiter = RateLimiter(budget: nil, clock: clock)
        for _ in 0..<1000 { try await limiter.admit("list") }
        #expect(clock.slept.isEmpty)
    }

    @Test func `a throttled answer holds everybody back`() async throws {
        let clock = ManualClock(advancesBySleeping: true)
        let limiter = RateLimiter(budget: RateBudget(requests: 100, per: .seconds(10)), clock: clock)
        let stub = StubHTTPClient { _, number in
            HTTPResponse(status: number == 1 ? 429 : 200, headers: HTTPHeaders([HTTPHeader("Retry-After", "7")]))
        }
        let client = RateLimitedClient(stub, limiter: limiter, hints: nil, clock: clock)
        let start = clock.now
        _ = try await client.send(HTTPRequest(.get, "https://crm.test/a"))
        _ = try await client.send(HTTPRequest(.get, "https://crm.test/b"))
        #expect(clock.now.duration(since: start) >= .seconds(7))
    }

    @Test func `no room in the vendor's window blocks until it is over`() async throws {
        let clock = ManualClock(advancesBySleeping: true)
        let limiter = RateLimiter(budget: RateBudget(requests: 100, per: .seconds(10)), clock: clock)
        limiter.learn(RateHints(windowRemaining: 0, windowResetsAfter: .seconds(4)), endpointClass: "list")
        let start = clock.now
        try await limiter.admit("list")
        #expect(clock.now.duration(since: start) == .seconds(4))
    }

    @Test func `an absurd reset does not block for ever`() async throws {
        let clock = ManualClock(advancesBySleeping: true)
        let limiter = RateLimiter(budget: nil, clock: clock)
        limiter.learn(RateHints(windowRemaining: 0, windowResetsAfter: .seconds(1_000_000_000)), endpointClass: "list")
        try await limiter.admit("list")
        #expect(clock.slept == [.seconds(600)])
    }

    @Test func `a clock that is set back neither blocks nor lets through`() async throws {
        let clock = ManualClock(advancesBySleeping: true)
        let limiter = RateLimiter(budget: RateBudget(requests: 10, per: .seconds(1)), clock: clock)
        try await limiter.admit("list")
        clock.jump(to: clock.now.advanced(by: .seconds(-86_400)))
        limiter.holdBack("list", for: .seconds(1))
        clock.jump(to: clock.now.advanced(by: .seconds(-86_400)))
        let start = clock.now
        for _ in 0..<10 { try await limiter.admit("list") }
        #expect(clock.now.duration(since: start) < .seconds(3))
    }

    @Test func `the day's share is kept and the pause has an end`() async throws {
        let clock = ManualClock(advancesBySleeping: true)
        let resetsAt = clock.now.advanced(by: .seconds(7200))
        let limiter = RateLimiter(budget: nil, dailyShare: 0.7, clock: clock)
        // The vendor counts what others use too; the reader gets it from a header.
        let stub = StubHTTPClient { _, number in
            HTTPResponse(status: 200, headers: HTTPHeaders([HTTPHeader("used", String(66 + number))]))
        }
        let client = RateLimitedClient(
            stub, limiter: limiter,
            hints: { head in
                RateHints(dailyUsed: head.headers["used"].flatMap { Int($0) }, dailyLimit: 100, dailyResetsAt: resetsAt)
            }, clock: clock)
        let request = HTTPRequest(.get, "https://crm.test/")
        for _ in 0..<4 { _ = try await client.send(request) }
        #expect(limiter.dailyUse == RateLimiter.DailyUse(used: 70, limit: 100, allowance: 70, resetsAt: resetsAt))
        let error = await #expect(throws: MigratezError.self) { try await client.send(request) }
        #expect(error?.code == .quotaExhausted)
        #expect(error?.remedy == .waitForQuota(until: resetsAt))
        #expect(error?.isSurelyNotSent == true)
        #expect(stub.requests.count == 4)
        // At the end of the window one goes out and tells anew.
        clock.jump(to: resetsAt)
        _ = try await client.send(request)
        #expect(stub.requests.count == 5)
    }

    @Test func `requests under way count before the vendor has counted them`() async throws {
        let clock = ManualClock()
        let limiter = RateLimiter(budget: nil, clock: clock)
        limiter.learn(RateHints(dailyUsed: 95, dailyLimit: 100), endpointClass: "list")
        for _ in 0..<5 { try await limiter.admit("list") }
        let error = await #expect(throws: MigratezError.self) { try await limiter.admit("list") }
        #expect(error?.remedy == .waitForQuota(until: clock.now.advanced(by: .seconds(3600))))
    }
}
