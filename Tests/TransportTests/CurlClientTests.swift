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
        #expect(request.header("Expect") == nil)
        #expect(request.header("Accept-Encoding") == "gzip, br")
    }
}
