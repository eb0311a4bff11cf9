// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// The fields of leads in one company. A lead has some of its own, and all custom fields of deals, our key among them.
///
/// Only version 1 has leads, and it keeps custom fields beside the others: `<key>`, `<key>_currency`, `<key>_until`, several
/// options as a text with commas. Source: OpenAPI description of version 1, `/leads`.
struct LeadFields: Sendable {
    static let object = "lead"

    let fields: [PipedriveField]
    private let byName: [String: PipedriveField]

    /// - Parameter deal: the fields of deals.
    init(deal: FieldList, labels: [FieldSchema.Option]) {
        var fields = Self.standard
        if let place = fields.firstIndex(where: { $0.name == "label_ids" }) { fields[place].options = labels }
        let taken = Set(fields.map(\.name))
        for var field in deal.fields where field.isCustom {
            // A name that is free among the fields of deals may be one of a lead's own.
            if taken.contains(field.name) { field.name = Self.parameter(field) }
            if case .part(let part) = field.form, !["value", "currency", "until"].contains(part) {
                field.access = .never
            }
            fields.append(field)
        }
        self.fields = fields
        byName = Dictionary(fields.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    subscript(name: String) -> PipedriveField? { byName[name] }

    private static let standard: [PipedriveField] = [
        PipedriveField("title", "Title", .text, .text, isRequired: true),
        PipedriveField("person_id", "Contact person", .reference, .reference, refersTo: ["person"]),
        PipedriveField("organization_id", "Organization", .reference, .reference, refersTo: ["organization"]),
        PipedriveField("value", "Expected value", .decimal, .number),
        PipedriveField("currency", "Currency", .text, .text),
        PipedriveField("label_ids", "Labels", .choices, .options),
        PipedriveField("expected_close_date", "Expected close date", .date, .date),
        PipedriveField("owner_id", "Owner", .reference, .reference, refersTo: ["owner"]),
        PipedriveField("was_seen", "Seen", .bool, .bool), PipedriveField("is_archived", "Archived", .bool, .bool),
        PipedriveField("visible_to", "Visible to", .text, .text),
        PipedriveField("source_name", "Source", .text, .text, access: .never),
        PipedriveField("id", "ID", .id, .text, access: .never),
        PipedriveField("add_time", "Created date", .dateTime, .dateTime, access: .never),
        PipedriveField("update_time", "Updated", .dateTime, .dateTime, access: .never),
    ]

    /// The name of a custom field's part in a lead.
    private static func parameter(_ field: PipedriveField) -> String {
        guard case .part(let part) = field.form, part != "value" else { return field.code }
        return "\(field.code)_\(part)"
    }

    /// What a refusal calls a field.
    func name(ofParameter name: String) -> String {
        fields.first { $0.isCustom && Self.parameter($0) == name }?.name ?? name
    }

    // MARK: Reading

    /// A lead with all its fields side by side; `nil` if it has no id.
    func flat(_ lead: JSONValue) -> (id: String, json: JSONValue)? {
        guard let id = lead["id"]?.text else { return nil }
        var members: [JSONValue.Member] = []
        for field in fields {
            let value: JSONValue?
            switch field.name {
            case "value" where !field.isCustom: value = lead["value"]?["amount"]
            case "currency" where !field.isCustom: value = lead["value"]?["currency"]
            case "add_time", "update_time": value = lead[field.name]?.text.map { .string(Self.wholeSeconds($0)) }
            case _ where field.isCustom: value = lead[Self.parameter(field)].map { Self.value($0, field) }
            default: value = lead[field.name]
            }
            members.append(.init(field.name, value ?? .null))
        }
        return (id, .object(members))
    }

    private static func value(_ value: JSONValue, _ field: PipedriveField) -> JSONValue {
        guard case .options = field.form, let text = value.text else { return value }
        return .array(text.split(separator: ",").map { .number(String($0)) })
    }

    /// Leads have times with thousandths, other records without.
    private static func wholeSeconds(_ time: String) -> String {
        time.firstIndex(of: ".").map { time[..<$0] + "Z" } ?? time
    }

    // MARK: Writing

    /// The body of a request.
    ///
    /// - Parameter existing: the lead that is changed, flat; `nil` = it is created.
    /// - Throws: a rejection if the row cannot be written as it is.
    func body(_ row: Batch.Row, keyField: PipedriveField, existing: JSONValue?) throws(Rejection) -> JSONValue {
        let values = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        var members: [JSONValue.Member] = []
        var amount: [String: JSONValue] = [:]
        for member in values.members + row.references.map({ JSONValue.Member($0.field, .string($0.targetID)) }) {
            guard let field = self[member.key] else {
                throw Rejection(.requestRefused, fields: [member.key], reason: "a lead has no such field")
            }
            guard field.access == .always else {
                throw Rejection(.permissionMissing, fields: [field.name], reason: "the field is read-only")
            }
            let value = try encoded(member.value, field)
            if !field.isCustom, field.name == "value" || field.name == "currency" {
                amount[field.name] = value
            } else if field.name != "is_archived" || existing != nil {
                members.append(.init(field.isCustom ? Self.parameter(field) : field.name, value))
            }
        }
        if let value = try Self.price(amount, existing) { members.append(.init("value", value)) }
        members.append(.init(keyField.code, row.keepsKey ? .string(row.key) : .null))
        if existing == nil {
            members.removeAll { $0.value == .null }
            guard members.contains(where: { $0.key == "person_id" || $0.key == "organization_id" }) else {
                throw Rejection(
                    .requiredFieldMissing, fields: ["person_id", "organization_id"],
                    reason: "a lead belongs to a person or an organization, and this one is linked to neither")
            }
        }
        return .object(members)
    }

    /// Whether a row gives a half of the expected value, so that the other must be known.
    func needsExisting(_ row: Batch.Row) -> Bool {
        let values = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        return (values["value"] == nil) != (values["currency"] == nil)
    }

    private func encoded(_ value: JSONValue, _ field: PipedriveField) throws(Rejection) -> JSONValue {
        if field.name == "label_ids", !field.isCustom { return try labels(value, field) }
        let value = try FieldValue.encoded(value, field, isFormer: true)
        guard field.isCustom, case .options = field.form, case .array(let options) = value else { return value }
        return .string(options.compactMap(\.text).joined(separator: ","))
    }

    /// Labels of leads are known by UUIDs.
    private func labels(_ value: JSONValue, _ field: PipedriveField) throws(Rejection) -> JSONValue {
        let ids =
            value.elements.isEmpty
            ? (value.text ?? "").split(separator: ";").map(String.init) : value.elements.compactMap(\.text)
        guard ids.allSatisfy({ id in field.options.contains { $0.value == id } }) else {
            throw Rejection(.notInPicklist, fields: [field.name], reason: "the field takes the values of a list")
        }
        return .array(ids.map { .string($0) })
    }

    /// An amount has a currency; what a row does not say of the two stays.
    private static func price(_ new: [String: JSONValue], _ existing: JSONValue?) throws(Rejection) -> JSONValue? {
        guard !new.isEmpty else { return nil }
        guard let amount = new["value"] ?? existing?["value"], amount != .null else {
            // A currency alone says nothing.
            return new["value"] == nil ? nil : .null
        }
        guard let currency = new["currency"] ?? existing?["currency"], currency != .null else {
            throw Rejection(
                .requiredFieldMissing, fields: ["currency"],
                reason: "an expected value has a currency: map one, or set it by const")
        }
        return ["amount": amount, "currency": currency]
    }
}
