// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import MigratezTestKit
import MigratezTransport

/// nginx with TLS on a loopback port, with a trusted certificate for `localhost`; HTTP/2 is offered.
struct TLSServer {
    let url: String
    /// The authority's certificate, PEM.
    let authority: String

    static let isAvailable = LocalProcess.find("nginx") != nil && TestCertificates.isAvailable

    /// Runs `body` while the server runs.
    static func run<R>(_ body: (TLSServer) async throws -> R) async throws -> R {
        try await withTemporaryFolder { folder in
            let certificates = try TestCertificates.make(in: folder)
            let placeholder = try ScriptedServer()
            let port = placeholder.port
            placeholder.stop()
            let configuration = """
                daemon off; master_process off; pid \(folder)/pid; error_log /dev/null;
                events { worker_connections 256; }
                http { access_log off; client_body_temp_path \(folder)/a; proxy_temp_path \(folder)/b; \
                fastcgi_temp_path \(folder)/c; uwsgi_temp_path \(folder)/d; scgi_temp_path \(folder)/e;
                server { listen 127.0.0.1:\(port) ssl http2; ssl_certificate \(certificates.path("good")); \
                ssl_certificate_key \(certificates.key); \
                location / { return 200 "$server_protocol $ssl_protocol\\n"; } }
                }
                """
            try Data(configuration.utf8).write(to: URL(filePath: "\(folder)/nginx.conf"))
            let nginx = LocalProcess.find("nginx") ?? "nginx"
            let process = try LocalProcess([nginx, "-c", "\(folder)/nginx.conf", "-p", folder])
            defer { process.stop() }
            let server = TLSServer(url: "https://localhost:\(port)/", authority: certificates.authority)
            try await waitUntilReady(server)
            return try await body(server)
        }
    }

    private static func waitUntilReady(_ server: TLSServer) async throws {
        let client = try CurlClient(TransportConfiguration(extraCertificates: server.authority))
        for _ in 0..<200 {
            if (try? await client.send(HTTPRequest(.get, server.url, reach: .everywhere))) != nil { return }
            try await Task.sleep(for: .milliseconds(25))
        }
    }
}
