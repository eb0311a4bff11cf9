// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

// Rows of one stream have their fields in one order. So a field is first compared with the column after the one before,
// and the dictionary, which needs the name as a value of its own, is asked only where that fails.

/// The cells of one row after the other, one for each column; a column is added when a row needs a new one.
struct BulkCells: Sendable {
    let stampField: String?
    let references: @Sendable (Batch.Row) -> [RowReference]

    private let hasID: Bool
    private let leavesOut: Set<String>
    private var names: [[UInt8]] = []
    private var indices: [[UInt8]: Int] = [:]
    /// The cells of the row that was filled in last; empty = the row says nothing of the column.
    private(set) var values: [[UInt8]] = []

    init(_ request: CollectionRequest, references: @escaping @Sendable (Batch.Row) -> [RowReference]) {
        stampField = request.stampField
        hasID = request.operation == .update
        leavesOut = request.leavesOut
        self.references = references
        if let stampField { _ = column(named: Array(stampField.utf8)) }
        if hasID { _ = column(named: Array("Id".utf8)) }
    }

    /// The names of the columns, in the order in which rows first named them.
    var columns: [String] { names.map { String(decoding: $0, as: UTF8.self) } }

    /// Takes the cells from a row; of a name that stands twice the last value counts.
    mutating func fill(from row: Batch.Row) {
        for index in values.indices { values[index].removeAll(keepingCapacity: true) }
        var fixed = 0
        if stampField != nil {
            values[0].append(contentsOf: row.key.utf8)
            fixed = 1
        }
        if hasID {
            values[fixed].append(contentsOf: (row.targetID ?? "").utf8)
            fixed += 1
        }
        row.fields.withUnsafeBufferPointer { fields in
            var cursor = FieldCursor(fields)
            var expected = fixed
            while let field = cursor.next() {
                guard let column = column(of: field, cursor, fields, expected) else { continue }
                values[column].removeAll(keepingCapacity: true)
                appendText(field.value, of: fields, toColumn: column)
                expected = column + 1
            }
        }
        for reference in references(row) {
            let column = column(named: Array(reference.column.utf8))
            values[column].removeAll(keepingCapacity: true)
            values[column].append(contentsOf: reference.cell.utf8)
        }
    }

    private mutating func column(
        of field: FieldCursor.Field, _ cursor: FieldCursor, _ fields: UnsafeBufferPointer<UInt8>, _ expected: Int
    ) -> Int? {
        let content = UnsafeBufferPointer(rebasing: fields[field.name.dropFirst().dropLast()])
        if expected < names.count, content.elementsEqual(names[expected]) { return expected }
        let name = cursor.name(of: field)
        return leavesOut.contains(name) ? nil : column(named: Array(name.utf8))
    }

    private mutating func column(named name: [UInt8]) -> Int {
        if let index = indices[name] { return index }
        indices[name] = names.count
        names.append(name)
        values.append([])
        return names.count - 1
    }

    /// The text of a value: numbers and booleans as they stand, null and the empty text as `#N/A`, which is what both
    /// mean to the platform in JSON.
    private mutating func appendText(_ value: JSONSlice, of fields: UnsafeBufferPointer<UInt8>, toColumn column: Int) {
        if value.isBlank {
            values[column].append(contentsOf: BulkTable.null)
        } else {
            JSONText.append(value, of: fields, to: &values[column])
        }
    }
}
