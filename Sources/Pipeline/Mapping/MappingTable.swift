// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
package import MigratezModel
import MigratezTransform
import MigratezYAML

/// The field rules of a pipeline file as a table for a spreadsheet: a row a field, a column for each thing that a rule can
/// say. Empty cells say nothing.
package struct MappingTable: Sendable, Equatable {
    package struct Row: Sendable, Equatable {
        package var object: String
        package var field: String
        /// By column; only cells that are not empty.
        package var cells: [String: String]
        /// Where it stands in its file, for messages.
        package var line: Int
    }

    package var rows: [Row]

    /// What a field's rule can say, in the order of the columns.
    package static let ruleColumns = FileKeys.field.keys.map(\.name)
    static let columns = ["object", "field"] + ruleColumns

    /// Spreadsheets run what looks like a formula; the guard is undone on reading.
    private static let dialect = CSVDialect(guardsFormulas: true)

    // MARK: From the pipeline file

    /// The rules as they stand in a file's text.
    init(_ root: YAMLNode) {
        rows = []
        for object in root["objects"]?.members ?? [] {
            for field in object.value["fields"]?.members ?? [] {
                var cells: [String: String] = [:]
                if case .scalar(let source) = field.value.content {
                    cells["from"] = source
                } else {
                    for member in field.value.members {
                        if case .scalar(let text) = member.value.content { cells[member.key] = text }
                    }
                }
                rows.append(
                    Row(object: object.key, field: field.key, cells: cells, line: field.keyPosition.line))
            }
        }
    }

    // MARK: CSV

    /// The table as CSV (RFC 4180) with a header.
    package var csv: [UInt8] {
        var writer = CSVWriter(Self.dialect)
        for column in Self.columns { writer.field(column) }
        writer.endRow()
        for row in rows {
            writer.field(row.object)
            writer.field(row.field)
            for column in Self.ruleColumns { writer.field(row.cells[column] ?? "") }
            writer.endRow()
        }
        return writer.bytes
    }

    /// Reads a table; columns may be missing and stand in any order.
    ///
    /// - Throws: `badMapFile` with file and line for a column, row or value that is not understood.
    package init(csv bytes: [UInt8], file: String) throws(MigratezError) {
        rows = []
        var dialect = Self.dialect
        if let mark = CSVEncoding.detected(from: bytes.prefix(3)) { dialect.encoding = mark.encoding }
        // Where the comma is the decimal point, spreadsheets put semicolons between cells.
        let header = bytes.prefix { $0 != 0x0A }
        if header.contains(UInt8(ascii: ";")), !header.contains(UInt8(ascii: ",")) {
            dialect.delimiter = UInt8(ascii: ";")
        }
        var reader = CSVReader(dialect)
        reader.feed(bytes)
        var row = CSVRow()
        var columns: [String]?
        var isFinished = false
        while true {
            guard reader.next(&row) else {
                if isFinished { break }
                reader.finish()
                isFinished = true
                continue
            }
            let line = row.start.line
            if let problem = row.problem { throw Self.refusal(file, line, problem.rawValue) }
            if row.isBlank || row.texts.allSatisfy(\.isEmpty) { continue }
            guard let names = columns else {
                columns = try Self.header(row, file)
                continue
            }
            guard row.count == names.count else {
                throw Self.refusal(file, line, "the row has \(row.count) cells, the header \(names.count)")
            }
            rows.append(try Self.row(row, names, file))
        }
        guard columns != nil else { throw Self.refusal(file, 1, "there is no header") }
    }

    private static func header(_ row: CSVRow, _ file: String) throws(MigratezError) -> [String] {
        let names = row.texts.map { $0.trimmingSpaces.lowercased() }
        for (number, name) in names.enumerated() {
            guard columns.contains(name) else {
                throw refusal(file, row.start.line, "unknown column '\(name)'", closest(to: name, among: columns))
            }
            guard !names[..<number].contains(name) else {
                throw refusal(file, row.start.line, "the column '\(name)' stands there twice")
            }
        }
        for name in ["object", "field"] where !names.contains(name) {
            throw refusal(file, row.start.line, "the column '\(name)' is missing")
        }
        return names
    }

    private static func row(_ row: CSVRow, _ names: [String], _ file: String) throws(MigratezError) -> Row {
        var cells: [String: String] = [:]
        for (number, name) in names.enumerated() {
            var text = row.text(number)
            // Spreadsheets write truth in capitals.
            if ["TRUE", "FALSE", "True", "False"].contains(text), name != "from", name != "const" {
                text = text.lowercased()
            }
            if !text.isEmpty { cells[name] = text }
        }
        guard let object = cells.removeValue(forKey: "object"), let field = cells.removeValue(forKey: "field") else {
            throw refusal(file, row.start.line, "a row needs an object and a field")
        }
        // Columns that the file does not have say nothing about the rule; columns with an empty cell clear it.
        for name in ruleColumns where !names.contains(name) { cells[name] = absentColumn }
        return Row(object: object, field: field, cells: cells, line: row.start.line)
    }

    /// Stands for a column that a spreadsheet does not have.
    static let absentColumn = "\u{0}"

    static func refusal(
        _ file: String, _ line: Int, _ what: String, _ suggestion: String? = nil
    ) -> MigratezError {
        let question = suggestion.map { ". Did you mean '\($0)'?" } ?? ""
        return MigratezError(
            .badMapFile, "\(file):\(line): \(what)\(question)", remedy: .fixConfiguration,
            hint: "nothing was changed")
    }
}

extension String {
    /// Without white space at both ends.
    fileprivate var trimmingSpaces: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}

extension YAMLNode {
    /// The value of a member; `nil` if there is none or this is no mapping.
    subscript(key: String) -> YAMLNode? { members.first { $0.key == key }?.value }

    /// The members of a mapping; empty for anything else.
    var members: [Member] {
        guard case .mapping(let members) = content else { return [] }
        return members
    }
}
