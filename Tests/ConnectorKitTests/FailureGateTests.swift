// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTestKit
import MigratezTransport
import Testing

@Suite struct FailureGateTests {
    @Test func `the last of so many failures in a row ends the work, and any answer begins the count anew`()
        async throws
    {
        let statuses = [503, 503, 404, 500, 502, 503]
        let tally = Tally()
        let gate = FailureGate(
            StubHTTPClient { _, _ in HTTPResponse(status: statuses[tally.add() - 1]) }, failuresMax: 3)
        let request = HTTPRequest(.get, "http://127.0.0.1/")
        for status in statuses.dropLast() { #expect(try await gate.send(request).status == status) }
        let error = await #expect(throws: MigratezError.self) { try await gate.send(request) }
        #expect(error?.code == .gateBreached)
    }
}
