// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials

/// Certificates of an authority that is made for one test, all for one key, as PEM files in its folder.
struct TestCertificates {
    let folder: String

    /// The authority's own.
    var authority: String { path("authority") }
    /// The key of all servers.
    var key: String { "\(folder)/key.pem" }

    func path(_ name: String) -> String { "\(folder)/\(name).pem" }

    static let isAvailable = LocalProcess.find("openssl") != nil

    /// Makes `good`, `other-host`, `expired`, `self-signed` and `unknown` (by another authority), all but the second for
    /// `localhost`.
    static func make(in folder: String) throws -> TestCertificates {
        let certificates = TestCertificates(folder: folder)
        let subject = "basicConstraints=critical,CA:false\nsubjectAltName=DNS:"
        try Data("\(subject)localhost".utf8).write(to: URL(filePath: "\(folder)/localhost.ext"))
        try Data("\(subject)other.test".utf8).write(to: URL(filePath: "\(folder)/other.ext"))
        let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        for name in ["authority", "stranger"] {
            try openssl(
                ["req", "-x509"] + newKey
                    + [
                        "-keyout", "\(folder)/\(name).key", "-out", certificates.path(name), "-days", "2", "-subj",
                        "/CN=Migratez test \(name)",
                    ])
        }
        try openssl(
            ["req"] + newKey + ["-keyout", certificates.key, "-out", "\(folder)/request.pem", "-subj", "/CN=localhost"])
        func sign(_ name: String, by authority: String, host: String = "localhost", days: Int = 2) throws {
            try openssl([
                "x509", "-req", "-in", "\(folder)/request.pem", "-CA", certificates.path(authority), "-CAkey",
                "\(folder)/\(authority).key", "-CAcreateserial", "-extfile", "\(folder)/\(host).ext", "-days",
                "\(days)", "-out", certificates.path(name),
            ])
        }
        try sign("good", by: "authority")
        try sign("other-host", by: "authority", host: "other")
        try sign("expired", by: "authority", days: -1)
        try sign("unknown", by: "stranger")
        try openssl([
            "x509", "-req", "-in", "\(folder)/request.pem", "-signkey", certificates.key, "-extfile",
            "\(folder)/localhost.ext", "-days", "2", "-out", certificates.path("self-signed"),
        ])
        return certificates
    }

    private static func openssl(_ arguments: [String]) throws {
        let program = LocalProcess.find("openssl") ?? "openssl"
        guard try LocalProcess([program] + arguments).wait() == 0 else {
            throw CocoaError(.executableRuntimeMismatch)
        }
    }
}
