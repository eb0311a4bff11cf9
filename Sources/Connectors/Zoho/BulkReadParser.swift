// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Turns lines of an exported CSV into records of the form that queries give.
///
/// A line of names comes first, in an order of Zoho's own; links are ids, several choices stand with `;` between them, and
/// what is empty is null. Bytes before the place are passed over, and those behind a full piece are not looked at.
struct BulkReadParser {
    private let module: String
    private let columns: [(name: String, kind: FieldSchema.Kind?)]
    private let start: BulkPlace
    private let recordsMax: Int
    private let bytesMax: Int
    /// How many bytes of the CSV have come.
    private var position = 0
    private var header: CSVReader? = CSVReader(CSVDialect())
    /// Where each column stands in a line.
    private var places: [Int] = []
    private var reader: CSVReader?
    /// The byte that it begins with.
    private var readerStart = 0
    private var row = CSVRow()
    private var writer = JSONWriter(capacity: 1 << 20)
    private var records: [Range<Int>] = []

    /// Records that are before the end of the piece.
    private(set) var rows: Int
    /// Where the next piece begins; `nil` unless this one is full.
    private(set) var next: (byte: Int, row: Int)?

    var isFull: Bool { next != nil }
    var page: Page { Page(bytes: writer.bytes, records: records, next: nil) }

    init(_ schema: ObjectSchema, _ columns: [String], _ start: BulkPlace, recordsMax: Int, bytesMax: Int) {
        module = schema.name
        self.columns = ([ZohoModule.id] + columns).map { ($0, schema.field($0)?.kind) }
        self.start = start
        self.recordsMax = recordsMax
        self.bytesMax = bytesMax
        rows = start.row
    }

    mutating func feed(_ bytes: [UInt8]) throws(MigratezError) {
        guard !isFull else { return }
        let first = position
        position += bytes.count
        if header != nil {
            header?.feed(bytes)
            guard header?.next(&row) == true else { return }
            try readHeader()
        }
        let skipped = max(0, readerStart - first)
        guard skipped < bytes.count else { return }
        reader?.feed(skipped == 0 ? bytes : Array(bytes[skipped...]))
        try drain()
    }

    /// Says that there are no more bytes.
    mutating func finish() throws(MigratezError) {
        if header != nil {
            header?.finish()
            guard header?.next(&row) == true else { throw broken("is empty") }
            try readHeader()
        }
        guard !isFull else { return }
        reader?.finish()
        try drain()
    }

    private mutating func readHeader() throws(MigratezError) {
        header = nil
        guard row.problem == nil else { throw broken("does not begin with names") }
        let names = row.texts
        var places: [Int] = []
        for column in columns {
            // The id goes by `Id` in some versions.
            let place =
                names.firstIndex(of: column.name)
                ?? (column.name == ZohoModule.id ? names.firstIndex { $0.lowercased() == ZohoModule.id } : nil)
            guard let place else { throw broken("lacks the column \(column.name)") }
            places.append(place)
        }
        self.places = places
        readerStart = max(row.end.byte, start.byte)
        reader = CSVReader(CSVDialect(), from: CSVPosition(byte: readerStart, row: start.row, line: start.row))
    }

    private mutating func drain() throws(MigratezError) {
        while reader?.next(&row) == true {
            if row.isBlank { continue }
            guard row.problem == nil, let last = places.max(), row.count > last, !row[places[0]].isEmpty else {
                throw broken("is damaged at record \(rows + 1)")
            }
            append()
            rows += 1
            if records.count >= recordsMax || writer.bytes.count >= bytesMax {
                next = (row.end.byte, rows)
                return
            }
        }
    }

    private func broken(_ how: String) -> MigratezError {
        MigratezError(.brokenResponse, "the CSV of a bulk read of \(module) \(how)", remedy: .retry(after: nil))
    }

    private mutating func append() {
        let start = writer.bytes.count
        writer.beginObject()
        for (place, column) in zip(places, columns) {
            writer.key(column.name)
            write(row[place], as: column.kind)
        }
        writer.endObject()
        records.append(start..<writer.bytes.count)
        writer.endLine()
    }

    private mutating func write(_ cell: ArraySlice<UInt8>, as kind: FieldSchema.Kind?) {
        switch kind {
        case _ where cell.isEmpty: writer.null()
        case .bool where cell.elementsEqual("true".utf8): writer.bool(true)
        case .bool where cell.elementsEqual("false".utf8): writer.bool(false)
        case .integer where Self.isNumber(cell), .decimal where Self.isNumber(cell): writer.raw(cell)
        case .choices:
            writer.beginArray()
            for choice in cell.split(separator: UInt8(ascii: ";")) {
                choice.withUnsafeBufferPointer { writer.string($0) }
            }
            writer.endArray()
        default: cell.withUnsafeBufferPointer { writer.string($0) }
        }
    }

    /// Whether the text is a number as JSON has it.
    private static func isNumber(_ cell: ArraySlice<UInt8>) -> Bool {
        guard let first = cell.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else { return false }
        return (try? JSONScanner.validate(Array(cell), limits: .record)) != nil
    }
}
