// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Brings records of Odoo's answers into the form that the other stages understand: nothing is `null` and not `false`, a
/// relation is the id and not a pair of id and name. All other values stay as they are, byte for byte.
struct RecordForm {
    private let forms: [String: ValueForm]
    /// The fields of one record in their order, which is that of all others of an answer.
    private var expected: [(name: [UInt8], form: ValueForm)] = []

    init(_ fields: [String: OdooField]) { forms = fields.mapValues(\.form) }

    /// Appends a record, which must be a JSON object.
    mutating func append(_ record: UnsafeBufferPointer<UInt8>, to writer: inout JSONWriter) {
        writer.beginObject()
        var cursor = FieldCursor(record)
        var place = 0
        while let field = cursor.next() {
            let name = record[field.name]
            if place == expected.count {
                expected.append((Array(name), forms[cursor.name(of: field)] ?? .plain))
            } else if !expected[place].name.elementsEqual(name) {
                expected[place] = (Array(name), forms[cursor.name(of: field)] ?? .plain)
            }
            writer.key(cursor.name(of: field))
            write(field.value, of: record, expected[place].form, to: &writer)
            place += 1
        }
        writer.endObject()
    }

    private func write(
        _ value: JSONSlice, of record: UnsafeBufferPointer<UInt8>, _ form: ValueForm, to writer: inout JSONWriter
    ) {
        let bytes = UnsafeBufferPointer(rebasing: record[value.range])
        switch (form, value.kind) {
        case (.boolean, _): writer.raw(bytes)
        case (_, .false): writer.null()
        case (.number, .number) where bytes.count == 1 && bytes[0] == UInt8(ascii: "0"): writer.null()
        case (.relation, .array):
            guard let id = JSONValue(validated: bytes)[0] else { return writer.null() }
            id.write(to: &writer)
        case (.choices, .array):
            let ids = JSONValue(validated: bytes).elements.compactMap(\.text)
            if ids.isEmpty { writer.null() } else { writer.string(ids.joined(separator: ";")) }
        default: writer.raw(bytes)
        }
    }
}
