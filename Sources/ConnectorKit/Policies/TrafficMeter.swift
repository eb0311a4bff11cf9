// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import Synchronization

/// What one side was asked and how it answered, added up: for progress, events and metrics.
package final class TrafficMeter: Sendable {
    package struct Totals: Sendable, Equatable {
        /// Requests by how they ended: a status (`503`), or the code of what failed.
        package var requests: [String: Int] = [:]
        /// Bytes of answers.
        package var bytesReceived = 0
        /// How many requests took at most so many seconds, by the bounds of `durationBounds`; each holds those before it.
        package var durations = [Int](repeating: 0, count: durationBounds.count)
        package var durationSum = Duration.zero

        package init() {}

        package var count: Int { requests.values.reduce(0, +) }
    }

    /// In seconds.
    package static let durationBounds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

    /// The time during which a request was under way.
    package let underWay: WaitMeter
    private let state = Mutex(Totals())

    package init(clock: any WallClock) { underWay = WaitMeter(clock: clock) }

    package var totals: Totals { state.withLock { $0 } }

    /// Counts a request that has ended; one that was cancelled is nobody's answer.
    package func record(_ entry: RequestLogEntry) {
        guard let end = entry.status.map(String.init) ?? entry.failure?.description else { return }
        let duration = entry.duration.seconds
        state.withLock { state in
            state.requests[end, default: 0] += 1
            state.bytesReceived += entry.bytes
            state.durationSum += entry.duration
            for (index, bound) in TrafficMeter.durationBounds.enumerated() where duration <= bound {
                state.durations[index] += 1
            }
        }
    }
}
