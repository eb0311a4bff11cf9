// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTestKit
import MigratezTransport
import Testing

@Suite(.enabled(if: TestCertificates.isAvailable, "openssl is not installed"), .timeLimit(.minutes(1)))
struct CurlClientTLSTests {
    /// The wrong certificates are those of badssl.com, the wrong handshakes what RFC 9325 (BCP 195) §3.1.1 and §4 rule out.
    static let untrusted = [
        OpenSSLServer.Behaviour(testDescription: "expired", certificate: "expired"),
        OpenSSLServer.Behaviour(testDescription: "wrong host", certificate: "other-host"),
        OpenSSLServer.Behaviour(testDescription: "self-signed", certificate: "self-signed"),
        OpenSSLServer.Behaviour(testDescription: "unknown authority", certificate: "unknown"),
    ]
    static let outdated = [
        OpenSSLServer.Behaviour(
            testDescription: "TLS 1.1", options: ["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"]),
        OpenSSLServer.Behaviour(
            testDescription: "no encryption", options: ["-tls1_2", "-cipher", "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0"]),
        OpenSSLServer.Behaviour(
            testDescription: "unauthenticated encryption", options: ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"]),
        OpenSSLServer.Behaviour(
            testDescription: "anonymous", options: ["-tls1_2", "-cipher", "AECDH-AES128-SHA:@SECLEVEL=0"]),
    ]

    @Test(arguments: untrusted) func `a server that cannot be trusted gets nothing`(
        _ behaviour: OpenSSLServer.Behaviour
    ) async throws {
        let error = try await refusal(of: behaviour)
        #expect(error?.code == .untrustedServer)
        #expect(error?.remedy == .fixConfiguration)
    }

    @Test(arguments: outdated) func `a server that speaks only what is broken gets nothing`(
        _ behaviour: OpenSSLServer.Behaviour
    ) async throws {
        let error = try await refusal(of: behaviour)
        #expect(error?.code == .unreachable)
        #expect(error?.hint?.contains("TLS 1.2") == true)
    }

    /// What a request that carries a secret ends with, sent by a client that trusts the test's authority.
    private func refusal(of behaviour: OpenSSLServer.Behaviour) async throws -> MigratezError? {
        try await withTemporaryFolder { folder in
            let certificates = try TestCertificates.make(in: folder)
            return try await OpenSSLServer.run(behaviour, certificates) { url in
                let client = try CurlClient(TransportConfiguration(extraCertificates: certificates.authority))
                let request = HTTPRequest(
                    .post, "\(url)?canary", headers: [HTTPHeader("Authorization", "Bearer canary")],
                    body: .bytes([1]), reach: .everywhere)
                let error = await failure { try await client.send(request) }
                #expect(error?.isSurelyNotSent == true)
                #expect(error?.description.contains("canary") == false)
                return error
            }
        }
    }

    /// So that the refusals above are due to what is wrong with those servers.
    @Test(arguments: ["-tls1_2", "-tls1_3"]) func `a good one is spoken to, by who knows its authority`(
        _ version: String
    ) async throws {
        try await withTemporaryFolder { folder in
            let certificates = try TestCertificates.make(in: folder)
            let behaviour = OpenSSLServer.Behaviour(testDescription: version, options: [version])
            try await OpenSSLServer.run(behaviour, certificates) { url in
                let request = HTTPRequest(.get, url, reach: .everywhere)
                let client = try CurlClient(TransportConfiguration(extraCertificates: certificates.authority))
                #expect(try await client.send(request).status == 200)
                #expect(await failure { try await CurlClient().send(request) }?.code == .untrustedServer)
            }
        }
    }

    @Test(.enabled(if: TLSServer.isAvailable, "nginx is not installed"))
    func `a trusted server is spoken to over HTTP/2, a stream over a connection of its own`() async throws {
        try await TLSServer.run { server in
            let client = try CurlClient(TransportConfiguration(extraCertificates: server.authority))
            let request = HTTPRequest(.get, server.url, reach: .everywhere)
            let response = try await client.send(request)
            let protocols = String(decoding: response.body, as: UTF8.self)
            #expect(protocols.hasPrefix("HTTP/2.0 TLSv1."))
            var streamed: [UInt8] = []
            try await client.stream(request) { _ in
            } chunk: {
                streamed += $0
            }
            #expect(String(decoding: streamed, as: UTF8.self).hasPrefix("HTTP/1.1 TLSv1."))
        }
    }

    @Test(.enabled(if: TLSServer.isAvailable, "nginx is not installed"))
    func `many requests share one HTTP/2 connection`() async throws {
        try await TLSServer.run { server in
            let client = try CurlClient(TransportConfiguration(extraCertificates: server.authority))
            let request = HTTPRequest(.post, server.url, body: .bytes([1]), reach: .everywhere)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<100 { group.addTask { try await client.send(request).status } }
                for try await status in group { #expect(status == 200) }
            }
            #expect(client.statistics["localhost"]?.connections == 1)
        }
    }

    @Test func `a handshake that breaks off means not sent`() async throws {
        let server = try ScriptedServer(reading: .resetAtOnce)
        defer { server.stop() }
        let error = await failure {
            try await CurlClient().send(
                HTTPRequest(.get, "https://localhost:\(server.port)/", reach: .everywhere))
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
