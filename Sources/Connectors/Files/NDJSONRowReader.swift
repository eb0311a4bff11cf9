// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezJSON
import MigratezModel

/// Reads an NDJSON file as records: each line is one, its bytes are left as they are.
struct NDJSONRowReader: RowReader {
    private let file: SourceFile

    init(_ file: SourceFile) { self.file = file }

    func columns(of content: FileContent) -> [String]? { nil }

    func read(_ content: FileContent, from place: SeriesPlace, into page: inout FilePage) throws -> FileReading {
        var position = place.position
        var lines = LineReader(content, from: position.byte)
        var index = RecordIndex(fields: file.fields)
        while let line = try lines.next() {
            let range = contentRange(line, isFirst: position.byte == 0)
            let next = CSVPosition(byte: line.end, row: position.row + 1, line: position.line + 1)
            if !range.isEmpty {
                if let reason = problem(line, range, &index) {
                    page.reject(line: position.line, reason, bytes: Array(line.bytes[range]))
                } else {
                    append(line.bytes[range], number: place.rowsBefore + position.row + 1, to: &page)
                }
            }
            position = next
            if page.isFull, try !lines.isAtEnd { return .until(position) }
        }
        return .toEnd(rows: position.row)
    }

    /// The line without a byte order mark, and without white space at its ends (a CR, for instance).
    private func contentRange(_ line: LineReader.Line, isFirst: Bool) -> Range<Int> {
        var bytes = line.bytes
        if isFirst, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        while let first = bytes.first, isSpace(first) { bytes.removeFirst() }
        while let last = bytes.last, isSpace(last) { bytes.removeLast() }
        return bytes.startIndex..<bytes.endIndex
    }

    private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

    private func problem(_ line: LineReader.Line, _ content: Range<Int>, _ index: inout RecordIndex) -> String? {
        if line.isTooLong { return CSVProblem.tooLong.rawValue }
        return line.bytes[content].withUnsafeBufferPointer { bytes -> String? in
            do throws(JSONFailure) {
                try JSONScanner.validate(bytes)
                try index.index(bytes)
            } catch {
                return error.description
            }
            guard let id = file.id else { return nil }
            guard let slice = index.topLevel(id) ?? index.slice(id), !slice.isBlank else { return "there is no id" }
            return slice.kind == .string || slice.kind == .number ? nil : "the id is neither a text nor a number"
        }
    }

    /// Adds the record; where lines have no id, with its number as a last member.
    private func append(_ record: ArraySlice<UInt8>, number: Int, to page: inout FilePage) {
        let start = page.writer.bytes.count
        if file.id == nil {
            var record = record
            record.removeLast()
            let isEmptyObject = record.dropFirst().allSatisfy(isSpace)
            record += "\(isEmptyObject ? "" : ",")\"\(rowNumberMember)\":\"\(number)\"}".utf8
            page.writer.raw(record)
        } else {
            page.writer.raw(record)
        }
        page.endRecord(from: start)
    }
}
