// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSyntheticCRM

/// A property of an object, as the properties API shows it.
struct PropertyDefinition: Sendable, Equatable {
    var name: String
    var label: String
    /// bool, date, datetime, enumeration, number, phone_number or string.
    var type: String
    var fieldType: String
    var groupName: String
    var options: [String] = []
    var hasUniqueValue = false
    var isReadOnly = false
    /// Made by somebody, not by HubSpot.
    var isCustom = false
    var isOwner = false

    /// All properties that every account has for the object.
    static func standard(_ object: ObjectType) -> [PropertyDefinition] {
        switch object.synthetic {
        case nil: []
        case .contact: definitions(Contact.self)
        case .company: definitions(Company.self)
        case .deal: definitions(Deal.self)
        case .note: definitions(Note.self)
        case .task: definitions(CRMTask.self) + [attachments]
        case .call: definitions(Call.self) + [attachments]
        case .meeting: definitions(Meeting.self) + [attachments]
        case .file: definitions(CRMFile.self)
        case .email: definitions(Email.self)
        case .product: definitions(Product.self)
        case .lineItem: definitions(LineItem.self)
        case .lead: definitions(Lead.self)
        }
    }

    /// The ids of the records that were merged into one, with `;` between them.
    static let mergedIDs = "hs_merged_object_ids"

    /// The ids of the files that hang on an activity, with `;` between them.
    private static let attachments = PropertyDefinition(
        name: "hs_attachment_ids", label: "Attached file IDs", type: "string", fieldType: "text",
        groupName: "engagement")

    private static func definitions<Record: SyntheticRecord>(_ record: Record.Type) -> [PropertyDefinition] {
        let name = ObjectType.standard(Record.object)
        let merged = PropertyDefinition(
            name: mergedIDs, label: "Merged record IDs", type: "enumeration", fieldType: "checkbox",
            groupName: name.singular + "information", isReadOnly: true)
        return [merged]
            + Record.Field.allCases.map { field in
                let (type, fieldType, options) = types(field.kind, field.rawValue)
                return PropertyDefinition(
                    name: field.rawValue, label: field.label, type: type, fieldType: fieldType,
                    groupName: name.singular + "information", options: options,
                    hasUniqueValue: name.uniqueProperties.contains(field.rawValue),
                    isReadOnly: field.kind == .readOnly || field.kind == .readOnlyDateTime,
                    isOwner: field.kind == .owner)
            }
    }

    private static func types(_ kind: FieldKind, _ name: String) -> (String, String, [String]) {
        switch kind {
        case .text: ("string", "text", [])
        case .longText: ("string", "textarea", [])
        case .html: ("string", "html", [])
        case .phone: ("string", "phonenumber", [])
        case .number: ("number", "number", [])
        case .bool: ("bool", "booleancheckbox", ["true", "false"])
        case .date: ("date", "date", [])
        case .dateTime, .readOnlyDateTime: ("datetime", "date", [])
        case .choice(let values): ("enumeration", "select", values)
        case .owner: ("enumeration", "select", [])
        case .readOnly: name == "hs_object_id" ? ("number", "number", []) : ("string", "text", [])
        }
    }

    /// Reads the body of a creation.
    ///
    /// - Parameter defaultGroup: the group of a property that names none; `nil` = it has to name one.
    init(creating body: JSONValue, defaultGroup: String? = nil) throws(HubSpotFailure) {
        guard let name = body["name"]?.text, let label = body["label"]?.text, let type = body["type"]?.text,
            let fieldType = body["fieldType"]?.text, let group = body["groupName"]?.text ?? defaultGroup
        else {
            throw .invalid("Some required fields were not set: [name, label, type, fieldType, groupName]")
        }
        let isLegal = name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
        guard isLegal, let first = name.utf8.first, (0x61...0x7A).contains(first), name.utf8.count <= 100,
            !name.hasPrefix("hs_")
        else {
            throw .invalid("Property name '\(name)' must begin with a letter and hold a-z, 0-9 and _ only")
        }
        guard ["bool", "date", "datetime", "enumeration", "number", "phone_number", "string"].contains(type) else {
            throw .invalid("'\(type)' is not a valid property type")
        }
        self.init(name: name, label: label, type: type, fieldType: fieldType, groupName: group)
        options = body["options"]?.elements.compactMap { $0["value"]?.text } ?? []
        hasUniqueValue = body["hasUniqueValue"]?.bool ?? false
        isCustom = true
    }

    /// Reads what `json` wrote.
    init?(stored text: String) {
        guard let tree = try? JSONValue(parsing: Array(text.utf8), limits: .page),
            let property = try? PropertyDefinition(creating: tree)
        else { return nil }
        self = property
    }

    init(
        name: String, label: String, type: String, fieldType: String, groupName: String, options: [String] = [],
        hasUniqueValue: Bool = false, isReadOnly: Bool = false, isCustom: Bool = false, isOwner: Bool = false
    ) {
        self.name = name
        self.label = label
        self.type = type
        self.fieldType = fieldType
        self.groupName = groupName
        self.options = options
        self.hasUniqueValue = hasUniqueValue
        self.isReadOnly = isReadOnly
        self.isCustom = isCustom
        self.isOwner = isOwner
    }

    var json: JSONValue {
        var object: [JSONValue.Member] = [
            .init("name", .string(name)), .init("label", .string(label)), .init("type", .string(type)),
            .init("fieldType", .string(fieldType)), .init("description", ""), .init("groupName", .string(groupName)),
            .init(
                "options",
                .array(
                    options.enumerated().map { position, value in
                        [
                            "label": .string(value.replacing("_", with: " ")), "value": .string(value),
                            "displayOrder": .number(String(position)), "hidden": false,
                        ]
                    })),
            .init("displayOrder", -1), .init("calculated", false), .init("externalOptions", .bool(isOwner)),
            .init("archived", false), .init("hasUniqueValue", .bool(hasUniqueValue)), .init("hidden", false),
            .init("hubspotDefined", .bool(!isCustom)), .init("formField", .bool(!isReadOnly)),
            .init(
                "modificationMetadata",
                [
                    "archivable": .bool(isCustom), "readOnlyDefinition": .bool(!isCustom),
                    "readOnlyValue": .bool(isReadOnly),
                ]),
        ]
        if isOwner { object.append(.init("referencedObjectType", "OWNER")) }
        return .object(object)
    }
}

extension HubSpotSimulator {
    /// The definitions of an object, HubSpot's own and the added ones.
    func definitions(of object: ObjectType) -> [PropertyDefinition] {
        var own = PropertyDefinition.standard(object)
        if case .custom(let number) = object, let custom = overlay.definitions.customObjects[number] {
            own = custom.standardProperties
        }
        return own + overlay.properties(of: object)
    }

    /// The names of the properties whose values are unique.
    func uniqueProperties(of object: ObjectType) -> [String] {
        definitions(of: object).filter(\.hasUniqueValue).map(\.name)
    }

    /// Which properties an answer shows, sorted: those asked for (or the default ones) and the system's; unknown names
    /// are left out without a word, as HubSpot does.
    func selection(_ object: ObjectType, _ asked: [String]) -> [String] {
        guard !asked.isEmpty else { return object.defaultProperties }
        let known = Set(definitions(of: object).map(\.name))
        return Set(asked).union(object.systemProperties).intersection(known).sorted()
    }
}
