// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// The schema of an object that is written, as its rows show it: it grows with every field and type that turns up.
struct RowSchema: Sendable {
    /// JSON's types, by field in the order in which they turned up.
    private var types: [(field: String, types: Set<String>)] = []
    private var places: [String: Int] = [:]

    /// Takes note of what the rows hold.
    mutating func take(_ rows: [Batch.Row]) throws {
        var index = RecordIndex(fields: nil)
        for row in rows {
            try row.fields.withUnsafeBufferPointer { fields in
                try index.index(fields)
                for field in index.fieldNames {
                    guard let slice = index.topLevel(field) else { continue }
                    note(field, Self.type(of: slice, in: fields))
                }
            }
            for reference in row.references { note(reference.field, "string") }
        }
    }

    private mutating func note(_ field: String, _ type: String?) {
        let place =
            places[field]
            ?? {
                types.append((field, []))
                places[field] = types.count - 1
                return types.count - 1
            }()
        if let type { types[place].types.insert(type) }
    }

    /// `nil` for null.
    private static func type(of slice: JSONSlice, in bytes: UnsafeBufferPointer<UInt8>) -> String? {
        switch slice.kind {
        case .string: "string"
        case .number:
            bytes[slice.range].contains { $0 == 0x2E || $0 | 0x20 == 0x65 } ? "number" : "integer"
        case .true, .false: "boolean"
        case .object: "object"
        case .array: "array"
        case .null: nil
        }
    }

    /// The message that tells a target of it.
    func message(for object: String) -> [UInt8] {
        let properties = types.map { field, types in
            let types = types.isEmpty ? ["string"] : types.sorted()
            return JSONValue.Member(field, ["type": .array((["null"] + types).map { .string($0) })])
        }
        let key = SingerDestination.keyField
        let message: JSONValue = [
            "type": "SCHEMA", "stream": .string(object),
            "schema": [
                "type": "object", "properties": .object([.init(key, ["type": ["string"]])] + properties),
            ],
            "key_properties": [.string(key)],
        ]
        return message.serialized() + [UInt8(ascii: "\n")]
    }
}
