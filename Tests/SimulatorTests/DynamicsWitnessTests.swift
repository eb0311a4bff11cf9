// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezDynamicsSimulator
import MigratezSimulatorKit
import Testing

@Suite struct `Dynamics simulator and Dataverse client` {
    @Test(.enabled(if: WitnessRunner.isEnabled, Comment(rawValue: WitnessRunner.reason)))
    func `an independent client works with it unmodified`() async throws {
        var options = DynamicsOptions()
        options.staticTokens = ["witness"]
        let simulator = try DynamicsSimulator(options: options)
        let (status, output) = try await SimulatorServer.run(simulator) { server in
            await WitnessRunner.run("dynamics", baseURL: server.baseURL)
        }
        #expect(status == 0, "\(output)")
        #expect(output.contains("ok "), "\(output)")
    }
}
