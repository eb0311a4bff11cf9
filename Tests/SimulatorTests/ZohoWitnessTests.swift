// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezZohoSimulator
import Testing

@Suite struct `Zoho's own client` {
    @Test(.enabled(if: WitnessRunner.isEnabled, "\(WitnessRunner.reason)"))
    func `zohocrmsdk8-0 works against the simulator, unmodified`() async throws {
        let crm = SyntheticCRM(seed: 4, counts: .init(contacts: 2_600, companies: 200, deals: 20, owners: 12))
        let simulator = try ZohoSimulator(crm)
        let (status, output) = try await SimulatorServer.run(simulator) { server in
            await WitnessRunner.run("zoho", baseURL: server.baseURL)
        }
        #expect(status == 0 && output.contains("ok "), "\(output)")
    }
}
