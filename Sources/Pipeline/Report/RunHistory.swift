// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging

/// What the samples of a run say: how long it was worked on, how fast, with how much memory, and how good the estimates
/// were. Time is that of work: pauses between two sessions take none.
struct RunHistory: Sendable {
    /// One moment.
    struct Moment: Sendable {
        /// Milliseconds of work since the start.
        var worked: Int
        var sample: RunSample
        /// Records a second since the moment before, in the order of `RunHistory.stages`.
        var rates: [Double]
    }

    static let stages = ["extract", "transform", "load"]

    private(set) var moments: [Moment] = []
    /// Where the second and later sessions begin, in milliseconds of work.
    private(set) var breaks: [Int] = []
    private(set) var sessions = 0

    init(_ samples: [RunSample]) {
        var worked = 0
        var last: RunSample?
        for sample in samples {
            var rates = [0.0, 0, 0]
            if let last, last.session == sample.session {
                let elapsed = Int(sample.time.milliseconds - last.time.milliseconds)
                guard elapsed > 0 else { continue }
                worked += elapsed
                let done = zip(Self.counts(sample), Self.counts(last)).map { $0 - $1 }
                rates = done.map { Double(max(0, $0)) * 1000 / Double(elapsed) }
            } else {
                sessions += 1
                if last != nil { breaks.append(worked) }
            }
            moments.append(Moment(worked: worked, sample: sample, rates: rates))
            last = sample
        }
    }

    private static func counts(_ sample: RunSample) -> [Int] { [sample.extracted, sample.transformed, sample.loaded] }

    /// Milliseconds of work in all.
    var worked: Int { moments.last?.worked ?? 0 }

    /// The moments as at most `count` rows: rates are means, memory is the highest.
    func condensed(to count: Int) -> [Moment] {
        guard moments.count > count, worked > 0 else { return moments }
        let byPlace = Dictionary(grouping: moments) { min(count - 1, $0.worked * count / worked) }
        return byPlace.sorted { $0.key < $1.key }.compactMap { _, group in
            guard var row = group.last else { return nil }
            row.rates = Self.stages.indices.map { stage in
                group.reduce(0) { $0 + $1.rates[stage] } / Double(group.count)
            }
            row.sample.residentBytes = group.map(\.sample.residentBytes).max() ?? 0
            row.sample.stagedBytes = group.map(\.sample.stagedBytes).max() ?? 0
            return row
        }
    }

    /// What was estimated when these shares of the last session had passed, beside what it took from there.
    func estimates(at shares: [Double]) -> [(share: Double, estimated: Int?, actual: Int)] {
        let session = moments.filter { $0.sample.session == moments.last?.sample.session }
        guard let first = session.first, let last = session.last, last.worked > first.worked else { return [] }
        return shares.map { share in
            let due = first.worked + Int(Double(last.worked - first.worked) * share)
            let moment = session.last { $0.worked <= due } ?? first
            return (share, moment.sample.remaining, last.worked - moment.worked)
        }
    }
}
