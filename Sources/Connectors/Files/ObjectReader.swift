// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezJSON
import MigratezModel

/// Reads the rows of one file into a page.
protocol RowReader: Sendable {
    /// The names of the columns; `nil` if each row names its own.
    func columns(of content: FileContent) throws -> [String]?

    /// Reads from a place (`.start` = the start of the file) until the page is full or the file ends.
    func read(_ content: FileContent, from place: SeriesPlace, into page: inout FilePage) throws -> FileReading
}

/// How far a file was read.
enum FileReading {
    /// The page is full; the next row begins here.
    case until(CSVPosition)
    /// To its end; so many rows it has, the header not counted.
    case toEnd(rows: Int)
}

/// Reads the files of one object page by page; a page goes on from one file to the next.
struct ObjectReader: Sendable {
    let file: SourceFile
    let rows: any RowReader
    let shelf: ContentShelf

    /// The names of the fields: those of the header, which must be the same in all files, or those that occur in the first
    /// records.
    func fieldNames() throws -> [String] {
        let series = try FileSeries(file.location)
        var first: [String]?
        for part in series.parts {
            guard let columns = try rows.columns(of: FileContent(part.path)) else { return try namesInRecords() }
            guard let known = first else {
                first = columns
                continue
            }
            if let odd = Set(known).symmetricDifference(columns).min() {
                throw MigratezError(
                    .invalidSetting,
                    "\(part.path) and \(series.parts[0].path) do not have the same columns: only one has '\(odd)'",
                    remedy: .fixConfiguration, hint: "make them alike, or read them as two objects")
            }
        }
        return first ?? []
    }

    /// How many bytes lie before a cursor, and in all files; `nil` if one of them is packed.
    func plainLength(to cursor: Cursor) throws -> (read: Int, whole: Int)? {
        let series = try FileSeries(file.location)
        let place = try FileCursor(parsing: cursor).place
        guard try !series.parts.contains(where: { try FileContent($0.path).isPacked }) else { return nil }
        let bytes = series.parts.map(\.bytes)
        return (bytes[..<place.part].reduce(0, +) + place.position.byte, bytes.reduce(0, +))
    }

    private func namesInRecords() throws -> [String] {
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

    /// - Throws: `invalidSetting` if the files are not those that the cursor is about.
    func page(after cursor: Cursor?, limits: FilePageLimits) throws -> Page {
        let series = try FileSeries(file.location)
        var place = SeriesPlace()
        if let cursor {
            let noted = try FileCursor(parsing: cursor)
            try noted.check(series)
            place = noted.place
        }
        var page = FilePage(limits)
        while place.part < series.parts.count {
            try Task.checkCancellation()
            let part = series.parts[place.part]
            page.fileName = part.name
            let content = try shelf.take(part.path)
            switch try rows.read(content, from: place, into: &page) {
            case .until(let position):
                shelf.put(content)
                place.position = position
                return page.page(next: FileCursor(place, in: series).cursor)
            case .toEnd(let count):
                place = SeriesPlace(part: place.part + 1, rowsBefore: place.rowsBefore + count)
                if page.isFull, place.part < series.parts.count {
                    return page.page(next: FileCursor(place, in: series).cursor)
                }
            }
        }
        return page.page(next: nil)
    }
}

/// A page while it is filled.
struct FilePage {
    /// The records of the page, a line each.
    var writer: JSONWriter
    private var records: [Range<Int>] = []
    private var malformed: [MalformedRecord] = []
    private let limits: FilePageLimits
    /// The file that is being read, which rejected lines name.
    var fileName = ""

    init(_ limits: FilePageLimits) {
        self.limits = limits
        writer = JSONWriter(capacity: limits.bytes + 4_096)
    }

    var isFull: Bool {
        records.count + malformed.count >= limits.records || writer.bytes.count >= limits.bytes
    }

    /// Takes what was written since `start` as a record.
    mutating func endRecord(from start: Int) {
        records.append(start..<writer.bytes.count)
        writer.endLine()
    }

    mutating func reject(line: Int, _ reason: String, bytes: [UInt8]) {
        malformed.append(MalformedRecord(locator: "\(fileName), line \(line)", reason: reason, bytes: bytes))
    }

    consuming func page(next: Cursor?) -> Page {
        Page(bytes: writer.bytes, records: records, next: next, malformed: malformed)
    }
}

/// The member that holds the number of a row where the files have no id of their own.
let rowNumberMember = "_row"

/// How much a page holds at most, but for one record.
struct FilePageLimits {
    var records: Int
    var bytes: Int

    static let page = FilePageLimits(records: 5_000, bytes: 1 << 20)
}
