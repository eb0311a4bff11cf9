// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import Synchronization

/// Counts what the stages report, and turns it into the lines that a person sees.
final class ProgressBoard: ProgressSink {
    private struct Count {
        var done = 0
        var total: Int?
        var rejected = 0
    }

    private struct State {
        var streams: [StreamName] = []
        var counts: [Stage: [StreamName: Count]] = [:]
        var samples: [(time: Timestamp, extracted: Int, loaded: Int)] = []
    }

    private let state: Mutex<State>
    private let clock: any WallClock
    /// How far back rates look.
    private static let window = Duration.seconds(20)

    init(streams: [StreamName], clock: any WallClock) {
        state = Mutex(State(streams: streams))
        self.clock = clock
    }

    func advance(_ stage: Stage, _ stream: StreamName, by count: Int) {
        state.withLock { $0.counts[stage, default: [:]][stream, default: Count()].done += count }
    }

    func expect(_ stage: Stage, _ stream: StreamName, total: Int) {
        state.withLock { $0.counts[stage, default: [:]][stream, default: Count()].total = total }
    }

    func reject(_ stage: Stage, _ stream: StreamName, by count: Int) {
        state.withLock { $0.counts[stage, default: [:]][stream, default: Count()].rejected += count }
    }

    /// The table and the line below it.
    func lines() -> [String] {
        let now = clock.now
        return state.withLock { state in
            var table = TextTable(["Object", "Extract", "Transform", "Load", "Rejected"], rightAligned: [1, 2, 3, 4])
            for stream in state.streams {
                let extracted = state.counts[.extract]?[stream] ?? Count()
                let rejected = Stage.allCases.reduce(0) { $0 + (state.counts[$1]?[stream]?.rejected ?? 0) }
                table.add([
                    stream.text, Self.cell(extracted),
                    Self.cell(state.counts[.transform]?[stream] ?? Count(), of: extracted.done),
                    Self.cell(state.counts[.load]?[stream] ?? Count(), of: extracted.done),
                    rejected == 0 ? "–" : rejected.grouped,
                ])
            }
            return table.lines + [Self.summary(&state, now: now)]
        }
    }

    private static func cell(_ count: Count, of base: Int? = nil) -> String {
        guard count.done > 0 || count.total != nil else { return "–" }
        let total = count.total ?? base
        guard let total, total > 0 else { return count.done.grouped }
        return "\(count.done.grouped) \(min(100, count.done * 100 / total)) %"
    }

    /// Rates of the last seconds, and the stage that everything waits for.
    private static func summary(_ state: inout State, now: Timestamp) -> String {
        func total(_ stage: Stage) -> Int { state.counts[stage]?.values.reduce(0) { $0 + $1.done } ?? 0 }
        let (extracted, transformed, loaded) = (total(.extract), total(.transform), total(.load))
        state.samples.append((now, extracted, loaded))
        state.samples.removeAll { now.duration(since: $0.time) > window }
        guard let first = state.samples.first, now > first.time else { return "starting" }
        let seconds = Double(now.milliseconds - first.time.milliseconds) / 1000
        let rateIn = Double(extracted - first.extracted) / seconds
        let rateOut = Double(loaded - first.loaded) / seconds
        var text = "\(Int(rateIn).grouped) rec/s in · \(Int(rateOut).grouped) rec/s out"
        let backlog = transformed - loaded
        if backlog > 20_000 || (rateIn == 0 && rateOut > 0) {
            text += " · limited by: destination"
        } else if rateIn > 0 {
            text += " · limited by: source"
        }
        if let remaining = remaining(state, loaded: loaded), rateOut > 0, seconds >= 5 {
            let left = Double(remaining) / rateOut
            text += " · \(duration(left * 0.8))–\(duration(left * 1.3)) left"
        }
        return text
    }

    /// How many records are still to be loaded, if all totals are known.
    private static func remaining(_ state: State, loaded: Int) -> Int? {
        var total = 0
        for stream in state.streams {
            guard let count = state.counts[.extract]?[stream] else { return nil }
            guard let expected = count.total else { return nil }
            total += expected
        }
        return max(0, total - loaded)
    }

    static func duration(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        return whole < 60 ? "\(whole)s" : whole < 3600 ? "\(whole / 60)m" : "\(whole / 3600)h\(whole / 60 % 60)m"
    }
}

/// Shows a board while work goes on: in place on a terminal, else a line a minute.
struct ProgressDisplay: Sendable {
    let board: ProgressBoard
    let console: Console
    let clock: any WallClock

    func during<R: Sendable>(_ work: @escaping @Sendable () async throws -> R) async throws -> R {
        try await withThrowingTaskGroup(of: R?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                await show()
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                guard let result else { continue }
                if console.isTerminal { redraw(lines: 0, board.lines()) }
                return result
            }
            throw CancellationError()
        }
    }

    /// Draws until it is cancelled.
    private func show() async {
        var drawn = 0
        while (try? await clock.sleep(for: console.isTerminal ? .milliseconds(500) : .seconds(60))) != nil {
            let lines = board.lines()
            if console.isTerminal {
                redraw(lines: drawn, lines)
                drawn = lines.count
            } else {
                console.note(lines.dropFirst().joined(separator: " | "))
            }
        }
        if drawn > 0 { console.draw("\u{1B}[\(drawn)A\u{1B}[J") }
    }

    /// Moves up over what was drawn before and draws anew (ECMA-48: cursor up, erase in line).
    private func redraw(lines drawn: Int, _ lines: [String]) {
        var text = drawn > 0 ? "\u{1B}[\(drawn)A" : ""
        for line in lines { text += "\u{1B}[2K\(line)\n" }
        console.draw(text)
    }
}
