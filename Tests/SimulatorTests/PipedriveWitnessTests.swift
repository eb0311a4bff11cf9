// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezPipedriveSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import Testing

@Suite struct `A third party's Pipedrive client` {
    @Test(.enabled(if: WitnessRunner.isEnabled, "\(WitnessRunner.reason)"))
    func `api-pipedrive-python works against the simulator, unmodified`() async throws {
        let crm = SyntheticCRM(
            seed: 4, counts: .init(contacts: 400, companies: 40, deals: 60, notes: 60, owners: 12))
        let (status, output) = try await SimulatorServer.run(try PipedriveSimulator(crm)) { server in
            await WitnessRunner.run("pipedrive", baseURL: server.baseURL)
        }
        #expect(status == 0 && output.contains("ok "), "\(output)")
    }
}
