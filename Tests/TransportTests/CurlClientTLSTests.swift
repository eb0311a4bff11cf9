// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTestKit
import MigratezTransport
import Testing

@Suite(.enabled(if: TLSServer.isAvailable, "nginx and openssl are not installed"), .timeLimit(.minutes(1)))
struct CurlClientTLSTests {
    @Test func `a trusted server is spoken to over HTTP/2, a stream over a connection of its own`() async throws {
        try await TLSServer.run { server in
            let client = try CurlClient(TransportConfiguration(extraCertificates: server.authority))
            let response = try await client.send(HTTPRequest(.get, server.good + "/"))
            let protocols = String(decoding: response.body, as: UTF8.self)
            #expect(protocols.hasPrefix("HTTP/2.0 TLSv1."))
            var streamed: [UInt8] = []
            try await client.stream(HTTPRequest(.get, server.good + "/")) { _ in
            } chunk: {
                streamed += $0
            }
            #expect(String(decoding: streamed, as: UTF8.self).hasPrefix("HTTP/1.1 TLSv1."))
        }
    }

    @Test func `many requests share one HTTP/2 connection`() async throws {
        try await TLSServer.run { server in
            let client = try CurlClient(TransportConfiguration(extraCertificates: server.authority))
            let url = server.good
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<100 {
                    group.addTask { try await client.send(HTTPRequest(.post, url + "/", body: .bytes([1]))).status }
                }
                for try await status in group { #expect(status == 200) }
            }
            #expect(client.statistics["localhost"]?.connections == 1)
        }
    }

    @Test func `a server that cannot be trusted gets nothing`() async throws {
        try await TLSServer.run { server in
            let trusting = try CurlClient(TransportConfiguration(extraCertificates: server.authority))
            let usual = try CurlClient()
            for (client, url) in [
                (trusting, server.wrongHost), (trusting, server.selfSigned), (trusting, server.expired),
                (usual, server.good),
                (usual, server.selfSigned),
            ] {
                let request = HTTPRequest(.post, url + "/?canary", body: .bytes([1]))
                let error = await failure { try await client.send(request) }
                #expect(error?.code == .untrustedServer, "\(url)")
                #expect(error?.remedy == .fixConfiguration)
                #expect(error?.isSurelyNotSent == true)
                #expect(error?.description.contains("canary") == false)
            }
        }
    }

    @Test func `a handshake that breaks off means not sent`() async throws {
        let server = try ScriptedServer(reading: .resetAtOnce)
        defer { server.stop() }
        let error = await failure {
            try await CurlClient().send(HTTPRequest(.get, "https://localhost:\(server.port)/"))
        }
        #expect(error?.code == .unreachable)
        #expect(error?.isSurelyNotSent == true)
    }

    @Test func `a file of authorities that is not there is found at once`() {
        let error = #expect(throws: MigratezError.self) {
            try CurlClient(TransportConfiguration(extraCertificates: "/nowhere/authority.pem"))
        }
        #expect(error?.code == .fileNotFound)
    }
}
