// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTestKit
import MigratezTransport
import Testing

@Suite struct RetryingClientTests {
    private let clock = ManualClock(advancesBySleeping: true)
    /// No jitter: every wait is as long as it can be.
    private func client(_ stub: StubHTTPClient, _ change: (inout RetryPolicy) -> Void = { _ in }) -> RetryingClient {
        var policy = RetryPolicy(random: { 1 })
        change(&policy)
        return RetryingClient(stub, policy: policy, clock: clock)
    }

    private static let get = HTTPRequest(.get, "https://crm.test/things?q=1")
    private static let post = HTTPRequest(.post, "https://crm.test/things?q=1", body: .bytes([1]))

    private static func broken(_ stage: TransportFailure.Stage) -> MigratezError {
        MigratezError(.brokenResponse, "broken", remedy: .retry(after: nil), cause: TransportFailure(stage: stage))
    }

    @Test(arguments: [408, 425, 429, 500, 502, 503, 504, 520, 524]) func `what may pass is sent again`(
        status: Int
    ) async throws {
        let stub = StubHTTPClient { _, number in HTTPResponse(status: number < 4 ? status : 200) }
        #expect(try await client(stub).send(Self.get).status == 200)
        #expect(stub.requests.count == 4)
        #expect(clock.slept == [.milliseconds(500), .seconds(1), .seconds(2)])
    }

    @Test(arguments: [200, 207, 301, 400, 401, 403, 404, 409, 413, 422, 501, 505]) func `what is final is not`(
        status: Int
    ) async throws {
        let stub = StubHTTPClient { _, _ in HTTPResponse(status: status) }
        #expect(try await client(stub).send(Self.get).status == status)
        #expect(stub.requests.count == 1)
    }

    @Test(arguments: [500, 502, 503, 504, 408, 524]) func `a write whose fate is open is sent once`(
        status: Int
    ) async throws {
        let stub = StubHTTPClient { _, _ in HTTPResponse(status: status) }
        #expect(try await client(stub).send(Self.post).status == status)
        #expect(stub.requests.count == 1)
    }

    @Test func `a write that was turned down is sent again`() async throws {
        let stub = StubHTTPClient { _, number in HTTPResponse(status: number == 1 ? 429 : 200) }
        #expect(try await client(stub).send(Self.post).status == 200)
        #expect(stub.requests.count == 2)
    }

    @Test(arguments: [
        (TransportFailure.Stage.notSent, true, 3), (.notSent, false, 3), (.fateUnknown, true, 3),
        (.fateUnknown, false, 1),
        (.partialAnswer(status: 200), true, 3), (.partialAnswer(status: 200), false, 1),
    ]) func `a broken connection is repeated only if nothing can be doubled`(
        stage: TransportFailure.Stage, isIdempotent: Bool, attempts: Int
    ) async throws {
        let stub = StubHTTPClient { _, number in
            if number < 3 { throw Self.broken(stage) }
            return HTTPResponse(status: 200)
        }
        var request = Self.post
        request.isIdempotent = isIdempotent
        _ = try? await client(stub).send(request)
        #expect(stub.requests.count == attempts)
    }

    @Test func `errors that no wait mends are not repeated`() async throws {
        for remedy in [MigratezError.Remedy.stop, .fixConfiguration, .rejectRecord, .waitForQuota(until: nil)] {
            let stub = StubHTTPClient { _, _ in throw MigratezError(.untrustedServer, "no", remedy: remedy) }
            await #expect(throws: MigratezError.self) { try await client(stub).send(Self.get) }
            #expect(stub.requests.count == 1)
        }
    }

    @Test func `the attempts have an end, and the last answer stands`() async throws {
        let stub = StubHTTPClient { _, number in HTTPResponse(status: 503, body: [UInt8(number)]) }
        let response = try await client(stub) { $0.attemptsMax = 3 }.send(Self.get)
        #expect(response.status == 503)
        #expect(response.body == [3])
        #expect(stub.requests.count == 3)
    }

    @Test func `the waiting has an end`() async throws {
        let stub = StubHTTPClient { _, _ in
            HTTPResponse(status: 503, headers: HTTPHeaders([HTTPHeader("Retry-After", "100")]))
        }
        let response = try await client(stub) {
            $0.waitTotalMax = .seconds(250)
            $0.random = { 0 }
        }.send(Self.get)
        #expect(response.status == 503)
        #expect(clock.slept == [.seconds(100), .seconds(100)])
    }

    @Test func `what the server asks for is waited out and a little more`() async throws {
        let stub = StubHTTPClient { _, number in
            HTTPResponse(status: number == 1 ? 429 : 200, headers: HTTPHeaders([HTTPHeader("Retry-After", "5")]))
        }
        _ = try await client(stub).send(Self.get)
        #expect(clock.slept == [.milliseconds(5250)])
    }

    @Test(arguments: [1, 2, 30, 599]) func `a wait is within a twentieth of what the server ordered, and spread`(
        seconds: Int
    ) async throws {
        var waits: Set<Duration> = []
        for random in [0, 0.3, 0.999] {
            let stub = StubHTTPClient { _, number in
                HTTPResponse(
                    status: number == 1 ? 503 : 200, headers: HTTPHeaders([HTTPHeader("Retry-After", "\(seconds)")]))
            }
            let clock = ManualClock(advancesBySleeping: true)
            _ = try await RetryingClient(stub, policy: RetryPolicy(random: { random }), clock: clock).send(Self.get)
            let slept = clock.slept.reduce(.zero, +)
            #expect(slept >= .seconds(seconds) && slept <= .seconds(seconds) * 1.05)
            waits.insert(slept)
        }
        #expect(waits.count == 3)
    }

    @Test func `a wait that comes with an answer that stands is kept by whoever sends next`() async throws {
        let stub = StubHTTPClient { _, number in
            HTTPResponse(status: number == 1 ? 503 : 200, headers: HTTPHeaders([HTTPHeader("Retry-After", "30")]))
        }
        let client = client(stub)
        #expect(try await client.send(Self.post).status == 503)
        #expect(clock.slept.isEmpty, "the answer is not held back")
        // Whoever wrote looks up first what was written, and takes its time for it.
        try await clock.sleep(for: .seconds(10))
        #expect(try await client.send(Self.get).status == 200)
        // Thirty seconds, and a twentieth or at most a second more, from the answer on.
        #expect(clock.slept == [.seconds(10), .seconds(21)])
        _ = try await client.send(Self.post)
        #expect(clock.slept.count == 2, "once")
    }

    @Test func `a wait for others is no longer than asked for if the clock is set back`() async throws {
        let stub = StubHTTPClient { _, number in
            HTTPResponse(status: number == 1 ? 503 : 200, headers: HTTPHeaders([HTTPHeader("Retry-After", "30")]))
        }
        let client = client(stub)
        #expect(try await client.send(Self.post).status == 503)
        clock.jump(to: clock.now.advanced(by: .seconds(-3600)))
        for _ in 0..<3 { #expect(try await client.send(Self.get).status == 200) }
        #expect(clock.slept == [.seconds(31)])
    }

    @Test func `zero, absent and illegal waits fall back on our own`() async throws {
        for text in ["0", "-1", "soon", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            let stub = StubHTTPClient { _, number in
                HTTPResponse(status: number == 1 ? 429 : 200, headers: HTTPHeaders([HTTPHeader("Retry-After", text)]))
            }
            let clock = ManualClock(advancesBySleeping: true)
            _ = try await RetryingClient(stub, policy: RetryPolicy(random: { 1 }), clock: clock).send(Self.get)
            #expect(clock.slept == [.milliseconds(500)], "\(text)")
        }
    }

    @Test(arguments: ["86399", "99999999999999999999"]) func `a long wait pauses the run instead`(
        text: String
    ) async throws {
        let stub = StubHTTPClient { _, _ in
            HTTPResponse(status: 477, headers: HTTPHeaders([HTTPHeader("Retry-After", text)]))
        }
        let start = clock.now
        let error = await #expect(throws: MigratezError.self) {
            try await client(stub) {
                $0.verdict = { response, now in .refused(after: RetryAfter.delay(response.headers, now: now)) }
            }.send(Self.post)
        }
        let seconds = text == "86399" ? 86_399 : 86_400
        #expect(error?.remedy == .waitForQuota(until: start.advanced(by: .seconds(seconds))))
        #expect(clock.slept.isEmpty)
    }

    @Test func `used-up quota is thrown with its remedy`() async throws {
        let until = clock.now.advanced(by: .seconds(3600))
        let stub = StubHTTPClient { _, _ in HTTPResponse(status: 429) }
        let error = await #expect(throws: MigratezError.self) {
            try await client(stub) { $0.verdict = { _, _ in .quotaExhausted(until: until) } }.send(Self.get)
        }
        #expect(error?.code == .quotaExhausted)
        #expect(error?.remedy == .waitForQuota(until: until))
        #expect(error?.description.contains("q=1") == false)
    }

    @Test func `a streamed body is never sent twice`() async throws {
        let stub = StubHTTPClient { _, _ in HTTPResponse(status: 429) }
        let request = HTTPRequest(.put, "https://crm.test/", body: .stream(length: nil) { nil })
        #expect(try await client(stub).send(request).status == 429)
        #expect(stub.requests.count == 1)
    }

    @Test func `waits grow to their limit and are spread`() {
        var policy = RetryPolicy(waitBase: .seconds(1), waitMax: .seconds(10), random: { 1 })
        let waits = (2...7).map { policy.wait(beforeAttempt: $0, asked: nil) }
        #expect(waits == [.seconds(1), .seconds(2), .seconds(4), .seconds(8), .seconds(10), .seconds(10)])
        policy.random = { 0.25 }
        #expect(policy.wait(beforeAttempt: 4, asked: nil) == .seconds(1))
        #expect(policy.wait(beforeAttempt: 1_000_000, asked: nil) == .milliseconds(2500))
    }

    @Test func `a streamed answer is repeated only before anything was handed on`() async throws {
        let stub = StubHTTPClient { _, number in HTTPResponse(status: number == 1 ? 503 : 200, body: [UInt8(number)]) }
        var statuses: [Int] = []
        var body: [UInt8] = []
        try await client(stub).stream(Self.get) {
            statuses.append($0.status)
        } chunk: {
            body += $0
        }
        #expect(statuses == [200])
        #expect(body == [2])

        let breaking = BreakingStream()
        await #expect(throws: MigratezError.self) {
            try await RetryingClient(breaking, policy: RetryPolicy(), clock: clock).stream(Self.get) { _ in
            } chunk: { _ in
            }
        }
    }

    @Test func `a streamed refusal is handed on in the end`() async throws {
        let stub = StubHTTPClient { _, _ in HTTPResponse(status: 503, body: Array("why".utf8)) }
        var statuses: [Int] = []
        var body: [UInt8] = []
        try await client(stub) { $0.attemptsMax = 2 }.stream(Self.get) {
            statuses.append($0.status)
        } chunk: {
            body += $0
        }
        #expect(statuses == [503])
        #expect(body == Array("why".utf8))
        #expect(stub.requests.count == 2)
    }

    @Test func `cancelling ends the wait`() async throws {
        let clock = ManualClock()
        let stub = StubHTTPClient { _, _ in HTTPResponse(status: 503) }
        let client = RetryingClient(stub, policy: RetryPolicy(random: { 1 }), clock: clock)
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    _ = try await client.send(Self.get)
                    return false
                } catch { return error is CancellationError }
            }
            await clock.waitForSleepers(1)
            group.cancelAll()
            #expect(await group.next() == true)
        }
        #expect(stub.requests.count == 1)
    }
}

/// Hands on the beginning of an answer and breaks off; once.
private struct BreakingStream: HTTPClient {
    func send(_ request: HTTPRequest) async throws -> HTTPResponse { HTTPResponse(status: 500) }

    func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        try await receive(HTTPResponseHead(status: 200))
        throw MigratezError(
            .brokenResponse, "broken", remedy: .retry(after: nil),
            cause: TransportFailure(stage: .partialAnswer(status: 200)))
    }
}
