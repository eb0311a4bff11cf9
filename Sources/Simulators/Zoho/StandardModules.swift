// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezSyntheticCRM

/// A module with its fields and what the interface allows of it.
struct ModuleDefinition: Sendable {
    var name: String
    var singular: String
    var fields: [FieldDefinition]
    /// The id of its first record: 18 digits, so that no ids can be told from a Double.
    var firstID: Int64
    /// "Insert or Update Records" lists the modules; activities and notes are not among them.
    var takesUpsert = true
    /// "Create Custom Fields" lists the modules; notes are not among them.
    var takesCustomFields = true
    /// "Get Records through COQL Query" lists the modules; notes are not among them.
    var isQueryable = true
    /// The field that upsert looks at where it is told no other ("System-defined duplicate check fields").
    var duplicateCheckField: String?
    /// The field by which lookups show a record.
    var nameField: String
    /// The module whose records its records are rows of; `nil` = they are records of their own.
    var parent: String?

    func field(_ name: String) -> FieldDefinition? { fields.first { $0.name == name } }
    var uniqueFields: [FieldDefinition] { fields.filter(\.isUnique) }
}

/// The modules of a new organisation, with the fields that matter here.
enum StandardModules {
    static let all: [ModuleDefinition] = {
        var modules: [ModuleDefinition] =
            [accounts, contacts, leads, deals, products, tasks, events, calls, notes] + inventory
        for index in modules.indices {
            modules[index].firstID = 554_023_000_000_000_001 + Int64(index + 1) * 1_000_000_000
            modules[index].fields =
                [FieldDefinition("id", .bigint, label: "Record Id").readOnly()]
                + modules[index].fields + (modules[index].parent == nil ? common : times)
            // Not of notes ("Add Tags to Records"). No write of a record sets it.
            if modules[index].name != "Notes", modules[index].parent == nil {
                modules[index].fields.append(FieldDefinition(RecordTagging.field, .text).readOnly())
            }
        }
        return modules
    }()

    private static let common =
        [
            FieldDefinition("Owner", .ownerlookup), FieldDefinition("Created_By", .ownerlookup).readOnly(),
            FieldDefinition("Modified_By", .ownerlookup).readOnly(),
        ] + times

    private static let times = [
        FieldDefinition("Created_Time", .datetime).readOnly(), FieldDefinition("Modified_Time", .datetime).readOnly(),
    ]

    private static let accounts = ModuleDefinition(
        name: "Accounts", singular: "Account",
        fields: [
            FieldDefinition("Account_Name", .text, length: 200).mandatory(), FieldDefinition("Website", .website),
            FieldDefinition("Phone", .phone), FieldDefinition("Description", .textarea),
            FieldDefinition("Industry", .picklist).options(choices(of: Company.Field.industry)),
            FieldDefinition("Account_Type", .picklist).options(accountTypes),
            FieldDefinition("Annual_Revenue", .currency), FieldDefinition("Employees", .integer),
            FieldDefinition("Billing_Street", .text), FieldDefinition("Billing_City", .text),
            FieldDefinition("Billing_State", .text), FieldDefinition("Billing_Code", .text),
            FieldDefinition("Billing_Country", .text), FieldDefinition("Parent_Account", .lookup).to("Accounts"),
        ], firstID: 0, duplicateCheckField: "Account_Name", nameField: "Account_Name")

    private static let contacts = ModuleDefinition(
        name: "Contacts", singular: "Contact",
        fields: [
            FieldDefinition("First_Name", .text, length: 40),
            FieldDefinition("Last_Name", .text, length: 80).mandatory(),
            FieldDefinition("Email", .email), FieldDefinition("Phone", .phone), FieldDefinition("Mobile", .phone),
            FieldDefinition("Title", .text, length: 100), FieldDefinition("Department", .text),
            FieldDefinition("Lead_Source", .picklist).options(leadSources),
            FieldDefinition("Date_of_Birth", .date), FieldDefinition("Email_Opt_Out", .boolean),
            FieldDefinition("Mailing_Street", .text), FieldDefinition("Mailing_City", .text),
            FieldDefinition("Mailing_State", .text), FieldDefinition("Mailing_Zip", .text),
            FieldDefinition("Mailing_Country", .text), FieldDefinition("Description", .textarea),
            FieldDefinition("Account_Name", .lookup).to("Accounts"),
        ], firstID: 0, duplicateCheckField: "Email", nameField: "Last_Name")

    private static let leads = ModuleDefinition(
        name: "Leads", singular: "Lead",
        fields: [
            FieldDefinition("First_Name", .text, length: 40),
            FieldDefinition("Last_Name", .text, length: 80).mandatory(),
            FieldDefinition("Company", .text, length: 200), FieldDefinition("Email", .email),
            FieldDefinition("Phone", .phone), FieldDefinition("Lead_Status", .picklist).options(leadStatuses),
            FieldDefinition("Lead_Source", .picklist).options(leadSources), FieldDefinition("Description", .textarea),
        ], firstID: 0, duplicateCheckField: "Email", nameField: "Last_Name")

    private static let deals = ModuleDefinition(
        name: "Deals", singular: "Deal",
        fields: [
            FieldDefinition("Deal_Name", .text, length: 120).mandatory(),
            FieldDefinition("Stage", .picklist).mandatory().options(
                DealPipeline.all.flatMap { $0.stages.map(\.label) }),
            FieldDefinition("Pipeline", .picklist).options(DealPipeline.all.map(\.label)),
            FieldDefinition("Amount", .currency), FieldDefinition("Closing_Date", .date),
            FieldDefinition("Type", .picklist).options(dealTypes), FieldDefinition("Description", .textarea),
            FieldDefinition("Next_Step", .text, length: 100),
            FieldDefinition("Account_Name", .lookup).to("Accounts"),
            FieldDefinition("Contact_Name", .lookup).to("Contacts"),
        ], firstID: 0, duplicateCheckField: "Deal_Name", nameField: "Deal_Name")

    private static let products = ModuleDefinition(
        name: "Products", singular: "Product",
        fields: [
            FieldDefinition("Product_Name", .text, length: 200).mandatory(), FieldDefinition("Product_Code", .text),
            FieldDefinition("Unit_Price", .currency), FieldDefinition("Product_Active", .boolean),
            FieldDefinition("Description", .textarea),
        ], firstID: 0, duplicateCheckField: "Product_Name", nameField: "Product_Name")

    private static let tasks = ModuleDefinition(
        name: "Tasks", singular: "Task",
        fields: [
            FieldDefinition("Subject", .text).mandatory(), FieldDefinition("Status", .picklist).options(taskStatuses),
            FieldDefinition("Priority", .picklist).options(["Highest", "High", "Normal", "Low", "Lowest"]),
            FieldDefinition("Due_Date", .date), FieldDefinition("Description", .textarea),
        ] + ends, firstID: 0, takesUpsert: false, nameField: "Subject")

    private static let events = ModuleDefinition(
        name: "Events", singular: "Event",
        fields: [
            FieldDefinition("Event_Title", .text).mandatory(), FieldDefinition("Start_DateTime", .datetime).mandatory(),
            FieldDefinition("End_DateTime", .datetime).mandatory(), FieldDefinition("Venue", .text),
            FieldDefinition("Description", .textarea),
        ] + ends, firstID: 0, takesUpsert: false, nameField: "Event_Title")

    private static let calls = ModuleDefinition(
        name: "Calls", singular: "Call",
        fields: [
            FieldDefinition("Subject", .text).mandatory(),
            FieldDefinition("Call_Type", .picklist).mandatory().options(["Inbound", "Outbound", "Missed"]),
            FieldDefinition("Call_Start_Time", .datetime).mandatory(),
            FieldDefinition("Call_Duration", .text, length: 10).mandatory(), FieldDefinition("Description", .textarea),
        ] + ends, firstID: 0, takesUpsert: false, nameField: "Subject")

    private static let notes = ModuleDefinition(
        name: "Notes", singular: "Note",
        fields: [
            FieldDefinition("Note_Title", .text, length: 120), FieldDefinition("Note_Content", .textarea).mandatory(),
            FieldDefinition("Parent_Id", .lookup).mandatory(),
        ], firstID: 0, takesUpsert: false, takesCustomFields: false, isQueryable: false, nameField: "Note_Title")

    /// What an activity is about.
    private static let ends = [
        FieldDefinition("Who_Id", .lookup).to("Contacts"), FieldDefinition("What_Id", .lookup),
    ]

    /// The values of a list of the synthetic CRM's.
    private static func choices(of field: some SyntheticField) -> [String] {
        guard case .choice(let options) = field.kind else { return [] }
        return options
    }

    static let accountTypes = ["Prospect", "Partner", "Reseller", "Vendor", "Other"]
    static let leadSources = ["Advertisement", "Cold Call", "Employee Referral", "Web Research"]
    private static let leadStatuses = ["Attempted to Contact", "Contacted", "Junk Lead", "Not Contacted"]
    static let dealTypes = ["New Business", "Existing Business"]
    static let taskStatuses = ["Not Started", "In Progress", "Waiting for input", "Completed", "Deferred"]
    /// What a contact can be to a deal: the names that the synthetic CRM's people gave to such links, and two of Zoho's own.
    static let contactRoles = LinkKind.dealToContact.labels.map(\.name) + ["Evaluator", "Executive Sponsor"]
}
