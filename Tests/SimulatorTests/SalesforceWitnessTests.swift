// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezSalesforceSimulator
import MigratezSimulatorKit
import Testing

@Suite struct `Salesforce simulator and simple-salesforce` {
    @Test(.enabled(if: WitnessRunner.isEnabled, Comment(rawValue: WitnessRunner.reason)))
    func `an independent client works with it unmodified`() async throws {
        var options = OrgOptions()
        options.staticTokens = ["witness"]
        let simulator = try SalesforceSimulator(options: options)
        let (status, output) = try await SimulatorServer.run(simulator) { server in
            await WitnessRunner.run("salesforce", baseURL: server.baseURL)
        }
        #expect(status == 0, "\(output)")
        #expect(output.contains("ok "), "\(output)")
    }
}
