// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezJSON
import MigratezSyntheticCRM

/// A group that properties are shown in.
struct PropertyGroup: Sendable {
    var name: String
    var label: String

    /// The group of the properties that every account has.
    static func standard(_ object: ObjectType) -> PropertyGroup {
        let name = object.singular
        return PropertyGroup(name: name + "information", label: name + " information")
    }

    var json: JSONValue {
        ["name": .string(name), "label": .string(label), "displayOrder": -1, "archived": false]
    }
}

extension OverlaySession {
    /// Adds a property; a name that is taken is a conflict, and its group must be there.
    func add(_ property: PropertyDefinition, to object: ObjectType, known: Set<String>) throws {
        guard !known.contains(property.name), !changes.properties.contains(where: { $0.1.name == property.name }) else {
            throw HubSpotFailure(
                409, "OBJECT_ALREADY_EXISTS", "A property named '\(property.name)' already exists.",
                subCategory: "Properties.PROPERTY_EXISTS", context: [("name", [property.name])])
        }
        guard try groups(of: object).contains(where: { $0.name == property.groupName }) else {
            throw HubSpotFailure(
                400, "VALIDATION_ERROR", "Group '\(property.groupName)' doesn't exist.",
                subCategory: "PropertyValidationError.INVALID_GROUP")
        }
        try database.execute(
            sql: "INSERT INTO property (object, name, definition) VALUES (?,?,?)",
            arguments: [
                object.number, property.name, String(decoding: property.json.serialized(), as: UTF8.self),
            ])
        changes.properties.append((object, property))
    }

    func groups(of object: ObjectType) throws -> [PropertyGroup] {
        let added = try Row.fetchAll(
            database, sql: "SELECT name, label FROM propertyGroup WHERE object = ? ORDER BY name",
            arguments: [object.number]
        ).map { PropertyGroup(name: $0["name"], label: $0["label"]) }
        var first = PropertyGroup.standard(object)
        if case .custom(let number) = object, let custom = definitions.customObjects[number] {
            first = PropertyGroup(name: custom.groupName, label: custom.singular + " information")
        }
        return [first] + added
    }

    func add(_ group: PropertyGroup, to object: ObjectType) throws {
        guard try !groups(of: object).contains(where: { $0.name == group.name }) else {
            throw HubSpotFailure(
                409, "OBJECT_ALREADY_EXISTS", "A group named '\(group.name)' already exists.",
                context: [("name", [group.name])])
        }
        try database.execute(
            sql: "INSERT INTO propertyGroup (object, name, label) VALUES (?,?,?)",
            arguments: [object.number, group.name, group.label])
    }
}
