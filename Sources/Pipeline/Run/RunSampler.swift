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

    private struct Counts {
        var done: [Stage: Int] = [:]
        var rejected = 0
    }

    private let shown: any ProgressSink
    private let counts = Mutex(Counts())

    init(passingTo shown: any ProgressSink) { self.shown = shown }

    func advance(_ stage: Stage, _ stream: StreamName, by count: Int) {
        counts.withLock { $0.done[stage, default: 0] += count }
        shown.advance(stage, stream, by: count)
    }

    func expect(_ stage: Stage, _ stream: StreamName, total: Int) { shown.expect(stage, stream, total: total) }

    func reject(_ stage: Stage, _ stream: StreamName, by count: Int) {
        counts.withLock { $0.rejected += count }
        shown.reject(stage, stream, by: count)
    }

    /// Takes samples as long as `work` lasts: one before, one after, also when it fails.
    ///
    /// - Parameter totals: how many records the source says there are.
    func during(
        _ run: Run, totals: [StreamName: Int], _ work: @escaping @Sendable () async throws -> Void
    ) async throws {
        let session = try await run.staging.manifest.read { try $0.lastSession() } + 1
        var estimate = RunEstimate(totals: totals)
        _ = try await take(run, session, &estimate)
        let started = estimate
        do {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await work()
                    return true
                }
                group.addTask {
                    try await self.repeatedly(run, session, started)
                    return false
                }
                defer { group.cancelAll() }
                while let isWork = try await group.next(), !isWork {}
            }
        } catch {
            // The error of the work is the one to tell; a last sample that cannot be taken either changes nothing.
            _ = try? await take(run, session, &estimate)
            throw error
        }
        _ = try await take(run, session, &estimate)
    }

    /// Until it is cancelled.
    private func repeatedly(_ run: Run, _ session: Int, _ started: RunEstimate) async throws {
        var estimate = started
        var interval = Self.intervalMin
        while true {
            do { try await run.clock.sleep(for: interval) } catch is CancellationError { return }
            if try await take(run, session, &estimate) { interval *= 2 }
        }
    }

    /// Takes one sample; whether the older ones were thinned out.
    private func take(_ run: Run, _ session: Int, _ estimate: inout RunEstimate) async throws -> Bool {
        let balances = try await run.staging.manifest.read { try $0.reconciliation() }
        let now = run.clock.now
        let counts = counts.withLock { $0 }
        let sample = RunSample(
            time: now, session: session, extracted: counts.done[.extract] ?? 0,
            transformed: counts.done[.transform] ?? 0, loaded: counts.done[.load] ?? 0, rejected: counts.rejected,
            residentBytes: ProcessUsage.residentMemory.bytes, stagedBytes: run.staging.budget.usage.used.bytes,
            remaining: estimate.remaining(balances, at: now))
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

/// How long the rest of a run will take, judged by the last five minutes.
struct RunEstimate: Sendable {
    private let totals: [StreamName: Int]
    private var history: [(time: Timestamp, settled: Int)] = []
    private static let window = Duration.seconds(300)

    init(totals: [StreamName: Int]) { self.totals = totals }

    /// In milliseconds; nil as long as too little is known: before 2 % have their outcome, or a total is missing.
    mutating func remaining(_ balances: [Reconciliation], at now: Timestamp) -> Int? {
        let settled = balances.reduce(0) { $0 + $1.settled }
        history.append((now, settled))
        history.removeAll { now.duration(since: $0.time) > Self.window }
        var expected = 0
        for balance in balances {
            if balance.stream.state(of: .extract) == .done {
                expected += balance.read
            } else if let total = totals[balance.stream.name] ?? balance.stream.sourceTotal {
                expected += max(total, balance.read)
            } else {
                return nil
            }
        }
        guard settled * 50 >= expected, let first = history.first, settled > first.settled else { return nil }
        let elapsed = Double(now.milliseconds - first.time.milliseconds)
        return Int(elapsed / Double(settled - first.settled) * Double(expected - settled))
    }
}
