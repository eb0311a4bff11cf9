// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// The objects that every organisation has, as far as a migration touches them.
///
/// Names, lengths and types are those of the platform's object reference; picklists are the ones of a new organisation.
/// Restricted here are `Opportunity.StageName`, `LeadSource` and the statuses, so that a migration has to map them;
/// `describe` says so. Simplified: no compound address fields, no currencies; activities are archived when
/// a test says so (`SalesforceSimulator.archiveActivities`).
enum StandardObjects {
    /// Audit fields can be set on insert where the options permit it and the platform allows that at all.
    static func all(_ options: OrgOptions) -> [ObjectDefinition] {
        let audited = auditFields(createable: options.permitsAuditFields)
        let fixed = auditFields(createable: false)
        var objects = [
            account(audited), contact(audited), lead(audited), opportunity(audited), opportunityContactRole(fixed),
            accountContactRelation(fixed),
            task(audited), event(audited), user(fixed), contentDocument(fixed), contentVersion(audited),
            contentNote(fixed), contentDocumentLink(), attachment(audited), recordType(fixed),
        ]
        objects += products(fixed)
        if options.hasEnhancedEmail { objects += emails(audited, fixed) }
        if options.sharesActivities { objects += activityRelations(fixed) }
        return objects.map { object in
            let own = options.recordTypes.contains { $0.object == object.name }
            let more =
                (own ? [.reference("RecordTypeId", to: ["RecordType"])] : [])
                + (options.hasPersonAccounts ? personFields(of: object.name) : [])
            return more.reduce(object) { $0.adding($1) }
        }
    }

    static let leadSources = [
        "Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other", "Advertisement", "Employee Referral",
        "External Referral", "Partner", "Public Relations", "Seminar - Internal", "Seminar - Partner", "Trade Show",
        "Word of mouth",
    ]

    /// Stages with their probability, and whether they close the opportunity as won or lost.
    static let stages: [(name: String, probability: Double, isClosed: Bool, isWon: Bool)] = [
        ("Prospecting", 10, false, false), ("Qualification", 10, false, false), ("Needs Analysis", 20, false, false),
        ("Value Proposition", 50, false, false), ("Id. Decision Makers", 60, false, false),
        ("Perception Analysis", 70, false, false), ("Proposal/Price Quote", 75, false, false),
        ("Negotiation/Review", 90, false, false), ("Closed Won", 100, true, true), ("Closed Lost", 0, true, false),
    ]

    /// What every record has at its end.
    private static func auditFields(createable: Bool) -> [FieldDefinition] {
        let traits: FieldDefinition.Traits = createable ? [.createOnly, .defaulted] : .system
        return [
            .dateTime("CreatedDate", traits), .reference("CreatedById", to: ["User"], traits),
            .dateTime("LastModifiedDate", traits), .reference("LastModifiedById", to: ["User"], traits),
            .dateTime("SystemModstamp", .system),
        ]
    }

    static let idAndDeleted: [FieldDefinition] = [
        FieldDefinition("Id", .id, length: 18, .system), .bool("IsDeleted", .system),
    ]

    static let owner = FieldDefinition.reference("OwnerId", to: ["User"], .defaulted)

    static func address(_ prefix: String) -> [FieldDefinition] {
        [
            .longText(prefix + "Street", 255), .text(prefix + "City", 40), .text(prefix + "State", 80),
            .text(prefix + "PostalCode", 20), .text(prefix + "Country", 80),
            .number(prefix + "Latitude", .double, precision: 18, scale: 15),
            .number(prefix + "Longitude", .double, precision: 18, scale: 15),
        ]
    }

    private static let salutations = ["Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."]
    private static let industries = [
        "Agriculture", "Apparel", "Banking", "Biotechnology", "Chemicals", "Communications", "Construction",
        "Consulting", "Education", "Electronics", "Energy", "Engineering", "Entertainment", "Environmental", "Finance",
        "Food & Beverage", "Government", "Healthcare", "Hospitality", "Insurance", "Machinery", "Manufacturing",
        "Media", "Not For Profit", "Other", "Recreation", "Retail", "Shipping", "Technology", "Telecommunications",
        "Transportation", "Utilities",
    ]
    private static let ratings = ["Hot", "Warm", "Cold"]

    private static func account(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "Account", keyPrefix: "001",
            fields: idAndDeleted + [
                .reference("MasterRecordId", to: ["Account"], .readOnly), .text("Name", 255, .required),
                .picklist(
                    "Type",
                    [
                        "Prospect", "Customer - Direct", "Customer - Channel", "Channel Partner / Reseller",
                        "Installation Partner", "Technology Partner", "Other",
                    ]),
                .reference("ParentId", to: ["Account"]),
            ] + address("Billing") + address("Shipping") + [
                .phone("Phone"), .phone("Fax"), .text("AccountNumber", 40),
                FieldDefinition("Website", .url, length: 255, .indexed), .text("Sic", 20),
                .picklist("Industry", industries), .number("AnnualRevenue", .currency, precision: 18),
                .number("NumberOfEmployees", .int, precision: 8),
                .picklist("Ownership", ["Public", "Private", "Subsidiary", "Other"]), .text("TickerSymbol", 20),
                .longText("Description", 32_000), .picklist("Rating", ratings), .text("Site", 80), owner,
                .picklist("AccountSource", leadSources),
            ] + audit)
    }

    private static func contact(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "Contact", keyPrefix: "003",
            fields: idAndDeleted + [
                .reference("MasterRecordId", to: ["Contact"], .readOnly),
                .reference("AccountId", to: ["Account"], [.indexed, .cascades]),
                .text("LastName", 80, .required), .text("FirstName", 40),
                .picklist("Salutation", salutations, length: 40), .text("Name", 121, .readOnly),
            ] + address("Other") + address("Mailing") + [
                .phone("Phone"), .phone("Fax"), .phone("MobilePhone"), .phone("HomePhone"), .phone("OtherPhone"),
                .phone("AssistantPhone"), .reference("ReportsToId", to: ["Contact"]), .email("Email", .idLookup),
                .text("Title", 128), .text("Department", 80), .text("AssistantName", 40),
                .picklist("LeadSource", leadSources, .restricted), .date("Birthdate"),
                .longText("Description", 32_000), owner, .bool("HasOptedOutOfEmail"), .bool("HasOptedOutOfFax"),
                .bool("DoNotCall"), .date("LastActivityDate", .readOnly), .text("EmailBouncedReason", 255),
                .dateTime("EmailBouncedDate"),
            ] + audit)
    }

    private static func lead(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "Lead", keyPrefix: "00Q",
            fields: idAndDeleted + [
                .text("LastName", 80, .required), .text("FirstName", 40),
                .picklist("Salutation", salutations, length: 40), .text("Name", 121, .readOnly), .text("Title", 128),
                .text("Company", 255, .required), .longText("Street", 255), .text("City", 40), .text("State", 80),
                .text("PostalCode", 20), .text("Country", 80), .phone("Phone"), .phone("MobilePhone"), .phone("Fax"),
                .email("Email", .idLookup), FieldDefinition("Website", .url, length: 255),
                .longText("Description", 32_000), .picklist("LeadSource", leadSources, .restricted),
                .picklist(
                    "Status",
                    ["Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted"],
                    default: "Open - Not Contacted", .restricted),
                .picklist("Industry", industries), .picklist("Rating", ratings),
                .number("AnnualRevenue", .currency, precision: 18), .number("NumberOfEmployees", .int, precision: 8),
                owner, .bool("HasOptedOutOfEmail"), .bool("HasOptedOutOfFax"), .bool("DoNotCall"),
                .bool("IsConverted", .readOnly), .date("ConvertedDate", .readOnly),
                .reference("ConvertedAccountId", to: ["Account"], .readOnly),
                .reference("ConvertedContactId", to: ["Contact"], .readOnly),
                .reference("ConvertedOpportunityId", to: ["Opportunity"], .readOnly),
            ] + audit)
    }

    private static func opportunity(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "Opportunity", plural: "Opportunities", keyPrefix: "006",
            fields: idAndDeleted + [
                .reference("AccountId", to: ["Account"], [.indexed, .cascades]), .text("Name", 120, .required),
                .longText("Description", 32_000), .picklist("StageName", stages.map(\.name), [.required, .restricted]),
                .number("Amount", .currency, precision: 18, scale: 2), .number("Probability", .percent, precision: 3),
                .number("ExpectedRevenue", .currency, precision: 18, scale: 2, .readOnly),
                .date("CloseDate", .required),
                .picklist(
                    "Type",
                    [
                        "Existing Customer - Upgrade", "Existing Customer - Replacement",
                        "Existing Customer - Downgrade", "New Customer",
                    ]),
                .text("NextStep", 255), .picklist("LeadSource", leadSources, .restricted), .bool("IsClosed", .readOnly),
                .bool("IsWon", .readOnly), owner, .reference("ContactId", to: ["Contact"], .createOnly),
                .reference("Pricebook2Id", to: ["Pricebook2"]), .bool("HasOpportunityLineItem", .readOnly),
            ] + audit)
    }

    private static func opportunityContactRole(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "OpportunityContactRole", keyPrefix: "00K",
            fields: idAndDeleted + [
                .reference("OpportunityId", to: ["Opportunity"], [.required, .createOnly, .indexed, .cascades]),
                .reference("ContactId", to: ["Contact"], [.required, .createOnly, .indexed, .cascades]),
                .picklist(
                    "Role",
                    [
                        "Business User", "Decision Maker", "Economic Buyer", "Economic Decision Maker", "Evaluator",
                        "Executive Sponsor", "Influencer", "Technical Buyer", "Other",
                    ]),
                .bool("IsPrimary"),
            ] + audit)
    }

    /// Relations of contacts to further accounts. The direct one, which the platform makes of `Contact.AccountId`, is not
    /// made here.
    private static func accountContactRelation(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "AccountContactRelation", keyPrefix: "07k",
            fields: idAndDeleted + [
                .reference("AccountId", to: ["Account"], [.required, .createOnly, .indexed, .cascades]),
                .reference("ContactId", to: ["Contact"], [.required, .createOnly, .indexed, .cascades]),
                .picklist(
                    "Roles", ["Business User", "Decision Maker", "Economic Buyer", "Evaluator", "Influencer", "Other"],
                    kind: .multipicklist),
                .bool("IsDirect", .readOnly), .bool("IsActive"), .date("StartDate"), .date("EndDate"),
            ] + audit)
    }

    private static func user(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "User", keyPrefix: "005",
            fields: [
                FieldDefinition("Id", .id, length: 18, .system), .bool("IsDeleted", .system),
                .text("Username", 80, [.required, .idLookup]), .text("LastName", 80, .required), .text("FirstName", 40),
                .text("Name", 121, .readOnly), FieldDefinition("Email", .email, length: 128, [.required, .idLookup]),
                .bool("IsActive"), .text("Alias", 8),
                .picklist("UserType", ["Standard", "Guest", "AutomatedProcess"], default: "Standard", .readOnly),
            ] + audit, isCreateable: false, isUpdateable: false, isDeletable: false, isBulkLoadable: false)
    }
}
