// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTestKit
import MigratezTransport
import Testing

/// What a failure tells about the fate of the request.
@Suite struct CurlClientFailureTests {
    @Test func `no listener means not sent`() async throws {
        let server = try ScriptedServer()
        let url = server.url
        server.stop()
        let error = await failure { try await CurlClient().send(HTTPRequest(.post, url + "/", body: .bytes([1]))) }
        #expect(error?.code == .unreachable)
        #expect(error?.transportFailure?.stage == .notSent)
        #expect(error?.isSurelyNotSent == true)
        #expect(error?.remedy == .retry(after: nil))
    }

    @Test func `a name that does not exist means not sent`() async throws {
        let error = await failure { try await CurlClient().send(HTTPRequest(.get, "https://no-such-host.invalid/")) }
        #expect(error?.code == .unreachable)
        #expect(error?.isSurelyNotSent == true)
    }

    @Test(arguments: [ScriptedServer.Step.close, .reset]) func `no answer means that the fate is unknown`(
        ending: ScriptedServer.Step
    ) async throws {
        let server = try ScriptedServer { _ in [ending] }
        defer { server.stop() }
        let error = await failure {
            try await CurlClient().send(HTTPRequest(.post, server.url + "/", body: .bytes([1, 2, 3])))
        }
        #expect(error?.code == .brokenResponse)
        #expect(error?.transportFailure?.stage == .fateUnknown)
        #expect(server.requests.count == 1)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!",
    ]) func `an answer that breaks off says so`(bytes: String) async throws {
        let server = try ScriptedServer { _ in [.bytes(Array(bytes.utf8)), .close] }
        defer { server.stop() }
        let error = await failure { try await CurlClient().send(HTTPRequest(.get, server.url + "/")) }
        #expect(error?.code == .brokenResponse)
        #expect(error?.transportFailure?.stage == .partialAnswer(status: 200))
    }

    @Test(arguments: ["SSH-2.0-OpenSSH_9\r\n", "\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nHalf: he"])
    func `what is not HTTP is refused`(bytes: String) async throws {
        let server = try ScriptedServer { _ in [.bytes(Array(bytes.utf8)), .close] }
        defer { server.stop() }
        let error = await failure { try await CurlClient().send(HTTPRequest(.get, server.url + "/")) }
        #expect(error?.code == .brokenResponse)
        #expect(error?.transportFailure?.stage == .fateUnknown)
    }

    @Test func `the deadline ends a request that nobody answers`() async throws {
        let server = try ScriptedServer(reading: .nothing)
        defer { server.stop() }
        let error = await failure {
            try await CurlClient().send(HTTPRequest(.get, server.url + "/", deadline: .milliseconds(150)))
        }
        #expect(error?.code == .timedOut)
        #expect(error?.transportFailure?.stage == .fateUnknown)
    }

    @Test func `the deadline ends a trickle`() async throws {
        let server = try ScriptedServer { _ in
            [
                .bytes(ScriptedServer.head(200, headers: [("Content-Length", "1000")])),
                .repeated([0x61], times: 1000, every: .milliseconds(20)),
            ]
        }
        defer { server.stop() }
        let error = await failure {
            try await CurlClient().send(HTTPRequest(.get, server.url + "/", deadline: .milliseconds(200)))
        }
        #expect(error?.code == .timedOut)
        #expect(error?.transportFailure?.stage == .partialAnswer(status: 200))
    }

    @Test func `a body that stands still is given up before the deadline`() async throws {
        let gate = ScriptedServer.Gate()
        let server = try ScriptedServer { _ in
            [.bytes(ScriptedServer.head(200, headers: [("Content-Length", "1000")]) + [0x61]), .wait(gate)]
        }
        defer { server.stop() }
        let client = try CurlClient(TransportConfiguration(stallWindow: .milliseconds(300)))
        let error = await failure {
            try await client.send(HTTPRequest(.get, server.url + "/", deadline: .seconds(600)))
        }
        #expect(error?.code == .timedOut)
        #expect(error?.message.contains("stand-still") == true)
    }

    @Test func `waiting for the first byte is not standing still`() async throws {
        let server = try ScriptedServer { _ in
            [.pause(.milliseconds(1500)), .bytes(Array("HTTP/1.1 204 No\r\n\r\n".utf8))]
        }
        defer { server.stop() }
        let client = try CurlClient(TransportConfiguration(stallWindow: .milliseconds(200)))
        let response = try await client.send(HTTPRequest(.post, server.url + "/", body: .bytes([1])))
        #expect(response.status == 204)
    }

    /// libcurl repeats a request by itself when a kept connection turns out to be dead. For a write that is not
    /// idempotent that would be a blind second write.
    @Test(arguments: [HTTPBody.empty, .bytes(Array("{\"a\":1}".utf8))])
    func `a write goes out once even if the kept connection dies`(body: HTTPBody) async throws {
        let server = try ScriptedServer { request in
            request.method == "POST" ? [.reset] : .status(200)
        }
        defer { server.stop() }
        let client = try CurlClient()
        _ = try await client.send(HTTPRequest(.get, server.url + "/warm"))
        let error = await failure { try await client.send(HTTPRequest(.post, server.url + "/", body: body)) }
        #expect(error?.code == .brokenResponse)
        #expect(error?.transportFailure?.stage == .fateUnknown)
        #expect(server.requests.count { $0.method == "POST" } == 1)
    }

    @Test func `neither query nor header nor body is in any error`() async throws {
        let canaries = ["canary-query", "canary-token", "canary-body", "canary-answer"]
        let server = try ScriptedServer { request in
            switch request.target.split(separator: "?").first {
            case "/reset": [.reset]
            case "/partial":
                [
                    .bytes(
                        Array(
                            "HTTP/1.1 200 canary-answer\r\nX: canary-answer\r\nContent-Length: 99\r\n\r\ncanary-answer"
                                .utf8)), .close,
                ]
            case "/garbage": [.bytes(Array("canary-answer\r\n\r\n".utf8)), .close]
            default: .text(200, String(repeating: "canary-answer", count: 1000))
            }
        }
        defer { server.stop() }
        let client = try CurlClient()
        for path in ["/reset", "/partial", "/garbage", "/large"] {
            let request = HTTPRequest(
                .post, "\(server.url)\(path)?email=canary-query",
                headers: [HTTPHeader("Authorization", "Bearer canary-token")],
                body: .bytes(Array("canary-body".utf8)), responseBytesMax: ByteCount(1000))
            let error = await failure { try await client.send(request) }
            let texts = [
                "\(error as Any)", String(reflecting: error), "\(request)", String(reflecting: request),
                "\(request.headers)",
            ]
            #expect(texts[0].contains("127.0.0.1"))
            #expect(texts[0].contains(path))
            for canary in canaries { #expect(!texts.contains { $0.contains(canary) }, "\(path)") }
            var dumped = ""
            dump(request, to: &dumped)
            #expect(!dumped.contains("canary"))
        }
    }
}

/// The `MigratezError` that `body` throws.
func failure<R>(_ body: () async throws -> R) async -> MigratezError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? MigratezError
    }
}
