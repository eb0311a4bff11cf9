// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
import Synchronization

/// Rows as the CSV of one bulk job, produced piece by piece: the whole text is never in memory.
///
/// Source: Bulk API 2.0 and Bulk API Developer Guide, "Prepare CSV Files" and "Limits": an empty cell leaves a field as
/// it is and `#N/A` clears it; 32,000 characters a field, 400,000 a record.
package struct BulkTable: Sendable {
    /// The cell that clears a field.
    static let null = Array("#N/A".utf8)
    /// Counted in bytes, which are never fewer than characters.
    static let fieldBytesMax = 32_000
    static let recordBytesMax = 400_000

    let rows: [Batch.Row]
    package let columns: [String]
    /// The length of the whole text in bytes.
    package let byteCount: Int
    /// The columns by which results are joined to rows: our key, or the ends of a link.
    package let joinColumns: [String]
    /// Turns each row into cells; it knows all columns.
    fileprivate let cells: BulkCells

    package init(
        _ rows: [Batch.Row], _ request: CollectionRequest,
        references: @escaping @Sendable (Batch.Row) -> [RowReference]
    ) {
        self.rows = rows
        // One pass finds the columns and measures, so that the upload can state its length and still be streamed.
        var cells = BulkCells(request, references: references)
        var measure = CSVWriter(lineEnding: .lf)
        var length = 0
        for row in rows {
            cells.fill(from: row)
            for cell in cells.values where !cell.isEmpty {
                measure.removeAll()
                measure.field(cell)
                length += measure.bytes.count
            }
        }
        columns = cells.columns
        self.cells = cells
        // Besides the cells, each line has a comma between two columns and a line break at its end.
        byteCount = length + rows.count * columns.count + Self.header(columns).count
        joinColumns = request.stampField.map { [$0] } ?? rows.first.map { references($0).map(\.column).sorted() } ?? []
    }

    /// Whether `joinColumns` is our key.
    var isJoinedByKey: Bool { cells.stampField != nil }

    /// What results of a row are found by: the cells of `joinColumns`.
    func joinKey(of row: Batch.Row) -> [String] {
        isJoinedByKey
            ? [row.key] : cells.references(row).sorted { $0.column < $1.column }.map { SalesforceID.canonical($0.cell) }
    }

    /// Whether a bulk job can carry the row as it is. What it cannot: nested values, texts beyond its limits, and the
    /// text `#N/A` itself, which it would read as 'clear this field'; and rows by whose key it could not join results.
    package static func carries(_ row: Batch.Row) -> Bool {
        guard row.fields.count <= recordBytesMax, row.keepsKey else { return false }
        return row.fields.withUnsafeBufferPointer { fields in
            var cursor = FieldCursor(fields)
            while let field = cursor.next() {
                switch field.value.kind {
                case .object, .array: return false
                case .string:
                    if field.value.range.count > fieldBytesMax { return false }
                    // However it is escaped, the text takes at most 26 bytes with its quotes.
                    if field.value.range.count <= 26 {
                        var text: [UInt8] = []
                        JSONText.append(field.value, of: fields, to: &text)
                        if text == null { return false }
                    }
                default: break
                }
            }
            return true
        }
    }

    /// The header line.
    fileprivate static func header(_ columns: [String]) -> [UInt8] {
        var writer = CSVWriter(lineEnding: .lf)
        for column in columns { writer.field(column) }
        writer.endRow()
        return writer.bytes
    }
}

/// The pieces of a table, one after the other, for one upload.
package final class BulkUpload: Sendable {
    /// The size of a piece; two are in memory at a time.
    package static let pieceBytes = 256 << 10

    private struct Progress {
        /// The next row; -1 = the header.
        var row = -1
        var cells: BulkCells
        var writer = CSVWriter(lineEnding: .lf)
    }

    private let table: BulkTable
    private let progress: Mutex<Progress>

    package init(_ table: BulkTable) {
        self.table = table
        progress = Mutex(Progress(cells: table.cells))
    }

    /// The next piece; `nil` after the last one.
    package func next() -> [UInt8]? {
        progress.withLock { progress in
            if progress.row < 0 {
                progress.row = 0
                return BulkTable.header(table.columns)
            }
            guard progress.row < table.rows.count else { return nil }
            progress.writer.removeAll()
            while progress.row < table.rows.count, progress.writer.bytes.count < Self.pieceBytes {
                progress.cells.fill(from: table.rows[progress.row])
                for cell in progress.cells.values { progress.writer.field(cell) }
                progress.writer.endRow()
                progress.row += 1
            }
            return progress.writer.bytes
        }
    }
}
