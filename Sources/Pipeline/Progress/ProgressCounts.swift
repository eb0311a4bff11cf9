// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezStaging

/// How far each stage is with each stream, in records and links.
package struct ProgressCounts: Sendable, Equatable {
    /// One stream on its way.
    package struct Stream: Sendable, Equatable {
        package var name: StreamName
        package var isLink: Bool
        package var stages: [Stage: Count] = [:]
        package var rejected = 0
        /// What the source said it holds.
        package var expected: Int?
        /// Ready for the load so far; they and no others reach it.
        package var ready = 0

        package init(_ name: StreamName, isLink: Bool = false) {
            self.name = name
            self.isLink = isLink
        }

        package subscript(stage: Stage) -> Count {
            get { stages[stage] ?? Count() }
            set { stages[stage] = newValue }
        }
    }

    package struct Count: Sendable, Equatable {
        package var done = 0
        package var isComplete = false

        package init(done: Int = 0, isComplete: Bool = false) {
            self.done = done
            self.isComplete = isComplete
        }
    }

    package var streams: [Stream]
    /// What lies on the staging disk.
    package var staged = ByteCount(0)

    package init(_ streams: [Stream]) { self.streams = streams }
}

extension ProgressCounts {
    /// What the manifest knows: what was sealed and what has its outcome. A process at work is a little ahead of it.
    package init(_ view: ManifestView) throws {
        var streams: [Stream] = []
        let totals = try view.chunkTotals()
        for status in try view.streams() {
            var stream = Stream(status.name, isLink: status.kind == .link)
            let counters = try view.counters(of: status.name)
            func settled(_ stage: Stage) -> Int { counters[stage]?.values.reduce(0, +) ?? 0 }
            // Records that were tried again stand in a second chunk; each counts once.
            let ready = min(
                totals[status.name]?[.ready]?.records ?? 0, status.recordsRead - settled(.transform))
            stream.expected = status.sourceTotal
            stream.ready = ready
            stream.rejected = counters.values.reduce(0) { $0 + ($1[.rejected] ?? 0) }
            stream[.extract].done = status.recordsRead
            stream[.transform].done = ready + settled(.transform)
            stream[.load].done = settled(.load)
            for stage in [Stage.extract, .transform, .load] {
                stream[stage].isComplete = status.state(of: stage) == .done
            }
            streams.append(stream)
        }
        self.init(streams)
        staged = ByteCount(totals.values.reduce(0) { $0 + $1.values.reduce(0) { $0 + $1.storedBytes } })
    }
}

extension ProgressCounts {
    /// The same with how many records there are by the source's own estimate, where it gave no exact number.
    func expecting(_ totals: [StreamName: Int]) -> ProgressCounts {
        var counts = self
        for place in counts.streams.indices {
            counts.streams[place].expected = counts.streams[place].expected ?? totals[counts.streams[place].name]
        }
        return counts
    }
}

extension ProgressCounts.Stream {
    /// How many a stage will have to do in all, as far as that can be known now.
    package func total(of stage: Stage) -> Int? {
        let count = self[stage]
        if count.isComplete { return count.done }
        switch stage {
        case .extract: return expected.map { max($0, count.done) }
        case .transform:
            return self[.extract].isComplete ? max(self[.extract].done, count.done) : total(of: .extract)
        case .load:
            guard let before = total(of: .transform) else { return nil }
            let transformed = self[.transform]
            guard transformed.done > 0 else { return before }
            // As large a part of the rest as so far has to be loaded; duplicates and filtered records have not.
            let share = min(1, Double(ready) / Double(transformed.done))
            return max(count.done, transformed.isComplete ? ready : Int(share * Double(before)))
        case .verify: return expected
        }
    }

    /// What is left to do, if that is known.
    package func remaining(in stage: Stage) -> Int? { total(of: stage).map { max(0, $0 - self[stage].done) } }
}
