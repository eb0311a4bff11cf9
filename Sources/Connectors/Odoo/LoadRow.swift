// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// One row of `load`: texts by column, or why the row cannot be written at all.
///
/// Source: odoo/odoo, `odoo/addons/base/models/ir_fields.py`: an empty text empties the field; `field/.id` takes ids, of
/// several with commas between them; times are taken in the zone of the context, which is UTC here.
struct LoadRow: Sendable {
    var row: Batch.Row
    /// In the order of their names.
    var columns: [String]
    var cells: [String]

    /// What stands for the content of a file until it is sent: no other cell can be equal to it.
    static let contentMark = "\u{0}content"

    init(
        _ row: Batch.Row, of object: OdooObject, fields: [String: OdooField], documents: DocumentColumns
    ) throws(Rejection) {
        self.row = row
        var texts: [String: String] = [:]
        var names: Set<String> = []
        for (name, value) in Self.values(row.fields) {
            guard let field = fields[name] else {
                throw Rejection(.requestRefused, fields: [name], reason: "the model has no such field")
            }
            texts[Self.column(field)] = try Self.text(value, field)
            names.insert(name)
        }
        for reference in row.references {
            if reference.field == LinkField.documentField {
                let document = try documents.column(of: OdooObject(reference.object).model)
                texts[document.name] = document.text
                texts[reference.field] = reference.targetID
            } else {
                guard let field = fields[reference.field] else {
                    throw Rejection(.requestRefused, fields: [reference.field], reason: "the model has no such field")
                }
                texts[Self.column(field)] = reference.targetID
            }
        }
        if let content = row.content { texts[content.field] = content.bytes == 0 ? "" : Self.contentMark }
        for mark in object.marks where !names.contains(mark.field) { texts[mark.column] = mark.text }
        columns = texts.keys.sorted()
        cells = columns.map { texts[$0] ?? "" }
    }

    private static func values(_ row: [UInt8]) -> [(String, JSONValue)] {
        row.withUnsafeBufferPointer { bytes in
            var cursor = FieldCursor(bytes)
            var values: [(String, JSONValue)] = []
            while let field = cursor.next() {
                values.append(
                    (
                        cursor.name(of: field),
                        JSONValue(validated: UnsafeBufferPointer(rebasing: bytes[field.value.range]))
                    ))
            }
            return values
        }
    }

    private static func column(_ field: OdooField) -> String {
        field.type == "many2one" || field.type == "many2many" ? "\(field.name)/.id" : field.name
    }

    private static func text(_ value: JSONValue, _ field: OdooField) throws(Rejection) -> String {
        let text: String
        switch value {
        case .null: return ""
        case .string(let value), .number(let value): text = value
        case .bool(let value): text = value ? "true" : "false"
        case .array(let values): text = values.compactMap(\.text).joined(separator: ";")
        case .object: throw Rejection(.wrongType, fields: [field.name], reason: "a field holds a text, not an object")
        }
        guard !text.isEmpty else { return "" }
        switch field.type {
        // What is no truth value counts as true there, with a warning that nobody reads.
        case "boolean":
            switch text.lowercased() {
            case "true", "1", "yes": return "1"
            case "false", "0", "no": return "0"
            default: throw Rejection(.wrongType, fields: [field.name], reason: "neither true nor false")
            }
        case "datetime": return OdooTime.text(text) ?? text
        case "date": return OdooTime.text(text).map { String($0.prefix(10)) } ?? text
        case "many2many": return text.split(separator: ";").joined(separator: ",")
        // A choice that is not one of the list would be looked up by its label.
        case "selection" where !field.options.contains { $0.value == text }:
            throw Rejection(.notInPicklist, fields: [field.name])
        default: return text
        }
    }
}

/// How a record says on which one it hangs.
struct DocumentColumns: Sendable {
    /// Of messages the model's name, of activities and meetings its id; `nil` for a model whose records hang on none.
    var byName: String?
    /// The ids of the models that rows name.
    var modelIDs: [String: String] = [:]

    func column(of model: String) throws(Rejection) -> (name: String, text: String) {
        if let byName { return (byName, model) }
        guard let id = modelIDs[model] else {
            throw Rejection(.parentNotLoaded, fields: [LinkField.documentField], reason: "nothing can hang on \(model)")
        }
        return ("res_model_id/.id", id)
    }
}
