// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezSalesforceConnector
import MigratezSalesforceSimulator
import MigratezTestKit
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The JWT bearer flow with a key pair made for the test.
@Suite struct SalesforceJWTTests {
    static let hasOpenSSL = system("openssl version >/dev/null 2>&1") == 0

    @Test(.enabled(if: hasOpenSSL, "the openssl program makes the keys, and is not here"))
    func `an assertion is accepted with the right key only`() async throws {
        try await withTemporaryFolder { folder in
            for name in ["ours", "other"] {
                let command =
                    "cd '\(folder)' && openssl genrsa -out \(name).pem 2048 2>/dev/null "
                    + "&& openssl rsa -in \(name).pem -pubout -out \(name).pub 2>/dev/null"
                try #require(system(command) == 0)
            }
            var options = OrgOptions()
            options.jwtPublicKey = String(decoding: try readFile("\(folder)/ours.pub"), as: UTF8.self)
            let texts = ["auth.kind": "jwt", "auth.user": "etl@acme.test"]
            for (name, isAccepted) in [("ours", true), ("other", false)] {
                let key = Secret(String(decoding: try readFile("\(folder)/\(name).pem"), as: UTF8.self))
                try await Sandbox.run(options, settings: texts, secrets: ["auth.key": key], stamped: []) { sandbox in
                    guard !isAccepted else {
                        let people = try await sandbox.destination.people()
                        #expect(people.count == 2)
                        return
                    }
                    let error = await #expect(throws: MigratezError.self) { try await sandbox.destination.people() }
                    #expect(error?.code == .credentialsRejected)
                    #expect(error?.hint?.contains("auth.key") == true)
                }
            }
        }
    }
}
