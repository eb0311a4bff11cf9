// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTransport
import Synchronization
import Testing

@Suite struct ConcurrencyLimitedClientTests {
    /// Answers when it is told to, and knows how many calls are in it.
    private final class Gate: HTTPClient {
        struct State {
            var inside = 0
            var most = 0
            var served = 0
            var open: Int
        }

        let state: Mutex<State>

        /// - Parameter open: how many calls are answered; the others wait until they are cancelled.
        init(open: Int) { state = Mutex(State(open: open)) }

        func send(_ request: HTTPRequest) async throws -> HTTPResponse {
            state.withLock { state in
                state.inside += 1
                state.most = max(state.most, state.inside)
            }
            defer { state.withLock { $0.inside -= 1 } }
            for _ in 0..<20 { await Task.yield() }
            while state.withLock({ $0.served >= $0.open }) {
                try Task.checkCancellation()
                await Task.yield()
            }
            state.withLock { $0.served += 1 }
            return HTTPResponse(status: 200)
        }

        func stream(
            _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
            chunk: ([UInt8]) async throws -> Void
        ) async throws { _ = try await send(request) }
    }

    private let request = HTTPRequest(.get, "http://127.0.0.1:1/")

    @Test(arguments: [1, 3])
    func `so many are under way at once and no more, and all are served`(limit: Int) async throws {
        let gate = Gate(open: 40)
        let client = ConcurrencyLimitedClient(gate, callsMax: limit)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask {
                    if number.isMultiple(of: 2) {
                        _ = try await client.send(request)
                    } else {
                        try await client.stream(request) { _ in
                        } chunk: { _ in
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(gate.state.withLock { $0.most } == limit)
        #expect(gate.state.withLock { $0.served } == 40)
    }

    @Test func `who is cancelled while waiting or under way leaves the place to the next`() async throws {
        let gate = Gate(open: 0)
        let client = ConcurrencyLimitedClient(gate, callsMax: 1)
        let first = Task { try await client.send(request) }
        while gate.state.withLock({ $0.inside }) < 1 { await Task.yield() }
        let second = Task { try await client.send(request) }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        gate.state.withLock { $0.open = 1 }
        #expect(try await client.send(request).status == 200)
    }
}
