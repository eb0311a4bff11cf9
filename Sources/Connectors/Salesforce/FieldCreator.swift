// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Creates custom fields through the Tooling API and makes sure that they can be seen.
///
/// Source: Tooling API, "CustomField"; Metadata API Developer Guide, "CustomField".
struct FieldCreator: Sendable {
    let api: SalesforceAPI
    let catalog: SchemaCatalog

    /// Creates the fields that the org does not show yet.
    ///
    /// - Throws: `permissionMissing` if a field may not be created, or is there and hidden from us.
    func create(_ creations: [FieldCreation]) async throws {
        let objects = Array(Set(creations.map(\.object))).sorted()
        guard !objects.isEmpty else { return }
        let missing = try await hidden(creations, objects)
        for creation in missing { try await create(creation) }
        guard !missing.isEmpty else { return }
        if let hidden = try await hidden(missing, Array(Set(missing.map(\.object))).sorted()).first {
            throw MigratezError(
                .permissionMissing,
                "\(hidden.object).\(hidden.field.name) exists now, but field-level security hides it from this user",
                remedy: .fixConfiguration,
                hint: "give read and edit access to the field through a permission set, assign it to the user, "
                    + "then resume")
        }
    }

    /// The creations whose field describe does not show.
    private func hidden(_ creations: [FieldCreation], _ objects: [String]) async throws -> [FieldCreation] {
        let described = try await catalog.describe(objects)
        var shown: [String: Set<String>] = [:]
        for (object, metadata) in zip(objects, described) { shown[object] = Set(metadata.schema.fields.map(\.name)) }
        return creations.filter { shown[$0.object]?.contains($0.field.name) != true }
    }

    private func create(_ creation: FieldCreation) async throws {
        let body: JSONValue = [
            "FullName": .string(Self.fullName(creation)), "Metadata": try Self.metadata(creation.field),
        ]
        do {
            // Creating a field twice gives an error that says so: a second try after a lost answer is safe.
            _ = try await api.json(
                .post, "/tooling/sobjects/CustomField", body: body, endpointClass: "tooling", isIdempotent: true)
        } catch let error as MigratezError {
            guard let refused = error.callRefused else { throw error }
            if refused.refusals.contains(where: Self.saysExists) { return }
            if error.code == .permissionMissing || refused.status == 403 || refused.status == 404 {
                throw MigratezError(
                    .permissionMissing, "the user may not create \(Self.fullName(creation))",
                    remedy: .fixConfiguration,
                    hint: "give the permission 'Customize Application', or create the field by hand as the "
                        + "connector's documentation shows", cause: error)
            }
            throw error
        }
    }

    /// The field's name for the Metadata API: fields of Task and Event belong to their common parent.
    static func fullName(_ creation: FieldCreation) -> String {
        let isActivity = creation.object == "Task" || creation.object == "Event"
        return "\(isActivity ? "Activity" : creation.object).\(creation.field.name)"
    }

    /// Whether the refusal only says that the field is there already.
    static func saysExists(_ refusal: SalesforceRefusal) -> Bool {
        if refusal.vendorCode == "DUPLICATE_DEVELOPER_NAME" || refusal.vendorCode == "DUPLICATE_VALUE" { return true }
        let text = refusal.text.lowercased()
        return text.contains("already a field named") || text.contains("duplicate developer name")
            || text.contains("already exists")
    }

    /// The definition of a field, by what the plan says of it.
    static func metadata(_ field: FieldSchema) throws(MigratezError) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("label", .string(field.label.isEmpty ? field.name : field.label))
        ]
        func add(_ key: String, _ value: JSONValue) { members.append(.init(key, value)) }
        switch field.kind {
        case .text:
            add("type", "Text")
            add("length", .number(String(min(field.lengthMax ?? 255, 255))))
            if field.isUnique {
                add("externalId", true)
                add("unique", true)
                add("caseSensitive", true)
            }
        case .longText:
            add("type", "LongTextArea")
            add("length", .number(String(min(field.lengthMax ?? 32_768, 131_072))))
            add("visibleLines", 5)
        case .email: add("type", "Email")
        case .phone: add("type", "Phone")
        case .url: add("type", "Url")
        case .bool:
            add("type", "Checkbox")
            add("defaultValue", false)
        case .integer:
            add("type", "Number")
            add("precision", 18)
            add("scale", 0)
        case .decimal:
            add("type", "Number")
            add("precision", 18)
            add("scale", 2)
        case .date: add("type", "Date")
        case .dateTime: add("type", "DateTime")
        case .time: add("type", "Time")
        case .choice, .choices:
            add("type", field.kind == .choice ? "Picklist" : "MultiselectPicklist")
            if field.kind == .choices { add("visibleLines", 4) }
            add("valueSet", valueSet(field))
        case .reference, .id, .binary, .other:
            throw MigratezError(
                .notSupported, "the field \(field.name) cannot be created: its type is \(field.kind.rawValue)",
                remedy: .fixConfiguration)
        }
        return .object(members)
    }

    private static func valueSet(_ field: FieldSchema) -> JSONValue {
        let values = field.options.map { option -> JSONValue in
            [
                "fullName": .string(option.value), "label": .string(option.label), "default": false,
                "isActive": .bool(option.isActive),
            ]
        }
        return [
            "restricted": .bool(field.isRestricted), "valueSetDefinition": ["sorted": false, "value": .array(values)],
        ]
    }

    /// The field that holds our key, as a plan lists it.
    static func stamp(named name: String) -> FieldSchema {
        FieldSchema(name: name, label: "Migratez Id", kind: .text, isUnique: true, lengthMax: 255)
    }
}
