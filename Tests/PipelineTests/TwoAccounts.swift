// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezPipeline
import MigratezSimulatorKit
import MigratezStaging
import MigratezTestKit
import MigratezTransport
import Testing

/// Two simulated accounts and a workplace whose variables lead to them: `FROM` and `INTO` are their addresses, `SECRET` is
/// what both take.
struct TwoAccounts {
    let folder: String
    let workplace: Workplace
    let from: SimulatorServer
    let into: SimulatorServer

    /// Where the pipeline is.
    var file: String { "\(folder)/p.yaml" }

    /// - Parameters:
    ///   - faults: of the account that is loaded.
    ///   - seed: decides which requests they hit.
    static func with(
        _ from: any SimulatorService, _ into: any SimulatorService, faults: FaultPlan = FaultPlan(), seed: UInt64 = 1,
        clock: HurriedClock = HurriedClock(), _ body: (TwoAccounts) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            try await SimulatorServer.run(from, configuration: .init(clock: clock)) { from in
                try await SimulatorServer.run(
                    into, configuration: .init(faults: faults, seed: seed, clock: clock)
                ) { into in
                    let workplace = try Workplace(
                        environment: ["SECRET": "secret", "FROM": from.baseURL, "INTO": into.baseURL],
                        clock: clock, http: try CurlClient(TransportConfiguration()), stateFolder: "\(folder)/state")
                    try await body(TwoAccounts(folder: folder, workplace: workplace, from: from, into: into))
                }
            }
        }
    }

    /// Writes the pipeline and connects it to both, which must find nothing wrong with it.
    func connect(
        _ pipeline: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> (PlanConnection, RunSetup) {
        try pipeline.write(toFile: file, atomically: true, encoding: .utf8)
        let connection = try await PlanConnection.open(file, in: workplace)
        let setup = try await RunSetup.discover(
            connection.plan, source: connection.source, destination: connection.destination)
        #expect(setup.diagnostics.isEmpty, "\(setup.diagnostics)\n\(pipeline)", sourceLocation: sourceLocation)
        return (connection, setup)
    }
}

/// Every record and every link ended well, and the destination holds what was sent.
func expectAllArrived(_ run: Run, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    for balance in try await run.staging.manifest.read({ try $0.reconciliation() }) {
        #expect(
            balance.isClosed && balance[.rejected] == 0, "\(balance.stream.name)", sourceLocation: sourceLocation)
    }
    for report in try await Verification(run, scope: .all, progress: SilentProgress()).verify() {
        #expect(
            report.isGood, "\(report.stream): \(report.missing) missing, \(report.differences)",
            sourceLocation: sourceLocation)
    }
}
