// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Reads rows of a table or view as records.
///
/// A page ends behind the last row with a key, so that no two rows with the same key are torn apart: `id:` may name a
/// column that is not unique after all, and then both have to be seen for anybody to notice.
struct TableReader {
    private let source: SourceTable
    private let columns: [Table.Column]
    /// The key, then the columns.
    private let selection: String

    /// How much a page holds at most, but for one record and for rows with the same key.
    static let pageRows = 5_000
    static let pageBytes = ByteCount.MiB(1)
    /// A record that is longer than this cannot be staged.
    private static let recordBytesMax = 16 << 20

    init(_ source: SourceTable, fields: [String]) {
        self.source = source
        columns = source.columns(for: fields)
        let names = [source.key] + columns.map(\.name.quotedName)
        selection = "SELECT \(names.joined(separator: ", ")) FROM \(source.table.name.quotedName)"
    }

    /// The first rows of the range, in the order of their keys.
    func page(_ range: KeyRange, _ database: Database) throws -> Page {
        let key = source.key
        let start = range.after
        var conditions: [String] = []
        if start != nil { conditions.append("\(key) > ?1") }
        if range.end != nil { conditions.append("\(key) <= ?2") }
        let filter = conditions.isEmpty ? "" : " WHERE \(conditions.joined(separator: " AND "))"
        var page = RowPage()
        var isWhole = true
        let rows = try SQLStatement(database, "\(selection)\(filter) ORDER BY \(key) LIMIT \(Self.pageRows)")
        defer { rows.reset() }
        if let start { try rows.bind(1, start) }
        if let end = range.end { try rows.bind(2, end) }
        while try rows.step() {
            append(rows, to: &page)
            isWhole = page.count < Self.pageRows && page.writer.bytes.count < Self.pageBytes.bytes
            if !isWhole { break }
        }
        guard !isWhole else { return page.page(next: nil) }
        if !source.isKeyStrict { try complete(&page, from: start, database) }
        // A page that ends with the table is followed by an empty one.
        return page.page(next: range.behind(page.lastKey))
    }

    /// Where slices begin that hold about as many rows each, of at least a page; none if there would be one only.
    ///
    /// Rows with the same key are in the same slice, whichever collation says that they are the same.
    func slices(atMost: Int, _ database: Database) throws -> [MigratezModel.Cursor] {
        let all = try Int.fetchOne(database, sql: "SELECT count(*) FROM \(source.table.name.quotedName)") ?? 0
        let number = SliceBounds.count(of: all, pageRecords: Self.pageRows, atMost: atMost)
        var bounds: [SQLValue] = []
        let keys = try SQLStatement(
            database,
            "SELECT \(source.key) FROM \(source.table.name.quotedName) ORDER BY \(source.key) LIMIT 1 OFFSET ?1")
        for slice in 1..<max(1, number) {
            keys.reset()
            try keys.bind(1, .integer(Int64(all * slice / number - 1)))
            guard try keys.step() else { continue }
            let bound = keys.value(0)
            if bound != .null, bound != bounds.last { bounds.append(bound) }
        }
        keys.reset()
        return SliceBounds.slices(between: bounds).map { KeyRange(after: $0.start, end: $0.end).cursor }
    }

    /// Adds the rows whose key is that of the last row, if there are more of them.
    private func complete(_ page: inout RowPage, from start: SQLValue?, _ database: Database) throws {
        let same = try count("= ?1", [page.lastKey], database)
        guard same > 1 else { return }
        guard same <= Self.pageRows else {
            throw MigratezError(
                .invalidSetting, "\(same) rows of '\(source.table.name)' have the same \(source.key)",
                remedy: .fixConfiguration, hint: "name a column with different values in the setting `id` of the object"
            )
        }
        // Which rows of the page these are, only SQLite can tell: it knows the collation.
        let before =
            if let start {
                try count("> ?1 AND \(source.key) < ?2", [start, page.lastKey], database)
            } else {
                try count("< ?1", [page.lastKey], database)
            }
        page.keepFirst(before)
        let rows = try SQLStatement(database, "\(selection) WHERE \(source.key) = ?1")
        defer { rows.reset() }
        try rows.bind(1, page.lastKey)
        while try rows.step() { append(rows, to: &page) }
    }

    private func count(_ condition: String, _ values: [SQLValue], _ database: Database) throws -> Int {
        let sql = "SELECT count(*) FROM \(source.table.name.quotedName) WHERE \(source.key) \(condition)"
        let counting = try SQLStatement(database, sql)
        defer { counting.reset() }
        for (number, value) in values.enumerated() { try counting.bind(number + 1, value) }
        guard try counting.step(), case .integer(let count) = counting.value(0) else { return 0 }
        return Int(count)
    }

    /// The rows with these ids, as far as there are any.
    func page(ids: [String], _ database: Database) throws -> Page {
        var page = RowPage()
        let rows = try SQLStatement(database, "\(selection) WHERE \(source.key) IN (?1, ?2)")
        defer { rows.reset() }
        for id in ids {
            rows.reset()
            let values = SQLValue.values(of: id)
            try rows.bind(1, values[0])
            // A parameter that is not bound is NULL, which nothing is equal to.
            if values.count > 1 { try rows.bind(2, values[1]) }
            while try rows.step() { append(rows, to: &page) }
        }
        return page.page(next: nil)
    }

    private func append(_ row: SQLStatement, to page: inout RowPage) {
        let key = row.value(0)
        page.lastKey = key
        // Before anything is copied: a value of SQLite may be as long as 2 GB.
        let length = columns.indices.reduce(0) { $0 + row.length($1 + 1) }
        let isTooLong = length > Self.recordBytesMax
        let values = isTooLong ? [] : columns.indices.map { row.value($0 + 1) }
        if let problem = isTooLong ? "the row is longer than a record may be" : problem(key, values) {
            page.reject(key.id.map { "\(recordKeyMember) \($0)" } ?? "a row without id", problem)
            return
        }
        page.beginRecord()
        page.writer.beginObject()
        if !columns.contains(where: { $0.name == recordKeyMember }) {
            page.writer.key(recordKeyMember)
            key.write(to: &page.writer, isBoolean: false)
        }
        for (column, value) in zip(columns, values) {
            page.writer.key(column.name)
            value.write(to: &page.writer, isBoolean: column.isBoolean)
        }
        page.writer.endObject()
        page.endRecord()
    }

    /// Why the row cannot be a record, without its values.
    private func problem(_ key: SQLValue, _ values: [SQLValue]) -> String? {
        guard key.id != nil else { return "the key \(key.problem ?? "is empty")" }
        for (column, value) in zip(columns, values) {
            if let problem = value.problem { return "the column '\(column.name)' \(problem)" }
        }
        return nil
    }
}

/// A page while it is filled.
private struct RowPage {
    var writer = JSONWriter(capacity: 1 << 20)
    /// The key of the row that was added last.
    var lastKey = SQLValue.null
    private var entries: [Entry] = []
    private var start = 0

    private enum Entry {
        case record(Range<Int>)
        case malformed(MalformedRecord)
    }

    var count: Int { entries.count }

    mutating func beginRecord() { start = writer.bytes.count }

    mutating func endRecord() {
        entries.append(.record(start..<writer.bytes.count))
        writer.endLine()
    }

    /// The values stay in the database, where the locator finds them.
    mutating func reject(_ locator: String, _ reason: String) {
        entries.append(.malformed(MalformedRecord(locator: locator, reason: reason, bytes: [])))
    }

    mutating func keepFirst(_ count: Int) { entries.removeSubrange(count...) }

    consuming func page(next: MigratezModel.Cursor?) -> Page {
        var page = Page(bytes: writer.bytes, records: [], next: next)
        for entry in entries {
            switch entry {
            case .record(let range): page.records.append(range)
            case .malformed(let record): page.malformed.append(record)
            }
        }
        return page
    }
}
