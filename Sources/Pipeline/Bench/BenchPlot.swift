// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging

/// The turns of a measurement as one SVG file: throughput and memory over the time of the largest turn, and what a
/// million records cost at each size. The numbers are in the table that is printed.
package struct BenchPlot: Sendable {
    private let turns: [PipelineBench.Turn]
    private let title: String

    package init(_ turns: [PipelineBench.Turn], title: String) {
        self.turns = turns
        self.title = title
    }

    /// One of the drawings: lines over a common axis.
    private struct Panel {
        var caption: String
        var series: [LinePlot.Series]
    }

    private static let (width, height) = (760.0, 260.0)
    private static let frame = (left: 76.0, top: 40.0, right: 740.0, bottom: 214.0)

    /// The file, complete in itself.
    package var svg: String {
        var page = HTMLText()
        page.markup("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" ")
        page.markup("aria-labelledby=\"title\" viewBox=\"0 0 760 ")
        page.number(Self.height * Double(panels.count) + 40)
        page.markup("\">\n<title id=\"title\">")
        page.text(title)
        page.markup(
            """
            </title>
            <style>
            text { font: 13px sans-serif; fill: #222 } .h { font-weight: 600; font-size: 15px }
            .grid { stroke: #ddd } path.line { fill: none; stroke-width: 2 }
            .s0 { stroke: #1b5fa8 } .s1 { stroke: #b04a00; stroke-dasharray: 7 3 }
            .s2 { stroke: #2a7a3b; stroke-dasharray: 2 3 }
            </style>
            <rect width="100%" height="100%" fill="#fff"/>
            <text class="h" x="12" y="24">
            """)
        page.text(title)
        page.markup("</text>\n")
        for (row, panel) in panels.enumerated() { draw(panel, top: 40 + Self.height * Double(row), into: &page) }
        page.markup("</svg>\n")
        return page.page
    }

    private var panels: [Panel] {
        let largest = turns.map(\.size).max() ?? 0
        let history = RunHistory(turns.last { $0.size == largest }?.samples ?? [])
        let moments = history.condensed(to: 200)
        func line(_ name: String, _ value: (RunHistory.Moment) -> Double) -> LinePlot.Series {
            LinePlot.Series(
                name: name, points: moments.map { LinePlot.Point(x: Double($0.worked) / 1000, y: value($0)) })
        }
        let sizes = Set(turns.map(\.size)).sorted()
        let costs = RunHistory.stages.enumerated().map { place, name in
            LinePlot.Series(
                name: name,
                points: sizes.map { size in
                    let all = turns.filter { $0.size == size }.map { $0.costs[place].perMillion }
                    return LinePlot.Point(x: Double(size), y: all.reduce(0, +) / Double(max(1, all.count)))
                })
        }
        return [
            Panel(
                caption: "Records and links a second, over seconds",
                series: RunHistory.stages.enumerated().map { place, name in line(name) { $0.rates[place] } }),
            Panel(
                caption: "Memory in MiB, over seconds",
                series: [line("resident") { Double($0.sample.residentBytes) / 1_048_576 }]),
            Panel(
                caption: "Processor seconds for a million records, over records of each object",
                series: costs),
        ]
    }

    private func draw(_ panel: Panel, top: Double, into page: inout HTMLText) {
        let points = panel.series.flatMap(\.points)
        let xMax = max(points.map(\.x).max() ?? 0, 1)
        let yTicks = LinePlot.ticks(upTo: max(points.map(\.y).max() ?? 0, 1e-6))
        let yMax = yTicks.last ?? 1
        let x: (Double) -> Double = { Self.frame.left + (Self.frame.right - Self.frame.left) * $0 / xMax }
        let y: (Double) -> Double = { top + Self.frame.bottom - (Self.frame.bottom - Self.frame.top) * $0 / yMax }
        text(panel.caption, "", 12, top + 20, into: &page)
        for tick in yTicks {
            path([(Self.frame.left, y(tick)), (Self.frame.right, y(tick))], "grid", into: &page)
            text(Self.label(tick), "end", Self.frame.left - 8, y(tick) + 4, into: &page)
        }
        for tick in LinePlot.ticks(upTo: xMax) where tick <= xMax {
            text(Self.label(tick), "middle", x(tick), top + Self.frame.bottom + 18, into: &page)
        }
        for (place, series) in panel.series.enumerated() {
            path(series.points.map { (x($0.x), y($0.y)) }, "line s\(place)", into: &page)
            let left = Self.frame.right - 130 * Double(panel.series.count - place)
            path([(left, top + 16), (left + 26, top + 16)], "line s\(place)", into: &page)
            text(series.name, "", left + 32, top + 20, into: &page)
        }
    }

    private func text(_ text: String, _ anchor: String, _ x: Double, _ y: Double, into page: inout HTMLText) {
        page.markup("<text text-anchor=\"")
        page.text(anchor.isEmpty ? "start" : anchor)
        page.markup("\" x=\"")
        page.number(x)
        page.markup("\" y=\"")
        page.number(y)
        page.markup("\">")
        page.text(text)
        page.markup("</text>\n")
    }

    private func path(_ points: [(x: Double, y: Double)], _ style: String, into page: inout HTMLText) {
        guard !points.isEmpty else { return }
        page.markup("<path class=\"")
        page.text(style)
        page.markup("\" d=\"")
        for (number, point) in points.enumerated() {
            page.markup(number == 0 ? "M" : "L")
            page.number(point.x)
            page.markup(" ")
            page.number(point.y)
        }
        page.markup("\"/>\n")
    }

    private static func label(_ tick: Double) -> String {
        tick == tick.rounded() ? ReportNumber.grouped(String(Int(tick))) : "\((tick * 1000).rounded() / 1000)"
    }
}
