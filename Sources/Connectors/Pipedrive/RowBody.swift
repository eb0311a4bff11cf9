// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// The body of the request that writes a row.
struct RowBody {
    let list: FieldList
    /// The key of the custom field that holds ours; `nil` = the object has none.
    let keyCode: String?

    /// - Parameter existing: the record that is changed; `nil` = it is created.
    /// - Throws: a rejection if the row cannot be written as it is.
    func json(_ row: Batch.Row, existing: FlatRecord?) throws(Rejection) -> JSONValue {
        let fields = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        var draft = Draft(existing: existing)
        for member in fields.members {
            guard let field = list[member.key] else {
                throw Rejection(.requestRefused, fields: [member.key], reason: "the object has no such field")
            }
            try add(member.value, field, to: &draft)
        }
        for reference in row.references {
            guard let field = list[reference.field] else {
                throw Rejection(.requestRefused, fields: [reference.field], reason: "the object has no such field")
            }
            try add(.string(reference.targetID), field, to: &draft)
        }
        if let keyCode { draft.custom[keyCode] = row.keepsKey ? .string(row.key) : .null }
        if existing == nil, list.object == .note { try requireParent(draft) }
        if list.object == .product { try requireCurrency(draft) }
        return draft.json(list)
    }

    /// Whether a field of the row is a part of something whose other parts are to stay.
    func needsExisting(_ row: Batch.Row) -> Bool {
        let fields = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        return (fields.members.map(\.key) + row.references.map(\.field)).contains { name in
            switch list[name]?.form {
            case .primary, .part, .participant, .price: true
            default: false
            }
        }
    }

    private func add(_ value: JSONValue, _ field: PipedriveField, to draft: inout Draft) throws(Rejection) {
        switch field.access {
        case .always: break
        // The time of creation stays as it is.
        case .onCreation: if draft.existing != nil { return }
        case .never: throw Rejection(.permissionMissing, fields: [field.name], reason: "the field is read-only")
        }
        let value = try FieldValue.encoded(value, field, isFormer: list.object.isFormer)
        switch field.form {
        case .primary(let source): draft.primaries[source] = value
        case .part(let part): draft.parts[field.code, default: [:]][part] = value
        case .participant: draft.participant = value
        case .price(let part): draft.price[part] = value
        default:
            if field.isCustom { draft.custom[field.code] = value } else { draft.members[field.code] = value }
        }
    }

    /// A price is one in a currency (OpenAPI description of version 2, `prices` of `POST /products`).
    private func requireCurrency(_ draft: Draft) throws(Rejection) {
        guard !draft.price.isEmpty, draft.members["prices"] == nil, !draft.firstPrice.isEmpty,
            !draft.firstPrice.contains(where: { $0.key == "currency" })
        else { return }
        throw Rejection(
            .requiredFieldMissing, fields: ["currency"], reason: "a price has a currency: map one, or set it by const")
    }

    /// A note is about something (OpenAPI description of version 1, `POST /notes`).
    private func requireParent(_ draft: Draft) throws(Rejection) {
        let parents = ["deal_id", "org_id", "person_id"]
        guard !parents.contains(where: { draft.members[$0].map { $0 != .null } ?? false }) else { return }
        throw Rejection(
            .requiredFieldMissing, fields: parents,
            reason: "a note belongs to a deal, a person or an organization, and this one is linked to none")
    }
}

/// What a request is put together from.
private struct Draft {
    let existing: FlatRecord?
    var members: [String: JSONValue] = [:]
    var custom: [String: JSONValue] = [:]
    /// New primary values of lists.
    var primaries: [String: JSONValue] = [:]
    /// New parts of values that are objects, by the code of the field.
    var parts: [String: [String: JSONValue]] = [:]
    /// New parts of the first price.
    var price: [String: JSONValue] = [:]
    /// Who takes part first.
    var participant: JSONValue?

    init(existing: FlatRecord?) { self.existing = existing }

    func json(_ list: FieldList) -> JSONValue {
        var members = members
        var custom = custom
        // A list that is given as a whole says who is the primary one.
        for (source, value) in primaries where members[source] == nil { members[source] = values(of: source, value) }
        if let participant, members["participants"] == nil { members["participants"] = participants(participant) }
        if !price.isEmpty, members["prices"] == nil {
            let others = (existing?["prices"]?.elements ?? []).dropFirst()
            members["prices"] = .array((firstPrice.isEmpty ? [] : [.object(firstPrice)]) + others)
        }
        for (code, parts) in parts {
            let value = object(code, parts, list)
            if list.custom(code).isEmpty { members[code] = value } else { custom[code] = value }
        }
        if existing == nil {
            members = members.filter { $0.value != .null }
            custom = custom.filter { $0.value != .null }
        }
        var object = members.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, $0.value) }
        if !custom.isEmpty {
            let values = custom.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, $0.value) }
            object.append(.init("custom_fields", .object(values)))
        }
        return .object(object)
    }

    /// The list with another primary value; the others stay.
    private func values(of source: String, _ value: JSONValue) -> JSONValue {
        var values = existing?[source]?.elements ?? []
        let place = values.firstIndex { $0["primary"]?.bool == true } ?? values.indices.first
        let label = place.flatMap { values[$0]["label"] } ?? "work"
        if let place { values.remove(at: place) }
        values = values.filter { $0["value"] != value }
        guard value != .null else { return .array(values) }
        return .array([["value": value, "primary": true, "label": label]] + values)
    }

    /// The first price with its new parts; those that are not there are left out, and whose it is goes without saying.
    var firstPrice: [JSONValue.Member] {
        var members = (existing?["prices"]?[0]?.members ?? []).filter { price[$0.key] == nil && $0.key != "product_id" }
        members += price.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, $0.value) }
        return members.filter { $0.value != .null }
    }

    private func participants(_ person: JSONValue) -> JSONValue {
        let former = existing?["person_id"]?.text
        let others = (existing?["participants"]?.elements ?? []).filter {
            $0["person_id"]?.text != person.text && $0["person_id"]?.text != former
        }
        guard person != .null else { return .array(others) }
        return .array(
            [["person_id": person, "primary": true]]
                + others.map { ["person_id": $0["person_id"] ?? .null, "primary": false] })
    }

    /// The object with new parts; the others stay. Of an address that has no text, its parts are the text.
    private func object(_ code: String, _ new: [String: JSONValue], _ list: FieldList) -> JSONValue {
        var parts: [(name: String, value: JSONValue)] = []
        for field in list.fields where field.code == code {
            guard case .part(let part) = field.form else { continue }
            let value = new[part] ?? existing?[field.name] ?? .null
            if value != .null { parts.append((part, value)) }
        }
        if !parts.isEmpty, !parts.contains(where: { $0.name == "value" }) {
            parts.insert(("value", .string(parts.compactMap(\.value.text).joined(separator: ", "))), at: 0)
        }
        return parts.isEmpty ? .null : .object(parts.map { .init($0.name, $0.value) })
    }
}
