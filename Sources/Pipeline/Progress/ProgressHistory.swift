// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// What was done when, over the last five minutes: rates and the time to go.
package struct ProgressHistory: Sendable {
    private struct Sample {
        var time: Timestamp
        var counts: ProgressCounts
    }

    private var samples: [Sample] = []
    /// Those that are at work, in their order.
    package let stages: [Stage]

    /// How far back the time to go looks.
    private static let window = Duration.seconds(300)
    /// How far back the rates that are shown look.
    private static let rateWindow = Duration.seconds(20)
    /// Samples closer together than this replace each other.
    private static let spacing = Duration.seconds(1)
    /// Nothing is said of the time to go before so much is done, or so much time has passed.
    private static let doneMin = 0.02
    private static let elapsedMin = Duration.seconds(60)
    /// A rate over less than this says nothing.
    private static let measuredMin = Duration.seconds(3)

    /// - Parameter stages: those that are at work.
    package init(_ stages: Set<Stage>) { self.stages = Stage.allCases.filter { stages.contains($0) } }

    package mutating func add(_ counts: ProgressCounts, at time: Timestamp) {
        if samples.count > 1, time.duration(since: samples[samples.count - 2].time) < Self.spacing {
            samples[samples.count - 1] = Sample(time: time, counts: counts)
        } else {
            samples.append(Sample(time: time, counts: counts))
        }
        // The first one is kept for the rate of the whole.
        while samples.count > 2, time.duration(since: samples[1].time) > Self.window { samples.remove(at: 1) }
    }

    /// Records and links a second that passed the stage of late.
    package func rate(of stage: Stage) -> Double { rate(over: Self.rateWindow) { $0.done(in: stage) } ?? 0 }

    /// The time until the stream has passed every stage.
    package func timeToGo(of stream: StreamName) -> TimeToGo {
        guard let now = samples.last?.counts.stream(stream) else { return .unknown }
        let left = stages.filter { !now[$0].isComplete }
        if left.isEmpty { return .done }
        guard left.contains(where: { now[$0].done > 0 }) else { return .waiting }
        return timeToGo(left, done: { $0.stream(stream)?[$1].done ?? 0 }, remaining: { now.remaining(in: $0) })
    }

    /// The time until everything has passed every stage.
    package var timeToGo: TimeToGo {
        guard let now = samples.last?.counts else { return .unknown }
        let left = stages.filter { stage in now.streams.contains { !$0[stage].isComplete } }
        if left.isEmpty { return .done }
        return timeToGo(left, done: { $0.done(in: $1) }, remaining: { now.remaining(in: $0) })
    }

    /// The slowest of the stages counts. Its range is that of the rates of the last minute, of the last five, and of
    /// the whole.
    private func timeToGo(
        _ stages: [Stage], done: (ProgressCounts, Stage) -> Int, remaining: (Stage) -> Int?
    ) -> TimeToGo {
        guard let first = samples.first, let last = samples.last else { return .unknown }
        var slowest: ClosedRange<Double>?
        var hasWork = false
        var isPartial = false
        for stage in stages {
            guard let left = remaining(stage) else { return .unknown }
            if left == 0 { continue }
            hasWork = true
            let doneNow = done(last.counts, stage)
            guard doneNow > 0 else {
                isPartial = true
                continue
            }
            let share = Double(doneNow) / Double(doneNow + left)
            let elapsed = last.time.duration(since: first.time)
            guard share >= Self.doneMin || elapsed >= Self.elapsedMin else { return .unknown }
            // A bulk job shows nothing until its end: what was fast before says nothing about it.
            guard rate(over: Self.elapsedMin, { done($0, stage) }) != 0 else {
                isPartial = true
                continue
            }
            let windows = [Self.elapsedMin, Self.window, elapsed]
            let rates = windows.compactMap { rate(over: $0) { done($0, stage) } }.filter { $0 > 0 }
            guard let low = rates.min(), let high = rates.max() else { return .unknown }
            let middle = Double(left) / ((low + high) / 2)
            // Even a steady rate says nothing more exact than a tenth about what is to come.
            let range = min(Double(left) / high, middle * 0.9)...max(Double(left) / low, middle * 1.1)
            if let known = slowest, known.upperBound >= range.upperBound { continue }
            slowest = range
        }
        guard let slowest else { return hasWork ? .unknown : .done }
        return isPartial ? .atLeast(slowest.middle) : .seconds(slowest)
    }

    private func rate(over window: Duration, _ done: (ProgressCounts) -> Int) -> Double? {
        guard let last = samples.last,
            var start = samples.firstIndex(where: { last.time.duration(since: $0.time) <= window })
        else { return nil }
        // The time before something began says nothing about how fast it is.
        if done(samples[start].counts) == done(samples[0].counts) {
            while start + 1 < samples.count, done(samples[start + 1].counts) == done(samples[0].counts) { start += 1 }
        }
        let first = samples[start]
        let elapsed = last.time.duration(since: first.time)
        guard elapsed >= Self.measuredMin else { return nil }
        return max(0, Double(done(last.counts) - done(first.counts)) / elapsed.seconds)
    }
}

/// How long something will take.
package enum TimeToGo: Sendable, Equatable {
    /// Too early to say, or nobody knows how much there is.
    case unknown
    /// It has not begun.
    case waiting
    case done
    /// So many seconds for the stages that can be told of; others have not begun.
    case atLeast(Double)
    case seconds(ClosedRange<Double>)

    /// One figure for the whole time, to be held against what it took; `nil` as long as too little is known.
    package var estimate: Duration? {
        switch self {
        case .unknown, .waiting, .atLeast: nil
        case .done: .zero
        case .seconds(let range): .seconds(range.middle)
        }
    }
}

extension ClosedRange<Double> {
    package var middle: Double { (lowerBound + upperBound) / 2 }
}

extension ProgressCounts {
    package func stream(_ name: StreamName) -> Stream? { streams.first { $0.name == name } }

    /// Records and links that have passed the stage.
    package func done(in stage: Stage) -> Int { streams.reduce(0) { $0 + $1[stage].done } }

    /// Records that are left to do; `nil` if nobody knows. Links are few against records, and nobody counts them
    /// beforehand.
    fileprivate func remaining(in stage: Stage) -> Int? {
        var sum = 0
        for stream in streams where !stream.isLink {
            guard let remaining = stream.remaining(in: stage) else { return nil }
            sum += remaining
        }
        return sum
    }
}
