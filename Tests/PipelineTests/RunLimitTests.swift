// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import MigratezTransport
import Testing

/// Runs of the first records of each object.
@Suite(.serialized) struct `Limited runs` {
    @Test(arguments: [1, 30, 130])
    func `read no more than they may, and every record has its outcome`(limit: Int) async throws {
        try await MainJobWorld.with(records: 2000) { world in
            let (connection, setup) = try await world.connect()
            let run = try await Run.begin(connection.limited(to: limit), in: world.workplace) { _ in }
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
            let (status, balances) = try await run.staging.manifest.read { (try $0.run(), try $0.reconciliation()) }
            #expect(status.description.pipeline == "hubspot-to-salesforce (limited to \(limit) of each object)")
            for balance in balances {
                #expect(balance.isClosed, "\(balance.stream.name)")
                if balance.stream.kind == .object { #expect(balance.read == limit, "\(balance.stream.name)") }
            }
            let verified = try await Verification(run, scope: .all, progress: SilentProgress()).verify()
            #expect(verified.allSatisfy { $0.isGood })
            try await run.close()
            // What was not read is not gone, so that no run goes on from a part.
            let failure = await #expect(throws: MigratezError.self) { try await world.goOn() }
            #expect(failure?.code == .wrongRunState)
        }
    }

    @Test func `stay limited when they are resumed`() async throws {
        try await MainJobWorld.with(records: 2000) { world in
            var workplace = world.workplace
            workplace.http = CutLine(world.workplace.http, changes: 2, arrives: true)
            let connection = try await PlanConnection.open(world.pipeline, in: workplace)
            let setup = try await RunSetup.discover(
                connection.plan, source: connection.source, destination: connection.destination)
            let run = try await Run.begin(connection.limited(to: 130), in: workplace) { _ in }
            await #expect(throws: MigratezError.self) {
                try await RunExecution(run, setup, progress: SilentProgress())
                    .execute([.extract, .transform, .load])
            }
            try await run.close()
            let (resumed, again) = try await world.reopen()
            try await RunExecution(resumed, again, progress: SilentProgress()).execute([.extract, .transform, .load])
            for balance in try await resumed.staging.manifest.read({ try $0.reconciliation() })
            where balance.stream.kind == .object {
                #expect(balance.isClosed && balance.read == 130, "\(balance.stream.name)")
            }
            try await resumed.close()
        }
    }
}
