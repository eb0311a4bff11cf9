// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezLoad
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Synchronization
import Testing

/// Every commit of the manifest fails once, before or after it has become durable, and the run is opened again.
@Suite struct `A commit that fails during a load` {
    private static let diskFailed = MigratezError(.diskFailed, "the disk failed, as told")

    /// Loads with one failing commit; true if the load had so many.
    private func load(
        _ path: String, failing number: Int, _ moment: Manifest.CommitMoment, into destination: MemoryDestination
    ) async throws -> Bool {
        let commits = Mutex(0)
        let isArmed = Mutex(false)
        var run = StagedRun(path)
        run.settings.onCommit = { at in
            guard at == moment, isArmed.withLock({ $0 }) else { return }
            let count = commits.withLock { commits in
                commits += 1
                return commits
            }
            if count == number { throw Self.diskFailed }
        }
        var area = try await Scene.create(run, contacts: 24, companies: 2)
        isArmed.withLock { $0 = true }
        do { try await Scene.loadAll(destination, area) } catch {
            #expect((error as? MigratezError)?.code == .diskFailed)
        }
        isArmed.withLock { $0 = false }
        let hasFailed = commits.withLock { $0 } >= number
        try await area.close()
        area = try await run.open()
        try await Scene.loadAll(destination, area)
        try await Scene.expectBalance(area, [.created: 12, .updated: 12])
        try await Scene.expectBalance(area, of: link, [.created: 12, .updated: 12])
        try await Scene.expectBalance(area, of: company, [.updated: 2])
        #expect(try await Images.all(area, contact).map(\.place.ordinal).sorted() == Array(0..<12))
        #expect(
            try await Images.all(area, contact).allSatisfy { $0.fields.contains("\($0.place.ordinal)xx") },
            "the values are those before the first write")
        try await area.close()
        return hasFailed
    }

    @Test(arguments: [Manifest.CommitMoment.before, .after])
    func `doubles nothing, loses nothing, and every outcome is right`(moment: Manifest.CommitMoment) async throws {
        var number = 0
        var goesOn = true
        while goesOn {
            number += 1
            goesOn = try await withTemporaryFolder { path in
                let destination = MemoryDestination()
                let earlier = try await Scene.create(
                    StagedRun("\(path)/earlier"), contacts: 12, companies: 2, padding: 2)
                try await Scene.loadAll(destination, earlier)
                try await earlier.close()
                let hasFailed = try await load(path, failing: number, moment, into: destination)
                #expect(destination.held.count == 26)
                #expect(Set(destination.held.map { "\($0.object) \($0.key ?? "")" }).count == 26)
                #expect(
                    destination.held.filter { $0.writes > 1 }.allSatisfy { held in
                        held.object == "Account" || (held.fields["Phone"]?.text.flatMap { Int($0) } ?? 99) < 12
                    }, "what this run creates is written once")
                return hasFailed
            }
        }
        #expect(number > 10)
    }
}
