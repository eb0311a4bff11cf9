// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTestKit
import MigratezTransport
import Testing

/// What the client refuses to send and to take.
@Suite struct CurlClientLimitTests {
    @Test(arguments: [
        "http://example.com/", "http://127.0.0.1.evil.test/", "http://localhost.evil.test/", "http://128.0.0.1/",
        "http://0x7f.0.0.1/", "http://127.1/", "http://[::2]/", "http://127.0.0.256/",
    ]) func `plain http goes to loopback addresses only`(url: String) async throws {
        let error = await failure { try await CurlClient().send(HTTPRequest(.get, url)) }
        #expect(error?.code == .insecureURL)
        #expect(error?.remedy == .fixConfiguration)
    }

    @Test(arguments: [
        "", "example.com", "ftp://example.com/", "file:///etc/passwd", "https://", "https:///x",
        "https://user@example.com/",
        "https://user:canary@example.com/", "https://example.com:0/", "https://example.com:65536/",
        "https://example.com:1x/",
        "https://exa mple.com/", "https://example.com/\r\nHost: x", "https://example.com/é", "https://[::1/",
        "https://[x]/",
        "https://example.com/#part", "https://example.com\\@evil.test/",
    ]) func `an address that is not one is refused without being quoted`(url: String) async throws {
        let error = await failure { try await CurlClient().send(HTTPRequest(.get, url)) }
        #expect(error?.code == .invalidSetting)
        #expect(error?.description.contains("canary") == false)
    }

    @Test(arguments: [
        ("X", "a\r\nEvil: 1"), ("X", "a\nEvil: 1"), ("X", "a\u{0}b"), ("X\r\nEvil", "1"), ("X:", "1"), ("", "1"),
        ("X Y", "1"),
        ("é", "1"), ("X", "a\u{7F}"),
    ]) func `a header that would inject another is refused`(name: String, value: String) async throws {
        let server = try ScriptedServer()
        defer { server.stop() }
        let request = HTTPRequest(.get, server.url + "/", headers: [HTTPHeader(name, value)])
        let error = await failure { try await CurlClient().send(request) }
        #expect(error?.code == .invalidSetting)
        #expect(server.connectionCount == 0)
    }

    @Test(arguments: [true, false]) func `an answer may have so many bytes and not one more`(
        isChunked: Bool
    ) async throws {
        let server = try ScriptedServer { request in
            let body = [UInt8](repeating: 0x61, count: Int(request.target.dropFirst()) ?? 0)
            guard isChunked else { return .status(200, body: body) }
            let size = Array("\(String(body.count, radix: 16))\r\n".utf8)
            let tail = body.isEmpty ? [] : size + body + Array("\r\n".utf8)
            return [
                .bytes(
                    ScriptedServer.head(200, headers: [("Transfer-Encoding", "chunked")]) + tail
                        + Array("0\r\n\r\n".utf8))
            ]
        }
        defer { server.stop() }
        let client = try CurlClient()
        for size in [0, 1, 99_999, 100_000] {
            let request = HTTPRequest(.get, "\(server.url)/\(size)", responseBytesMax: ByteCount(100_000))
            #expect(try await client.send(request).body.count == size)
        }
        let request = HTTPRequest(.get, "\(server.url)/100001", responseBytesMax: ByteCount(100_000))
        let error = await failure { try await client.send(request) }
        #expect(error?.code == .responseTooLarge)
        #expect(error?.remedy == .stop)
        #expect(error?.transportFailure?.stage == .partialAnswer(status: 200))
    }

    @Test func `headers have a limit in number and in bytes`() async throws {
        let many = (0..<300).map { ("X-\($0)", "1") }
        let long = (0..<40).map { ("X-\($0)", String(repeating: "x", count: 4000)) }
        for headers in [many, long] {
            let server = try ScriptedServer { _ in .status(200, headers: headers) }
            defer { server.stop() }
            let error = await failure { try await CurlClient().send(HTTPRequest(.get, server.url + "/")) }
            #expect(error?.code == .responseTooLarge)
        }
    }

    @Test func `a compressed answer is unpacked`() async throws {
        let text = Array(String(repeating: "contact ", count: 4000).utf8)
        let packed = Gzip.stored(text)
        let server = try ScriptedServer { _ in .status(200, headers: [("Content-Encoding", "gzip")], body: packed) }
        defer { server.stop() }
        let client = try CurlClient()
        let response = try await client.send(HTTPRequest(.get, server.url + "/"))
        #expect(response.body == text)
        #expect(client.statistics["127.0.0.1"]?.bytesReceived == packed.count)
        #expect(client.statistics["127.0.0.1"]?.bytesDecoded == text.count)
    }

    @Test func `the limit counts the bytes after unpacking`() async throws {
        let bomb = Gzip.zeros(2 << 20)
        #expect(bomb.count < 20_000)
        let server = try ScriptedServer { _ in .status(200, headers: [("Content-Encoding", "gzip")], body: bomb) }
        defer { server.stop() }
        let client = try CurlClient()
        let error = await failure {
            try await client.send(HTTPRequest(.get, server.url + "/", responseBytesMax: .MiB(1)))
        }
        #expect(error?.code == .responseTooLarge)
        // Streamed, it is the same; and no more than the limit is ever handed on.
        var received = 0
        let streamed = await failure {
            try await client.stream(HTTPRequest(.get, server.url + "/", responseBytesMax: .MiB(1))) { _ in
            } chunk: {
                received += $0.count
            }
        }
        #expect(streamed?.code == .responseTooLarge)
        #expect(received <= 1 << 20)
    }

    @Test func `an answer that expands out of all bounds is refused`() async throws {
        let bomb = Gzip.zeros(16 << 20)
        let server = try ScriptedServer { _ in .status(200, headers: [("Content-Encoding", "gzip")], body: bomb) }
        defer { server.stop() }
        let client = try CurlClient(TransportConfiguration(expansionMax: 50))
        let request = HTTPRequest(.get, server.url + "/", responseBytesMax: .GiB(1))
        let error = await failure { try await client.send(request) }
        #expect(error?.code == .responseTooLarge)
        #expect(error?.message.contains("expands") == true)
    }

    @Test(arguments: ["zstd", "compress", "gzip, gzip", "br, gzip"])
    func `an encoding that was not asked for is refused`(
        encoding: String
    ) async throws {
        let server = try ScriptedServer { _ in .text(200, "x", headers: [("Content-Encoding", encoding)]) }
        defer { server.stop() }
        let error = await failure { try await CurlClient().send(HTTPRequest(.get, server.url + "/")) }
        #expect(error?.code == .brokenResponse)
    }
}
