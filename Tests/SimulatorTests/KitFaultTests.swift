// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezSimulatorKit
import MigratezTestKit
import Synchronization
import Testing

@Suite struct `Faults on demand` {
    @Test func `every kind is read from its text`() throws {
        let plan = try FaultPlan(
            parsing: """
                status:503=0.01,status:429:2s*3@/crm,latency:50ms=0.1,reset-mid-body=0.002,commit-then-drop=1,
                bad-json=0,wrong-length=0.5,trickle=0.001, drop*1@/a/b
                """)
        #expect(
            plan.rules == [
                .init(.status(503, retryAfter: nil), .share(0.01)),
                .init(.status(429, retryAfter: .seconds(2)), .next(3), pathPrefix: "/crm"),
                .init(.latency(.milliseconds(50)), .share(0.1)), .init(.resetMidBody, .share(0.002)),
                .init(.commitThenDrop, .share(1)), .init(.badJSON, .share(0)), .init(.wrongLength, .share(0.5)),
                .init(.trickle, .share(0.001)), .init(.drop, .next(1), pathPrefix: "/a/b"),
            ])
        #expect(try FaultPlan(parsing: "").rules.isEmpty)
    }

    @Test(arguments: [
        "drop", "drop=2", "drop=-1", "drop*0", "status=1", "status:99=1", "latency:5=1", "nothing=1", "=1",
    ])
    func `a rule that makes no sense is refused`(_ text: String) {
        #expect(throws: MigratezError.self) { try FaultPlan(parsing: text) }
    }

    /// The statuses that 400 requests get, each of its own target, in the order given.
    private static func hits(seed: UInt64, order: [Int]) async throws -> [Int: Int] {
        var configuration = SimulatorServer.Configuration()
        configuration.faults = try FaultPlan(parsing: "status:503=0.1")
        configuration.seed = seed
        let service = KitEchoService()
        return try await SimulatorServer.run(service, configuration: configuration) { server in
            var statuses: [Int: Int] = [:]
            for number in order {
                statuses[number] = await KitRawConnection.send("GET", "/r/\(number)", port: server.port).status
            }
            return statuses
        }
    }

    @Test func `a seed hits the same requests in whatever order they come`() async throws {
        let order = Array(0..<200)
        let forwards = try await Self.hits(seed: 5, order: order)
        #expect(forwards == (try await Self.hits(seed: 5, order: order.reversed())))
        #expect(forwards != (try await Self.hits(seed: 6, order: order)))
        let count = forwards.values.count { $0 == 503 }
        #expect((8...35).contains(count), "a tenth of 200 is 20")
    }

    /// Sends three requests with a rule for the first, and says what became of them and how many were applied.
    private static func outcome(_ rule: String) async throws -> (first: KitRawConnection.Reply, last: Int?, served: Int)
    {
        let service = KitEchoService()
        var configuration = SimulatorServer.Configuration()
        configuration.faults = try FaultPlan(parsing: rule)
        configuration.clock = ManualClock(advancesBySleeping: true)
        return try await SimulatorServer.run(service, configuration: configuration) { server in
            let first = await KitRawConnection.send("POST", "/a", port: server.port)
            let served = service.served.load(ordering: .relaxed)
            let last = await KitRawConnection.send("POST", "/a", port: server.port).status
            return (first, last, served)
        }
    }

    private static let answer = "POST a "

    @Test func `a status is an answer to a request that was not applied`() async throws {
        let (first, last, served) = try await Self.outcome("status:429:2s*1")
        #expect(first.status == 429)
        #expect(first.text.contains("Retry-After: 2\r\n"))
        #expect(served == 0)
        #expect(last == 200)
    }

    @Test func `a dropped request was not applied, a committed one was`() async throws {
        let (dropped, _, before) = try await Self.outcome("drop*1")
        #expect(dropped.bytes.isEmpty && dropped.ending == .reset && before == 0)
        let (committed, last, after) = try await Self.outcome("commit-then-drop*1")
        #expect(committed.bytes.isEmpty && committed.ending == .reset && after == 1)
        #expect(last == 200)
    }

    @Test func `a reset comes in the middle of the body`() async throws {
        let (first, last, served) = try await Self.outcome("reset-mid-body*1")
        #expect(first.ending == .reset)
        #expect(first.body.count < Self.answer.count)
        #expect(served == 1 && last == 200)
    }

    @Test func `a wrong length promises more than comes`() async throws {
        let (first, last, _) = try await Self.outcome("wrong-length*1")
        #expect(first.text.contains("Content-Length: \(Self.answer.count + 17)\r\n"))
        #expect(first.body == Self.answer && first.ending == .closed)
        #expect(last == 200)
    }

    @Test func `bad JSON has a length that fits`() async throws {
        let (first, _, _) = try await Self.outcome("bad-json*1")
        #expect(first.body == String(Self.answer.prefix(Self.answer.count * 2 / 3)))
        #expect(first.text.contains("Content-Length: \(first.body.count)\r\n"))
    }

    @Test func `a trickle and a delay only take time`() async throws {
        let (first, _, served) = try await Self.outcome("trickle*1,latency:50ms*1")
        #expect(first.body == Self.answer && first.status == 200 && served == 1)
    }

    @Test func `faults can be set while the server runs`() async throws {
        try await SimulatorServer.run(KitEchoService()) { server in
            let rule = Array("status:500*1@/a".utf8)
            #expect(
                await KitRawConnection.send("POST", "/_simulator/faults", body: rule, port: server.port).status == 204)
            #expect(await KitRawConnection.send("GET", "/b", port: server.port).status == 200)
            #expect(await KitRawConnection.send("GET", "/a", port: server.port).status == 500)
            #expect(await KitRawConnection.send("GET", "/a", port: server.port).status == 200)
            let bad = await KitRawConnection.send("POST", "/_simulator/faults", body: [0x78], port: server.port)
            #expect(bad.status == 400)
            #expect(server.journal.counts.byFault == ["status:500": 1])
        }
    }
}

@Suite struct `Request allowance` {
    @Test func `a window is rolling`() {
        let clock = ManualClock()
        let allowance = RequestAllowance(limit: 3, window: .seconds(10), clock: clock)
        #expect(allowance.take() == .granted(remaining: 2, dailyRemaining: nil))
        clock.advance(by: .seconds(4))
        #expect(allowance.take() == .granted(remaining: 1, dailyRemaining: nil))
        #expect(allowance.take() == .granted(remaining: 0, dailyRemaining: nil))
        #expect(allowance.take() == .windowExceeded(retryAfter: .seconds(6)))
        clock.advance(by: .milliseconds(5999))
        #expect(allowance.take() == .windowExceeded(retryAfter: .milliseconds(1)))
        clock.advance(by: .milliseconds(1))
        #expect(allowance.take() == .granted(remaining: 0, dailyRemaining: nil))
        #expect(allowance.take() == .windowExceeded(retryAfter: .seconds(4)))
    }

    @Test func `a day ends at midnight`() {
        let clock = ManualClock()
        let allowance = RequestAllowance(limit: 10, window: .seconds(1), dailyLimit: 2, clock: clock)
        #expect(allowance.take() == .granted(remaining: 9, dailyRemaining: 1))
        #expect(allowance.take() == .granted(remaining: 8, dailyRemaining: 0))
        #expect(allowance.take() == .dayExceeded)
        clock.advance(by: .seconds(86_400))
        #expect(allowance.take() == .granted(remaining: 9, dailyRemaining: 1))
    }
}
