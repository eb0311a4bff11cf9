// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import GRDB
import MigratezJSON

/// Writes stored values as the interfaces show them.
enum RecordText {
    /// A value in a JSON answer.
    static func write(
        _ value: DatabaseValue, of field: FieldDefinition, in object: ObjectDefinition, ordinal: Int64, api: String,
        to writer: inout JSONWriter
    ) {
        switch field.kind {
        case .id: writer.string(object.id(Int64.fromDatabaseValue(value) ?? ordinal).text)
        // The bytes of a file are fetched by themselves (crm-apis: Salesforce, section 7).
        case .base64:
            value.isNull
                ? writer.null()
                : writer.string(
                    "/services/data/\(api)/sobjects/\(object.name)/\(object.id(ordinal).text)/\(field.name)")
        case .boolean: writer.bool(Bool.fromDatabaseValue(value) ?? false)
        case .int:
            if let number = Int.fromDatabaseValue(value) { writer.int(number) } else { writer.null() }
        case .double, .currency, .percent:
            if let number = Double.fromDatabaseValue(value) {
                writer.raw(number.description.utf8)
            } else {
                writer.null()
            }
        case .datetime:
            if let instant = Int64.fromDatabaseValue(value) {
                writer.string(DateTimeText.text(instant))
            } else {
                writer.null()
            }
        case .string, .textarea, .date, .picklist, .multipicklist, .reference, .email, .phone, .url, .combobox:
            if let text = String.fromDatabaseValue(value) { writer.string(text) } else { writer.null() }
        }
    }

    /// A value in a row of bulk results; null is empty.
    static func bulkText(_ value: DatabaseValue, of field: FieldDefinition, in object: ObjectDefinition) -> String {
        if value.isNull { return "" }
        switch field.kind {
        case .id: return Int64.fromDatabaseValue(value).map { object.id($0).text } ?? ""
        case .boolean: return Bool.fromDatabaseValue(value) == true ? "true" : "false"
        case .datetime: return Int64.fromDatabaseValue(value).map { DateTimeText.bulkText($0) } ?? ""
        case .base64: return Data.fromDatabaseValue(value)?.base64EncodedString() ?? ""
        case .int: return Int64.fromDatabaseValue(value).map { String($0) } ?? ""
        case .double, .currency, .percent: return Double.fromDatabaseValue(value)?.description ?? ""
        default: return String.fromDatabaseValue(value) ?? ""
        }
    }

    /// One record of a query's answer, with its relationships as objects in it.
    static func write(_ row: Row, of plan: SOQLPlan, api: String, to writer: inout JSONWriter) {
        let ordinal: Int64 = row[0]
        writer.beginObject()
        writeAttributes(of: plan.object, ordinal: ordinal, api: api, to: &writer)
        var done: Set<String> = []
        for (index, column) in plan.columns.enumerated() {
            guard let relationship = column.relationship else {
                writer.key(column.field.name)
                write(row[index + 1], of: column.field, in: plan.object, ordinal: ordinal, api: api, to: &writer)
                continue
            }
            guard done.insert(relationship).inserted else { continue }
            writer.key(relationship)
            let related = plan.columns.indices.filter { plan.columns[$0].relationship == relationship }
            if related.allSatisfy({ (row[$0 + 1] as DatabaseValue).isNull }) {
                writer.null()
                continue
            }
            writer.beginObject()
            writer.key("attributes")
            writer.beginObject()
            writer.member("type", column.object.name)
            writer.endObject()
            for index in related {
                let field = plan.columns[index].field
                writer.key(field.name)
                write(row[index + 1], of: field, in: column.object, ordinal: ordinal, api: api, to: &writer)
            }
            writer.endObject()
        }
        writer.endObject()
    }

    static func writeAttributes(of object: ObjectDefinition, ordinal: Int64, api: String, to writer: inout JSONWriter) {
        writer.key("attributes")
        writer.beginObject()
        writer.member("type", object.name)
        writer.member("url", "/services/data/\(api)/sobjects/\(object.name)/\(object.id(ordinal).text)")
        writer.endObject()
    }
}
