// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezStaging
import Synchronization

/// Notes every few seconds how a run stands, for the report: what passed each stage, memory, disk, the estimate.
///
/// Passes progress on to whoever shows it. There are never more than `samplesMax` rows: when they are full, every second
/// one goes and the next ones come half as often.
final class RunSampler: ProgressSink {
    static let samplesMax = 600
    private static let intervalMin = Duration.seconds(2)

    private struct State {
        var done: [Stage: Int] = [:]
        var rejected = 0
        var history = ProgressHistory([])
    }

    private let shown: any ProgressSink
    private let state = Mutex(State())

    init(passingTo shown: any ProgressSink) { self.shown = shown }

    func advance(_ stage: Stage, _ stream: StreamName, by count: Int) {
        state.withLock { $0.done[stage, default: 0] += count }
        shown.advance(stage, stream, by: count)
    }

    func expect(_ stage: Stage, _ stream: StreamName, total: Int) { shown.expect(stage, stream, total: total) }

    func reject(_ stage: Stage, _ stream: StreamName, by count: Int) {
        state.withLock { $0.rejected += count }
        shown.reject(stage, stream, by: count)
    }

    /// Takes samples as long as `work` lasts: one before, one after, also when it fails.
    ///
    /// - Parameters:
    ///   - stages: those that are at work.
    ///   - totals: how many records the source says there are.
    func during(
        _ run: Run, _ stages: Set<Stage>, totals: [StreamName: Int], _ work: @escaping @Sendable () async throws -> Void
    ) async throws {
        let session = try await run.staging.manifest.read { try $0.lastSession() } + 1
        state.withLock { $0.history = ProgressHistory(stages) }
        _ = try await take(run, session, totals)
        do {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await work()
                    return true
                }
                group.addTask {
                    try await self.repeatedly(run, session, totals)
                    return false
                }
                defer { group.cancelAll() }
                while let isWork = try await group.next(), !isWork {}
            }
        } catch {
            // The error of the work is the one to tell; a last sample that cannot be taken either changes nothing.
            _ = try? await take(run, session, totals)
            throw error
        }
        _ = try await take(run, session, totals)
    }

    /// Until it is cancelled.
    private func repeatedly(_ run: Run, _ session: Int, _ totals: [StreamName: Int]) async throws {
        var interval = Self.intervalMin
        while true {
            do { try await run.clock.sleep(for: interval) } catch is CancellationError { return }
            if try await take(run, session, totals) { interval *= 2 }
        }
    }

    /// Takes one sample; whether the older ones were thinned out.
    private func take(_ run: Run, _ session: Int, _ totals: [StreamName: Int]) async throws -> Bool {
        let known = try await run.staging.manifest.read { try ProgressCounts($0) }.expecting(totals)
        let now = run.clock.now
        let counts = state.withLock { state in
            state.history.add(known, at: now)
            return state
        }
        let sample = RunSample(
            time: now, session: session, extracted: counts.done[.extract] ?? 0,
            transformed: counts.done[.transform] ?? 0, loaded: counts.done[.load] ?? 0, rejected: counts.rejected,
            residentBytes: ProcessUsage.residentMemory.bytes, stagedBytes: run.staging.budget.usage.used.bytes,
            remaining: counts.history.timeToGo.estimate.map { Int($0.wholeMilliseconds) })
        let requests = [
            RequestCounts.Side.source: RequestCounts(run.traffic.source.totals),
            .destination: RequestCounts(run.traffic.target.totals),
        ]
        return try await run.staging.manifest.commit { transaction in
            for (side, counts) in requests { try transaction.set(counts, to: side, inSession: session) }
            return try transaction.add(sample, limit: Self.samplesMax)
        }
    }
}

extension RequestCounts {
    /// Every attempt, by how it ended.
    fileprivate init(_ totals: TrafficMeter.Totals) {
        self.init()
        for (end, count) in totals.requests {
            requests += count
            // What ended without a status has the code of what failed in its place.
            if end == "429" { throttled += count } else if Int(end).map({ $0 >= 500 }) ?? true { failed += count }
        }
    }
}
