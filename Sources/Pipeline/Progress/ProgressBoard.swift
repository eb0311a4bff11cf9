// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import Synchronization

/// Counts what the stages of this process report.
package final class ProgressBoard: ProgressSink {
    private let counts: Mutex<[StreamName: ProgressCounts.Stream]>
    private let order: [StreamName]

    /// - Parameter known: where the run stands already; what is reported is added to it.
    package init(_ known: ProgressCounts) {
        order = known.streams.map(\.name)
        counts = Mutex(Dictionary(known.streams.map { ($0.name, $0) }) { first, _ in first })
    }

    package func advance(_ stage: Stage, _ stream: StreamName, by count: Int) {
        counts.withLock { $0[stream, default: .init(stream)][stage].done += count }
    }

    package func expect(_ stage: Stage, _ stream: StreamName, total: Int) {
        counts.withLock { $0[stream, default: .init(stream)].expected = total }
    }

    package func reject(_ stage: Stage, _ stream: StreamName, by count: Int) {
        counts.withLock { $0[stream, default: .init(stream)].rejected += count }
    }

    /// What was counted here, in the order of the streams.
    package var current: ProgressCounts {
        counts.withLock { counts in ProgressCounts(order.compactMap { counts[$0] }) }
    }

    /// What was counted here, put right by what is durable: the manifest knows of ends and of links, this process is
    /// ahead with records.
    package func merged(with durable: ProgressCounts) -> ProgressCounts {
        var merged = durable
        let own = counts.withLock { $0 }
        for index in merged.streams.indices {
            guard let live = own[merged.streams[index].name] else { continue }
            merged.streams[index].expected = merged.streams[index].expected ?? live.expected
            for stage in Stage.allCases where !merged.streams[index][stage].isComplete {
                merged.streams[index][stage].done = max(merged.streams[index][stage].done, live[stage].done)
            }
        }
        return merged
    }
}
