// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON

/// A field of a model, as `fields_get` describes it.
struct OdooField: Sendable {
    var name: String
    /// `char`, `many2one`, `monetary` …
    var type: String
    var label: String
    var isRequired: Bool
    var isReadOnly: Bool
    var isStored: Bool
    var relation: String?
    var lengthMax: Int?
    var options: [FieldSchema.Option]

    init(_ name: String, _ description: JSONValue) {
        self.name = name
        type = description["type"]?.text ?? ""
        label = description["string"]?.text ?? name
        isRequired = description["required"]?.bool == true
        isReadOnly = description["readonly"]?.bool == true
        isStored = description["store"]?.bool != false
        relation = description["relation"]?.text
        lengthMax = description["size"]?.int
        options = (description["selection"]?.elements ?? []).compactMap { option in
            option[0]?.text.map { FieldSchema.Option(value: $0, label: option[1]?.text ?? $0) }
        }
    }

    /// Whether it refers to a record of a short list that an account sets up, such as the stages: then it is a choice.
    var refersToList: Bool {
        (type == "many2one" || type == "many2many") && relation.map(Self.lists.contains) == true
    }

    /// Whether it links records with others, of which no list is.
    var isLink: Bool { isStored && !refersToList && (type == "many2one" || type == "many2many") }

    /// Models whose few records people choose from (odoo/odoo, `addons/crm`, `mail`, `utm`, `base`).
    private static let lists: Set = [
        "crm.stage", "crm.team", "crm.lost.reason", "crm.tag", "res.partner.category", "res.partner.industry",
        "res.partner.title", "res.country", "res.currency", "mail.activity.type", "mail.message.subtype", "utm.source",
        "utm.medium", "utm.campaign",
    ]

    /// How values of the type stand in answers.
    var form: ValueForm {
        switch type {
        case "boolean": .boolean
        case "many2one": .relation
        case "many2many", "one2many": refersToList ? .choices : .list
        case "many2one_reference": .number
        default: .plain
        }
    }
}

/// How a value stands in Odoo's answers, in which nothing is `false`.
enum ValueForm: Sendable {
    /// As it is; `false` is nothing.
    case plain
    /// `false` is a value.
    case boolean
    /// A number of which 0 is nothing.
    case number
    /// `[7, "Acme"]`.
    case relation
    /// Ids.
    case list
    /// Ids of records that are choices; they become one text with `;` between them.
    case choices
}

extension FieldSchema {
    /// - Parameters:
    ///   - options: of a field that refers to a list.
    ///   - documents: the objects that a field may refer to which names a document.
    init(_ field: OdooField, options: [Option], hasDefault: Bool, documents: [String]) {
        let isRelation = field.type == "many2one"
        let kind = Self.kind(field)
        let isWritable = !field.isReadOnly && field.isStored && kind != .other && field.name != "id"
        let hasOptions = kind == .choice || kind == .choices
        self.init(
            name: field.name, label: field.label, kind: kind, isRequired: field.isRequired && !hasDefault,
            isCreateable: isWritable, isUpdateable: isWritable, isUnique: field.name == "id",
            lengthMax: field.lengthMax, options: hasOptions ? (field.options.isEmpty ? options : field.options) : [],
            isRestricted: hasOptions,
            refersTo: kind != .reference
                ? [] : isRelation ? OdooObject.names(of: field.relation ?? "") : documents)
    }

    private static func kind(_ field: OdooField) -> Kind {
        if field.refersToList { return field.type == "many2one" ? .choice : .choices }
        switch field.type {
        case "char":
            switch field.name {
            case "email", "email_from": return .email
            case "phone", "mobile": return .phone
            case "website": return .url
            default: return .text
            }
        case "text", "html": return .longText
        case "integer": return field.name == "id" ? .id : .integer
        case "float", "monetary": return .decimal
        case "boolean": return .bool
        case "date": return .date
        case "datetime": return .dateTime
        case "selection": return .choice
        case "binary": return .binary
        case "many2one", "many2one_reference": return .reference
        default: return .other
        }
    }
}
