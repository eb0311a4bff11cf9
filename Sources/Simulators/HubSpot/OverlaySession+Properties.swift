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
    static func standard(_ object: CRMObject) -> PropertyGroup {
        let name = CRMObjectName(object).singular
        return PropertyGroup(name: name + "information", label: name + " information")
    }

    var json: JSONValue {
        ["name": .string(name), "label": .string(label), "displayOrder": -1, "archived": false]
    }
}

extension OverlaySession {
    /// Adds a property; a name that is taken is a conflict, and its group must be there.
    func add(_ property: PropertyDefinition, to object: CRMObject, known: Set<String>) throws {
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
                object.rawValue, property.name, String(decoding: property.json.serialized(), as: UTF8.self),
            ])
        changes.properties.append((object, property))
    }

    func groups(of object: CRMObject) throws -> [PropertyGroup] {
        let added = try Row.fetchAll(
            database, sql: "SELECT name, label FROM propertyGroup WHERE object = ? ORDER BY name",
            arguments: [object.rawValue]
        ).map { PropertyGroup(name: $0["name"], label: $0["label"]) }
        return [.standard(object)] + added
    }

    func add(_ group: PropertyGroup, to object: CRMObject) throws {
        guard try !groups(of: object).contains(where: { $0.name == group.name }) else {
            throw HubSpotFailure(
                409, "OBJECT_ALREADY_EXISTS", "A group named '\(group.name)' already exists.",
                context: [("name", [group.name])])
        }
        try database.execute(
            sql: "INSERT INTO propertyGroup (object, name, label) VALUES (?,?,?)",
            arguments: [object.rawValue, group.name, group.label])
    }
}
