// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON

/// What the connector itself needs to know of an object, besides the schema that it shows to others.
///
/// Source of the keys: REST API Developer Guide, "sObject Describe".
struct ObjectMetadata: Sendable {
    /// How a reference field is written when the parent is named by one of its own fields.
    struct Relationship: Sendable, Hashable {
        /// `Account` for `AccountId`, `Parent__r` for `Parent__c`.
        var name: String
        /// Whether the field may point to several objects, so that each value must say which.
        var isPolymorphic: Bool
    }

    var schema: ObjectSchema
    /// What the ids of its records begin with; `nil` for objects whose records have no ids of their own.
    var keyPrefix: String?
    /// Whether the field that holds our key is there and visible to us.
    var hasStamp: Bool
    /// By name of the reference field.
    var relationships: [String: Relationship]
    /// Audit fields that may be set, on insert only.
    var auditFields: Set<String>

    /// Fields that the platform sets itself unless "Set Audit Fields upon Record Creation" is granted, and that it
    /// takes on insert only, neither on update nor on upsert.
    static let auditFieldNames: Set = ["CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"]

    /// Fields that a write of this kind does not take, whatever their value: audit fields are set on insert only, and
    /// a record that is there keeps what cannot be changed (the ends of a link, for instance).
    func leftOut(of operation: WriteOperation) -> Set<String> {
        switch operation {
        case .insert: []
        case .upsert: Self.auditFieldNames.intersection(auditFields)
        case .update: fixedFields.union(Self.auditFieldNames.intersection(auditFields))
        }
    }

    /// Whether its records are not changed once they are written: they are inserted, and one that is there stays as it is.
    var isFrozen: Bool { schema.name == EmailMessage.object }

    /// Fields that can be set on insert only, or never.
    var fixedFields: Set<String> { Set(schema.fields.filter { !$0.isUpdateable }.map(\.name)) }

    /// Reads the answer to a describe call.
    init(describe answer: JSONValue, stampField: String) {
        let name = answer["name"]?.text ?? ""
        var fields: [FieldSchema] = []
        relationships = [:]
        auditFields = []
        for field in answer["fields"]?.elements ?? [] {
            let schema = FieldSchema(describe: field)
            fields.append(schema)
            if let relationship = field["relationshipName"]?.text, schema.kind == .reference {
                relationships[schema.name] = Relationship(
                    name: relationship,
                    isPolymorphic: field["polymorphicForeignKey"]?.bool ?? (schema.refersTo.count > 1))
            }
            if Self.auditFieldNames.contains(schema.name), schema.isCreateable { auditFields.insert(schema.name) }
        }
        let recordTypes = (answer["recordTypeInfos"]?.elements ?? []).compactMap { info -> FieldSchema.Option? in
            // The master type is that of records which have none.
            guard let id = info["recordTypeId"]?.text, info["master"]?.bool != true else { return nil }
            return FieldSchema.Option(
                value: id, label: info["name"]?.text ?? id, isActive: info["active"]?.bool != false)
        }
        let hasPersons = fields.contains { $0.name == "IsPersonAccount" }
        for index in fields.indices {
            // A record type is named by the value that a pipeline maps, not by a link.
            if fields[index].name == "RecordTypeId", !recordTypes.isEmpty {
                fields[index].kind = .choice
                fields[index].options = recordTypes
                fields[index].refersTo = []
            }
            // The name of a person is made of its parts, and must not be given.
            if name == "Account", hasPersons, fields[index].name == "Name" { fields[index].isRequired = false }
        }
        keyPrefix = answer["keyPrefix"]?.text
        hasStamp = fields.contains { $0.name == stampField }
        schema = ObjectSchema(
            name: name, label: answer["label"]?.text ?? name, fields: fields,
            holdsKey: hasStamp || Self.canHaveCustomFields(name, answer))
    }

    /// Whether a field of ours may be created on the object. Describe does not say it; so: custom objects, and
    /// standard objects that the Metadata API documents as customisable.
    private static func canHaveCustomFields(_ name: String, _ answer: JSONValue) -> Bool {
        if answer["customSetting"]?.bool == true { return false }
        return name.hasSuffix("__c") || customisable.contains(name)
    }

    private static let customisable: Set = [
        "Account", "AccountContactRelation", "Asset", "Campaign", "CampaignMember", "Case", "Contact", "ContentVersion",
        "Contract", "EmailMessage", "Event", "Lead", "Opportunity", "OpportunityContactRole", "OpportunityLineItem",
        "Order", "OrderItem", "Product2", "Quote", "Task",
    ]
}

extension FieldSchema {
    /// Reads one element of `fields` of a describe answer.
    init(describe field: JSONValue) {
        let name = field["name"]?.text ?? ""
        let flag = { (key: String) in field[key]?.bool ?? false }
        let isCreateable = flag("createable")
        let length = field["length"]?.int ?? 0
        self.init(
            name: name, label: field["label"]?.text ?? name, kind: Self.kind(field["type"]?.text ?? ""),
            // Required on insert, as the object reference defines it; layouts and validation rules are not in here.
            isRequired: isCreateable && !flag("nillable") && !flag("defaultedOnCreate"),
            isCreateable: isCreateable, isUpdateable: flag("updateable"), isUnique: flag("unique"),
            lengthMax: length > 0 ? length : nil,
            options: (field["picklistValues"]?.elements ?? []).map { option in
                Option(
                    value: option["value"]?.text ?? "", label: option["label"]?.text ?? "",
                    isActive: option["active"]?.bool ?? true)
            },
            isRestricted: flag("restrictedPicklist"),
            refersTo: field["referenceTo"]?.elements.compactMap(\.text) ?? [])
    }

    private static func kind(_ type: String) -> Kind {
        switch type {
        case "id": .id
        case "string", "encryptedstring": .text
        case "textarea": .longText
        case "boolean": .bool
        case "int", "long": .integer
        case "double", "currency", "percent": .decimal
        case "date": .date
        case "datetime": .dateTime
        case "time": .time
        case "picklist", "combobox": .choice
        case "multipicklist": .choices
        case "reference": .reference
        case "email": .email
        case "phone": .phone
        case "url": .url
        case "base64": .binary
        default: .other
        }
    }
}
