// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezJSON
import MigratezStaging

/// The report for programs: the facts by name, and each table as an array of objects.
struct JSONReport: Sendable {
    private let content: ReportContent

    init(_ content: ReportContent) { self.content = content }

    var document: JSONValue {
        var members: [JSONValue.Member] = [.init("format", "migratez.dev/report-v1")]
        members += content.facts.map { .init($0.key, $0.value.json) }
        members.append(
            .init(
                "verdict",
                .object([
                    .init("mood", .string(content.verdict.mood.rawValue)),
                    .init("title", .string(content.verdict.title)),
                    .init("text", .string(content.verdict.text)),
                ])))
        // A table that there is nothing for is there all the same where readers count on it.
        for key in ["balances", "rejects"] where !tables.contains(where: { $0.key == key }) {
            members.append(.init(key, []))
        }
        for table in tables {
            members.append(
                .init(
                    table.key,
                    .array(table.rows.map { row in .object(zip(table.columns, row).map { .init($0.key, $1.json) }) })))
        }
        return .object(members)
    }

    private var tables: [ReportTable] { content.sections.flatMap(\.tables) }
}

/// The report for spreadsheets: one line a value, so that it can be filtered: table, row, column, value.
struct CSVReport: Sendable {
    private let content: ReportContent

    init(_ content: ReportContent) { self.content = content }

    var bytes: [UInt8] {
        var writer = CSVWriter(CSVDialect(guardsFormulas: true))
        func line(_ cells: [String]) {
            for cell in cells { writer.field(cell) }
            writer.endRow()
        }
        line(["table", "row", "column", "value"])
        for fact in content.facts { line(["summary", "1", fact.key, fact.value.plain]) }
        line(["summary", "1", "verdict", content.verdict.title])
        for table in content.sections.flatMap(\.tables) {
            for (number, row) in table.rows.enumerated() {
                for (column, value) in zip(table.columns, row) {
                    line([table.key, String(number + 1), column.key, value.plain])
                }
            }
        }
        return writer.bytes
    }
}

/// The report for tickets and wikis.
struct MarkdownReport: Sendable {
    private let content: ReportContent

    init(_ content: ReportContent) { self.content = content }

    var text: String {
        let verdict = content.verdict
        var text = "# Migration report: \(Self.escaped(content.run.description.pipeline))\n\n"
        text += "**\(Self.escaped(verdict.title)).** \(Self.escaped(verdict.text))\n\n"
        for fact in content.facts { text += "- \(fact.title): \(Self.escaped(fact.value.shown))\n" }
        for section in content.sections {
            text += "\n## \(Self.escaped(section.title))\n"
            if !section.intro.isEmpty { text += "\n\(Self.escaped(section.intro))\n" }
            for table in section.tables { text += "\n" + Self.markdown(table) }
            if !section.remarks.isEmpty { text += "\n" }
            for remark in section.remarks { text += "- \(Self.escaped(remark))\n" }
        }
        return text
    }

    private static func markdown(_ table: ReportTable) -> String {
        var text = "| " + table.columns.map { escaped($0.title) }.joined(separator: " | ") + " |\n"
        text += "|" + table.columns.map { $0.isNumber ? "---:|" : "---|" }.joined() + "\n"
        for row in table.rows { text += "| " + row.map { escaped($0.shown) }.joined(separator: " | ") + " |\n" }
        return text
    }

    /// Keeps a text from ending its cell or beginning markup (CommonMark, section 2.4; the GFM table extension).
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            if character.isNewline {
                escaped += " "
            } else {
                if "\\|`*_<>[]#&!".contains(character) { escaped.append("\\") }
                escaped.append(character)
            }
        }
        return escaped
    }
}
