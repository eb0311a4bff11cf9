// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

extension StagedRun {
    /// Opens the run and lets `body` work in it, in a process that ends at its commit with this number, from 1.
    func ending(atCommit end: Int, _ body: (StagingArea) async throws -> Void) async throws {
        var ending = self
        let commits = Tally()
        ending.settings.onCommit = { moment in
            guard moment == .before, commits.add() >= end else { return }
            throw MigratezError(.diskFailed, "the process ends here")
        }
        do {
            let area = try await ending.open()
            do { try await body(area) } catch { #expect(commits.value >= end) }
            try await area.close()
        } catch { #expect(end == 1, "the first commit is that of the opening") }
    }
}
