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
                bad-json=0,wrong-length=0.5,trickle=0.001, drop*1@/a/b,stall*1,black-hole*1,html*1,error-body*1,
                redirect*1,gzip-bomb*1,reset-after:9*1,commit-then-drop=once,status:503:date+90s*1,
                status:503:date-1s*1,status:429:"-5"*1,page-again*2@/crm,first-page=1
                """)
        #expect(
            plan.rules == [
                .init(.status(503, retryAfter: nil), .share(0.01)),
                .init(.status(429, retryAfter: .seconds(2)), .next(3), pathPrefix: "/crm"),
                .init(.latency(.milliseconds(50)), .share(0.1)), .init(.resetMidBody, .share(0.002)),
                .init(.commitThenDrop, .share(1)), .init(.badJSON, .share(0)), .init(.wrongLength, .share(0.5)),
                .init(.trickle, .share(0.001)), .init(.drop, .next(1), pathPrefix: "/a/b"), .init(.stall, .next(1)),
                .init(.blackHole, .next(1)), .init(.html, .next(1)), .init(.errorBody, .next(1)),
                .init(.redirect, .next(1)), .init(.gzipBomb, .next(1)), .init(.resetAfter(9), .next(1)),
                .init(.commitThenDrop, .once),
                .init(.status(503, retryAfter: .date(.seconds(90))), .next(1)),
                .init(.status(503, retryAfter: .date(.seconds(-1))), .next(1)),
                .init(.status(429, retryAfter: .text("-5")), .next(1)),
                .init(.pageAgain, .next(2), pathPrefix: "/crm"), .init(.firstPage, .share(1)),
            ])
        #expect(try FaultPlan(parsing: "").rules.isEmpty)
    }

    @Test(arguments: [
        "drop", "drop=2", "drop=-1", "drop*0", "status=1", "status:99=1", "latency:5=1", "nothing=1", "=1",
        "reset-after=1", "status:429:soon=1", "stall:1=1", "drop=twice",
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

    /// The pages that a list of five answers with.
    private static func pages(_ rule: String) async throws -> [String] {
        var configuration = SimulatorServer.Configuration()
        configuration.faults = try FaultPlan(parsing: rule)
        return try await SimulatorServer.run(KitEchoService(), configuration: configuration) { server in
            var pages: [String] = []
            for number in 1...5 {
                let reply = await KitRawConnection.send("GET", "/list?page=\(number)", port: server.port)
                pages.append(String(reply.body.suffix(1)))
            }
            return pages
        }
    }

    @Test func `a page comes again in place of the next one, and the first one after three`() async throws {
        #expect(try await Self.pages("page-again*1") == ["1", "1", "3", "4", "5"])
        #expect(try await Self.pages("page-again=1") == ["1", "1", "2", "3", "4"])
        #expect(try await Self.pages("first-page*1") == ["1", "2", "3", "1", "5"])
        #expect(try await Self.pages("first-page=1") == ["1", "2", "3", "1", "1"])
    }

    @Test func `a reset comes after as many bytes as were said`() async throws {
        let (first, last, served) = try await Self.outcome("reset-after:3*1")
        #expect(first.ending == .reset && first.body.count <= 3 && served == 1 && last == 200)
    }

    @Test func `an answer that stops has half of its body`() async throws {
        let (first, last, served) = try await Self.outcome("stall*1")
        #expect(first.body == String(Self.answer.prefix(Self.answer.count / 2)))
        #expect(served == 1 && last == 200)
        let (nothing, _, before) = try await Self.outcome("black-hole*1")
        #expect(nothing.bytes.isEmpty && before == 0)
    }

    @Test func `an error may come as a success, a page or another address`() async throws {
        let (error, _, served) = try await Self.outcome("error-body*1")
        #expect(error.status == 200 && error.body.contains("simulated fault") && served == 0)
        let (page, _, applied) = try await Self.outcome("html*1")
        #expect(page.status == 200 && page.body.hasPrefix("<html>") && applied == 1)
        let (elsewhere, _, unapplied) = try await Self.outcome("redirect*1")
        #expect(elsewhere.status == 302 && elsewhere.text.contains("Location: http://127.0.0.1:9/"))
        #expect(unapplied == 0)
    }

    @Test func `a bomb is small and says that it is packed`() async throws {
        let (first, _, _) = try await Self.outcome("gzip-bomb*1")
        #expect(first.text.contains("Content-Encoding: gzip\r\n"))
        #expect((500_000..<1_000_000).contains(first.bytes.count))
    }

    @Test func `a date lies as far from now as was said`() async throws {
        // The manual clock stands at 2026-11-23T12:00:00Z, a Monday.
        let (later, _, _) = try await Self.outcome("status:503:date+90s*1")
        #expect(later.text.contains("Retry-After: Mon, 23 Nov 2026 12:01:30 GMT\r\n"))
        let (past, _, _) = try await Self.outcome("status:503:date-86400s*1")
        #expect(past.text.contains("Retry-After: Sun, 22 Nov 2026 12:00:00 GMT\r\n"))
    }

    @Test func `once means each request when it is new`() async throws {
        let service = KitEchoService()
        var configuration = SimulatorServer.Configuration()
        configuration.faults = try FaultPlan(parsing: "status:500=once")
        try await SimulatorServer.run(service, configuration: configuration) { server in
            for target in ["/a", "/b"] {
                #expect(await KitRawConnection.send("GET", target, port: server.port).status == 500)
                #expect(await KitRawConnection.send("GET", target, port: server.port).status == 200)
            }
        }
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
