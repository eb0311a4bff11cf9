// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTestKit
import MigratezTransport
import Testing

/// A task that is cancelled ends its request at once, whatever the request is doing, and leaves the client usable.
@Suite(.timeLimit(.minutes(1))) struct CurlClientCancellationTests {
    /// Runs `body` in a child task and cancels it as soon as `isReached`.
    private func cancel(
        when isReached: @escaping @Sendable () -> Bool, body: @escaping @Sendable () async throws -> Void
    ) async -> (any Error)? {
        await withTaskGroup(of: (any Error)?.self) { group in
            group.addTask {
                do {
                    try await body()
                    return nil
                } catch {
                    return error
                }
            }
            while !isReached() { try? await Task.sleep(for: .milliseconds(1)) }
            group.cancelAll()
            return await group.next() ?? nil
        }
    }

    @Test func `before it starts`() async throws {
        let server = try ScriptedServer()
        defer { server.stop() }
        let client = try CurlClient()
        let url = server.url
        let error = await withTaskGroup(of: (any Error)?.self) { group in
            group.cancelAll()
            group.addTask {
                do {
                    _ = try await client.send(HTTPRequest(.get, url + "/"))
                    return nil
                } catch {
                    return error
                }
            }
            return await group.next() ?? nil
        }
        #expect(error is CancellationError)
        #expect(server.connectionCount == 0)
    }

    @Test func `while it connects`() async throws {
        // An address of TEST-NET-1 (RFC 5737) would leave the machine; a full backlog on loopback does the same.
        let server = try ScriptedServer(reading: .nothing)
        defer { server.stop() }
        let client = try CurlClient()
        let url = server.url
        let isStarted = Tally()
        let error = await cancel(
            when: { isStarted.value > 0 },
            body: {
                isStarted.add()
                _ = try await client.send(HTTPRequest(.get, url + "/"))
            })
        #expect(error is CancellationError)
    }

    @Test func `while it waits for the answer`() async throws {
        let gate = ScriptedServer.Gate()
        let server = try ScriptedServer { $0.target == "/held" ? [.wait(gate)] : .status(200) }
        defer { server.stop() }
        let client = try CurlClient()
        let url = server.url
        let error = await cancel(
            when: { server.requests.count == 1 },
            body: {
                _ = try await client.send(HTTPRequest(.get, url + "/held"))
            })
        #expect(error is CancellationError)
        gate.open()
        #expect(try await client.send(HTTPRequest(.get, url + "/")).status == 200)
    }

    @Test func `in the middle of an answer`() async throws {
        let gate = ScriptedServer.Gate()
        let isBegun = Tally()
        let server = try ScriptedServer { _ in
            [.bytes(ScriptedServer.head(200, headers: [("Content-Length", "10")]) + [1]), .wait(gate)]
        }
        defer { server.stop() }
        let client = try CurlClient()
        let url = server.url
        let error = await cancel(
            when: { isBegun.value > 0 },
            body: {
                try await client.stream(HTTPRequest(.get, url + "/")) { _ in
                    isBegun.add()
                } chunk: { _ in
                }
            })
        #expect(error is CancellationError)
    }

    @Test func `while the consumer is slow and the transfer paused`() async throws {
        let isBegun = Tally()
        let body = [UInt8](repeating: 1, count: 8 << 20)
        let server = try ScriptedServer { _ in .status(200, body: body) }
        defer { server.stop() }
        let client = try CurlClient()
        let url = server.url
        let error = await cancel(
            when: { isBegun.value > 0 },
            body: {
                try await client.stream(HTTPRequest(.get, url + "/")) { _ in
                    isBegun.add()
                    try await Task.sleep(for: .seconds(3600))
                } chunk: { _ in
                }
            })
        #expect(error is CancellationError)
    }

    @Test func `in the middle of an upload that nobody reads`() async throws {
        let taken = Tally()
        let server = try ScriptedServer(reading: .nothing)
        defer { server.stop() }
        let client = try CurlClient()
        let url = server.url
        let error = await cancel(
            when: { taken.value > 2 },
            body: {
                let body = HTTPBody.stream(length: nil) {
                    taken.add()
                    return [UInt8](repeating: 1, count: 1 << 20)
                }
                _ = try await client.send(HTTPRequest(.post, url + "/", body: body))
            })
        #expect(error is CancellationError)
    }

    @Test func `while the producer is slow`() async throws {
        let isAsked = Tally()
        let server = try ScriptedServer()
        defer { server.stop() }
        let client = try CurlClient()
        let url = server.url
        let error = await cancel(
            when: { isAsked.value > 0 },
            body: {
                let body = HTTPBody.stream(length: nil) {
                    isAsked.add()
                    try await Task.sleep(for: .seconds(3600))
                    return nil
                }
                _ = try await client.send(HTTPRequest(.post, url + "/", body: body))
            })
        #expect(error is CancellationError)
    }

    @Test func `at random, many at once`() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        let server = try ScriptedServer { request in
            [
                .pause(.milliseconds(Int(request.number % 7))),
                .bytes(Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8)),
            ]
        }
        defer { server.stop() }
        let client = try CurlClient()
        let url = server.url
        var generator = SeededGenerator(seed: seed)
        let delays = (0..<150).map { _ in Int.random(in: 0...8000, using: &generator) }
        let unexpected = await withTaskGroup(of: Bool.self) { group in
            for delay in delays {
                group.addTask {
                    await withTaskGroup(of: Bool.self) { race in
                        race.addTask {
                            do { return try await client.send(HTTPRequest(.get, url + "/")).body.count != 2 } catch {
                                return !(error is CancellationError)
                            }
                        }
                        try? await Task.sleep(for: .microseconds(delay))
                        race.cancelAll()
                        return await race.next() ?? true
                    }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(unexpected == 0, "seed \(seed)")
        #expect(try await client.send(HTTPRequest(.get, url + "/")).status == 200)
    }
}
