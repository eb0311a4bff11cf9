// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
package import MigratezJSON

/// How results are printed.
package enum OutputFormat: String, Sendable, CaseIterable {
    /// For people.
    case text
    /// One JSON document: `{"v":1,"kind":…}` with each fact and each table under its name.
    case json
    /// RFC 4180, safe to open in a spreadsheet: the tables; of a document without a table, the facts.
    case csv
    /// For tickets and wikis.
    case md
}

extension Document {
    /// The document in a form, with a line end.
    package func rendered(as format: OutputFormat) -> String {
        switch format {
        case .text: text
        case .json: String(decoding: json.serialized(), as: UTF8.self) + "\n"
        case .csv: csv
        case .md: markdown
        }
    }

    private var text: String {
        let width = blocks.reduce(0) { width, block in
            if case .fact(let key, _, nil) = block { max(width, key.count) } else { width }
        }
        var lines: [String] = []
        for block in blocks {
            switch block {
            case .fact(let key, let cell, nil):
                lines.append(key + String(repeating: " ", count: width - key.count + 1) + cell.text)
            case .fact(_, _, let line?): if !line.isEmpty { lines.append(line) }
            case .table(let table, let own): lines += own ?? table.lines
            case .remark(let text): lines.append(text)
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The document as a JSON value; its first member is the version of this form.
    package var json: JSONValue {
        var members: [JSONValue.Member] = [.init("v", 1), .init("kind", .string(kind))]
        for block in blocks {
            switch block {
            case .fact(let key, let cell, _): members.append(.init(key, cell.value))
            case .table(let table, _):
                let rows = table.rows.map { row in
                    JSONValue.object(zip(table.columns, row).map { .init($0.key, $1.value) })
                }
                members.append(.init(table.name, .array(rows)))
            case .remark: continue
            }
        }
        return .object(members)
    }

    private var tables: [Table] {
        blocks.compactMap { if case .table(let table, _) = $0 { table } else { nil } }
    }

    private var facts: [(key: String, cell: Cell)] {
        blocks.compactMap { if case .fact(let key, let cell, _) = $0 { (key, cell) } else { nil } }
    }

    /// Several tables stand one after the other with an empty line between them.
    private var csv: String {
        var tables = tables
        if tables.isEmpty {
            var table = Table(kind, facts.map { .left($0.key, key: $0.key) })
            table.add(facts.map(\.cell))
            tables = [table]
        }
        return tables.map { table in
            var writer = CSVWriter(CSVDialect(guardsFormulas: true))
            for column in table.columns { writer.field(column.key) }
            writer.endRow()
            for row in table.rows {
                for cell in row { writer.field(cell.plain) }
                writer.endRow()
            }
            return String(decoding: writer.bytes, as: UTF8.self)
        }.joined(separator: "\r\n")
    }

    private var markdown: String {
        var parts: [String] = []
        let facts = facts
        if !facts.isEmpty {
            parts.append(facts.map { "- \($0.key): \(Self.escaped($0.cell.text))\n" }.joined())
        }
        for table in tables {
            var text = "| " + table.columns.map { Self.escaped($0.title) }.joined(separator: " | ") + " |\n"
            text += "|" + table.columns.map { $0.isRightAligned ? "---:|" : "---|" }.joined() + "\n"
            for row in table.rows {
                text += "| " + row.map { Self.escaped($0.text) }.joined(separator: " | ") + " |\n"
            }
            parts.append(text)
        }
        for case .remark(let text) in blocks { parts.append(Self.escaped(text) + "\n") }
        return parts.joined(separator: "\n")
    }

    /// Keeps a text from ending its cell or beginning markup (CommonMark, section 2.4; the GFM table extension).
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            if character.isNewline {
                escaped += "<br>"
            } else {
                if "\\|`*_<[".contains(character) { escaped.append("\\") }
                escaped.append(character)
            }
        }
        return escaped
    }
}
