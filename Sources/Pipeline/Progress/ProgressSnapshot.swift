// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Everything that is to be seen of a run at one moment.
package struct ProgressSnapshot: Sendable, Equatable {
    package var time: Timestamp
    /// The stages that are at work.
    package var stages: [Stage]
    package var counts: ProgressCounts
    /// Records and links a second through each stage, of late.
    package var rates: [Stage: Double] = [:]
    package var limitedBy: Bottleneck?
    /// The limit in words: `hubspot rate (150/10s)`.
    package var limit: String?
    package var timeToGo = TimeToGo.unknown
    package var streamTimes: [StreamName: TimeToGo] = [:]

    package init(time: Timestamp, stages: [Stage], counts: ProgressCounts) {
        self.time = time
        self.stages = stages
        self.counts = counts
    }

    package init(time: Timestamp, counts: ProgressCounts, history: ProgressHistory) {
        self.init(time: time, stages: history.stages, counts: counts)
        for stage in history.stages { rates[stage] = history.rate(of: stage) }
        timeToGo = history.timeToGo
        for stream in counts.streams { streamTimes[stream.name] = history.timeToGo(of: stream.name) }
    }
}
