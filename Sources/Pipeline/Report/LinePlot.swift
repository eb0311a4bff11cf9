// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Values over time, to be drawn with the table of the same numbers beside it.
struct LinePlot: Sendable, Equatable {
    struct Series: Sendable, Equatable {
        var name: String
        /// In the order of time; x is seconds of work.
        var points: [Point]
    }

    struct Point: Sendable, Equatable {
        var x: Double
        var y: Double
    }

    var title: String
    /// What the numbers are: `records a second`.
    var unit: String
    var series: [Series]
    /// Where a later session begins, in seconds of work.
    var breaks: [Double] = []

    /// The largest x and y; never 0, so that everything can be scaled by them.
    var extent: (x: Double, y: Double) {
        let points = series.flatMap(\.points)
        return (max(points.map(\.x).max() ?? 0, 1), max(points.map(\.y).max() ?? 0, 1))
    }

    /// Moments that a clock would show, from 0 up to `max` seconds, at most seven of them.
    static func timeTicks(upTo max: Double) -> [Double] {
        let steps = [1.0, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200]
        let step = steps.first { max / $0 <= 6 } ?? (max / 6 / 86400).rounded(.up) * 86400
        return (0...Int(max / step)).map { Double($0) * step }
    }

    /// Round numbers from 0 up to the first one at or above `max`, at most six of them.
    static func ticks(upTo max: Double) -> [Double] {
        var step = 1.0
        while step * 10 < max { step *= 10 }
        while step >= max, step > 1e-6 { step /= 10 }
        let wanted = [1.0, 2, 5, 10].first { max / (step * $0) <= 5 } ?? 10
        step *= wanted
        return (0...Int((max / step).rounded(.up))).map { Double($0) * step }
    }
}
