// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezRESTConnector

/// A mapping that a program can propose and a person must look at: which object becomes which, which field which, with
/// what was left out.
struct DraftMapping {
    struct Object {
        var stream: StreamName
        /// The source's own name of the object, if the stream goes by another one.
        var origin: String?
        /// The condition that picks the stream's records.
        var filter: String?
        var target: String
        /// The field of the destination that takes the content of files.
        var content: String?
        var fields: [Field]
        /// Source fields that no field of the destination was found for: name, label, kind.
        var unmapped: [FieldSchema]
        /// Fields of the destination by which existing records are found.
        var matchKeys: [String]
        /// Fields of the source by which doubles are found.
        var mergeKeys: [String]

        /// Gives every record the same value in a field.
        mutating func set(_ field: String, to value: String) {
            fields.removeAll { $0.target == field }
            fields.append(Field(target: field, rule: "{ const: \(YAMLText.scalar(value, inFlow: true)) }"))
        }
    }

    struct Field {
        var target: String
        /// What stands behind the colon.
        var rule: String
        /// Why, or what to look at.
        var remark: String?
    }

    struct ValueMap {
        var name: String
        var entries: [(from: String, to: String)]
        /// The source's values without a counterpart: value and label.
        var open: [FieldSchema.Option]
        var otherwise: String
    }

    struct Link {
        var from: StreamName
        var to: [StreamName]
        var form: String
        var options: String
    }

    var objects: [Object] = []
    var values: [ValueMap] = []
    var links: [Link] = []
    var mapsPeople: Bool { objects.contains { $0.fields.contains { $0.rule.contains("person: true") } } }
}

/// What objects of known connectors are called, and how their records are linked.
enum ObjectPairs {
    /// The objects of a source that a new file begins with.
    static func streams(
        of connector: String, settings: [String: String], definition: RESTDefinition? = nil
    ) -> [String] {
        if let definition {
            let usual = ["company", "contact", "deal", "note"]
            let names = definition.objects.map(\.stream.text)
            return names.contains(where: usual.contains) ? usual.filter(names.contains) : names
        }
        let forms = CRMVocabulary.forms(of: connector)
        guard forms.isEmpty else { return forms.filter(\.isUsual).map(\.stream) }
        let names = settings.keys.compactMap { key -> String? in
            let parts = key.split(separator: ".")
            guard parts.count == 3, parts[0] == "objects", ["file", "table", "stream"].contains(parts[2]) else {
                return nil
            }
            return String(parts[1])
        }
        return names.sorted()
    }

    /// What an object of the source becomes; `nil` if the destination has nothing of the kind.
    static func target(of stream: String, in connector: String) -> CRMObjectForm? {
        let concept = ObjectMeaning.concept(of: stream)
        if let definition = ShippedDefinitions.all[connector] {
            guard let concept, StreamName(concept).map(definition.writes) == true else { return nil }
            return CRMObjectForm(concept, concept)
        }
        if CRMVocabulary.forms(of: connector).isEmpty { return CRMObjectForm(concept ?? stream, stream) }
        return CRMVocabulary.form(of: concept, in: connector)
    }

    /// The lookup of the destination that holds a link, where it is not named after the object that it leads to.
    static func lookup(from: String, to: String, in connector: String) -> String? {
        switch (connector, from, to) {
        case ("salesforce", "Task", "Contact"), ("salesforce", "Event", "Contact"): "WhoId"
        case ("salesforce", "Task", _), ("salesforce", "Event", _): "WhatId"
        case ("zoho", "Tasks", "Contacts"), ("zoho", "Calls", "Contacts"), ("zoho", "Events", "Contacts"): "Who_Id"
        case ("zoho", "Tasks", _), ("zoho", "Calls", _), ("zoho", "Events", _): "What_Id"
        case ("salesforce", "EmailMessage", _): "RelatedToId"
        case ("dynamics", "contact", "account"): "parentcustomerid"
        case ("dynamics", "annotation", _), ("dynamics", "file", _): "objectid"
        case ("dynamics", "task", _), ("dynamics", "phonecall", _), ("dynamics", "appointment", _),
            ("dynamics", "email", _):
            "regardingobjectid"
        case ("dynamics", "lead", "contact"): "parentcontactid"
        case ("dynamics", "lead", "account"): "parentaccountid"
        case ("dynamics", "opportunity", "account"): "parentaccountid"
        case ("dynamics", "opportunityproduct", "opportunity"): "opportunityid"
        case ("dynamics", "opportunityproduct", "product"): "productid"
        case ("pipedrive", "lead", "organization"): "organization_id"
        case ("hubspot", "line_item", "product"): "hs_product_id"
        case ("zoho", "Contacts", "Accounts"), ("zoho", "Deals", "Accounts"): "Account_Name"
        case ("zoho", "Notes", _), ("zoho", "Attachments", _): "Parent_Id"
        case ("odoo", "contact", "company"): "parent_id"
        case ("odoo", "deal", _), ("odoo", "lead", _): "partner_id"
        case ("odoo", "note", _), ("odoo", "task", _), ("odoo", "call", _), ("odoo", "meeting", _),
            ("odoo", "email", _),
            ("odoo", "file", _):
            "res_id"
        default: nil
        }
    }

    /// The object of the destination that joins two others where a field does not do it.
    static func junction(from: String, to: String, in connector: String) -> String? {
        switch (connector, from, to) {
        case ("salesforce", "Opportunity", "Contact"): "OpportunityContactRole"
        // Notes are documents themselves, and no document is linked to another.
        case ("salesforce", "ContentVersion", "ContentNote"): nil
        case ("salesforce", "ContentNote", _), ("salesforce", "ContentVersion", _): "ContentDocumentLink"
        case ("salesforce", "EmailMessage", "Contact"), ("salesforce", "EmailMessage", "Lead"): "EmailMessageRelation"
        case ("pipedrive", "deal", "person"): "deal_participant"
        case ("dynamics", "opportunity", "contact"): "connection"
        case ("zoho", "Deals", "Contacts"): "Contact_Roles"
        case ("hubspot", _, "file"): nil
        // Of what a draft carries, deals alone have line items, and a product is named by a field of those.
        case ("hubspot", "line_item", _): to == "deal" ? "line_item_to_deal" : nil
        case ("hubspot", "product", _), ("hubspot", _, "product"), ("hubspot", _, "line_item"): nil
        // HubSpot has no other fields that refer to other records, and activities are of people, companies and deals.
        case ("hubspot", _, _): activities.contains(from) && !parties.contains(to) ? nil : "\(from)_to_\(to)"
        default: nil
        }
    }

    private static let activities: Set = ["note", "task", "call", "meeting", "email"]
    private static let parties: Set = ["company", "contact", "deal", "lead", "ticket"]

    /// Whether records of the one kind have many links to records of the other, so that a field cannot hold them.
    static func isManyToMany(from: StreamName, to: StreamName) -> Bool {
        let ends = (ObjectMeaning.concept(of: from.text), ObjectMeaning.concept(of: to.text))
        switch ends {
        case ("contact"?, "company"?), ("deal"?, "company"?): return false
        case (nil, _), (_, nil): return false
        default: return true
        }
    }

    /// Whether an object of the source joins the two, so that no field of a record tells of the links.
    static func isJoined(from: StreamName, to: StreamName, in connector: String) -> Bool {
        ["salesforce", "dynamics"].contains(connector)
            && junction(from: from.text, to: to.text, in: connector) != nil
    }
}
