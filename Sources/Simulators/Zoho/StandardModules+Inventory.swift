// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Quotes, orders and invoices, each with its lines: a subform, whose rows are records of a module of their own.
///
/// Source: zoho.com/crm/developer, "Subform API" and "Insert Records"; help.zoho.com, "Kaizen 9: Handling Product Line Items in
/// the Inventory Modules". A record of these modules must have a line.
extension StandardModules {
    static let inventory: [ModuleDefinition] = [
        document(
            "Quotes", "Quote", items: "Quoted_Items",
            [
                FieldDefinition("Quote_Stage", .picklist).options(["Draft", "Negotiation", "Delivered", "Confirmed"]),
                FieldDefinition("Valid_Till", .date), FieldDefinition("Deal_Name", .lookup).to("Deals"),
                FieldDefinition("Contact_Name", .lookup).to("Contacts"),
            ]), items("Quoted_Items", of: "Quotes"),
        document(
            "Sales_Orders", "Sales Order", items: "Ordered_Items",
            [
                FieldDefinition("Status", .picklist).options(["Created", "Approved", "Delivered", "Cancelled"]),
                FieldDefinition("Due_Date", .date), FieldDefinition("Deal_Name", .lookup).to("Deals"),
                FieldDefinition("Quote_Name", .lookup).to("Quotes"),
            ]), items("Ordered_Items", of: "Sales_Orders"),
        document(
            "Invoices", "Invoice", items: "Invoiced_Items",
            [
                FieldDefinition("Status", .picklist).options(["Created", "Approved", "Delivered", "Cancelled"]),
                FieldDefinition("Invoice_Date", .date), FieldDefinition("Sales_Order", .lookup).to("Sales_Orders"),
            ]), items("Invoiced_Items", of: "Invoices"),
    ]

    private static func document(
        _ name: String, _ singular: String, items: String, _ fields: [FieldDefinition]
    ) -> ModuleDefinition {
        ModuleDefinition(
            name: name, singular: singular,
            fields: [
                FieldDefinition("Subject", .text, length: 300).mandatory(),
                FieldDefinition("Account_Name", .lookup).to("Accounts"), FieldDefinition("Description", .textarea),
            ] + fields + [FieldDefinition(items, .subform).to(items).mandatory()],
            firstID: 0, duplicateCheckField: "Subject", nameField: "Subject")
    }

    /// The documentation of custom fields and of queries lists no subforms.
    private static func items(_ name: String, of parent: String) -> ModuleDefinition {
        ModuleDefinition(
            name: name, singular: name,
            fields: [
                FieldDefinition("Product_Name", .lookup).to("Products").mandatory(),
                FieldDefinition("Quantity", .double).mandatory(), FieldDefinition("List_Price", .currency),
                FieldDefinition("Discount", .currency), FieldDefinition("Tax", .currency),
                FieldDefinition("Description", .textarea, length: 2_000),
                FieldDefinition("Sequence_Number", .integer).readOnly(),
                FieldDefinition(Subforms.parent, .lookup).to(parent).readOnly(),
            ], firstID: 0, takesUpsert: false, takesCustomFields: false, isQueryable: false, nameField: "Description",
            parent: parent)
    }
}
