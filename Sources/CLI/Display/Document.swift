// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
package import MigratezJSON
package import MigratezModel

/// One value of a document: what machines read, and how people see it.
package struct Cell: Sendable, Equatable {
    /// As it stands in JSON.
    package var value: JSONValue
    /// As it stands in text and Markdown: numbers grouped, sizes with a unit.
    package var text: String

    package init(_ value: JSONValue, text: String) {
        self.value = value
        self.text = text
    }

    /// A text; `nil` is null, shown as `none`.
    package static func text(_ text: String?, none: String = "") -> Cell {
        text.map { Cell(.string($0), text: $0) } ?? Cell(.null, text: none)
    }

    /// A whole number; `nil` is null, shown as `none`.
    package static func number(_ number: Int?, none: String = "–") -> Cell {
        number.map { Cell(.number(String($0)), text: $0.grouped) } ?? Cell(.null, text: none)
    }

    /// A number with so many digits behind the point.
    package static func decimal(_ number: Double, digits: Int) -> Cell {
        let text = String(format: "%.\(digits)f", number)
        return Cell(.number(text), text: text)
    }

    /// A count of which zero is shown as a dash, so that the others stand out.
    package static func count(_ count: Int) -> Cell {
        Cell(.number(String(count)), text: count == 0 ? "–" : count.grouped)
    }

    /// A size: bytes for machines, a unit for people.
    package static func bytes(_ size: ByteCount?, none: String = "–") -> Cell {
        size.map { Cell(.number(String($0.bytes)), text: $0.description) } ?? Cell(.null, text: none)
    }

    /// An instant: RFC 3339 for machines, without fractions for people.
    package static func time(_ time: Timestamp?, none: String = "–") -> Cell {
        time.map { Cell(.string($0.description), text: String($0.description.prefix(19))) } ?? Cell(.null, text: none)
    }

    package static func flag(_ flag: Bool, _ words: (yes: String, no: String) = ("yes", "no")) -> Cell {
        Cell(.bool(flag), text: flag ? words.yes : words.no)
    }

    package static func list(_ items: [String]) -> Cell {
        Cell(.array(items.map { .string($0) }), text: items.joined(separator: ", "))
    }

    /// As it stands in a CSV cell: numbers without grouping, lists with commas, nothing for null.
    var plain: String {
        switch value {
        case .null: ""
        case .bool(let flag): flag ? "true" : "false"
        case .number(let text), .string(let text): text
        case .array(let items):
            items.map { $0.text ?? String(decoding: $0.serialized(), as: UTF8.self) }
                .joined(separator: ", ")
        case .object: String(decoding: value.serialized(), as: UTF8.self)
        }
    }
}

extension Cell: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) { self = .text(value) }
}

/// Rows of one kind.
package struct Table: Sendable {
    package struct Column: Sendable {
        /// The heading for people.
        var title: String
        /// The name for machines.
        var key: String
        var isRightAligned: Bool

        /// - Parameter key: by default the title in lower case, with underscores for spaces.
        package static func left(_ title: String, key: String? = nil) -> Column {
            Column(title: title, key: key ?? name(of: title), isRightAligned: false)
        }

        package static func right(_ title: String, key: String? = nil) -> Column {
            Column(title: title, key: key ?? name(of: title), isRightAligned: true)
        }

        private static func name(of title: String) -> String { title.lowercased().replacing(" ", with: "_") }
    }

    /// The name for machines: `chunks`.
    let name: String
    let columns: [Column]
    private(set) var rows: [[Cell]] = []

    package init(_ name: String, _ columns: [Column]) {
        self.name = name
        self.columns = columns
    }

    /// Adds a row with a cell for each column.
    package mutating func add(_ row: [Cell]) {
        precondition(row.count == columns.count, "a row has a cell for each column")
        rows.append(row)
    }

    /// Columns of text.
    package var lines: [String] {
        let right = columns.indices.filter { columns[$0].isRightAligned }
        var table = TextTable(columns.map(\.title), rightAligned: Set(right))
        // A cell is one line, whatever a service puts into its messages.
        for row in rows { table.add(row.map { $0.text.replacing("\n", with: " ") }) }
        return table.lines
    }
}

/// What a command has to say, filled once and printed in the form that was asked for.
///
/// A document holds facts (one value under a name), tables, and remarks for people.
package struct Document: Sendable {
    enum Block: Sendable {
        /// `line` is how text says it; nil = the key and the value, an empty one = another line says it already.
        case fact(key: String, Cell, line: String?)
        /// `lines` is how text says it; nil = in columns.
        case table(Table, lines: [String]?)
        /// For people only.
        case remark(String)
    }

    /// What it is about, for machines: `chunks`, `run`.
    let kind: String
    private(set) var blocks: [Block] = []

    package init(_ kind: String) { self.kind = kind }

    /// A document of one table.
    package init(_ table: Table) {
        kind = table.name
        blocks = [.table(table, lines: nil)]
    }

    package mutating func fact(_ key: String, _ cell: Cell, line: String? = nil) {
        blocks.append(.fact(key: key, cell, line: line))
    }

    package mutating func add(_ table: Table, lines: [String]? = nil) { blocks.append(.table(table, lines: lines)) }

    package mutating func remark(_ text: String) { blocks.append(.remark(text)) }
}
