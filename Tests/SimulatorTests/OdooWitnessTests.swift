// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezOdooSimulator
import MigratezSimulatorKit
import Testing

@Suite struct `Odoo simulator and odoorpc` {
    @Test(.enabled(if: WitnessRunner.isEnabled, Comment(rawValue: WitnessRunner.reason)))
    func `an independent client works with it unmodified`() async throws {
        let simulator = try OdooSimulator()
        let (status, output) = try await SimulatorServer.run(simulator) { server in
            await WitnessRunner.run("odoo", baseURL: server.baseURL)
        }
        #expect(status == 0, "\(output)")
        #expect(output.contains("ok "), "\(output)")
    }
}
