// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Creates custom fields.
///
/// Zoho makes a field's API name of its label, so the label is the name with blanks for underscores; whether the name came
/// out as planned is looked at afterwards.
///
/// Source: zoho.com/crm/developer, "Create Custom Fields". Whether values must be unique is said on creation.
struct FieldCreator: Sendable {
    let client: ZohoClient
    let catalog: ZohoCatalog

    /// Creates the fields that the organisation does not have yet.
    ///
    /// - Throws: `permissionMissing` if the user may not; `invalidSetting` if a field for our key is there and may hold the
    ///   same value twice.
    func create(_ creations: [FieldCreation]) async throws {
        for (module, creations) in Dictionary(grouping: creations, by: \.object).sorted(by: { $0.key < $1.key }) {
            let known = try await catalog.freshSchema(of: module)
            for creation in creations {
                guard let field = known.field(creation.field.name) else {
                    try await create(creation.field, in: module)
                    continue
                }
                guard !creation.field.isUnique || field.isUnique else {
                    throw MigratezError(
                        .invalidSetting,
                        "the field \(field.name) of \(module) is there, and its values need not be unique",
                        remedy: .fixConfiguration, hint: "name another one in target.load.external_id")
                }
            }
            let after = try await catalog.freshSchema(of: module)
            for creation in creations where after.field(creation.field.name) == nil {
                throw MigratezError(
                    .invalidSetting, "Zoho gave the new field '\(creation.field.name)' of \(module) another API name",
                    remedy: .fixConfiguration,
                    hint: "rename it under Setup, Developer Hub, APIs and SDKs, API names, then resume")
            }
        }
    }

    /// Creating what is there already is refused and does nothing, so a lost call may be sent again.
    private func create(_ field: FieldSchema, in module: String) async throws {
        let body: JSONValue = ["fields": [try Self.definition(field)]]
        let answers: [JSONValue]
        do {
            answers = try await client.write(
                .post, "/settings/fields", [("module", module)], body.serialized(), list: "fields", isRepeatable: true)
        } catch let error as MigratezError where error.code == .permissionMissing {
            throw MigratezError(
                .permissionMissing, "the user may not create fields of \(module)", remedy: .fixConfiguration,
                hint: error.hint ?? "give the user's profile the right to customise modules", cause: error)
        }
        guard let answer = answers.first, answer["status"]?.text != "success" else { return }
        let refusal = ZohoRefusal(answer)
        guard refusal.code != "DUPLICATE_DATA" else { return }
        let rule = VendorErrorTable.zoho.rule(for: refusal.code)
        throw MigratezError(
            rule.code == .permissionMissing ? .permissionMissing : .requestRefused,
            "Zoho refuses the new field \(field.name) of \(module) (\(rule.vendorCode))", remedy: .fixConfiguration,
            hint: "the edition's number of custom or unique fields may be used up; or create it by hand")
    }

    /// What creates a field, by what the plan says of it.
    private static func definition(_ field: FieldSchema) throws(MigratezError) -> JSONValue {
        let types: [FieldSchema.Kind: String] = [
            .text: "text", .longText: "textarea", .email: "email", .phone: "phone", .url: "website", .bool: "boolean",
            .integer: "integer", .decimal: "double", .date: "date", .dateTime: "datetime", .choice: "picklist",
            .choices: "multiselectpicklist",
        ]
        guard let type = types[field.kind] else {
            throw MigratezError(
                .notSupported, "the field \(field.name) cannot be created: its type is \(field.kind.rawValue)",
                remedy: .fixConfiguration)
        }
        var members: [JSONValue.Member] = [
            .init("field_label", .string(field.name.replacing("_", with: " "))), .init("data_type", .string(type)),
        ]
        if field.kind == .text { members.append(.init("length", .number(String(min(field.lengthMax ?? 255, 255))))) }
        if field.isUnique { members.append(.init("unique", ["casesensitive": true])) }
        if !field.options.isEmpty {
            members.append(
                .init(
                    "pick_list_values",
                    .array(
                        field.options.filter(\.isActive).map {
                            ["display_value": .string($0.label), "actual_value": .string($0.value)]
                        })))
        }
        return .object(members)
    }

    /// The field that holds our key, as a plan lists it.
    static func key(named name: String) -> FieldSchema {
        FieldSchema(name: name, label: name.replacing("_", with: " "), kind: .text, isUnique: true, lengthMax: 255)
    }
}
