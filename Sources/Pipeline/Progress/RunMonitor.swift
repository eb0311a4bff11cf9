// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
package import MigratezModel
import MigratezStaging
import Synchronization

/// Watches a run that this process works on: what is done, how fast, and what holds it up.
package final class RunMonitor: Sendable {
    private struct State {
        var history: ProgressHistory
        var waits: [(time: Timestamp, totals: WaitTotals)] = []
    }

    /// Where the stages report to.
    package let board: ProgressBoard
    let gauge: ConcurrencyGauge
    private let run: Run
    private let state: Mutex<State>

    /// How far back waits are looked at.
    private static let window = Duration.seconds(10)

    /// - Parameter totals: how many records there are by the source's own estimate.
    package init(_ run: Run, _ stages: Set<Stage>, totals: [StreamName: Int]) async throws {
        let known = try await run.staging.manifest.read { try ProgressCounts($0) }
        board = ProgressBoard(known)
        for (stream, total) in totals { board.expect(.extract, stream, total: total) }
        gauge = ConcurrencyGauge(clock: run.clock)
        self.run = run
        state = Mutex(State(history: ProgressHistory(stages)))
    }

    /// A look at everything; the more often, the finer the rates.
    package func sample() async throws -> ProgressSnapshot {
        let durable = try await run.staging.manifest.read { try ProgressCounts($0) }
        let counts = board.merged(with: durable).ordered(run.streams)
        let now = run.clock.now
        let totals = waitTotals
        let (history, shares) = state.withLock { state in
            state.history.add(counts, at: now)
            state.waits.append((now, totals))
            while state.waits.count > 2, now.duration(since: state.waits[1].time) > RunMonitor.window {
                state.waits.removeFirst()
            }
            let first = state.waits[0]
            let period = now.duration(since: first.time)
            return (state.history, period > .zero ? totals.shares(since: first.totals, over: period) : nil)
        }
        var snapshot = ProgressSnapshot(time: now, counts: counts, history: history)
        if var shares {
            shares.cores = ProcessUsage.cores
            shares.isThrottled = gauge.isHeldDown
            shares.isExtracting =
                history.stages.contains(.extract) && counts.streams.contains { !$0[.extract].isComplete }
            snapshot.limitedBy = shares.bottleneck
            snapshot.limit = shares.bottleneck.map { words(for: $0) }
        }
        return snapshot
    }

    private var waitTotals: WaitTotals {
        var totals = WaitTotals()
        totals.sourceRate = run.source.limiter?.holds.total ?? .zero
        totals.sourceBusy = run.traffic.source.underWay.total
        totals.targetRate = run.destination.limiter?.holds.total ?? .zero
        totals.targetBusy = run.traffic.target.underWay.total
        totals.targetWrites = gauge.calls.total
        totals.targetSlots = gauge.waits.total
        totals.disk = run.staging.budget.waits.total
        totals.processor = ProcessUsage.processorTime
        return totals
    }

    /// The limit for people, with the figure that they can change.
    private func words(for limit: Bottleneck) -> String {
        func rate(_ name: String, _ limiter: RateLimiter?) -> String {
            "\(name) rate" + (limiter?.budget.map { " (\($0))" } ?? "")
        }
        return switch limit {
        case .sourceRate: rate(run.source.name, run.source.limiter)
        case .source: run.source.name
        case .targetRate: rate(run.destination.name, run.destination.limiter)
        case .targetConcurrency: "\(run.destination.name) concurrency"
        case .target: run.destination.name
        case .cpu: "CPU (\(ProcessUsage.cores) cores)"
        case .disk: "staging disk (\(run.staging.budget.usage.limit))"
        }
    }
}

extension ProgressCounts {
    /// The streams in this order; those that it does not name come last.
    fileprivate func ordered(_ names: [StreamName]) -> ProgressCounts {
        var ordered = self
        ordered.streams =
            names.compactMap { stream($0) } + streams.filter { stream in !names.contains(stream.name) }
        return ordered
    }
}
