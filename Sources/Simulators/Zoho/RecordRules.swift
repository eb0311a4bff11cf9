// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// What an organisation takes as the values of a record.
///
/// Source: zoho.com/crm/developer, "Insert Records" (possible errors) and "Field types". Members that are no fields, and
/// fields that only the system sets, are passed over without a word, as the vendor does.
struct RecordRules {
    let organisation: Organisation
    let session: DocumentSession
    let module: ModuleDefinition
    /// Where the record stands in the request.
    let row: Int

    /// The document of a record with the values of `input` put over those that it has.
    func document(_ input: JSONValue, over existing: JSONValue?) throws -> JSONValue {
        var values: [String: JSONValue] = [:]
        for member in existing?.members ?? [] { values[member.key] = member.value }
        for member in input.members where member.key != "id" {
            guard let field = module.field(member.key), !field.isReadOnly, field.type != .subform else { continue }
            values[field.name] = try stored(member.value, field, &values, input)
        }
        for field in module.fields
        where field.isMandatory && field.type != .subform && isBlank(values[field.name]) {
            throw RowFailure("MANDATORY_NOT_FOUND", "required field not found", field: field.name, row: row)
        }
        return .object(values.sorted { $0.key < $1.key }.map { .init($0.key, $0.value) })
    }

    private func isBlank(_ value: JSONValue?) -> Bool { value.map { $0.isNull || $0.text == "" } ?? true }

    private func stored(
        _ value: JSONValue, _ field: FieldDefinition, _ values: inout [String: JSONValue], _ input: JSONValue
    ) throws -> JSONValue {
        if value.isNull { return .null }
        switch field.type {
        case .text, .textarea, .email, .phone, .website: return try text(value, field)
        case .integer, .bigint:
            guard case .number(let digits) = value, Int64(digits) != nil else { throw wrong(field, "integer") }
            return value
        case .double, .currency, .percent:
            guard case .number = value else { throw wrong(field, "double") }
            return value
        case .boolean:
            guard value.bool != nil else { throw wrong(field, "boolean") }
            return value
        case .date:
            guard case .string(let text) = value, ZonedTime.isDay(text) else { throw wrong(field, "date") }
            return value
        case .datetime:
            guard case .string(let text) = value, let time = ZonedTime.timestamp(text) else {
                throw wrong(field, "datetime")
            }
            return organisation.time(time)
        case .picklist:
            guard case .string(let text) = value else { throw wrong(field, "text") }
            guard text.isEmpty || field.options.contains(text) else { throw wrong(field, "picklist") }
            return text.isEmpty ? .null : value
        case .multiselectpicklist:
            guard case .array(let chosen) = value,
                chosen.allSatisfy({ $0.text.map(field.options.contains) ?? false })
            else { throw wrong(field, "jsonarray") }
            return value
        case .ownerlookup: return try owner(value, field)
        case .lookup: return try lookup(value, field, &values, input)
        // Their rows are records of their own.
        case .subform: return .null
        }
    }

    private func text(_ value: JSONValue, _ field: FieldDefinition) throws -> JSONValue {
        guard case .string(let text) = value else { throw wrong(field, "text") }
        guard text.count <= field.length else {
            throw RowFailure(
                "INVALID_DATA", "invalid data", field: field.name, row: row,
                [.init("maximum_length", .number(String(field.length)))])
        }
        if field.type == .email, !text.isEmpty, text.wholeMatch(of: /[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>.]+/) == nil {
            throw wrong(field, "email")
        }
        if field.type == .phone, text.wholeMatch(of: /[0-9A-Za-z ()+.,;#\/-]*/) == nil { throw wrong(field, "phone") }
        return value
    }

    private func owner(_ value: JSONValue, _ field: FieldDefinition) throws -> JSONValue {
        guard let id = value["id"]?.text, let user = organisation.user(id),
            user.isActive || organisation.options.permitsInactiveOwners
        else {
            throw RowFailure(
                "INVALID_DATA", "the id given seems to be invalid", field: field.name, path: "\(field.name).id",
                row: row)
        }
        return .string(id)
    }

    private func lookup(
        _ value: JSONValue, _ field: FieldDefinition, _ values: inout [String: JSONValue], _ input: JSONValue
    ) throws -> JSONValue {
        // A field that leads to any module is told which: What_Id by its neighbour, Parent_Id within.
        let target = field.module ?? input["$se_module"]?.text ?? value["module"]?["api_name"]?.text
        guard let target, organisation.modules.contains(where: { $0.name == target }) else {
            throw RowFailure(
                "MANDATORY_NOT_FOUND", "required field not found",
                field: module.name == "Notes" ? "module" : "$se_module", row: row)
        }
        guard let id = value["id"]?.text, let number = Int64(id),
            let record = try session.document(target, number), !record.isDeleted
        else {
            throw RowFailure(
                "INVALID_DATA", "the id given seems to be invalid", field: field.name, path: "\(field.name).id",
                row: row)
        }
        if field.module == nil { values["$se_module"] = .string(target) }
        return .string(id)
    }

    private func wrong(_ field: FieldDefinition, _ expected: String) -> RowFailure {
        RowFailure(
            "INVALID_DATA", "invalid data", field: field.name, row: row,
            [.init("expected_data_type", .string(expected))])
    }
}
