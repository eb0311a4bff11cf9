// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// An object of HubSpot, by the name that a pipeline uses for it: in the singular, or the id of a custom type.
struct HubSpotObject: Sendable, Hashable {
    /// The name in requests: `contacts`, `2-123`.
    let type: String
    let label: String
    /// Contacts have a property of their own for it; search guide, "last modified".
    let modified: String
    /// Where a record's pipeline and stage are, if it moves through one.
    let pipelineProperty: String?
    let stageProperty: String?

    init(_ stream: StreamName) {
        let known = HubSpotObject.known[stream.text]
        type = known?.type ?? stream.text
        label = known?.label ?? stream.text
        modified = stream.text == "contact" ? "lastmodifieddate" : "hs_lastmodifieddate"
        switch stream.text {
        case "deal": (pipelineProperty, stageProperty) = ("pipeline", "dealstage")
        case "ticket", "lead": (pipelineProperty, stageProperty) = ("hs_pipeline", "hs_pipeline_stage")
        default:
            let isCustom = stream.text.hasPrefix("2-")
            (pipelineProperty, stageProperty) = isCustom ? ("hs_pipeline", "hs_pipeline_stage") : (nil, nil)
        }
    }

    private static let known: [String: (type: String, label: String)] = [
        "contact": ("contacts", "Contacts"), "company": ("companies", "Companies"), "deal": ("deals", "Deals"),
        "ticket": ("tickets", "Tickets"), "lead": ("leads", "Leads"), "note": ("notes", "Notes"),
        "task": ("tasks", "Tasks"), "call": ("calls", "Calls"), "meeting": ("meetings", "Meetings"),
        "email": ("emails", "Emails"), "communication": ("communications", "Communications"),
        "product": ("products", "Products"), "line_item": ("line_items", "Line items"), "quote": ("quotes", "Quotes"),
        "order": ("orders", "Orders"), "invoice": ("invoices", "Invoices"),
    ]
}
