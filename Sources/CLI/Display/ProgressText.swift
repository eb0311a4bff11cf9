// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
package import MigratezPipeline

/// A look at a run as lines of text that fit a terminal.
package struct ProgressText {
    private let snapshot: ProgressSnapshot
    private let columns: Int
    private let rows: Int

    /// What a table shows, from the widest to the narrowest.
    private enum Layout: CaseIterable {
        case barsAndCounts, counts, percentages
    }

    private static let barMax = 16
    private static let barMin = 4

    /// - Parameters:
    ///   - columns: the width that the lines must not pass.
    ///   - rows: the height; streams that are done give way first.
    package init(_ snapshot: ProgressSnapshot, columns: Int, rows: Int = .max) {
        self.snapshot = snapshot
        self.columns = columns
        self.rows = rows
    }

    /// A line an object with a bar for each stage; below it rates, staging, the limit and the time to go.
    package var lines: [String] {
        let summary = summaryLines
        var streams = snapshot.counts.streams
        let room = max(1, rows - summary.count - 2)
        if streams.count > room {
            streams = streams.filter { snapshot.streamTimes[$0.name] != .done }
        }
        let hidden = max(0, streams.count - room)
        let table = Layout.allCases.lazy.map { self.table(streams.dropLast(hidden), $0) }
        let fitting = table.first { $0.allSatisfy { $0.count <= columns } } ?? self.table(streams, .percentages)
        let more = hidden > 0 ? ["… and \(hidden) more"] : []
        return (fitting + more + summary).map { String($0.prefix(columns)) }
    }

    /// Everything in one line, for logs.
    package var line: String {
        let objects = snapshot.counts.streams.filter { !$0.isLink }.map { stream in
            let shares = snapshot.stages.map { stage in share(stream, stage).map { "\($0)" } ?? count(stream, stage) }
            return "\(stream.name) \(shares.joined(separator: "/")) %"
        }
        let rejected = snapshot.counts.streams.reduce(0) { $0 + $1.rejected }
        let time = snapshot.time.description.prefix(19) + "Z"
        return (["\(time)  " + objects.joined(separator: ", "), "\(rejected.grouped) rejected"] + summaryParts)
            .joined(separator: " · ")
    }

    private func table(_ streams: some Collection<ProgressCounts.Stream>, _ layout: Layout) -> [String] {
        let stages = snapshot.stages
        var header = ["Object"]
        var right: Set<Int> = []
        for stage in stages {
            if layout == .barsAndCounts { header.append(stage.title) }
            header.append(layout == .barsAndCounts ? "" : stage.title)
            right.insert(header.count - 1)
        }
        header += ["Rejected", "ETA"]
        right.formUnion([header.count - 2, header.count - 1])
        var bare = TextTable(header, rightAligned: right)
        for stream in streams { bare.add(row(stream, layout, bar: 0)) }
        guard layout == .barsAndCounts else { return bare.lines }
        // Bars take what is left of the width.
        let taken = bare.lines.map(\.count).max() ?? 0
        let titles = stages.map(\.title.count).reduce(0, +)
        let bar = min(Self.barMax, (columns - taken + titles) / max(1, stages.count))
        guard bar >= max(Self.barMin, stages.map(\.title.count).max() ?? 0) else {
            return [String(repeating: " ", count: columns + 1)]
        }
        var table = TextTable(header, rightAligned: right)
        for stream in streams { table.add(row(stream, layout, bar: bar)) }
        return table.lines
    }

    private func row(_ stream: ProgressCounts.Stream, _ layout: Layout, bar: Int) -> [String] {
        var cells = [stream.name.text]
        for stage in snapshot.stages {
            switch layout {
            case .barsAndCounts: cells += [self.bar(stream, stage, width: bar), countAndShare(stream, stage)]
            case .counts: cells.append(countAndShare(stream, stage))
            case .percentages: cells.append(share(stream, stage).map { "\($0) %" } ?? count(stream, stage))
            }
        }
        return cells + [stream.rejected == 0 ? "–" : stream.rejected.grouped, eta(stream)]
    }

    private func bar(_ stream: ProgressCounts.Stream, _ stage: Stage, width: Int) -> String {
        // Columns keep their width when the first bar appears.
        guard let share = share(stream, stage) else { return String(repeating: " ", count: width) }
        let full = share * width / 100
        return String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
    }

    private func countAndShare(_ stream: ProgressCounts.Stream, _ stage: Stage) -> String {
        let count = count(stream, stage)
        guard count != "–", let share = share(stream, stage) else { return count }
        let digits = String(share)
        return "\(count) \(String(repeating: " ", count: 3 - digits.count))\(digits) %"
    }

    private func count(_ stream: ProgressCounts.Stream, _ stage: Stage) -> String {
        stream[stage].done > 0 || stream[stage].isComplete ? stream[stage].done.grouped : "–"
    }

    /// In percent; `nil` if the total is not known or nothing was done yet.
    private func share(_ stream: ProgressCounts.Stream, _ stage: Stage) -> Int? {
        let count = stream[stage]
        if count.isComplete { return 100 }
        guard count.done > 0, let total = stream.total(of: stage) else { return nil }
        // What is not complete is never shown as if it were.
        return total > 0 ? min(99, count.done * 100 / total) : nil
    }

    private func eta(_ stream: ProgressCounts.Stream) -> String {
        switch snapshot.streamTimes[stream.name] ?? .unknown {
        case .unknown: "–"
        case .waiting: "wait"
        case .done: "done"
        case .atLeast(let seconds): "≥\(Self.duration(seconds))"
        case .seconds(let range): Self.duration(range.middle)
        }
    }

    private var summaryParts: [String] {
        var parts: [String] = []
        let stages = snapshot.stages
        func rate(_ stage: Stage, _ word: String) -> String {
            "\(Int((snapshot.rates[stage] ?? 0).rounded()).grouped) rec/s\(word)"
        }
        if let first = stages.first, let last = stages.last, first != last {
            parts = [rate(first, " in"), rate(last, " out")]
        } else if let only = stages.first {
            parts = [rate(only, "")]
        }
        if snapshot.counts.staged.bytes > 0 { parts.append("staging \(snapshot.counts.staged)") }
        if let limit = snapshot.limit { parts.append("limited by: \(limit)") }
        switch snapshot.timeToGo {
        case .seconds(let range):
            let half = (range.upperBound - range.lowerBound) / 2
            parts.append("ETA \(Self.duration(range.middle)) ±\(Self.duration(half))")
        case .atLeast(let seconds): parts.append("ETA ≥\(Self.duration(seconds))")
        case .unknown, .waiting: parts.append("ETA –")
        case .done: break
        }
        return parts
    }

    /// The parts in as few lines as they need.
    private var summaryLines: [String] {
        var lines: [String] = []
        for part in summaryParts {
            if let last = lines.last, last.count + part.count + 3 <= columns {
                lines[lines.count - 1] = "\(last) · \(part)"
            } else {
                lines.append(part)
            }
        }
        return lines
    }

    /// `42s`, `21m`, `1h05m`.
    package static func duration(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole)s" }
        let minutes = whole / 60
        return minutes < 60 ? "\(minutes)m" : "\(minutes / 60)h\(minutes % 60 < 10 ? "0" : "")\(minutes % 60)m"
    }
}

extension Stage {
    /// The heading of its column.
    fileprivate var title: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }
}
