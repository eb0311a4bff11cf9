// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTestKit
import MigratezTransport
import Testing

@Suite struct AuthorizedClientTests {
    /// Gives `token-1`, `token-2`, … and remembers how often it was asked.
    private final class Tokens: TokenProvider {
        let count = Tally()
        let isRenewable = true
        let lifetime: Duration?
        let clock: ManualClock
        let before: @Sendable (Int) async throws -> Void

        init(
            _ clock: ManualClock, lifetime: Duration? = nil,
            before: @escaping @Sendable (Int) async throws -> Void = { _ in }
        ) {
            self.clock = clock
            self.lifetime = lifetime
            self.before = before
        }

        func fetch() async throws -> AccessToken {
            let number = count.add()
            try await before(number)
            return AccessToken(Secret("token-\(number)"), expiresAt: lifetime.map { clock.now.advanced(by: $0) })
        }
    }

    private let clock = ManualClock()
    private static let request = HTTPRequest(.post, "https://crm.test/things?q=canary", body: .bytes([1]))

    private static func bearer(_ request: HTTPRequest) -> String? { HTTPHeaders(request.headers)["Authorization"] }

    @Test func `the token is fetched once and sent with each request`() async throws {
        let tokens = Tokens(clock)
        let stub = StubHTTPClient { _, _ in HTTPResponse(status: 200) }
        let client = AuthorizedClient(stub, token: SharedToken(tokens, clock: clock))
        for _ in 0..<3 { _ = try await client.send(Self.request) }
        #expect(stub.requests.map(Self.bearer) == ["Bearer token-1", "Bearer token-1", "Bearer token-1"])
        #expect(tokens.count.value == 1)
    }

    @Test func `fifty refusals at once lead to one renewal`() async throws {
        let gate = ManualClock()
        let tokens = Tokens(clock) { number in
            // The renewal takes a while, so that everybody else comes to wait for it.
            if number == 2 { try await gate.sleep(for: .seconds(1)) }
        }
        let refused = Tally()
        let stub = StubHTTPClient { request, _ in
            guard Self.bearer(request) == "Bearer token-1" else { return HTTPResponse(status: 200) }
            refused.add()
            return HTTPResponse(status: 401)
        }
        let client = AuthorizedClient(stub, token: SharedToken(tokens, clock: clock))
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 { group.addTask { try await client.send(Self.request).status } }
            while refused.value < 50 { await Task.yield() }
            await gate.waitForSleepers(1)
            gate.advance(by: .seconds(1))
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses == [Int](repeating: 200, count: 50))
        #expect(tokens.count.value == 2)
        #expect(stub.requests.count == 100)
    }

    @Test func `a token is renewed a minute before it expires`() async throws {
        let tokens = Tokens(clock, lifetime: .seconds(3600))
        let stub = StubHTTPClient { _, _ in HTTPResponse(status: 200) }
        let client = AuthorizedClient(stub, token: SharedToken(tokens, clock: clock))
        _ = try await client.send(Self.request)
        clock.advance(by: .seconds(3540))
        _ = try await client.send(Self.request)
        clock.advance(by: .seconds(1))
        _ = try await client.send(Self.request)
        #expect(stub.requests.map(Self.bearer) == ["Bearer token-1", "Bearer token-1", "Bearer token-2"])
    }

    @Test func `a second refusal is final`() async throws {
        let stub = StubHTTPClient { _, _ in HTTPResponse(status: 401) }
        let client = AuthorizedClient(stub, token: SharedToken(Tokens(clock), clock: clock))
        let error = await #expect(throws: MigratezError.self) { try await client.send(Self.request) }
        #expect(error?.code == .credentialsRejected)
        #expect(error?.remedy == .fixConfiguration)
        #expect(error?.description.contains("canary") == false)
        #expect(error?.description.contains("token-") == false)
        #expect(stub.requests.count == 2)
    }

    @Test func `a fixed token is tried once`() async throws {
        let stub = StubHTTPClient { _, _ in HTTPResponse(status: 401) }
        let client = AuthorizedClient(stub, token: SharedToken(FixedToken(Secret("canary")), clock: clock))
        let error = await #expect(throws: MigratezError.self) { try await client.send(Self.request) }
        #expect(error?.code == .credentialsRejected)
        #expect(stub.requests.count == 1)
    }

    @Test func `a renewal that fails fails everybody who waits, and the next may try again`() async throws {
        let gate = ManualClock()
        let tokens = Tokens(clock) { number in
            guard number == 1 else { return }
            try await gate.sleep(for: .seconds(1))
            throw MigratezError(
                .timedOut, "no token", remedy: .retry(after: nil), cause: TransportFailure(stage: .fateUnknown))
        }
        let shared = SharedToken(tokens, clock: clock)
        let failures = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    do {
                        _ = try await shared.grant()
                        return false
                    } catch {
                        // The request that wanted the token was not sent, whatever became of the token's own.
                        return (error as? MigratezError)?.isSurelyNotSent == true
                    }
                }
            }
            await gate.waitForSleepers(1)
            for _ in 0..<1000 { await Task.yield() }
            gate.advance(by: .seconds(1))
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(failures >= 1)
        #expect(try await shared.grant().token.secret == Secret("token-\(tokens.count.value)"))
    }

    @Test func `when the one that renews is cancelled another takes over`() async throws {
        let gate = ManualClock()
        let tokens = Tokens(clock) { number in if number == 1 { try await gate.sleep(for: .seconds(1)) } }
        let shared = SharedToken(tokens, clock: clock)
        let (cancellation, cancel) = AsyncStream<Void>.makeStream()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await withThrowingTaskGroup(of: Bool.self) { inner in
                    inner.addTask {
                        do {
                            _ = try await shared.grant()
                            return false
                        } catch { return error is CancellationError }
                    }
                    for await _ in cancellation { break }
                    inner.cancelAll()
                    return try await inner.next() ?? false
                }
            }
            await gate.waitForSleepers(1)
            group.addTask { try await shared.grant().token.secret == Secret("token-2") }
            for _ in 0..<100 { await Task.yield() }
            cancel.yield()
            for try await isAsExpected in group { #expect(isAsExpected) }
        }
    }

    @Test func `a streamed answer is authorized too`() async throws {
        let stub = StubHTTPClient { request, _ in
            HTTPResponse(status: Self.bearer(request) == "Bearer token-2" ? 200 : 401, body: [1])
        }
        let client = AuthorizedClient(stub, token: SharedToken(Tokens(clock), clock: clock))
        var statuses: [Int] = []
        try await client.stream(Self.request) {
            statuses.append($0.status)
        } chunk: {
            #expect($0 == [1])
        }
        #expect(statuses == [200])
    }

    @Test func `a streamed body is not sent again but may be by the caller`() async throws {
        let stub = StubHTTPClient { request, _ in
            HTTPResponse(status: Self.bearer(request) == "Bearer token-2" ? 200 : 401)
        }
        let client = AuthorizedClient(stub, token: SharedToken(Tokens(clock), clock: clock))
        let request = HTTPRequest(.put, "https://crm.test/", body: .stream(length: nil) { nil })
        let error = await #expect(throws: MigratezError.self) { try await client.send(request) }
        #expect(error?.remedy == .retry(after: nil))
        #expect(try await client.send(request).status == 200)
        #expect(stub.requests.count == 2)
    }
}
