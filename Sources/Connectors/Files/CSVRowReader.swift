// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezJSON
import MigratezModel

/// Reads a CSV file as records: each row becomes a JSON object with a text for each column.
struct CSVRowReader: RowReader {
    private let file: SourceFile

    init(_ file: SourceFile) { self.file = file }

    func columns(of content: FileContent) throws -> [String]? {
        var rows = try RowStream(file, content)
        return try rows.readHeader().names
    }

    func read(_ content: FileContent, from place: SeriesPlace, into page: inout FilePage) throws -> FileReading {
        var rows = try RowStream(file, content)
        let header = try rows.readHeader()
        if place.position != .start { rows.seek(to: place.position) }
        while try rows.next() {
            let row = rows.row
            if row.isBlank, header.names.count > 1 { continue }
            if let reason = problem(row, header) {
                page.reject(line: row.start.line, reason, bytes: try rows.bytes)
            } else {
                let start = page.writer.bytes.count
                write(row, header, rowsBefore: place.rowsBefore, to: &page.writer)
                page.endRecord(from: start)
            }
            if page.isFull, try !rows.isAtEnd { return .until(rows.row.end) }
        }
        return .toEnd(rows: max(rows.count - (file.hasHeader ? 1 : 0), 0))
    }

    private func problem(_ row: CSVRow, _ header: Header) -> String? {
        if let problem = row.problem { return problem.rawValue }
        if row.count != header.names.count {
            return "the row has \(row.count) fields, \(header.names.count) are expected"
        }
        if let id = header.id, row[id].isEmpty { return "the id is empty" }
        return nil
    }

    private func write(_ row: CSVRow, _ header: Header, rowsBefore: Int, to writer: inout JSONWriter) {
        writer.beginObject()
        for (number, name) in header.names.enumerated() {
            writer.key(name)
            let cell = row[number]
            if cell.isEmpty, file.emptyIsNull {
                writer.null()
            } else {
                cell.withUnsafeBufferPointer { writer.string($0) }
            }
        }
        if header.id == nil {
            writer.key(rowNumberMember)
            writer.string(String(rowsBefore + row.start.row + (file.hasHeader ? 0 : 1)))
        }
        writer.endObject()
    }
}

/// The columns of a file.
private struct Header {
    var names: [String]
    /// Which of them holds the id; `nil` = none.
    var id: Int?
}

/// The rows of a file, read in blocks.
private struct RowStream: ~Copyable {
    private let file: SourceFile
    private let content: FileContent
    private let dialect: CSVDialect
    private var reader: CSVReader
    private var offset = 0
    /// Where the row begins before which nothing will be needed again.
    private var keptFrom = 0
    private var isFinished = false
    /// How many rows come before the place that was reached, the header included.
    private(set) var count = 0
    private(set) var row = CSVRow()
    /// A row that was read ahead to see whether there is one.
    private var ahead: CSVRow?

    init(_ file: SourceFile, _ content: FileContent) throws(MigratezError) {
        let dialect = try RowStream.dialect(of: file, content)
        self.file = file
        self.content = content
        self.dialect = dialect
        reader = CSVReader(dialect)
    }

    /// The dialect with the encoding that the file's first bytes tell, if they do.
    private static func dialect(of file: SourceFile, _ content: FileContent) throws(MigratezError) -> CSVDialect {
        var dialect = file.dialect
        let head = try content.read(3, at: 0)
        if let mark = CSVEncoding.detected(from: head) {
            dialect.encoding = mark.encoding
        } else if file.needsMark, !head.isEmpty {
            throw MigratezError(
                .invalidSetting, "\(content.path) has no byte order mark", remedy: .fixConfiguration,
                hint: "say utf-16le or utf-16be")
        }
        return dialect
    }

    /// Reads the names of the columns, from the first row or by counting its fields, and stays at the first row of data.
    mutating func readHeader() throws(MigratezError) -> Header {
        guard try next() else {
            guard file.hasHeader else { return Header(names: [], id: nil) }
            throw invalid("is empty: there is no header", nil)
        }
        if let problem = row.problem { throw invalid("has a header that cannot be read: \(problem.rawValue)", nil) }
        var names: [String] = []
        for (number, text) in row.texts.enumerated() {
            let isNamed = file.hasHeader && !text.isEmpty
            let name = isNamed ? text : "column_\(number + 1)"
            guard !names.contains(name), name != rowNumberMember else {
                throw invalid("has two columns named '\(name)', or one that is reserved", "rename one of them")
            }
            names.append(name)
        }
        if !file.hasHeader { seek(to: .start) }
        guard let id = file.id else { return Header(names: names, id: nil) }
        guard let place = names.firstIndex(of: id) else {
            throw invalid("has no column '\(id)'", "its columns are \(names.joined(separator: ", "))")
        }
        return Header(names: names, id: place)
    }

    /// Goes to the start of a row.
    mutating func seek(to position: CSVPosition) {
        reader = CSVReader(dialect, from: position)
        offset = position.byte
        keptFrom = position.byte
        count = position.row
        isFinished = false
        ahead = nil
    }

    /// Makes `row` the next row; false if there is none.
    mutating func next() throws(MigratezError) -> Bool {
        if let ahead {
            row = ahead
            self.ahead = nil
        } else {
            content.keep(from: keptFrom)
            guard try readRow() else { return false }
        }
        keptFrom = row.start.byte
        count = row.end.row
        return true
    }

    private mutating func readRow() throws(MigratezError) -> Bool {
        while !reader.next(&row) {
            guard !isFinished else { return false }
            let block = try content.read(RowStream.blockBytes, at: offset)
            offset += block.count
            if block.isEmpty {
                isFinished = true
                reader.finish()
            } else {
                reader.feed(block)
            }
        }
        return true
    }

    /// Whether no row follows.
    var isAtEnd: Bool {
        mutating get throws(MigratezError) {
            guard ahead == nil else { return false }
            let current = row
            content.keep(from: keptFrom)
            let isThere = try readRow()
            ahead = isThere ? row : nil
            row = current
            return !isThere
        }
    }

    /// The row's own bytes, cut off at the limit of a record.
    var bytes: [UInt8] {
        get throws(MigratezError) {
            let length = min(row.end.byte - row.start.byte, dialect.rowBytesMax.bytes)
            return try content.read(length, at: row.start.byte)
        }
    }

    private func invalid(_ what: String, _ hint: String?) -> MigratezError {
        MigratezError(.invalidSetting, "\(content.path) \(what)", remedy: .fixConfiguration, hint: hint)
    }

    private static let blockBytes = 256 << 10
}
