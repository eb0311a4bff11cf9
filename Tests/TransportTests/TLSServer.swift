// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import MigratezTestKit
import MigratezTransport

/// nginx with TLS on loopback ports, each with a fault or none; certificates of an authority made for the test.
struct TLSServer {
    /// A trusted certificate for `localhost`; HTTP/2 is offered.
    let good: String
    /// The authority's, but for another host.
    let wrongHost: String
    /// For `localhost`, by nobody's authority.
    let selfSigned: String
    /// The authority's, expired.
    let expired: String
    /// The authority's certificate, PEM.
    let authority: String

    static let isAvailable = LocalProcess.find("nginx") != nil && LocalProcess.find("openssl") != nil

    /// Runs `body` while the server runs.
    static func run<R>(_ body: (TLSServer) async throws -> R) async throws -> R {
        try await withTemporaryFolder { folder in
            try makeCertificates(in: folder)
            let names = ["good", "wrong", "self", "expired"]
            let ports = try names.map { _ in
                let server = try ScriptedServer()
                defer { server.stop() }
                return server.port
            }
            let blocks = zip(names, ports).map { name, port in
                """
                server { listen 127.0.0.1:\(port) ssl http2; ssl_certificate \(folder)/\(name).pem; \
                ssl_certificate_key \(folder)/key.pem; location / { return 200 "$server_protocol $ssl_protocol\\n"; } }
                """
            }
            let configuration = """
                daemon off; master_process off; pid \(folder)/pid; error_log /dev/null;
                events { worker_connections 256; }
                http { access_log off; client_body_temp_path \(folder)/a; proxy_temp_path \(folder)/b; \
                fastcgi_temp_path \(folder)/c; uwsgi_temp_path \(folder)/d; scgi_temp_path \(folder)/e;
                \(blocks.joined(separator: "\n"))
                }
                """
            try Data(configuration.utf8).write(to: URL(filePath: "\(folder)/nginx.conf"))
            let nginx = LocalProcess.find("nginx") ?? "nginx"
            let process = try LocalProcess([nginx, "-c", "\(folder)/nginx.conf", "-p", folder])
            defer { process.stop() }
            let urls = ports.map { "https://localhost:\($0)" }
            let server = TLSServer(
                good: urls[0], wrongHost: urls[1], selfSigned: urls[2], expired: urls[3],
                authority: "\(folder)/authority.pem")
            try await waitUntilReady(server)
            return try await body(server)
        }
    }

    private static func waitUntilReady(_ server: TLSServer) async throws {
        let client = try CurlClient(TransportConfiguration(extraCertificates: server.authority))
        for _ in 0..<200 {
            if (try? await client.send(HTTPRequest(.get, server.good + "/"))) != nil { return }
            try await Task.sleep(for: .milliseconds(25))
        }
    }

    private static func makeCertificates(in folder: String) throws {
        func openssl(_ arguments: String) throws {
            let words = arguments.replacing("@", with: folder).split(separator: " ").map {
                String($0).replacing("~", with: " ")
            }
            let status = try LocalProcess([LocalProcess.find("openssl") ?? "openssl"] + words).wait()
            guard status == 0 else { throw CocoaError(.executableRuntimeMismatch) }
        }
        let subject = "basicConstraints=critical,CA:false\nsubjectAltName=DNS:"
        try Data("\(subject)localhost".utf8).write(to: URL(filePath: "\(folder)/localhost.ext"))
        try Data("\(subject)other.test".utf8).write(to: URL(filePath: "\(folder)/other.ext"))
        let newKey = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        try openssl("req -x509 \(newKey) -keyout @/ca.key -out @/authority.pem -days 2 -subj /CN=Migratez~test")
        try openssl("req \(newKey) -keyout @/key.pem -out @/request.pem -subj /CN=localhost")
        let sign = "x509 -req -in @/request.pem -CA @/authority.pem -CAkey @/ca.key -CAcreateserial"
        try openssl("\(sign) -extfile @/localhost.ext -days 2 -out @/good.pem")
        try openssl("\(sign) -extfile @/other.ext -days 2 -out @/wrong.pem")
        try openssl("\(sign) -extfile @/localhost.ext -days -1 -out @/expired.pem")
        try openssl("x509 -req -in @/request.pem -signkey @/key.pem -extfile @/localhost.ext -days 2 -out @/self.pem")
    }
}
