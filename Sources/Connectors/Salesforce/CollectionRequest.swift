// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
package import MigratezModel

/// The ways in which rows reach the platform; the same four words serve both APIs.
package enum WriteOperation: String, Sendable, CaseIterable {
    /// By our key: creates what is not there, updates what is.
    case upsert
    /// By Salesforce id, and leaves our key.
    case update
    /// A new record each.
    case insert
}

/// One call of sObject Collections: at most 200 records of one object.
///
/// Source: REST API Developer Guide, "sObject Collections".
package struct CollectionRequest: Sendable {
    /// Records of one call.
    package static let recordsMax = 200

    package var object: String
    package var operation: WriteOperation
    /// The field that gets the row key; `nil` where the object can hold none.
    package var stampField: String?
    /// Fields that are left out of each row: audit fields when a row is updated.
    package let leavesOut: Set<String>
    private let namesLeftOut: [[UInt8]]

    package init(
        object: String, operation: WriteOperation, stampField: String? = nil, leavesOut: Set<String> = []
    ) {
        self.object = object
        self.operation = operation
        self.stampField = stampField
        self.leavesOut = leavesOut
        namesLeftOut = leavesOut.map { Array($0.utf8) }
    }

    /// The method and the path below `/services/data/vNN.0`.
    package var target: (isPatch: Bool, path: String) {
        switch operation {
        case .upsert: (true, "/composite/sobjects/\(object)/\(stampField ?? "Id")")
        case .update: (true, "/composite/sobjects")
        case .insert: (false, "/composite/sobjects")
        }
    }

    /// The body for the rows, their values untouched.
    ///
    /// - Parameter references: for each row, how its references are written.
    package func body(_ rows: some Collection<Batch.Row>, references: (Batch.Row) -> [RowReference]) -> [UInt8] {
        var writer = JSONWriter(capacity: rows.reduce(64) { $0 + $1.fields.count + 160 })
        writer.beginObject()
        writer.key("allOrNone")
        writer.bool(false)
        writer.key("records")
        writer.beginArray()
        for row in rows { write(row, references(row), to: &writer) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// One record by itself, as a request for it alone has it.
    func record(_ row: Batch.Row, references: [RowReference]) -> [UInt8] {
        var writer = JSONWriter(capacity: row.fields.count + 160)
        writer.beginObject()
        writeMembers(row, references, to: &writer)
        writer.endObject()
        return writer.bytes
    }

    private func write(_ row: Batch.Row, _ references: [RowReference], to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("attributes")
        writer.beginObject()
        writer.key("type")
        writer.string(object)
        writer.endObject()
        writeMembers(row, references, to: &writer)
        writer.endObject()
    }

    private func writeMembers(_ row: Batch.Row, _ references: [RowReference], to writer: inout JSONWriter) {
        if operation == .update, let id = row.targetID {
            writer.key("Id")
            writer.string(id)
        }
        if let stampField {
            writer.key(stampField)
            if row.keepsKey { writer.string(row.key) } else { writer.null() }
        }
        row.fields.withUnsafeBufferPointer { fields in
            guard row.sets(anyOf: namesLeftOut) else { return writer.members(of: fields) }
            var cursor = FieldCursor(fields)
            while let field = cursor.next() {
                if cursor.isNamed(field, anyOf: namesLeftOut) { continue }
                writer.key(cursor.name(of: field))
                writer.raw(UnsafeBufferPointer(rebasing: fields[field.value.range]))
            }
        }
        for reference in references { write(reference, to: &writer) }
    }

    private func write(_ reference: RowReference, to writer: inout JSONWriter) {
        switch reference {
        case .id(let field, let id):
            writer.key(field)
            writer.string(id)
        case .key(let relationship, let type, let stampField, let key):
            writer.key(relationship)
            writer.beginObject()
            if let type {
                writer.key("attributes")
                writer.beginObject()
                writer.key("type")
                writer.string(type)
                writer.endObject()
            }
            writer.key(stampField)
            writer.string(key)
            writer.endObject()
        }
    }
}
