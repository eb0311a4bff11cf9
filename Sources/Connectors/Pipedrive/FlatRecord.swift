// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// A record with all its fields side by side, by the names that pipelines use.
///
/// Version 2 keeps custom fields in an object of their own, addresses and amounts as objects, and several addresses of a
/// person in a list; a pipeline's fields are single values. Lists are kept besides, as they are.
struct FlatRecord {
    let id: String
    let json: JSONValue

    /// `nil` if it has no id.
    init?(_ record: JSONValue, _ list: FieldList) {
        guard let id = record["id"]?.text else { return nil }
        self.id = id
        var members: [JSONValue.Member] = []
        for member in record.members {
            if member.key == "custom_fields" {
                for value in member.value.members {
                    members += Self.parts(list.custom(value.key), value.value, key: value.key)
                }
            } else if list.object.isFormer {
                if let member = Self.former(member) { members.append(member) }
            } else if let field = list[member.key], case .part = field.form {
                members += Self.parts(list.fields.filter { $0.code == member.key }, member.value, key: member.key)
            } else {
                members.append(member)
            }
        }
        for field in list.fields {
            if case .price(let part) = field.form {
                members.append(.init(field.name, record["prices"]?[0]?[part] ?? .null))
            }
            guard case .primary(let source) = field.form else { continue }
            let values = record[source]?.elements ?? []
            let primary = values.first { $0["primary"]?.bool == true } ?? values.first
            members.append(.init(field.name, primary?["value"] ?? .null))
        }
        json = .object(members)
    }

    subscript(name: String) -> JSONValue? { json[name] }

    /// All texts that a field may be found by: of addresses and phone numbers each one of the list.
    func texts(_ name: String, _ list: FieldList) -> [String] {
        if let field = list[name], case .primary(let source) = field.form {
            return (json[source]?.elements ?? []).compactMap { $0["value"]?.text }
        }
        return json[name]?.text.map { [$0] } ?? []
    }

    private static func parts(_ fields: [PipedriveField], _ value: JSONValue, key: String) -> [JSONValue.Member] {
        guard !fields.isEmpty else { return [.init(key, value)] }
        return fields.map { field in
            guard case .part(let part) = field.form else { return .init(field.name, value) }
            return .init(field.name, value[part] ?? .null)
        }
    }

    /// Version 1 repeats parts of the records that a note is about, and writes times in a form of its own.
    private static func former(_ member: JSONValue.Member) -> JSONValue.Member? {
        if case .object = member.value { return nil }
        guard ["add_time", "update_time"].contains(member.key), let text = member.value.text else { return member }
        return .init(member.key, .string(text.replacing(" ", with: "T") + "Z"))
    }
}
