// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTestKit
import MigratezTransport
import Testing

@Suite struct CurlClientTests {
    @Test func `an answer comes back with status, headers and body`() async throws {
        let server = try ScriptedServer { request in
            .text(201, "made \(request.body.count)", headers: [("X-Twice", "a"), ("x-twice", "b"), ("Empty", "")])
        }
        defer { server.stop() }
        let client = try CurlClient()
        let response = try await client.send(
            HTTPRequest(
                .post, server.url + "/things?secret=1",
                headers: [HTTPHeader("Content-Type", "application/json"), HTTPHeader("X-Empty", "")],
                body: .bytes(Array("{}".utf8))))
        #expect(response.status == 201)
        #expect(String(decoding: response.body, as: UTF8.self) == "made 2")
        #expect(response.headers.values("X-TWICE") == ["a", "b"])
        #expect(response.headers["empty"] == "")
        let request = try #require(server.requests.first)
        #expect(request.method == "POST")
        #expect(request.target == "/things?secret=1")
        #expect(request.header("x-empty") == "")
        #expect(request.header("Content-Type") == "application/json")
        #expect(request.header("Expect") == nil)
        #expect(request.header("Accept-Encoding") == "gzip, br")
    }

    @Test(arguments: HTTPMethod.allCases, [0, 1, 70_000]) func `every method goes out with and without a body`(
        method: HTTPMethod, size: Int
    ) async throws {
        let server = try ScriptedServer()
        defer { server.stop() }
        let body = [UInt8](repeating: 0x61, count: size)
        let response = try await CurlClient().send(
            HTTPRequest(method, server.url + "/", body: size == 0 ? .empty : .bytes(body)))
        #expect(response.status == 200)
        let request = try #require(server.requests.first)
        // HEAD with a body does not exist; the body is what shows that something else was sent.
        if method != .head || size == 0 { #expect(request.method == method.rawValue) }
        #expect(request.body == body)
        #expect(request.header("Content-Type") == nil)
    }

    @Test func `HEAD has headers and no body`() async throws {
        let server = try ScriptedServer { _ in
            [.bytes(ScriptedServer.head(200, headers: [("Content-Length", "9999999999")]))]
        }
        defer { server.stop() }
        let response = try await CurlClient().send(HTTPRequest(.head, server.url + "/"))
        #expect(response.headers["content-length"] == "9999999999")
        #expect(response.body.isEmpty)
    }

    @Test(arguments: [301, 400, 401, 404, 429, 500, 503, 599])
    func `a refusal is an answer, a redirect is not followed`(
        status: Int
    ) async throws {
        let server = try ScriptedServer { _ in .text(status, "why", headers: [("Location", "/elsewhere")]) }
        defer { server.stop() }
        let response = try await CurlClient().send(HTTPRequest(.get, server.url + "/"))
        #expect(response.status == status)
        #expect(response.body == Array("why".utf8))
        #expect(server.requests.count == 1)
    }

    /// Not to another host, where the token would go too, nor from this scheme to another.
    @Test(arguments: [301, 302, 303, 307, 308]) func `a redirect takes no credentials anywhere`(
        status: Int
    ) async throws {
        let elsewhere = try ScriptedServer()
        defer { elsewhere.stop() }
        let target = "\(elsewhere.url)/"
        let server = try ScriptedServer { _ in .text(status, "", headers: [("Location", target)]) }
        defer { server.stop() }
        let token = HTTPHeader("Authorization", "Bearer canary")
        for method in [HTTPMethod.get, .post] {
            let request = HTTPRequest(method, server.url + "/", headers: [token])
            #expect(try await CurlClient().send(request).status == status)
            try await CurlClient().stream(request) {
                #expect($0.status == status)
            } chunk: { _ in
            }
        }
        #expect(elsewhere.connectionCount == 0)
    }

    @Test func `interim answers and trailers are passed over`() async throws {
        let server = try ScriptedServer { _ in
            [
                .bytes(ScriptedServer.head(103, headers: [("Early", "1")])),
                .bytes(ScriptedServer.head(200, headers: [("Transfer-Encoding", "chunked")])),
                .bytes(Array("3\r\nabc\r\n2\r\nde\r\n0\r\nLate: 1\r\n\r\n".utf8)),
            ]
        }
        defer { server.stop() }
        let response = try await CurlClient().send(HTTPRequest(.get, server.url + "/"))
        #expect(response.status == 200)
        #expect(response.headers["Early"] == nil)
        #expect(response.headers["Late"] == nil)
        #expect(response.body == Array("abcde".utf8))
    }

    @Test func `connections are kept and shared`() async throws {
        let server = try ScriptedServer()
        defer { server.stop() }
        let client = try CurlClient()
        for _ in 0..<20 { _ = try await client.send(HTTPRequest(.get, server.url + "/")) }
        #expect(server.connectionCount == 1)
        let statistics = try #require(client.statistics["127.0.0.1"])
        #expect(statistics.requests == 20)
        #expect(statistics.failures == 0)
        #expect(statistics.connections == 1)
    }

    @Test func `two hundred requests at once all get their own answer`() async throws {
        let server = try ScriptedServer { request in .text(200, request.target) }
        defer { server.stop() }
        let client = try CurlClient()
        let url = server.url
        let wrong = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let response = try await client.send(HTTPRequest(.get, "\(url)/\(number)"))
                    return String(decoding: response.body, as: UTF8.self) != "/\(number)"
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wrong == 0)
        #expect(server.connectionCount <= 64)
        #expect(client.statistics["127.0.0.1"]?.requests == 200)
    }

    @Test func `bodies beyond the common limit wait for each other and all arrive`() async throws {
        let size = 1 << 20
        let body = [UInt8](repeating: 0x62, count: size)
        let server = try ScriptedServer { _ in .status(200, body: body) }
        defer { server.stop() }
        let client = try CurlClient(TransportConfiguration(receiveBytesMax: .MiB(2)))
        let url = server.url
        let total = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<24 { group.addTask { try await client.send(HTTPRequest(.get, url + "/")).body.count } }
            return try await group.reduce(0, +)
        }
        #expect(total == 24 * size)
    }
}
