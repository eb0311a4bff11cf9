// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezJSON
import MigratezModel

/// Reads a CSV file as records: each row becomes a JSON object with a text for each column.
struct CSVObjectReader: ObjectReader {
    private let file: SourceFile

    init(_ file: SourceFile) { self.file = file }

    func fieldNames() throws -> [String] {
        var rows = try RowStream(file)
        return try rows.readHeader().names
    }

    func page(after cursor: Cursor?, limits: FilePageLimits) throws -> Page {
        var rows = try RowStream(file)
        let header = try rows.readHeader()
        if let cursor { try rows.seek(to: FileCursor(parsing: cursor)) }
        var writer = JSONWriter(capacity: limits.bytes + 4_096)
        var page = Page(bytes: [], records: [], next: nil)
        while try rows.next() {
            let row = rows.row
            if row.isBlank, header.names.count > 1 { continue }
            if let reason = problem(row, header) {
                page.malformed.append(try rows.malformed(reason: reason))
            } else {
                let start = writer.bytes.count
                write(row, header, to: &writer)
                page.records.append(start..<writer.bytes.count)
                writer.endLine()
            }
            let isFull =
                page.records.count + page.malformed.count >= limits.records || writer.bytes.count >= limits.bytes
            if isFull, try !rows.isAtEnd {
                page.next = rows.cursor
                break
            }
        }
        page.bytes = writer.bytes
        return page
    }

    private func problem(_ row: CSVRow, _ header: Header) -> String? {
        if let problem = row.problem { return problem.rawValue }
        if row.count != header.names.count {
            return "the row has \(row.count) fields, \(header.names.count) are expected"
        }
        if let id = header.id, row[id].isEmpty { return "the id is empty" }
        return nil
    }

    private func write(_ row: CSVRow, _ header: Header, to writer: inout JSONWriter) {
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
            writer.string(String(row.start.row + (file.hasHeader ? 0 : 1)))
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
    private let handle: OpenFile
    private let fileBytes: Int
    private let dialect: CSVDialect
    private var reader: CSVReader
    private var offset = 0
    private var isFinished = false
    private(set) var row = CSVRow()
    /// A row that was read ahead to see whether there is one.
    private var ahead: CSVRow?

    init(_ file: SourceFile) throws(MigratezError) {
        let handle = try OpenFile(file.path, .read)
        let size = try handle.size
        let dialect = try RowStream.dialect(of: file, head: try handle.read(3, at: 0))
        self.init(file, handle, size, dialect)
    }

    private init(_ file: SourceFile, _ handle: consuming OpenFile, _ fileBytes: Int, _ dialect: CSVDialect) {
        self.file = file
        self.handle = handle
        self.fileBytes = fileBytes
        self.dialect = dialect
        reader = CSVReader(dialect)
    }

    /// The dialect with the encoding that the file's first bytes tell, if they do.
    private static func dialect(of file: SourceFile, head: [UInt8]) throws(MigratezError) -> CSVDialect {
        var dialect = file.dialect
        if let mark = CSVEncoding.detected(from: head) {
            dialect.encoding = mark.encoding
        } else if file.needsMark, !head.isEmpty {
            throw MigratezError(
                .invalidSetting, "\(file.path) has no byte order mark", remedy: .fixConfiguration,
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

    mutating func seek(to cursor: FileCursor) throws(MigratezError) {
        try cursor.check(fileBytes: fileBytes, path: file.path)
        seek(to: cursor.position)
    }

    private mutating func seek(to position: CSVPosition) {
        reader = CSVReader(dialect, from: position)
        offset = position.byte
        isFinished = false
        ahead = nil
    }

    /// Makes `row` the next row; false if there is none.
    mutating func next() throws(MigratezError) -> Bool {
        if let ahead {
            row = ahead
            self.ahead = nil
            return true
        }
        while !reader.next(&row) {
            guard !isFinished else { return false }
            let block = try handle.read(RowStream.blockBytes, at: offset)
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
            let current = row
            guard try next() else {
                row = current
                return true
            }
            ahead = row
            row = current
            return false
        }
    }

    /// Where the row after this one starts.
    var cursor: Cursor { FileCursor(row.end, fileBytes: fileBytes).cursor }

    /// The row's own bytes, cut off at the limit of a record.
    func malformed(reason: String) throws(MigratezError) -> MalformedRecord {
        let length = min(row.end.byte - row.start.byte, dialect.rowBytesMax.bytes)
        return MalformedRecord(
            locator: "line \(row.start.line)", reason: reason, bytes: try handle.read(length, at: row.start.byte))
    }

    private func invalid(_ what: String, _ hint: String?) -> MigratezError {
        MigratezError(.invalidSetting, "\(file.path) \(what)", remedy: .fixConfiguration, hint: hint)
    }

    private static let blockBytes = 256 << 10
}
