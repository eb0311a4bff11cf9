// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezJSON
import MigratezModel

/// Reads an NDJSON file as records: each line is one, its bytes are left as they are.
struct NDJSONObjectReader: ObjectReader {
    private let file: SourceFile

    init(_ file: SourceFile) { self.file = file }

    /// The names that occur in the first records.
    func fieldNames() throws -> [String] {
        let page = try page(after: nil, limits: FilePageLimits(records: 1_000, bytes: 1 << 20))
        var index = RecordIndex(fields: file.fields)
        var names: [String] = []
        var known: Set<String> = []
        try page.bytes.withUnsafeBufferPointer { bytes in
            for range in page.records {
                try index.index(UnsafeBufferPointer(rebasing: bytes[range]))
                for name in index.fieldNames where known.insert(name).inserted { names.append(name) }
            }
        }
        return names
    }

    func page(after cursor: Cursor?, limits: FilePageLimits) throws -> Page {
        let place = try cursor.map { cursor throws(MigratezError) in try FileCursor(parsing: cursor) }
        var fileBytes = 0
        do {
            let handle = try OpenFile(file.path, .read)
            fileBytes = try handle.size
        }
        try place?.check(fileBytes: fileBytes, path: file.path)
        var position = place?.position ?? .start
        var lines = try LineReader(file.path, from: position.byte)
        var index = RecordIndex(fields: file.fields)
        var page = Page(bytes: [], records: [], next: nil)
        page.bytes.reserveCapacity(limits.bytes + 4_096)
        while let line = try lines.next() {
            let content = contentRange(line, isFirst: position.byte == 0)
            let next = CSVPosition(byte: line.end, row: position.row + 1, line: position.line + 1)
            if !content.isEmpty {
                if let reason = problem(line, content, &index) {
                    page.malformed.append(
                        MalformedRecord(
                            locator: "line \(position.line)", reason: reason, bytes: Array(line.bytes[content])))
                } else {
                    append(line.bytes[content], number: position.row + 1, to: &page)
                }
            }
            position = next
            let isFull = page.records.count + page.malformed.count >= limits.records || page.bytes.count >= limits.bytes
            if isFull, line.end < fileBytes {
                page.next = FileCursor(position, fileBytes: fileBytes).cursor
                break
            }
        }
        return page
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
    private func append(_ record: ArraySlice<UInt8>, number: Int, to page: inout Page) {
        let start = page.bytes.count
        page.bytes += record
        if file.id == nil {
            page.bytes.removeLast()
            let isEmptyObject = page.bytes[start...].dropFirst().allSatisfy(isSpace)
            page.bytes += "\(isEmptyObject ? "" : ",")\"\(rowNumberMember)\":\"\(number)\"}".utf8
        }
        page.records.append(start..<page.bytes.count)
        page.bytes.append(UInt8(ascii: "\n"))
    }
}
