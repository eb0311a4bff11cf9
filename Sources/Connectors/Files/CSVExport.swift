// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezJSON
import MigratezModel

/// Records as rows of a CSV file, and back.
struct CSVExport {
    private var writer: CSVWriter
    private let columns: [String]

    init(_ dialect: CSVDialect, columns: [String]) {
        writer = CSVWriter(dialect)
        self.columns = columns
    }

    mutating func writeHeader(to sink: inout FileSink) {
        for column in columns { writer.field(column) }
        endRow(&sink)
    }

    /// A cell is the decoded text of a value, nothing for `null` and for members that the record does not have, and JSON
    /// for arrays and objects.
    mutating func write(_ record: borrowing FileRecord, to sink: inout FileSink) {
        for column in columns {
            if let slice = record.index.topLevel(column), slice.kind != .null {
                writer.field(record.index.string(slice, in: record.line))
            } else {
                writer.field("")
            }
        }
        endRow(&sink)
    }

    private mutating func endRow(_ sink: inout FileSink) {
        writer.endRow()
        sink.bytes += writer.bytes
        writer.removeAll()
    }

    /// Gives the rows of a file that was written here as records; an empty cell is `null`.
    static func read(
        _ path: String, _ dialect: CSVDialect, _ body: (borrowing FileRecord) throws(MigratezError) -> Void
    ) throws(MigratezError) {
        let file = try OpenFile(path, .read)
        var reader = CSVReader(dialect)
        var row = CSVRow()
        var header: [String]?
        var offset = 0
        var isFinished = false
        var line = JSONWriter()
        var record = FileRecord()
        while true {
            while reader.next(&row) {
                guard let columns = header else {
                    guard row.count > 0, row.text(0) == FileDestination.keyField else {
                        throw ObjectFile.notOurs(path)
                    }
                    header = row.texts
                    continue
                }
                guard row.problem == nil, row.count == columns.count else { throw ObjectFile.notOurs(path) }
                line.removeAll()
                line.beginObject()
                for (number, column) in columns.enumerated() {
                    line.key(column)
                    if row[number].isEmpty {
                        line.null()
                    } else {
                        row[number].withUnsafeBufferPointer { line.string($0) }
                    }
                }
                line.endObject()
                let isRecord = try line.bytes.withUnsafeBufferPointer { bytes throws(MigratezError) -> Bool in
                    guard record.take(bytes) else { return false }
                    try body(record)
                    return true
                }
                guard isRecord else { throw ObjectFile.notOurs(path) }
            }
            if isFinished {
                guard header != nil else { throw ObjectFile.notOurs(path) }
                return
            }
            let block = try file.read(256 << 10, at: offset)
            offset += block.count
            if block.isEmpty {
                isFinished = true
                reader.finish()
            } else {
                reader.feed(block)
            }
        }
    }
}
