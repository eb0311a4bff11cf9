// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging

/// The report as one page of HTML that needs nothing from anywhere else: its style is in it, its plots are SVG in it, and
/// its content security policy forbids everything else, scripts too.
struct HTMLReport: Sendable {
    private let content: ReportContent
    private let sections: [ReportSection]

    init(_ content: ReportContent) {
        self.content = content
        sections = content.sections
    }

    /// The page.
    var page: String {
        var html = HTMLText()
        html.markup(
            """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="referrer" content="no-referrer">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>Migration report: 
            """)
        html.text("\(content.run.description.pipeline), run \(content.run.id)")
        html.markup("</title>\n<style>")
        html.markup(ReportStyle.sheet)
        html.markup("</style>\n</head>\n<body>\n")
        header(&html)
        contents(&html)
        html.markup("<main>\n")
        summary(&html)
        for section in sections { show(section, &html) }
        html.markup("</main>\n<footer>")
        html.element(
            "p",
            text: "This report holds ids, names of fields, codes, counts and sums; no values of records. "
                + "Written by Migratez \(ProgramVersion.text), \(ReportValue.time(content.written).shown).")
        html.markup("</footer>\n</body>\n</html>\n")
        return html.page
    }

    // MARK: Top

    private func header(_ html: inout HTMLText) {
        let verdict = content.verdict
        html.markup("<header>\n<p class=\"kicker\">Migration report</p>\n")
        html.element("h1") { html in
            html.element("bdi", text: content.run.description.pipeline)
        }
        html.element("p", "class=\"route\"") { html in
            html.element("bdi", text: content.run.description.source)
            html.markup(" <span aria-hidden=\"true\">→</span><span class=\"off\"> to </span> ")
            html.element("bdi", text: content.run.description.destination)
            html.text("  ·  run \(content.run.id)  ·  begun \(ReportValue.time(content.run.createdAt).shown)")
        }
        switch verdict.mood {
        case .good: html.markup("<div class=\"verdict good\">")
        case .open: html.markup("<div class=\"verdict open\">")
        case .bad: html.markup("<div class=\"verdict bad\">")
        }
        html.element("p", "class=\"title\"", text: verdict.title)
        html.element("p", text: verdict.text)
        html.markup("</div>\n<ul class=\"tiles\">")
        for tile in tiles {
            html.element("li") { html in
                html.element("span", "class=\"figure\"", text: tile.figure)
                html.element("span", "class=\"name\"", text: tile.name)
            }
        }
        html.markup("</ul>\n</header>\n")
    }

    /// The figures that somebody wants to see first; records only, without links.
    private var tiles: [(figure: String, name: String)] {
        let loaded = content.total(.created) + content.total(.updated)
        let read = content.objects.reduce(0) { $0 + $1.read }
        func shown(_ count: Int) -> String { ReportNumber.grouped(String(count)) }
        return [
            (shown(read), "records read"), (shown(loaded), "loaded"), (shown(content.total(.merged)), "merged"),
            (shown(content.total(.filtered)), "filtered"), (shown(content.total(.skipped)), "skipped"),
            (shown(content.total(.rejected)), "rejected"),
        ]
    }

    private func contents(_ html: inout HTMLText) {
        html.markup("<nav aria-label=\"Contents\"><ul>")
        for (key, title) in [("summary", "Summary")] + sections.map({ ($0.key, $0.title) }) {
            html.markup("<li><a href=\"#")
            html.text(key)
            html.markup("\">")
            html.text(title)
            html.markup("</a></li>")
        }
        html.markup("</ul></nav>\n")
    }

    private func summary(_ html: inout HTMLText) {
        html.markup("<section id=\"summary\" aria-labelledby=\"summary-title\">\n")
        html.markup("<h2 id=\"summary-title\">Summary</h2>\n<dl>")
        for fact in content.facts {
            html.markup("<div>")
            html.element("dt", text: fact.title)
            html.element("dd") { html in html.element("bdi", text: fact.value.shown) }
            html.markup("</div>")
        }
        html.markup("</dl>\n</section>\n")
    }

    // MARK: Sections

    private func show(_ section: ReportSection, _ html: inout HTMLText) {
        html.markup("<section id=\"")
        html.text(section.key)
        html.markup("\" aria-labelledby=\"")
        html.text(section.key)
        html.markup("-title\">\n<h2 id=\"")
        html.text(section.key)
        html.markup("-title\">")
        html.text(section.title)
        html.markup("</h2>\n")
        if !section.intro.isEmpty { html.element("p", "class=\"intro\"", text: section.intro) }
        if section.key == "reconciliation" { OutcomeBars(content.balances).draw(into: &html) }
        if section.plots.isEmpty {
            for table in section.tables { show(table, &html) }
        } else {
            html.markup("<div class=\"beside\"><div>")
            for plot in section.plots { plot.draw(into: &html, id: section.key) }
            html.markup("</div><div>")
            for table in section.tables { show(table, &html) }
            html.markup("</div></div>\n")
        }
        if !section.remarks.isEmpty {
            html.markup("<ul class=\"remarks\">")
            for remark in section.remarks { html.element("li", text: remark) }
            html.markup("</ul>")
        }
        html.markup("</section>\n")
    }

    private func show(_ table: ReportTable, _ html: inout HTMLText) {
        // Wide tables scroll by themselves; who uses the keyboard must be able to get into them (WCAG 2.1.1).
        html.markup("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"")
        html.text(table.caption)
        html.markup("\">\n<table>\n")
        html.element("caption", text: table.caption)
        html.markup("<thead><tr>")
        let shown = table.columns.indices.filter { !table.columns[$0].isNote && !table.isEmpty(column: $0) }
        for column in shown.map({ table.columns[$0] }) {
            if column.isNumber {
                html.element("th", "scope=\"col\" class=\"n\"", text: column.title)
            } else {
                html.element("th", "scope=\"col\"", text: column.title)
            }
        }
        html.markup("</tr></thead>\n<tbody>\n")
        for row in table.rows {
            html.markup("<tr>")
            for place in shown {
                let hasNote = place + 1 < row.count && table.columns[place + 1].isNote
                let note = hasNote ? row[place + 1] : .none
                cell(row[place], table.columns[place], note: note, isFirst: place == 0, &html)
            }
            html.markup("</tr>\n")
        }
        html.markup("</tbody></table></div>\n")
    }

    private func cell(
        _ value: ReportValue, _ column: ReportTable.Column, note: ReportValue, isFirst: Bool, _ html: inout HTMLText
    ) {
        if isFirst {
            html.element("th", "scope=\"row\"") { html in html.element("bdi", text: value.shown) }
            return
        }
        switch value {
        case .flag(let flag, _, _):
            if flag {
                html.element("td") { $0.element("span", "class=\"badge good\"", text: value.shown) }
            } else {
                html.element("td") { $0.element("span", "class=\"badge bad\"", text: value.shown) }
            }
        case .share(let share) where column.isNumber:
            html.markup("<td class=\"n share\">")
            html.text(value.shown)
            html.markup(
                """
                <svg class="bar" viewBox="0 0 60 4" aria-hidden="true"><rect class="back" width="60" height="4"/>\
                <rect class="front" height="4" width="
                """)
            html.number(min(1, max(0, share)) * 60)
            html.markup("\"/></svg></td>")
        default:
            if column.isNumber {
                html.element("td", "class=\"n\"") { $0.element("bdi", text: value.shown) }
            } else {
                html.element("td") { html in
                    html.element("bdi", text: value.shown)
                    if note != .none { html.element("p", "class=\"note\"", text: note.shown) }
                }
            }
        }
    }
}
