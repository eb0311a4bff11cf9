// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSyntheticCRM

/// An object that somebody defined, as the schemas API shows it.
struct CustomObject: Sendable, Equatable {
    /// Type ids begin here, far above what the database calls the other kinds of records.
    static let firstNumber = 30_000_001

    var number: Int
    var name: String
    var singular: String
    var plural: String
    var primaryProperty: String
    var secondaryProperties: [String] = []
    var requiredProperties: [String] = []
    var searchableProperties: [String] = []
    var createdAt: Timestamp

    var type: ObjectType { .custom(number) }
    var fullyQualifiedName: String { "p\(HubSpotSimulator.portalID)_\(name)" }
    /// Where its properties are shown if they name no group.
    var groupName: String { "\(name)_information" }

    /// The properties that each custom object has from its beginning.
    var standardProperties: [PropertyDefinition] {
        func own(_ name: String, _ label: String, _ type: String, _ fieldType: String) -> PropertyDefinition {
            PropertyDefinition(
                name: name, label: label, type: type, fieldType: fieldType, groupName: groupName, isReadOnly: true)
        }
        return [
            PropertyDefinition(
                name: PropertyDefinition.mergedIDs, label: "Merged record IDs", type: "enumeration",
                fieldType: "checkbox", groupName: groupName, isReadOnly: true),
            own("hs_object_id", "Record ID", "number", "number"),
            own("hs_createdate", "Object create date/time", "datetime", "date"),
            own("hs_lastmodifieddate", "Object last modified date/time", "datetime", "date"),
            PropertyDefinition(
                name: "hubspot_owner_id", label: "Owner", type: "enumeration", fieldType: "select",
                groupName: groupName, isOwner: true),
        ]
    }

    func json(_ properties: [PropertyDefinition], _ book: LinkTypeBook) -> JSONValue {
        let time = JSONValue.string(DateText.instant(createdAt))
        func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
        let associations = book.unlabelled(of: type).map { entry -> JSONValue in
            [
                "id": .string(String(entry.id)), "fromObjectTypeId": .string(entry.from.typeID),
                "toObjectTypeId": .string(entry.to.typeID),
                "name": .string("\(name)_to_\(entry.to == type ? name : entry.to.singular)"),
                "createdAt": time, "updatedAt": time,
            ]
        }
        return [
            "id": .string(String(number)), "name": .string(name), "objectTypeId": .string(type.typeID),
            "fullyQualifiedName": .string(fullyQualifiedName),
            "labels": ["singular": .string(singular), "plural": .string(plural)],
            "primaryDisplayProperty": .string(primaryProperty),
            "secondaryDisplayProperties": list(secondaryProperties),
            "requiredProperties": list(requiredProperties), "searchableProperties": list(searchableProperties),
            "properties": .array(properties.map(\.json)), "associations": .array(associations),
            "allowsSensitiveProperties": false, "archived": false, "createdAt": time, "updatedAt": time,
        ]
    }
}

extension CustomObject {
    /// Reads the body of a creation; its properties are read by themselves.
    ///
    /// Names: letters, digits and `_`, a letter first (developers.hubspot.com, "Custom objects"). What is required:
    /// its OpenAPI description of `POST …/schemas`.
    init(creating body: JSONValue, number: Int, now: Timestamp) throws(HubSpotFailure) {
        let needed = ["name", "labels", "properties", "requiredProperties", "associatedObjects"]
        let missing = needed.filter { [nil, .null].contains(body[$0]) }
        guard missing.isEmpty, let name = body["name"]?.text, let labels = body["labels"] else {
            throw .invalid("Some required fields were not set: [\(missing.joined(separator: ", "))]")
        }
        let isLegal = name.utf8.allSatisfy {
            (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == 0x5F
        }
        guard isLegal, let first = name.utf8.first, (0x61...0x7A).contains(first | 0x20), name.utf8.count <= 50 else {
            throw .invalid("Object type name '\(name)' must begin with a letter and hold letters, numbers and _ only")
        }
        let properties = Set(body["properties"]?.elements.compactMap { $0["name"]?.text } ?? [])
        func names(_ key: String) throws(HubSpotFailure) -> [String] {
            let names = body[key]?.elements.compactMap(\.text) ?? []
            if let unknown = names.first(where: { !properties.contains($0) }) {
                throw .invalid("\(key) names a property that the schema does not define: \(unknown)")
            }
            return names
        }
        guard let primary = body["primaryDisplayProperty"]?.text, properties.contains(primary) else {
            throw .invalid("primaryDisplayProperty must be one of the schema's properties")
        }
        self.init(
            number: number, name: name, singular: labels["singular"]?.text ?? name,
            plural: labels["plural"]?.text ?? name, primaryProperty: primary,
            secondaryProperties: try names("secondaryDisplayProperties"),
            requiredProperties: try names("requiredProperties"),
            searchableProperties: try names("searchableProperties"), createdAt: now)
    }

    /// What the database keeps.
    var stored: JSONValue {
        func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
        return [
            "name": .string(name), "singular": .string(singular), "plural": .string(plural),
            "primary": .string(primaryProperty), "secondary": list(secondaryProperties),
            "required": list(requiredProperties), "searchable": list(searchableProperties),
            "created": .number(String(createdAt.milliseconds)),
        ]
    }

    /// Reads what `stored` wrote.
    init?(number: Int, stored text: String) {
        guard let tree = try? JSONValue(parsing: Array(text.utf8), limits: .page), let name = tree["name"]?.text,
            let singular = tree["singular"]?.text, let plural = tree["plural"]?.text,
            let primary = tree["primary"]?.text, let created = tree["created"]?.int
        else { return nil }
        func list(_ key: String) -> [String] { tree[key]?.elements.compactMap(\.text) ?? [] }
        self.init(
            number: number, name: name, singular: singular, plural: plural, primaryProperty: primary,
            secondaryProperties: list("secondary"), requiredProperties: list("required"),
            searchableProperties: list("searchable"), createdAt: Timestamp(milliseconds: Int64(created)))
    }
}

/// The objects that were defined in the account, and the types of links.
struct AccountDefinitions: Sendable {
    var customObjects: [Int: CustomObject] = [:]
    var links = LinkTypeBook()

    var inOrder: [CustomObject] { customObjects.values.sorted { $0.number < $1.number } }

    /// All kinds of records but files.
    var types: [ObjectType] { ObjectType.allStandardButFiles + inOrder.map(\.type) }

    /// A path with type ids in place of fully qualified names.
    func normalized(_ path: [String]) -> [String] {
        guard !customObjects.isEmpty else { return path }
        return path.map { segment in
            customObjects.values.first { $0.fullyQualifiedName == segment }?.type.typeID ?? segment
        }
    }

    /// The custom object in a normalized path that the account does not have.
    func unknownType(in path: [String]) -> String? {
        guard path.first == "crm", !path.contains("schemas") else { return nil }
        return path.first { segment in
            if case .custom(let number)? = ObjectType(path: segment) { return customObjects[number] == nil }
            return segment.prefixMatch(of: /p\d+_/) != nil
        }
    }
}
