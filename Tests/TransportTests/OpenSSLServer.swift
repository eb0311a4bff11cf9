// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import MigratezTestKit
import Testing

/// `openssl s_server` on a loopback port: what a server may get wrong with TLS, it does on request.
enum OpenSSLServer {
    /// How a server behaves, and what is wrong with it.
    struct Behaviour: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Of `TestCertificates`.
        var certificate = "good"
        /// Of s_server.
        var options: [String] = []
    }

    /// Runs `body` with the server's address while it runs.
    ///
    /// That it runs, and shakes hands with a client that takes everything, is made sure before: a server that is down is
    /// refused by everybody.
    static func run<R>(
        _ behaviour: Behaviour, _ certificates: TestCertificates, _ body: (String) async throws -> R
    ) async throws -> R {
        let openssl = LocalProcess.find("openssl") ?? "openssl"
        let placeholder = try ScriptedServer()
        let port = placeholder.port
        placeholder.stop()
        let server = try LocalProcess(
            [
                openssl, "s_server", "-accept", "127.0.0.1:\(port)", "-www", "-quiet", "-cert",
                certificates.path(behaviour.certificate), "-key", certificates.key,
            ] + behaviour.options)
        defer { server.stop() }
        var handshakes = 0
        for _ in 0..<200 where handshakes == 0 {
            let client = try LocalProcess([
                openssl, "s_client", "-connect", "127.0.0.1:\(port)", "-cipher", "ALL:eNULL:@SECLEVEL=0",
                "-min_protocol",
                "TLSv1",
            ])
            if client.wait() == 0 { handshakes += 1 } else { try await Task.sleep(for: .milliseconds(25)) }
        }
        try #require(handshakes == 1, "the server can be spoken to")
        return try await body("https://localhost:\(port)/")
    }
}
