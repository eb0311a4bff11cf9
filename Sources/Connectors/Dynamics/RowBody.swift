// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// A row as the members of a record's JSON, in the types of its columns.
///
/// OData takes no number in quotes and no text without them, so values are written as their columns want them. What a
/// value cannot be made into refuses the row here, before anything is sent.
struct RowBody: Sendable {
    enum Operation: Sendable { case create, update }

    let table: TableMetadata
    let keyColumn: String
    /// The names of sets by tables, for bindings: `accounts`.
    let setNames: [String: String]
    /// What the values of lookups that may lead to several tables lead to, by their ids.
    let tablesOfIDs: [String: String]
    /// What rows are given besides what they say, by their keys.
    let additions: [String: [Addition]]

    /// A member of a record's JSON that its row need not name.
    struct Addition: Sendable {
        /// A row that sets it keeps its own value.
        var column: String
        var property: String
        var value: JSONValue
        /// Whether a record that is there gets it, too.
        var isForChanges = false
    }

    /// A row that can be sent.
    struct Prepared: Sendable {
        var row: Batch.Row
        /// The members, without the brackets around them.
        var create: [UInt8]
        var update: [UInt8]
        /// The state that the record is to be in at last; `nil` = the row says nothing of it.
        var state: RecordState?
    }

    /// - Throws: `Rejection` if a value does not fit its column.
    func prepare(_ row: Batch.Row) throws(Rejection) -> Prepared {
        let values = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        let state = try RecordState(values)
        return Prepared(
            row: row, create: try body(row, values, .create, state), update: try body(row, values, .update, state),
            state: state)
    }

    private func body(
        _ row: Batch.Row, _ values: JSONValue, _ operation: Operation, _ state: RecordState?
    ) throws(Rejection) -> [UInt8] {
        var writer = JSONWriter(capacity: row.fields.count + 200)
        writer.beginObject()
        var parties: [(role: Int, address: String)] = []
        for member in values.members {
            guard let column = table.column(member.key) else {
                // The service refuses it and names it.
                writer.key(member.key)
                member.value.write(to: &writer)
                continue
            }
            guard operation == .create ? column.field.isCreateable : column.field.isUpdateable else { continue }
            if let role = column.role {
                parties += PartyLists.addresses(member.value.text ?? "").map { (role, $0) }
                continue
            }
            if member.key == "statecode"
                || member.key == "statuscode" && state.map({ $0.state != table.firstState }) == true
            {
                continue
            }
            if column.field.kind == .reference {
                try bind(column, member.value, to: &writer)
            } else {
                writer.key(member.key)
                try write(member.value, column.field, to: &writer)
            }
        }
        if !parties.isEmpty { write(parties, to: &writer) }
        for reference in row.references {
            guard let column = table.column(reference.field), let property = column.binding(to: reference.object),
                let set = setNames[reference.object]
            else {
                throw Rejection(
                    .parentNotLoaded, fields: [reference.field],
                    reason: "the column does not refer to \(reference.object)")
            }
            guard operation == .create ? column.field.isCreateable : column.field.isUpdateable else { continue }
            writer.key("\(property)@odata.bind")
            writer.string("/\(set)(\(reference.targetID))")
        }
        for addition in additions[row.key] ?? [] where operation == .create || addition.isForChanges {
            guard values[addition.column] == nil, !row.references.contains(where: { $0.field == addition.column })
            else { continue }
            writer.key(addition.property)
            addition.value.write(to: &writer)
        }
        if table.hasKeyColumn {
            writer.key(keyColumn)
            if row.keepsKey { writer.string(row.key) } else { writer.null() }
        }
        writer.endObject()
        return Array(writer.bytes.dropFirst().dropLast())
    }

    /// Those who take part in a new activity, by their addresses (Microsoft Learn, "Create a table row using the Web API":
    /// related rows are created along with it).
    private func write(_ parties: [(role: Int, address: String)], to writer: inout JSONWriter) {
        writer.key("\(table.name)_activity_parties")
        JSONValue.array(
            parties.map { party in
                [
                    "@odata.type": "Microsoft.Dynamics.CRM.activityparty",
                    "participationtypemask": .number(String(party.role)), "addressused": .string(party.address),
                ]
            }
        ).write(to: &writer)
    }

    /// A lookup whose value is an id: somebody who owns the record, or what an earlier value was.
    private func bind(
        _ column: TableMetadata.Column, _ value: JSONValue, to writer: inout JSONWriter
    ) throws(Rejection) {
        let isEmpty = value.isNull || value.text?.isEmpty == true
        if isEmpty {
            // Nobody is not an owner; the platform keeps whom it has.
            guard column.navigation["owner"] == nil, let property = column.navigation.values.sorted().first else {
                return
            }
            writer.key("\(property)@odata.bind")
            writer.null()
            return
        }
        guard let text = value.text, let id = RecordID(text) else {
            throw Rejection(.wrongType, fields: [column.field.name], reason: "a lookup holds the id of a record")
        }
        let targets = column.field.refersTo
        let target =
            column.navigation["owner"] != nil
            ? tablesOfIDs[id.text] ?? "systemuser"
            : targets.count == 1 ? targets[0] : tablesOfIDs[id.text]
        guard let target, let property = column.binding(to: target), let set = setNames[target] else {
            throw Rejection(
                .parentNotLoaded, fields: [column.field.name],
                reason: "no record that the lookup may lead to has the id")
        }
        writer.key("\(property)@odata.bind")
        writer.string("/\(set)(\(id.text))")
    }

    private func write(_ value: JSONValue, _ field: FieldSchema, to writer: inout JSONWriter) throws(Rejection) {
        func mismatch(_ reason: String) -> Rejection { Rejection(.wrongType, fields: [field.name], reason: reason) }
        if value.isNull { return writer.null() }
        let text = value.bool.map { $0 ? "true" : "false" } ?? value.text
        switch field.kind {
        case .choices:
            // Several choices stand in one text, with commas between them.
            let parts = value.elements.isEmpty ? text : value.elements.compactMap(\.text).joined(separator: ",")
            guard let parts else { throw mismatch("choices are numbers") }
            parts.isEmpty ? writer.null() : writer.string(parts.replacing(";", with: ","))
            return
        case _ where text == nil: throw mismatch("a column holds no object and no list")
        default: break
        }
        guard let text else { return }
        switch field.kind {
        case .bool, .integer, .decimal, .choice, .date, .dateTime, .id:
            if text.isEmpty { return writer.null() }
        default: break
        }
        switch field.kind {
        case .bool:
            guard text == "true" || text == "false" else { throw mismatch("true or false is expected") }
            writer.bool(text == "true")
        case .integer:
            guard Int(text) != nil, NumberText.isNumber(text) else { throw mismatch("a whole number is expected") }
            writer.raw(text.utf8)
        case .decimal:
            guard NumberText.isNumber(text) else { throw mismatch("a number is expected") }
            writer.raw(text.utf8)
        case .choice:
            guard Int(text) != nil, NumberText.isNumber(text) else {
                throw Rejection(
                    .notInPicklist, fields: [field.name],
                    reason: "a choice is the number of one of the column's options")
            }
            writer.raw(text.utf8)
        default: writer.string(text)
        }
    }
}
