// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel

/// Rows with the same fields, as the CSV of one bulk write job.
///
/// All of its rows have all of its columns, so that an empty cell can be told to clear the field. Our key is the first column:
/// of those that were sent only three come back with the results.
///
/// Source: zoho.com/crm/developer, "Bulk Write: Limitations" and "Create Bulk Write Job"; zoho/crm-oas,
/// `v8.0/bulk_write.json`.
struct BulkSheet {
    static let rowsMax = 25_000
    static let columnsMax = 200
    /// Of the CSV before it is packed; the documentation allows so much for the archive.
    private static let bytesMax = 25_000_000
    private static let pieceBytes = 64 << 10

    let rows: ArraySlice<Batch.Row>
    let schema: ObjectSchema
    let keyField: String
    /// Whether the rows are of records that are named by their ids; otherwise a record with the key is met, or made.
    let isUpdate: Bool
    /// Behind the key and the id, in the order of their names.
    private let fields: [String]

    /// - Parameter rows: such as `carries` takes, of one shape, all with ids or all without.
    init(_ rows: ArraySlice<Batch.Row>, _ schema: ObjectSchema, keyField: String) {
        self.rows = rows
        self.schema = schema
        self.keyField = keyField
        isUpdate = rows.first?.targetID != nil
        fields = rows.first.map { Self.fields(of: $0).filter { $0 != keyField && $0 != ZohoModule.id } } ?? []
    }

    // MARK: Which rows

    /// The names of what a row says something of, sorted.
    static func fields(of row: Batch.Row) -> [String] {
        var names = Set(row.references.map(\.field))
        row.fields.withUnsafeBufferPointer { fields in
            var cursor = FieldCursor(fields)
            while let field = cursor.next() { names.insert(cursor.name(of: field)) }
        }
        return names.sorted()
    }

    /// Whether a job can carry the row as it is. What it cannot: a key that is taken off, values that a cell cannot hold,
    /// links that may lead to several modules; and a new record that lacks something which each needs, since Zoho then
    /// refuses the job as a whole.
    static func carries(_ row: Batch.Row, _ schema: ObjectSchema) -> Bool {
        let references = Set(row.references.map(\.field))
        guard row.keepsKey, references.allSatisfy({ schema.field($0)?.refersTo.count == 1 }) else { return false }
        var present = references
        let isPlain = row.fields.withUnsafeBufferPointer { fields in
            var cursor = FieldCursor(fields)
            while let field = cursor.next() {
                let name = cursor.name(of: field)
                switch field.value.kind {
                case .object: return false
                case .array:
                    let value = JSONValue(validated: UnsafeBufferPointer(rebasing: fields[field.value.range]))
                    let isChoices = schema.field(name)?.kind == .choices
                    guard isChoices, value.elements.allSatisfy({ $0.text?.contains(";") == false }) else {
                        return false
                    }
                default: break
                }
                if !field.value.isBlank { present.insert(name) }
            }
            return true
        }
        guard isPlain, present.count + 2 <= columnsMax else { return false }
        return row.targetID != nil
            || schema.fields.allSatisfy { !$0.isRequired || !$0.isCreateable || present.contains($0.name) }
    }

    // MARK: The job

    /// What the job's request says of the columns.
    var mappings: JSONValue {
        var mappings: [JSONValue] = []
        for (index, name) in columns.enumerated() {
            var mapping: [JSONValue.Member] = [
                .init("api_name", .string(name)), .init("index", .number(String(index))),
            ]
            if isReference(name) { mapping.append(.init("find_by", .string(ZohoModule.id))) }
            mappings.append(.object(mapping))
        }
        return .array(mappings)
    }

    /// The field by which a row meets its record.
    var findBy: String { isUpdate ? ZohoModule.id : keyField }

    private var columns: [String] { [keyField] + (isUpdate ? [ZohoModule.id] : []) + fields }

    private func isReference(_ name: String) -> Bool { schema.field(name)?.kind == .reference }

    /// The archive to send, and how many of the rows fitted into it: all of them, unless the CSV would be too long.
    func archive() throws(MigratezError) -> (content: RowContent, rows: Int) {
        let zip = try ZipWriter(name: "\(schema.name).csv")
        var writer = CSVWriter(lineEnding: .lf)
        for name in columns { writer.field(isReference(name) ? "\(name).\(ZohoModule.id)" : name) }
        writer.endRow()
        var (count, bytes) = (0, writer.bytes.count)
        var line = CSVWriter(lineEnding: .lf)
        for row in rows {
            line.removeAll()
            for cell in cells(of: row) { line.field(cell) }
            line.endRow()
            guard count == 0 || bytes + line.bytes.count <= Self.bytesMax else { break }
            bytes += line.bytes.count
            count += 1
            zip.add(writer.bytes)
            writer.removeAll()
            zip.add(line.bytes)
        }
        let archive = zip.finish()
        var hash = SHA256()
        hash.update(archive)
        return (RowContent(field: "file", sha256: hash.finish(), archive), count)
    }

    private func cells(of row: Batch.Row) -> [[UInt8]] {
        var values: [String: [UInt8]] = [keyField: Array(row.key.utf8)]
        if let id = row.targetID { values[ZohoModule.id] = Array(id.utf8) }
        row.fields.withUnsafeBufferPointer { fields in
            var cursor = FieldCursor(fields)
            while let field = cursor.next() {
                let name = cursor.name(of: field)
                guard name != keyField, name != ZohoModule.id else { continue }
                values[name] = Self.cell(field.value, of: fields, as: schema.field(name)?.kind)
            }
        }
        for reference in row.references { values[reference.field] = Array(reference.targetID.utf8) }
        return columns.map { values[$0] ?? [] }
    }

    /// The text of a value; what is blank clears the field.
    private static func cell(
        _ value: JSONSlice, of row: UnsafeBufferPointer<UInt8>, as kind: FieldSchema.Kind?
    ) -> [UInt8] {
        switch (kind, value.kind) {
        case _ where value.isBlank: return []
        case (_, .array):
            let choices = JSONValue(validated: UnsafeBufferPointer(rebasing: row[value.range])).elements
            return Array(choices.compactMap(\.text).joined(separator: ";").utf8)
        case (.dateTime, .string):
            let text = JSONText.string(value, of: row)
            return Array((ZohoTime.text(text) ?? text).utf8)
        default:
            var cell: [UInt8] = []
            JSONText.append(value, of: row, to: &cell)
            return cell
        }
    }
}
