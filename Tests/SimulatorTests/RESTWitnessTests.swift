// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezRESTSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import Testing

@Suite struct `Clients of the vendors that definitions describe` {
    /// `closeio` and `basecrm` are the vendors' own, `attio` was generated from the vendor's OpenAPI document.
    @Test(
        .enabled(if: WitnessRunner.isEnabled, "\(WitnessRunner.reason)"),
        arguments: [RESTSimulator.Vendor.close, .sell, .attio])
    func `work against the simulators, unmodified`(vendor: RESTSimulator.Vendor) async throws {
        let simulator = try RESTSimulator(vendor, SyntheticCRM(seed: 4, counts: .init(records: 1_000)))
        let (status, output) = try await SimulatorServer.run(simulator) { server in
            await WitnessRunner.run(vendor.rawValue, baseURL: server.baseURL)
        }
        #expect(status == 0 && output.contains("ok "), "\(output)")
    }
}
