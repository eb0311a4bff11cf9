// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging

/// For each stream a bar of how its records ended. The table below says the same in numbers, so that the drawing is for
/// the eye alone.
struct OutcomeBars: Sendable {
    private let balances: [Reconciliation]

    init(_ balances: [Reconciliation]) { self.balances = balances.filter { $0.read > 0 } }

    private static let rowHeight = 26.0
    private static let left = 170.0
    private static let width = 1000.0

    func draw(into html: inout HTMLText) {
        guard !balances.isEmpty else { return }
        html.markup("<p class=\"legend\" aria-hidden=\"true\">")
        for outcome in Outcome.allCases {
            html.markup("<span><svg viewBox=\"0 0 10 10\"><rect width=\"10\" height=\"10\" class=\"")
            html.text(outcome.name)
            html.markup("\"/></svg> ")
            html.text(outcome.name)
            html.markup("</span> ")
        }
        html.markup("</p>\n<svg class=\"outcomes\" aria-hidden=\"true\" viewBox=\"0 0 1000 ")
        html.number(Double(balances.count) * Self.rowHeight)
        html.markup("\">")
        for (row, balance) in balances.enumerated() { draw(balance, y: Double(row) * Self.rowHeight, into: &html) }
        html.markup("</svg>\n")
    }

    private func draw(_ balance: Reconciliation, y: Double, into html: inout HTMLText) {
        html.markup("<text class=\"label\" x=\"0\" y=\"")
        html.number(y + 16)
        html.markup("\">")
        html.text(balance.stream.name.text)
        html.markup("</text>")
        var x = Self.left
        for outcome in Outcome.allCases where balance[outcome] > 0 {
            let width = (Self.width - Self.left) * Double(balance[outcome]) / Double(max(balance.read, balance.settled))
            html.markup("<rect height=\"14\" class=\"")
            html.text(outcome.name)
            html.markup("\" x=\"")
            html.number(x)
            html.markup("\" y=\"")
            html.number(y + 5)
            html.markup("\" width=\"")
            html.number(width)
            html.markup("\"/>")
            x += width
        }
    }
}

extension LinePlot {
    private static let frame = (left: 64.0, top: 14.0, right: 708.0, bottom: 226.0)

    /// Draws the plot as SVG with a title and a description; the numbers are in the table beside it.
    ///
    /// - Parameter id: unique in the page.
    func draw(into html: inout HTMLText, id: String) {
        html.markup("<figure>\n<p class=\"legend\" aria-hidden=\"true\">")
        for place in series.indices {
            html.markup("<span><svg viewBox=\"0 0 24 10\"><path d=\"M0 5H24\" class=\"line ")
            html.text("s\(place)")
            html.markup("\"/></svg> ")
            html.text(series[place].name)
            html.markup("</span> ")
        }
        html.markup("</p>\n<svg class=\"plot\" role=\"img\" viewBox=\"0 0 720 256\" aria-labelledby=\"")
        html.text("\(id)-plot")
        html.markup("\">\n<title id=\"")
        html.text("\(id)-plot")
        html.markup("\">")
        html.text("\(title): \(series.map(\.name).joined(separator: ", ")). The table beside it has the numbers.")
        html.markup("</title>\n")
        let yTicks = Self.ticks(upTo: extent.y)
        let yMax = yTicks.last ?? 1
        drawGrid(yTicks, yMax, into: &html)
        for (place, series) in series.enumerated() { draw(series, place, yMax, into: &html) }
        html.markup("</svg>\n")
        html.element("figcaption", text: "\(title), in \(unit)")
        html.markup("</figure>\n")
    }

    private func x(_ value: Double) -> Double {
        Self.frame.left + (Self.frame.right - Self.frame.left) * value / extent.x
    }

    private func y(_ value: Double, _ max: Double) -> Double {
        Self.frame.bottom - (Self.frame.bottom - Self.frame.top) * value / max
    }

    private func drawGrid(_ yTicks: [Double], _ yMax: Double, into html: inout HTMLText) {
        for tick in yTicks {
            Self.line(Self.frame.left, y(tick, yMax), Self.frame.right, y(tick, yMax), "grid", into: &html)
            html.markup("<text class=\"tick\" text-anchor=\"end\" x=\"")
            html.number(Self.frame.left - 8)
            html.markup("\" y=\"")
            html.number(y(tick, yMax) + 4)
            html.markup("\">")
            html.text(Self.label(tick))
            html.markup("</text>")
        }
        for tick in Self.timeTicks(upTo: extent.x) {
            html.markup("<text class=\"tick\" text-anchor=\"middle\" x=\"")
            html.number(x(tick))
            html.markup("\" y=\"246\">")
            html.text(ReportNumber.duration(Int(tick * 1000)))
            html.markup("</text>")
        }
        for moment in breaks {
            Self.line(x(moment), Self.frame.top, x(moment), Self.frame.bottom, "break", into: &html)
        }
        html.markup("\n")
    }

    private static func label(_ tick: Double) -> String {
        tick == tick.rounded() ? ReportNumber.grouped(String(Int(tick))) : "\((tick * 100).rounded() / 100)"
    }

    private static func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: StaticString, into html: inout HTMLText
    ) {
        html.markup("<path class=\"")
        html.markup(style)
        html.markup("\" d=\"M")
        html.number(x1)
        html.markup(" ")
        html.number(y1)
        html.markup("L")
        html.number(x2)
        html.markup(" ")
        html.number(y2)
        html.markup("\"/>")
    }

    private func draw(_ series: Series, _ place: Int, _ yMax: Double, into html: inout HTMLText) {
        guard !series.points.isEmpty else { return }
        html.markup("<path class=\"line ")
        html.text("s\(place)")
        html.markup("\" d=\"")
        for (number, point) in series.points.enumerated() {
            html.markup(number == 0 ? "M" : "L")
            html.number(x(point.x))
            html.markup(" ")
            html.number(y(point.y, yMax))
        }
        html.markup("\"/>\n")
    }
}
