// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezStaging
import Synchronization

/// Something that can be looked at while it goes on.
package protocol ProgressMonitor: Sendable {
    func sample() async throws -> ProgressSnapshot
}

extension RunMonitor: ProgressMonitor {}

/// Watches work of one stage that stands in no manifest: the reading back of a verification.
package final class StageMonitor: ProgressMonitor {
    /// Where the work reports to.
    package let board: ProgressBoard
    private let stage: Stage
    private let clock: any WallClock
    private let history: Mutex<ProgressHistory>

    package init(_ stage: Stage, of streams: [StreamName], clock: any WallClock) {
        board = ProgressBoard(ProgressCounts(streams.map { ProgressCounts.Stream($0) }))
        history = Mutex(ProgressHistory([stage]))
        self.stage = stage
        self.clock = clock
    }

    package func sample() async throws -> ProgressSnapshot {
        let (counts, now) = (board.current.completing(stage), clock.now)
        let history = history.withLock { history in
            history.add(counts, at: now)
            return history
        }
        return ProgressSnapshot(time: now, counts: counts, history: history)
    }
}

extension ProgressCounts {
    /// A stage that has done all that it expects is complete.
    fileprivate func completing(_ stage: Stage) -> ProgressCounts {
        var counts = self
        for index in counts.streams.indices {
            guard let expected = counts.streams[index].expected else { continue }
            counts.streams[index][stage].isComplete = counts.streams[index][stage].done >= expected
        }
        return counts
    }
}

/// Watches a run that another process works on, by what that one writes down every few seconds.
package struct RemoteMonitor: Sendable {
    package enum Look: Sendable {
        /// A process is at work; `nil` = it has not said anything yet.
        case working(ProgressSnapshot?)
        /// Nobody is.
        case resting
    }

    private let folder: RunFolder

    package init(_ folder: RunFolder) { self.folder = folder }

    package func look() async throws -> Look {
        let inspection = try RunInspection(folder)
        guard inspection.owner != nil else { return .resting }
        return .working(try await inspection.manifest.read { try ProgressSnapshot($0) })
    }
}
