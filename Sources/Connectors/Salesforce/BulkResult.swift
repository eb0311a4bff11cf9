// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezModel

/// Reads a list of results while it arrives: a header, then one line for each row, in no particular order.
struct BulkResultParser {
    private var reader = CSVReader(CSVDialect())
    private var row = CSVRow()
    /// Columns by name in lower case; `nil` before the header.
    private var columns: [String: Int]?

    mutating func feed(_ bytes: [UInt8], row body: (BulkResultRow) throws -> Void) throws {
        reader.feed(bytes)
        try drain(body)
    }

    mutating func finish(row body: (BulkResultRow) throws -> Void) throws {
        reader.finish()
        try drain(body)
    }

    private mutating func drain(_ body: (BulkResultRow) throws -> Void) throws {
        while reader.next(&row) {
            if row.isBlank { continue }
            guard row.problem == nil else {
                throw MigratezError(.brokenResponse, "a list of bulk results is not CSV", remedy: .retry(after: nil))
            }
            if let columns {
                try body(BulkResultRow(columns: columns, row: row))
            } else {
                columns = Dictionary(
                    row.texts.enumerated().map { ($1.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
            }
        }
    }
}

/// One line of a list of results.
struct BulkResultRow {
    fileprivate let columns: [String: Int]
    fileprivate let row: CSVRow

    /// The cell of a column, whatever the case of its name; `nil` if there is none.
    subscript(name: String) -> String? {
        guard let column = columns[name.lowercased()], column < row.count else { return nil }
        return row.text(column)
    }
}

/// What a bulk job did, joined to the rows by what they carry; the order of results is not that of rows (Bulk API 2.0,
/// "Get Job Successful Record Results").
struct BulkOutcome {
    /// For each row what was said of it; `nil` = the job did not come to it.
    private(set) var answers: [RowAnswer?]
    private var waiting: [[String]: [Int]] = [:]
    private let joinColumns: [String]
    private let isByKey: Bool

    init(_ table: BulkTable) {
        answers = Array(repeating: nil, count: table.rows.count)
        joinColumns = table.joinColumns
        isByKey = table.isJoinedByKey
        for (index, row) in table.rows.enumerated().reversed() {
            waiting[table.joinKey(of: row), default: []].append(index)
        }
    }

    /// Takes a line of a list.
    ///
    /// - Parameter isPartial: the job may have carried rows that are not in the table; otherwise a line that belongs to
    ///   no row is an error.
    mutating func take(_ line: BulkResultRow, from list: BulkJobs.ResultList, isPartial: Bool = false) throws {
        let answer: RowAnswer
        switch list {
        case .successful:
            let id = SalesforceID.canonical(line["sf__Id"] ?? "")
            answer = line["sf__Created"]?.lowercased() == "true" ? .created(id: id) : .updated(id: id)
        case .failed: answer = .refused(SalesforceRefusal.list(bulkCell: line["sf__Error"] ?? ""))
        case .unprocessed: return
        }
        let cells = joinColumns.map { line[$0] ?? "" }
        let key = isByKey ? cells : cells.map(SalesforceID.canonical)
        guard let index = waiting[key]?.popLast() else {
            if isPartial { return }
            throw MigratezError(.brokenResponse, "a bulk job reports a row that it was not given")
        }
        answers[index] = answer
    }
}
