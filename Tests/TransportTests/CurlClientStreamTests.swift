// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTestKit
import MigratezTransport
import Synchronization
import Testing

/// Bodies that pass through piece by piece.
@Suite struct CurlClientStreamTests {
    private static let large = 5 << 20

    @Test func `a large answer arrives in pieces, in order and whole`() async throws {
        let body = pattern(Self.large)
        let server = try ScriptedServer { _ in .status(206, headers: [("X", "1")], body: body) }
        defer { server.stop() }
        let client = try CurlClient()
        var received: [UInt8] = []
        var heads: [HTTPResponseHead] = []
        let request = HTTPRequest(.get, server.url + "/", responseBytesMax: ByteCount(Self.large))
        try await client.stream(request) {
            heads.append($0)
        } chunk: {
            received += $0
        }
        #expect(heads.map(\.status) == [206])
        #expect(heads.first?.headers["x"] == "1")
        #expect(received == body)
    }

    /// The consumer takes nothing: what the server gets rid of is bounded by the client's limit and the sockets'.
    @Test func `a slow consumer stops the server`() async throws {
        let size = 64 << 20
        let sent = Tally()
        let piece = [UInt8](repeating: 0x61, count: 1 << 16)
        let server = try ScriptedServer { _ in
            ScriptedServer.Answer(
                [.bytes(ScriptedServer.head(200, headers: [("Content-Length", String(size))]))]
                    + (0..<(size / piece.count)).map { _ in .counted(piece) { sent.add($0) } })
        }
        defer { server.stop() }
        let client = try CurlClient(TransportConfiguration(stallWindow: .milliseconds(300)))
        var received = 0
        var largest = 0
        try await client.stream(HTTPRequest(.get, server.url + "/", responseBytesMax: .GiB(1))) { _ in
            // Long enough for a server that nobody stops to send everything, and for a stall to be suspected.
            try await Task.sleep(for: .milliseconds(800))
            #expect(sent.value < 24 << 20)
        } chunk: { bytes in
            received += bytes.count
            largest = max(largest, bytes.count)
        }
        #expect(received == size)
        #expect(largest < 4 << 20)
    }

    @Test(arguments: [true, false]) func `a large body goes out in pieces`(isLengthKnown: Bool) async throws {
        let server = try ScriptedServer()
        defer { server.stop() }
        let pieces = Pieces(pattern(Self.large), pieceBytes: 100_000)
        let body = HTTPBody.stream(length: isLengthKnown ? Self.large : nil) { pieces.next() }
        let response = try await CurlClient().send(HTTPRequest(.put, server.url + "/", body: body))
        #expect(response.status == 200)
        let request = try #require(server.requests.first)
        #expect(request.body == pattern(Self.large))
        #expect(request.header("Transfer-Encoding") == (isLengthKnown ? nil : "chunked"))
        #expect(request.header("Content-Length") == (isLengthKnown ? String(Self.large) : nil))
    }

    @Test(arguments: [0, 1]) func `a stream may be empty or end at once`(size: Int) async throws {
        let server = try ScriptedServer()
        defer { server.stop() }
        for length in [nil, size] {
            let pieces = Pieces(pattern(size), pieceBytes: 10)
            let body = HTTPBody.stream(length: length) { pieces.next() }
            _ = try await CurlClient().send(HTTPRequest(.post, server.url + "/", body: body))
        }
        #expect(server.requests.map(\.body.count) == [size, size])
    }

    @Test func `no more than two pieces are asked for ahead`() async throws {
        let server = try ScriptedServer(reading: .nothing)
        defer { server.stop() }
        let pieces = Pieces([UInt8](repeating: 1, count: 64 << 20), pieceBytes: 1 << 20)
        let body = HTTPBody.stream(length: nil) { pieces.next() }
        let error = await failure {
            try await CurlClient().send(HTTPRequest(.post, server.url + "/", body: body, deadline: .milliseconds(500)))
        }
        #expect(error?.code == .timedOut)
        // What the sockets' buffers take on loopback, and two.
        #expect(pieces.taken < 12)
    }

    @Test func `a slow producer is waited for`() async throws {
        let server = try ScriptedServer()
        defer { server.stop() }
        let pieces = Pieces(pattern(10), pieceBytes: 1)
        let body = HTTPBody.stream(length: 10) {
            try await Task.sleep(for: .milliseconds(60))
            return pieces.next()
        }
        let client = try CurlClient(TransportConfiguration(stallWindow: .milliseconds(200)))
        let response = try await client.send(HTTPRequest(.post, server.url + "/", body: body))
        #expect(response.status == 200)
        #expect(server.requests.first?.body == pattern(10))
    }

    @Test func `the producer's own error comes out`() async throws {
        struct Torn: Error, Equatable {}
        let server = try ScriptedServer()
        defer { server.stop() }
        let pieces = Pieces(pattern(1000), pieceBytes: 100)
        let body = HTTPBody.stream(length: nil) {
            if pieces.taken == 5 { throw Torn() }
            return pieces.next()
        }
        await #expect(throws: Torn()) { try await CurlClient().send(HTTPRequest(.post, server.url + "/", body: body)) }
        #expect(server.requests.isEmpty)
    }

    @Test(arguments: [999, 1001]) func `a body of another length than announced is refused`(announced: Int) async throws
    {
        let server = try ScriptedServer()
        defer { server.stop() }
        let pieces = Pieces(pattern(1000), pieceBytes: 100)
        let body = HTTPBody.stream(length: announced) { pieces.next() }
        let error = await failure { try await CurlClient().send(HTTPRequest(.post, server.url + "/", body: body)) }
        #expect(error?.code == .internalError)
        #expect(error?.message.contains("announced length") == true)
    }

    @Test func `an early refusal ends the upload`() async throws {
        let server = try ScriptedServer(reading: .head) { _ in
            [
                .bytes(ScriptedServer.head(413, headers: [("Content-Length", "0"), ("Connection", "close")])),
                .pause(.milliseconds(300)), .close,
            ]
        }
        defer { server.stop() }
        let pieces = Pieces([UInt8](repeating: 1, count: 64 << 20), pieceBytes: 1 << 20)
        let body = HTTPBody.stream(length: 64 << 20) { pieces.next() }
        let response = try await CurlClient().send(HTTPRequest(.post, server.url + "/", body: body))
        #expect(response.status == 413)
        #expect(pieces.taken < 64)
    }

    @Test func `both bodies may stream at once`() async throws {
        let server = try ScriptedServer { .status(200, body: $0.body.reversed()) }
        defer { server.stop() }
        let pieces = Pieces(pattern(1 << 20), pieceBytes: 10_000)
        let request = HTTPRequest(.post, server.url + "/", body: .stream(length: nil) { pieces.next() })
        var received: [UInt8] = []
        try await CurlClient().stream(request) { _ in
        } chunk: {
            received += $0
        }
        #expect(received == pattern(1 << 20).reversed())
    }

    @Test func `the consumer's own error ends the transfer`() async throws {
        struct Full: Error, Equatable {}
        let server = try ScriptedServer { _ in .status(200, body: pattern(1 << 20)) }
        defer { server.stop() }
        let client = try CurlClient()
        await #expect(throws: Full()) {
            try await client.stream(HTTPRequest(.get, server.url + "/")) { _ in
                throw Full()
            } chunk: { _ in
            }
        }
        await #expect(throws: Full()) {
            try await client.stream(HTTPRequest(.get, server.url + "/")) { _ in
            } chunk: { _ in
                throw Full()
            }
        }
        #expect(try await client.send(HTTPRequest(.get, server.url + "/")).status == 200)
    }

    @Test func `a streamed answer that breaks off throws after the head`() async throws {
        let server = try ScriptedServer { _ in
            [.bytes(ScriptedServer.head(200, headers: [("Content-Length", "10")]) + [1, 2, 3]), .close]
        }
        defer { server.stop() }
        var status = 0
        let error = await failure {
            try await CurlClient().stream(HTTPRequest(.get, server.url + "/")) {
                status = $0.status
            } chunk: { _ in
            }
        }
        #expect(status == 200)
        #expect(error?.transportFailure?.stage == .partialAnswer(status: 200))
    }
}

/// Bytes that tell their place.
private func pattern(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        for index in 0..<count { buffer[index] = UInt8(truncatingIfNeeded: index &* 31 ^ index &>> 8) }
        initialized = count
    }
}

/// A body that is handed out piece by piece.
private final class Pieces: Sendable {
    private let state: Mutex<(rest: ArraySlice<UInt8>, taken: Int)>
    private let pieceBytes: Int

    init(_ bytes: [UInt8], pieceBytes: Int) {
        state = Mutex((bytes[...], 0))
        self.pieceBytes = pieceBytes
    }

    var taken: Int { state.withLock { $0.taken } }

    func next() -> [UInt8]? {
        state.withLock { state in
            guard !state.rest.isEmpty else { return nil }
            defer {
                state.rest = state.rest.dropFirst(pieceBytes)
                state.taken += 1
            }
            return Array(state.rest.prefix(pieceBytes))
        }
    }
}
