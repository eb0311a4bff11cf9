// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezJSON

/// A row as a client sent it, its names resolved and its values converted; nothing has been looked up yet.
struct RowDraft {
    /// A reference by another field than the id: `"Account":{"Ext__c":"42"}`.
    struct Lookup {
        /// The lookup field that it sets.
        var field: Int
        var target: ObjectDefinition
        /// The field of the target.
        var key: FieldDefinition
        var value: DatabaseValue
    }

    /// Field index and value, in the order in which they came.
    var values: [(field: Int, value: DatabaseValue)] = []
    var lookups: [Lookup] = []
    /// `Id`, if it came with the row.
    var id: String?
    /// The first thing that is wrong with the row by itself.
    var failure: RowFailure?

    init() {}

    /// - Throws: `APIFailure`, if a value cannot be read as its field's type; the platform then refuses the whole
    ///   request.
    init(_ row: JSONValue, of object: ObjectDefinition, _ schema: OrgSchema) throws(APIFailure) {
        guard case .object(let members) = row else {
            throw .malformedJSON("Unexpected parameter encountered during deserialization: not an object")
        }
        values.reserveCapacity(members.count)
        for member in members where member.key != "attributes" {
            if let index = object.index(of: member.key) {
                let field = object.fields[index]
                if field.kind == .id {
                    id = member.value.text
                    continue
                }
                switch field.converted(member.value) {
                case .value(let value): values.append((index, value))
                case .failure(let failure): fail(failure)
                case .mismatch: throw RowDraft.mismatch(field, member.value)
                }
            } else if let index = object.index(ofRelationship: member.key) {
                try addReference(member.value, field: index, of: object, schema)
            } else {
                fail(
                    RowFailure(
                        "INVALID_FIELD", "No such column '\(member.key)' on sobject of type \(object.name)",
                        fields: []))
            }
        }
    }

    /// Keeps the first failure.
    mutating func fail(_ failure: RowFailure) {
        if self.failure == nil { self.failure = failure }
    }

    private mutating func addReference(
        _ value: JSONValue, field index: Int, of object: ObjectDefinition, _ schema: OrgSchema
    ) throws(APIFailure) {
        let field = object.fields[index]
        guard !value.isNull else { return values.append((index, .null)) }
        guard case .object(let members) = value else { throw RowDraft.mismatch(field, value) }
        let type = value["attributes"]?["type"]?.text
        guard let target = RowDraft.target(of: field, type: type, schema) else {
            return fail(
                RowFailure(
                    "INVALID_FIELD",
                    "The relationship \(field.relationshipName ?? field.name) needs the type of its target",
                    fields: [field.name]))
        }
        let keys = members.filter { $0.key != "attributes" }
        guard keys.count == 1, let member = keys.first, let key = target.field(member.key), key.isIDLookup else {
            return fail(
                RowFailure(
                    "INVALID_FIELD",
                    "Field name provided, \(keys.first?.key ?? "") is not an External ID or indexed field for \(target.name)",
                    fields: [field.name]))
        }
        switch key.converted(member.value) {
        case .value(let value): addLookup(index, target, key, value)
        case .failure(let failure): fail(failure)
        case .mismatch: throw RowDraft.mismatch(key, member.value)
        }
    }

    /// A reference by `Id` is a plain one; by a null key it is none.
    mutating func addLookup(_ field: Int, _ target: ObjectDefinition, _ key: FieldDefinition, _ value: DatabaseValue) {
        if key.kind == .id || value.isNull {
            values.append((field, value))
        } else {
            lookups.append(Lookup(field: field, target: target, key: key, value: value))
        }
    }

    /// The object that a relationship leads to; a polymorphic one needs the type.
    static func target(of field: FieldDefinition, type: String?, _ schema: OrgSchema) -> ObjectDefinition? {
        if let type {
            return field.referenceTo.contains { $0.lowercased() == type.lowercased() } ? schema[type] : nil
        }
        return field.referenceTo.count == 1 ? schema[field.referenceTo[0]] : nil
    }

    private static func mismatch(_ field: FieldDefinition, _ value: JSONValue) -> APIFailure {
        let token =
            switch value {
            case .null: "VALUE_NULL"
            case .bool(true): "VALUE_TRUE"
            case .bool(false): "VALUE_FALSE"
            case .number(let text):
                (text.contains(".") ? "VALUE_NUMBER_FLOAT value " : "VALUE_NUMBER_INT value ") + text
            case .string(let text): "VALUE_STRING value " + text
            case .array: "START_ARRAY"
            case .object: "START_OBJECT"
            }
        return .malformedJSON(
            "Cannot deserialize instance of \(field.kind.rawValue) from \(token) or request may be missing a required field"
        )
    }
}
