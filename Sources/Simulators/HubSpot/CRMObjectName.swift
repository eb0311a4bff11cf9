// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezSyntheticCRM

/// What HubSpot calls the kinds of records.
struct CRMObjectName: Sendable, Hashable {
    let object: CRMObject

    init(_ object: CRMObject) { self.object = object }

    /// Accepts `contacts`, `contact` and `0-1`.
    init?(path: String) {
        guard
            let object = CRMObject.allButFiles.first(where: {
                let name = CRMObjectName($0)
                return path == name.plural || path == name.singular || path == name.typeID
            })
        else { return nil }
        self.object = object
    }

    var singular: String {
        switch object {
        case .contact: "contact"
        case .company: "company"
        case .deal: "deal"
        case .note: "note"
        case .task: "task"
        case .call: "call"
        case .meeting: "meeting"
        case .file: "file"
        case .email: "email"
        case .product: "product"
        case .lineItem: "line_item"
        case .lead: "lead"
        }
    }

    var plural: String { object == .company ? "companies" : singular + "s" }
    var upper: String { singular.uppercased() }

    var typeID: String {
        switch object {
        case .contact: "0-1"
        case .company: "0-2"
        case .deal: "0-3"
        case .task: "0-27"
        case .note: "0-46"
        case .meeting: "0-47"
        case .call: "0-48"
        case .file: preconditionFailure("files have an interface of their own")
        case .email: "0-49"
        case .product: "0-7"
        case .lineItem: "0-8"
        case .lead: "0-136"
        }
    }

    var isActivity: Bool {
        switch object {
        case .note, .task, .call, .meeting, .email: true
        case .contact, .company, .deal, .product, .lineItem, .lead, .file: false
        }
    }

    /// Activities have no scopes of their own.
    var scopeName: String { isActivity ? "contacts" : plural }

    /// What a record shows when no properties are asked for.
    var defaultProperties: [String] {
        switch object {
        case .contact: ["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"]
        case .company: ["createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"]
        case .deal:
            [
                "amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id",
                "pipeline",
            ]
        case .file: []
        case .note, .task, .call, .meeting, .email, .lead: ["hs_createdate", "hs_lastmodifieddate", "hs_object_id"]
        case .product: ["createdate", "description", "hs_lastmodifieddate", "hs_object_id", "name", "price"]
        case .lineItem:
            ["amount", "createdate", "hs_lastmodifieddate", "hs_object_id", "hs_product_id", "quantity"]
        }
    }

    /// What a record shows in any case.
    var systemProperties: [String] { [createdProperty, modifiedProperty, "hs_object_id"] }
    var createdProperty: String { isActivity || object == .lead ? "hs_createdate" : "createdate" }
    var modifiedProperty: String { object == .contact ? "lastmodifieddate" : "hs_lastmodifieddate" }

    /// The properties whose values no two records may share.
    var uniqueProperties: [String] { object == .contact ? ["email"] : [] }
}
