// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// What rows of an object become in a request.
struct RecordForm: Sendable {
    let object: ObjectPlan
    let plan: WritePlan

    /// - Throws: a rejection if the row cannot be written as it is.
    func record(_ row: Batch.Row, settings: PlaceholderValues) throws(Rejection) -> JSONValue {
        var values = settings
        var others: [JSONValue.Member] = []
        func add(_ name: String, _ value: JSONValue) throws(Rejection) {
            if plan.namedFields.contains(name) {
                values[name] = value
            } else if plan.takes(name, of: object) {
                others.append(.init(name, value))
            } else {
                throw Rejection(.permissionMissing, fields: [name], reason: "the definition has no place for the field")
            }
        }
        for member in row.fields.withUnsafeBufferPointer({ JSONValue(validated: $0) }).members {
            try add(member.key, member.value)
        }
        for reference in row.references { try add(reference.field, .string(reference.targetID)) }
        try add(plan.key, row.keepsKey ? .string(row.key) : .null)
        let record = plan.record.wholeRecord(values)
        return others.isEmpty ? record : record.adding(others, at: plan.others ?? [])
    }

    /// The fields that a part of a record is made of, by its name in requests.
    func fields(of name: String) -> [String] {
        guard case .object(let members) = plan.record, let member = members.first(where: { $0.key == name }) else {
            return [name]
        }
        let fields = member.value.placeholders
        return fields.isEmpty ? [name] : fields
    }
}

extension WritePlan {
    /// Whether a field that `record` does not name can be written: the key, and what the account describes.
    func takes(_ name: String, of object: ObjectPlan) -> Bool {
        guard others != nil else { return false }
        return name == key || name != object.idName && !object.fields.contains { $0.schema.name == name }
    }
}

extension JSONValue {
    /// The object with more members in the object to which the names lead.
    fileprivate func adding(_ more: [Member], at path: [String]) -> JSONValue {
        guard let name = path.first else { return .object(members + more) }
        let inner = (self[name] ?? .object([])).adding(more, at: Array(path.dropFirst()))
        return .object(members.filter { $0.key != name } + [Member(name, inner)])
    }
}
