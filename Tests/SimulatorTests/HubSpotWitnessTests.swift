// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezHubSpotSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import Testing

@Suite struct `HubSpot's own client` {
    @Test(.enabled(if: WitnessRunner.isEnabled, "\(WitnessRunner.reason)"))
    func `hubspot-api-client works against the simulator, unmodified`() async throws {
        let crm = SyntheticCRM(
            seed: 4, counts: .init(contacts: 11_000, companies: 400, deals: 200, notes: 100, owners: 12))
        let simulator = try HubSpotSimulator(crm)
        let (status, output) = try await SimulatorServer.run(simulator) { server in
            await WitnessRunner.run("hubspot", baseURL: server.baseURL)
        }
        #expect(status == 0 && output.contains("ok "), "\(output)")
    }
}
