// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// Holds the body of a request that writes a record against the fields of its entity.
struct BodyCheck {
    let entity: Entity
    let standard: [String: FieldDefinition]
    let custom: [String: FieldDefinition]
    let isCreation: Bool
    private(set) var problems: [(name: String, reason: String)] = []

    init(_ entity: Entity, custom: [FieldDefinition], isCreation: Bool) {
        self.entity = entity
        self.isCreation = isCreation
        standard = Dictionary(entity.standardFields.map { ($0.code, $0) }, uniquingKeysWith: { $1 })
        self.custom = Dictionary(custom.map { ($0.code, $0) }, uniquingKeysWith: { $1 })
    }

    /// - Throws: a failure that lists everything that is wrong with the form of the body.
    mutating func check(_ body: JSONValue) throws(PipedriveFailure) {
        guard case .object(let members) = body else { throw PipedriveFailure(400, nil, "Bad request: no JSON object") }
        for member in members {
            if member.key == "custom_fields" {
                checkCustom(member.value)
                continue
            }
            guard let field = standard[member.key], isAllowed(field) else {
                problems.append((member.key, "Parameter '\(member.key)' is not allowed for this request"))
                continue
            }
            // `null` clears.
            guard member.value != .null, let expected = Self.objection(to: member.value, field) else { continue }
            problems.append((member.key, "Expected '\(expected)'"))
        }
        if isCreation, let name = entity.requiredField, (body[name]?.text ?? "").isEmpty {
            problems.append((name, "Parameter '\(name)' is required"))
        }
        if !isCreation, let name = entity.requiredField, let value = body[name], (value.text ?? "").isEmpty {
            problems.append((name, "Parameter '\(name)' must not be empty"))
        }
        guard problems.isEmpty else { throw .invalid(problems) }
    }

    private func isAllowed(_ field: FieldDefinition) -> Bool {
        switch field.access {
        case .always: true
        case .onCreation: isCreation
        case .never: false
        }
    }

    private mutating func checkCustom(_ values: JSONValue) {
        guard case .object(let members) = values, entity != .activity else {
            problems.append(("custom_fields", "Parameter 'custom_fields' is not allowed for this request"))
            return
        }
        for member in members {
            guard let field = custom[member.key] else {
                problems.append(("custom_fields", "Unknown key '\(member.key)'"))
                continue
            }
            guard member.value != .null, let expected = Self.objection(to: member.value, field) else { continue }
            let label = entity.label.lowercased()
            problems.append(
                ("custom_fields", "Expected '\(expected)' as value for \(label) custom field '\(member.key)'"))
        }
    }

    /// What was expected in place of the value; `nil` if it is of the right form.
    static func objection(to value: JSONValue, _ field: FieldDefinition) -> String? {
        switch field.type {
        case "varchar", "varchar_auto", "phone":
            guard case .string(let text) = value else { return "string" }
            return text.unicodeScalars.count <= 255 ? nil : "string of at most 255 characters"
        case "text":
            guard case .string(let text) = value else { return "string" }
            return text.unicodeScalars.count <= 65_535 ? nil : "string of at most 65535 characters"
        case "double":
            guard case .number(let text) = value, Double(text) != nil else { return "number" }
            return nil
        case "int", "user", "org", "people", "deal", "stage", "pipeline":
            return isInteger(value) ? nil : "integer"
        case "boolean": return value.bool == nil ? "boolean" : nil
        case "date": return isDate(value) ? nil : "date"
        case "datetime": return value.text.flatMap(Instant.parsed) == nil ? "datetime" : nil
        case "time": return isTime(value) ? nil : "time"
        case "enum", "visible_to":
            guard isInteger(value), field.options.contains(where: { $0.id == value.int }) else {
                return "id of an option"
            }
            return nil
        case "set":
            // An empty list is refused; `null` clears (OpenAPI description of version 2, `custom_fields`).
            let ids = Set(field.options.map(\.id))
            guard case .array(let elements) = value, !elements.isEmpty || field.code == "label_ids",
                elements.allSatisfy({ isInteger($0) && ids.contains($0.int ?? 0) })
            else { return "ids of options" }
            return nil
        case "status": return ["open", "won", "lost"].contains(value.text ?? "") ? nil : "status"
        case "activity_type": return ActivityType.keys.contains(value.text ?? "") ? nil : "key of an activity type"
        case "address", "monetary", "daterange", "timerange": return objectObjection(value, field)
        case "emails", "phones": return listObjection(value, members: ["value", "primary", "label"], "value")
        case "participants": return listObjection(value, members: ["person_id", "primary"], "person_id")
        case "prices":
            return listObjection(
                value, members: ["price", "currency", "cost", "direct_cost", "notes"], "currency")
        default: return "another type"
        }
    }

    private static func objectObjection(_ value: JSONValue, _ field: FieldDefinition) -> String? {
        guard case .object(let members) = value, value["value"] != nil,
            members.allSatisfy({ field.subfields.contains($0.key) })
        else { return "collection" }
        return nil
    }

    private static func listObjection(_ value: JSONValue, members: Set<String>, _ required: String) -> String? {
        guard case .array(let elements) = value,
            elements.allSatisfy({ element in
                element[required] != nil && element.members.allSatisfy { members.contains($0.key) }
            })
        else { return "array of objects" }
        return nil
    }

    private static func isInteger(_ value: JSONValue) -> Bool {
        guard case .number(let text) = value else { return false }
        return Int64(text) != nil
    }

    private static func isDate(_ value: JSONValue) -> Bool {
        guard case .string(let text) = value, text.utf8.count == 10 else { return false }
        return Instant.parsed(text + "T00:00:00Z") != nil
    }

    private static func isTime(_ value: JSONValue) -> Bool {
        guard case .string(let text) = value else { return false }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return (2...3).contains(parts.count) && parts.allSatisfy { $0.utf8.count == 2 && Int($0) != nil }
    }
}
