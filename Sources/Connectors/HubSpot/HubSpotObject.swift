// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// An object of HubSpot, by the name that a pipeline uses for it: in the singular; a custom one by its id (`2-123`) or its
/// fully qualified name (`p456_subscription`). What a destination calls by its bare name, `ObjectDirectory` finds.
struct HubSpotObject: Sendable, Hashable {
    /// The name in requests: `contacts`, `2-123`, `p456_subscription`.
    let type: String
    let label: String
    /// Contacts have a property of their own for it; search guide, "last modified".
    let modified: String
    /// The ids of the records that a merge put together into this one, with `;` between them (read-only property of
    /// every object that can be merged; others have no value for it).
    static let mergedIDs = "hs_merged_object_ids"
    /// Where a record's pipeline and stage are, if it moves through one.
    let pipelineProperty: String?
    let stageProperty: String?

    /// Whether somebody defined it in the account.
    let isCustom: Bool

    init(_ own: CustomObject) {
        (type, label) = (own.typeID, own.label)
        isCustom = true
        modified = "hs_lastmodifieddate"
        (pipelineProperty, stageProperty) = ("hs_pipeline", "hs_pipeline_stage")
    }

    /// Whether every account has an object of that name.
    static func isStandard(_ name: String) -> Bool { known[name] != nil }

    /// Whether the name is one that HubSpot gives to custom objects, and to nothing else: `2-123`, or one that begins as
    /// `p456_subscription` does. Read as bytes: an object is made for every page.
    static func isCustomName(_ name: String) -> Bool {
        let name = name.utf8
        let mark = name.first
        let rest = name.dropFirst(mark == UInt8(ascii: "2") ? 2 : 1)
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard !digits.isEmpty else { return false }
        if mark == UInt8(ascii: "p") { return rest.dropFirst(digits.count).first == UInt8(ascii: "_") }
        return name.starts(with: "2-".utf8) && digits.count == rest.count
    }

    init(_ stream: StreamName) {
        let known = HubSpotObject.known[stream.text]
        type = known?.type ?? stream.text
        isCustom = known == nil && HubSpotObject.isCustomName(stream.text)
        label = known?.label ?? stream.text
        modified = stream.text == "contact" ? "lastmodifieddate" : "hs_lastmodifieddate"
        switch stream.text {
        case "deal": (pipelineProperty, stageProperty) = ("pipeline", "dealstage")
        case "ticket", "lead": (pipelineProperty, stageProperty) = ("hs_pipeline", "hs_pipeline_stage")
        default:
            (pipelineProperty, stageProperty) = isCustom ? ("hs_pipeline", "hs_pipeline_stage") : (nil, nil)
        }
    }

    /// The property of a line item that refers to its product, the only one of HubSpot's own that refers to a record.
    static let productProperty = "hs_product_id"
    var hasProduct: Bool { type == "line_items" }

    /// The object's type id in addresses of the account's own pages; `nil` for what has no page, or a custom object that
    /// goes by another name.
    var typeID: String? {
        switch type {
        case "contacts": "0-1"
        case "companies": "0-2"
        case "deals": "0-3"
        case "tickets": "0-5"
        default: type.hasPrefix("2-") ? type : nil
        }
    }

    /// Activities have the time at which they took place in a property of their own, which must be given
    /// (developers.hubspot.com, "Engagements").
    var isActivity: Bool { HubSpotObject.activities.contains(type) }
    static let activityTime = "hs_timestamp"

    /// The scopes that reading records and properties takes; activities are read with those of contacts.
    var readScopes: [String] {
        guard type != HubSpotObject.files else { return ["files", "crm.objects.contacts.read"] }
        guard type != HubSpotObject.lists else { return ["crm.lists.read"] }
        return ["crm.objects.\(scopeName).read", "crm.schemas.\(scopeName).read"]
    }

    /// The scopes that loading takes, the property for our key included.
    var writeScopes: [String] {
        guard type != HubSpotObject.files else { return readScopes + ["crm.objects.contacts.write"] }
        return readScopes + ["crm.objects.\(scopeName).write", "crm.schemas.\(scopeName).write"]
    }

    private var scopeName: String { isActivity ? "contacts" : isCustom ? "custom" : type }

    /// The scopes that loading into any custom object takes.
    static let customWriteScopes = ["objects", "schemas"].flatMap { family in
        ["read", "write"].map { "crm.\(family).custom.\($0)" }
    }

    /// What every record has beside its properties.
    static let recordMembers: [FieldSchema] = [
        FieldSchema(
            name: "id", label: "Record ID", kind: .id, isCreateable: false, isUpdateable: false, isUnique: true),
        FieldSchema(name: "createdAt", label: "Created", kind: .dateTime, isCreateable: false, isUpdateable: false),
        FieldSchema(name: "updatedAt", label: "Updated", kind: .dateTime, isCreateable: false, isUpdateable: false),
        FieldSchema(name: "archived", label: "Archived", kind: .bool, isCreateable: false, isUpdateable: false),
    ]

    private static let files = "files"
    private static let lists = "lists"
    private static let activities: Set = ["notes", "tasks", "calls", "meetings", "emails", "communications"]

    /// The names of the objects whose records links lead to and from, apart from custom ones.
    static let linked = [
        "contact", "company", "deal", "ticket", "lead", "note", "task", "call", "meeting", "email", "communication",
    ].compactMap { StreamName($0) }

    private static let known: [String: (type: String, label: String)] = [
        "contact": ("contacts", "Contacts"), "company": ("companies", "Companies"), "deal": ("deals", "Deals"),
        "ticket": ("tickets", "Tickets"), "lead": ("leads", "Leads"), "note": ("notes", "Notes"),
        "task": ("tasks", "Tasks"), "call": ("calls", "Calls"), "meeting": ("meetings", "Meetings"),
        "email": ("emails", "Emails"), "communication": ("communications", "Communications"),
        "product": ("products", "Products"), "line_item": ("line_items", "Line items"), "quote": ("quotes", "Quotes"),
        "order": ("orders", "Orders"), "invoice": ("invoices", "Invoices"), "file": (files, "Files"),
        "list": (lists, "Lists"),
    ]
}
