// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Creates properties, in a group of their own so that they can be told from people's.
///
/// Source: developers.hubspot.com, "Properties". Whether values must be unique can be said on creation only.
struct PropertyCreator: Sendable {
    let connection: HubSpotConnection
    let directory: ObjectDirectory

    /// Creates the properties that the account does not have yet.
    ///
    /// - Throws: `permissionMissing` if the token may not; `invalidSetting` if a property for our key is there and may
    ///   hold the same value twice.
    func create(_ creations: [FieldCreation]) async throws {
        for (name, creations) in Dictionary(grouping: creations, by: \.object).sorted(by: { $0.key < $1.key }) {
            let object = try await directory.object(name)
            let known = try await HubSpotCatalog(connection).schema(of: object)
            let missing = creations.filter { known.field($0.field.name) == nil }
            for creation in creations where creation.field.isUnique {
                guard known.field(creation.field.name)?.isUnique == false else { continue }
                throw MigratezError(
                    .invalidSetting,
                    "the property \(creation.field.name) of \(object.type) is there, and its values need not be unique",
                    remedy: .fixConfiguration, hint: "name another one in target.load.external_id")
            }
            guard !missing.isEmpty else { continue }
            try await send(
                Self.group, to: connection.paths.propertyGroups(object.type), what: "groups of properties of \(name)")
            for creation in missing {
                try await send(
                    try Self.definition(creation.field), to: connection.paths.properties(object.type),
                    what: "properties of \(name)")
            }
        }
    }

    /// Creating what is there already is refused and does nothing, so a lost call may be sent again.
    private func send(_ body: JSONValue, to path: String, what: String) async throws {
        do {
            _ = try await connection.client.write(.post, path, body.serialized(), class: "schema", isRepeatable: true)
        } catch let error as MigratezError {
            if error.callRefused?.status == 409 { return }
            guard error.code == .permissionMissing else { throw error }
            throw MigratezError(
                .permissionMissing, "the token may not create \(what)", remedy: .fixConfiguration,
                hint: error.hint ?? "give the app the scopes crm.schemas.*.write", cause: error)
        }
    }

    private static let groupName = "migratez"
    private static let group: JSONValue = [
        "name": .string(groupName), "label": "Migratez", "displayOrder": -1,
    ]

    /// The body that creates a property, by what the plan says of it.
    static func definition(_ field: FieldSchema) throws(MigratezError) -> JSONValue {
        let types: (type: String, fieldType: String)? =
            switch field.kind {
            case .text, .email, .url: ("string", "text")
            case .longText: ("string", "textarea")
            case .phone: ("string", "phonenumber")
            case .bool: ("bool", "booleancheckbox")
            case .integer, .decimal: ("number", "number")
            case .date: ("date", "date")
            case .dateTime: ("datetime", "date")
            case .choice: ("enumeration", "select")
            case .choices: ("enumeration", "checkbox")
            case .time, .reference, .id, .binary, .other: nil
            }
        guard let types else {
            throw MigratezError(
                .notSupported, "the property \(field.name) cannot be created: its type is \(field.kind.rawValue)",
                remedy: .fixConfiguration)
        }
        var options = field.options
        if field.kind == .bool {
            options = [.init(value: "true", label: "Yes"), .init(value: "false", label: "No")]
        }
        return [
            "name": .string(field.name), "label": .string(field.label.isEmpty ? field.name : field.label),
            "type": .string(types.type), "fieldType": .string(types.fieldType), "groupName": .string(groupName),
            "hasUniqueValue": .bool(field.isUnique),
            "options": .array(
                options.enumerated().map { position, option in
                    [
                        "value": .string(option.value), "label": .string(option.label),
                        "displayOrder": .number(String(position)), "hidden": .bool(!option.isActive),
                    ]
                }),
        ]
    }

    /// The property that holds our key, as a plan lists it.
    static func key(named name: String) -> FieldSchema {
        FieldSchema(name: name, label: "Migratez ID", kind: .text, isUnique: true, lengthMax: 65_536)
    }
}
