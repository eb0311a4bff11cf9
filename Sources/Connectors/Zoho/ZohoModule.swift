// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// What the interface allows of a module, by its name there; custom modules are like accounts.
enum ZohoModule {
    static let notes = "Notes"
    static let deals = "Deals"
    static let contacts = "Contacts"
    /// What fields that hold a user refer to.
    static let person = "User"
    static let id = "id"
    static let createdTime = "Created_Time"
    static let modifiedTime = "Modified_Time"

    /// Notes have no custom fields, so no field can hold our key (zoho.com/crm/developer, "Create Custom Fields": the list
    /// of supported modules).
    static func holdsKey(_ module: String) -> Bool { module != notes }

    /// Notes cannot be queried ("Get Records through COQL Query": possible module names).
    static func isQueryable(_ module: String) -> Bool { module != notes }

    /// "Bulk Read: Limitations": neither notes nor attachments nor e-mails.
    static func isExportable(_ module: String) -> Bool { module != notes }

    /// Whether rows of the module go by bulk write jobs. Those of activities do not: no column can tell to what kind of
    /// record `What_Id` leads, and no upsert meets a record again.
    static func takesBulkWrite(_ module: String) -> Bool {
        takesUpsert(module) && !inventory.contains(module) && !lineItems.contains(module)
    }

    /// "Insert or Update Records (Upsert)": supported modules.
    static func takesUpsert(_ module: String) -> Bool {
        !activities.contains(module) && module != notes
    }

    /// Lines of quotes, orders and invoices: subforms that every organisation with these modules has.
    static let lineItems: Set = ["Quoted_Items", "Ordered_Items", "Purchase_Items", "Invoiced_Items"]

    /// Modules whose records must have a line, so that no bulk job can create one.
    static let inventory: Set = ["Quotes", "Sales_Orders", "Purchase_Orders", "Invoices"]

    static let activities: Set = ["Tasks", "Events", "Calls"]

    /// Fields that lead to a record of any module, which another field or a member within names.
    static let moduleOfWhat = "$se_module"
    static let parent = "Parent_Id"

    /// Modules that nothing is kept in, or whose records are part of others.
    static let unlinked: Set = [
        "Notes", "Attachments", "Emails", "Actions_Performed", "Home", "Reports", "Dashboards", "Feeds", "Documents",
        "Visits", "Social", "Activities",
    ]
}
