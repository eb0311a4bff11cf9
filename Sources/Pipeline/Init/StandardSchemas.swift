// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit

/// The fields that every account of a vendor has, for drafts that are made without asking anybody. A small part of what
/// is there: discovery shows the rest.
enum StandardSchemas {
    static func source(_ stream: String, of connector: String) -> ObjectSchema {
        if let activity = FieldRoles.schema(of: stream, in: connector) { return activity }
        return switch connector {
        case "hubspot": hubSpotObject(stream)
        case "salesforce": salesforceObject(stream)
        case "pipedrive": pipedriveObject(stream)
        case "odoo": odooObject(stream)
        case "dynamics": dynamicsTable(stream, isSource: true)
        case "zoho": zohoModule(stream)
        default:
            ObjectSchema(name: stream, label: stream, fields: [FieldSchema(name: "name", label: "name", kind: .text)])
        }
    }

    static func target(_ object: String, of connector: String) -> ObjectSchema {
        if let activity = FieldRoles.schema(of: object, in: connector) { return activity }
        return switch connector {
        case "hubspot": hubSpotObject(object)
        case "salesforce": salesforceObject(object)
        case "pipedrive": pipedriveObject(object)
        case "odoo": odooObject(object)
        case "dynamics": dynamicsTable(object, isSource: false)
        case "zoho": zohoModule(object)
        default: ObjectSchema(name: object, label: object, fields: [])
        }
    }

    private static func hubSpotObject(_ stream: String) -> ObjectSchema {
        let owner = FieldSchema(
            name: "hubspot_owner_id", label: "Owner", kind: .reference, refersTo: ["owner"])
        let fields: [FieldSchema] =
            switch stream {
            case "company":
                [
                    text("name", "Company name"), text("domain", "Company domain name"), phone("phone"),
                    text("address", "Street address"), text("city", "City"), text("zip", "Postal code"),
                    text("country", "Country"), number("annualrevenue", "Annual revenue"),
                    number("numberofemployees", "Number of employees"),
                    FieldSchema(name: "description", label: "Description", kind: .longText), owner,
                ]
            case "contact":
                [
                    text("firstname", "First name"), text("lastname", "Last name"),
                    FieldSchema(name: "email", label: "Email", kind: .email), phone("phone"),
                    text("jobtitle", "Job title"), text("city", "City"), text("country", "Country"), owner,
                ]
            case "deal":
                [
                    text("dealname", "Deal name"), stages, number("amount", "Amount"),
                    FieldSchema(name: "closedate", label: "Close date", kind: .dateTime), owner,
                ]
            case "email":
                [
                    FieldSchema(name: "hs_timestamp", label: "Activity date", kind: .dateTime, isRequired: true),
                    text("hs_email_subject", "Email subject"),
                    FieldSchema(name: "hs_email_text", label: "Email text", kind: .longText),
                    FieldSchema(name: "hs_email_html", label: "Email HTML", kind: .longText),
                    FieldSchema(
                        name: "hs_email_direction", label: "Email direction", kind: .choice,
                        options: ["EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL"].map { .init(value: $0, label: $0) },
                        isRestricted: true),
                    text("hs_email_from_email", "Email from address"), text("hs_email_to_email", "Email to address"),
                    owner,
                ]
            case "product":
                [
                    text("name", "Name"), text("hs_sku", "SKU"), number("price", "Unit price"),
                    FieldSchema(name: "description", label: "Product description", kind: .longText),
                ]
            case "line_item":
                [
                    text("name", "Name"), number("quantity", "Quantity"), number("price", "Unit price"),
                    reference("hs_product_id", to: "product"),
                ]
            default:
                [
                    FieldSchema(name: "hs_timestamp", label: "Activity date", kind: .dateTime, isRequired: true),
                    FieldSchema(name: "hs_note_body", label: "Note body", kind: .longText),
                ]
            }
        return ObjectSchema(name: stream, label: stream, fields: fields, holdsKey: true)
    }

    private static func salesforceObject(_ object: String) -> ObjectSchema {
        let owner = FieldSchema(name: "OwnerId", label: "Owner ID", kind: .reference, refersTo: ["User"])
        let fields: [FieldSchema] =
            switch object {
            case "Account":
                [
                    text("Name", "Account Name", 255, isRequired: true),
                    FieldSchema(name: "Website", label: "Website", kind: .url, lengthMax: 255), phone("Phone"),
                    text("BillingStreet", "Billing Street", 255), text("BillingCity", "Billing City", 40),
                    text("BillingPostalCode", "Billing Zip/Postal Code", 20),
                    text("BillingCountry", "Billing Country", 80), number("AnnualRevenue", "Annual Revenue"),
                    FieldSchema(name: "NumberOfEmployees", label: "Employees", kind: .integer),
                    FieldSchema(name: "Description", label: "Description", kind: .longText, lengthMax: 32_000), owner,
                ]
            case "Contact":
                [
                    text("LastName", "Last Name", 80, isRequired: true), text("FirstName", "First Name", 40),
                    FieldSchema(name: "Email", label: "Email", kind: .email), phone("Phone"),
                    text("Title", "Title", 128), text("MailingCity", "Mailing City", 40),
                    text("MailingCountry", "Mailing Country", 80), owner, reference("AccountId", to: "Account"),
                ]
            case "Opportunity":
                [
                    text("Name", "Name", 120, isRequired: true), stageNames,
                    FieldSchema(name: "CloseDate", label: "Close Date", kind: .date, isRequired: true),
                    number("Amount", "Amount"), owner, reference("AccountId", to: "Account"),
                ]
            case "ContentNote":
                [
                    text("Title", "Title", 255, isRequired: true),
                    FieldSchema(name: "Content", label: "Content", kind: .longText),
                ]
            default: salesforceFields(object, owner)
            }
        let content = object == "ContentVersion" ? ContentSchema(field: "VersionData") : nil
        return ObjectSchema(name: object, label: object, fields: fields, holdsKey: true, content: content)
    }

    /// Of what a new file does not begin with.
    private static func salesforceFields(_ object: String, _ owner: FieldSchema) -> [FieldSchema] {
        switch object {
        case "Lead":
            [
                text("LastName", "Last Name", 80, isRequired: true), text("FirstName", "First Name", 40),
                text("Company", "Company", 255, isRequired: true),
                FieldSchema(name: "Email", label: "Email", kind: .email), phone("Phone"), text("Title", "Title", 128),
                owner,
            ]
        case "Product2":
            [
                text("Name", "Product Name", 255, isRequired: true), text("ProductCode", "Product Code", 255),
                FieldSchema(name: "Description", label: "Product Description", kind: .longText, lengthMax: 4_000),
                number("StandardPrice", "Standard Price"), FieldSchema(name: "IsActive", label: "Active", kind: .bool),
            ]
        case "OpportunityLineItem":
            [
                FieldSchema(name: "Quantity", label: "Quantity", kind: .decimal, isRequired: true),
                number("UnitPrice", "Sales Price"), number("Discount", "Discount"),
                text("Description", "Line Description", 255), reference("OpportunityId", to: "Opportunity"),
                reference("Product2Id", to: "Product2"),
            ]
        case "EmailMessage":
            [
                text("Subject", "Subject", 3_000),
                FieldSchema(name: "TextBody", label: "Text Body", kind: .longText, lengthMax: 131_072),
                FieldSchema(name: "HtmlBody", label: "HTML Body", kind: .longText, lengthMax: 131_072),
                text("FromAddress", "From Address", 1_000), text("ToAddress", "To Address", 4_000),
                text("CcAddress", "CC Address", 4_000),
                FieldSchema(name: "Incoming", label: "Is Incoming", kind: .bool),
                FieldSchema(name: "MessageDate", label: "Message Date", kind: .dateTime),
                FieldSchema(
                    name: "RelatedToId", label: "Related To ID", kind: .reference, refersTo: ["Account", "Opportunity"]),
            ]
        case "ContentVersion":
            [
                text("Title", "Title", 255), text("PathOnClient", "Path On Client", 500, isRequired: true),
                FieldSchema(name: "Description", label: "Description", kind: .longText, lengthMax: 1_000), owner,
            ]
        default: [text("Name", "Name", 80, isRequired: true)]
        }
    }

    private static func pipedriveObject(_ object: String) -> ObjectSchema {
        let owner = FieldSchema(name: "owner_id", label: "Owner", kind: .reference, refersTo: ["owner"])
        let organization = reference("org_id", to: "organization")
        let fields: [FieldSchema] =
            switch object {
            case "organization":
                [
                    text("name", "Name", 255, isRequired: true),
                    FieldSchema(name: "website", label: "Website", kind: .url), text("address", "Address", 255),
                    text("address_locality", "City", 255), text("address_postal_code", "Postal code", 255),
                    text("address_country", "Country", 255),
                    FieldSchema(name: "annual_revenue", label: "Annual revenue", kind: .integer),
                    FieldSchema(name: "employee_count", label: "Number of employees", kind: .integer), owner,
                ]
            case "person":
                [
                    text("name", "Name", 255, isRequired: true),
                    FieldSchema(name: "email", label: "Email", kind: .email), phone("phone"), owner, organization,
                ]
            case "deal":
                [
                    text("title", "Deal name", 255, isRequired: true), number("value", "Amount"),
                    FieldSchema(name: "expected_close_date", label: "Expected close date", kind: .date), owner,
                    organization, reference("person_id", to: "person"),
                ]
            case "lead":
                [
                    text("title", "Title", 255, isRequired: true), number("value", "Expected value"),
                    text("currency", "Currency", 255),
                    FieldSchema(name: "expected_close_date", label: "Expected close date", kind: .date), owner,
                    reference("person_id", to: "person"), reference("organization_id", to: "organization"),
                ]
            case "product":
                [
                    text("name", "Name", 255, isRequired: true), text("code", "Product code", 255),
                    number("price", "Unit price"), text("currency", "Currency", 255),
                    FieldSchema(name: "description", label: "Description", kind: .longText), owner,
                ]
            case "deal_product":
                [
                    number("quantity", "Quantity"), number("item_price", "Price"),
                    FieldSchema(name: "comments", label: "Comments", kind: .longText),
                    reference("deal_id", to: "deal"), reference("product_id", to: "product"),
                ]
            case "note":
                [
                    FieldSchema(name: "content", label: "Content", kind: .longText, isRequired: true),
                    FieldSchema(name: "add_time", label: "Created date", kind: .dateTime),
                    reference("deal_id", to: "deal"), reference("person_id", to: "person"), organization,
                ]
            default: [text("subject", "Subject", 255), owner]
            }
        return ObjectSchema(name: object, label: object, fields: fields, holdsKey: true)
    }

    /// A lookup goes by another name where it is read than where it is written.
    private static func dynamicsTable(_ table: String, isSource: Bool) -> ObjectSchema {
        func lookup(_ name: String, to tables: String...) -> FieldSchema {
            FieldSchema(
                name: isSource ? "_\(name)_value" : name, label: name, kind: .reference, refersTo: tables)
        }
        let owner = lookup("ownerid", to: "systemuser", "team")
        let fields: [FieldSchema] =
            switch table {
            case "account":
                [
                    text("name", "Account Name", 160),
                    FieldSchema(name: "websiteurl", label: "Website", kind: .url, lengthMax: 200),
                    text("telephone1", "Main Phone", 50), text("address1_line1", "Address 1: Street 1", 250),
                    text("address1_city", "Address 1: City", 80),
                    text("address1_postalcode", "Address 1: ZIP/Postal Code", 20),
                    text("address1_country", "Address 1: Country/Region", 80), number("revenue", "Annual Revenue"),
                    FieldSchema(name: "numberofemployees", label: "Number of Employees", kind: .integer),
                    FieldSchema(name: "description", label: "Description", kind: .longText, lengthMax: 2_000), owner,
                ]
            case "contact":
                [
                    text("firstname", "First Name", 50), text("lastname", "Last Name", 50, isRequired: true),
                    FieldSchema(name: "emailaddress1", label: "Email", kind: .email, lengthMax: 100),
                    text("telephone1", "Business Phone", 50), text("jobtitle", "Job Title", 100),
                    text("address1_city", "Address 1: City", 80),
                    text("address1_country", "Address 1: Country/Region", 80), owner,
                    lookup("parentcustomerid", to: "account", "contact"),
                ]
            case "opportunity":
                [
                    text("name", "Topic", 300), number("estimatedvalue", "Est. Revenue"),
                    FieldSchema(name: "estimatedclosedate", label: "Est. Close Date", kind: .date),
                    text("stepname", "Pipeline Phase", 200), owner, lookup("parentaccountid", to: "account"),
                ]
            case "lead":
                [
                    text("subject", "Topic", 300), text("firstname", "First Name", 50),
                    text("lastname", "Last Name", 50), text("companyname", "Company Name", 100),
                    FieldSchema(name: "emailaddress1", label: "Email", kind: .email, lengthMax: 100),
                    text("telephone1", "Business Phone", 50), owner, lookup("parentcontactid", to: "contact"),
                    lookup("parentaccountid", to: "account"),
                ]
            case "product":
                [
                    text("name", "Name", 100), text("productnumber", "Product ID", 100), number("price", "List Price"),
                    FieldSchema(name: "description", label: "Description", kind: .longText, lengthMax: 2_000),
                ]
            case "opportunityproduct":
                [
                    number("quantity", "Quantity"), number("priceperunit", "Price Per Unit"),
                    text("productdescription", "Write-In Product", 500), lookup("opportunityid", to: "opportunity"),
                    lookup("productid", to: "product"),
                ]
            case "email":
                [
                    text("subject", "Subject", 200),
                    FieldSchema(name: "description", label: "Description", kind: .longText, lengthMax: 2_000_000),
                    FieldSchema(name: "directioncode", label: "Direction", kind: .bool), text("from", "From"),
                    text("to", "To"), text("cc", "Cc"),
                    FieldSchema(name: "actualend", label: "Actual End", kind: .dateTime), owner,
                    lookup("regardingobjectid", to: "account", "contact", "lead", "opportunity"),
                ]
            case "file":
                [
                    text("filename", "File Name", 255, isRequired: true), text("mimetype", "Mime Type", 256),
                    text("subject", "Title", 500), owner,
                    lookup("objectid", to: "account", "contact", "lead", "opportunity"),
                ]
            default:
                [
                    FieldSchema(name: "notetext", label: "Description", kind: .longText, lengthMax: 100_000), owner,
                    lookup("objectid", to: "account", "contact", "opportunity"),
                ]
            }
        return ObjectSchema(
            name: table, label: table, fields: fields, holdsKey: table != "annotation" && table != "file",
            content: table == "file" ? ContentSchema(field: "documentbody") : nil)
    }

    private static func odooObject(_ object: String) -> ObjectSchema {
        let owner = FieldSchema(name: "user_id", label: "Salesperson", kind: .reference, refersTo: ["User"])
        func reference(_ name: String, _ objects: [String]) -> FieldSchema {
            FieldSchema(name: name, label: name, kind: .reference, refersTo: objects)
        }
        func longText(_ name: String, _ label: String) -> FieldSchema {
            FieldSchema(name: name, label: label, kind: .longText)
        }
        let address = [text("street", "Street"), text("city", "City"), text("zip", "Zip")]
        let fields: [FieldSchema] =
            switch object {
            case "company":
                [
                    text("name", "Name", isRequired: true),
                    FieldSchema(name: "website", label: "Website Link", kind: .url),
                    phone("phone"),
                ] + address + [longText("comment", "Notes"), owner, reference("parent_id", ["company"])]
            case "contact":
                [
                    text("name", "Name", isRequired: true), FieldSchema(name: "email", label: "Email", kind: .email),
                    phone("phone"),
                    text("function", "Job Position"),
                ] + address + [longText("comment", "Notes"), owner, reference("parent_id", ["company", "contact"])]
            case "deal":
                [
                    text("name", "Opportunity", isRequired: true), number("expected_revenue", "Expected Revenue"),
                    FieldSchema(name: "date_deadline", label: "Expected Closing", kind: .date),
                    longText("description", "Notes"), owner, reference("partner_id", ["company", "contact"]),
                ]
            case "note":
                [
                    FieldSchema(name: "date", label: "Date", kind: .dateTime), longText("body", "Contents"),
                    reference("res_id", ["company", "contact", "deal", "lead"]),
                ]
            case "lead":
                [
                    text("name", "Opportunity", isRequired: true), text("contact_name", "Contact Name"),
                    text("partner_name", "Company Name"),
                    FieldSchema(name: "email_from", label: "Email", kind: .email), phone("phone"),
                    longText("description", "Notes"), owner, reference("partner_id", ["company", "contact"]),
                ]
            case "email":
                [
                    text("subject", "Subject"), longText("body", "Contents"),
                    FieldSchema(name: "date", label: "Date", kind: .dateTime), text("email_from", "From"),
                    FieldSchema(
                        name: "message_type", label: "Type", kind: .choice,
                        options: [
                            .init(value: "email", label: "Incoming Email"),
                            .init(value: "email_outgoing", label: "Outgoing Email"),
                        ], isRestricted: true),
                    reference("res_id", ["company", "contact", "deal", "lead"]),
                ]
            case "product":
                [
                    text("name", "Name", isRequired: true), text("default_code", "Internal Reference"),
                    number("list_price", "Sales Price"), number("standard_price", "Cost"),
                    longText("description_sale", "Sales Description"),
                ]
            case "file":
                [
                    text("name", "Name", isRequired: true), text("mimetype", "Mime Type"),
                    reference("res_id", ["company", "contact", "deal", "lead"]),
                ]
            default: [text("name", "Name", isRequired: true)]
            }
        return ObjectSchema(
            name: object, label: object, fields: fields, holdsKey: true,
            content: object == "file" ? ContentSchema(field: "datas") : nil)
    }

    private static func zohoModule(_ module: String) -> ObjectSchema {
        let owner = FieldSchema(name: "Owner", label: "Owner", kind: .reference, refersTo: ["User"])
        let description = FieldSchema(
            name: "Description", label: "Description", kind: .longText, lengthMax: 32_000)
        let fields: [FieldSchema] =
            switch module {
            case "Accounts":
                [
                    text("Account_Name", "Account Name", 200, isRequired: true),
                    FieldSchema(name: "Website", label: "Website", kind: .url, lengthMax: 450), phone("Phone"),
                    text("Billing_Street", "Billing Street", 250), text("Billing_City", "Billing City", 100),
                    text("Billing_Code", "Billing Code", 30), text("Billing_Country", "Billing Country", 100),
                    number("Annual_Revenue", "Annual Revenue"),
                    FieldSchema(name: "Employees", label: "Employees", kind: .integer), description, owner,
                ]
            case "Contacts":
                [
                    text("Last_Name", "Last Name", 80, isRequired: true), text("First_Name", "First Name", 40),
                    FieldSchema(name: "Email", label: "Email", kind: .email), phone("Phone"),
                    text("Title", "Title", 100), text("Mailing_City", "Mailing City", 100),
                    text("Mailing_Country", "Mailing Country", 100), description, owner,
                    reference("Account_Name", to: "Accounts"),
                ]
            case "Deals":
                [
                    text("Deal_Name", "Deal Name", 120, isRequired: true), zohoStages, number("Amount", "Amount"),
                    FieldSchema(name: "Closing_Date", label: "Closing Date", kind: .date), description, owner,
                    reference("Account_Name", to: "Accounts"), reference("Contact_Name", to: "Contacts"),
                ]
            case "Notes":
                [
                    text("Note_Title", "Note Title", 120),
                    FieldSchema(
                        name: "Note_Content", label: "Note Content", kind: .longText, isRequired: true,
                        lengthMax: 32_000),
                    FieldSchema(
                        name: "Parent_Id", label: "Parent ID", kind: .reference, isRequired: true,
                        refersTo: ["Accounts", "Contacts", "Deals"]), owner,
                ]
            default: [text("Name", "Name", 120, isRequired: true)]
            }
        return ObjectSchema(name: module, label: module, fields: fields, holdsKey: module != "Notes")
    }

    /// The stages of a new organisation of Zoho CRM.
    private static let zohoStages = FieldSchema(
        name: "Stage", label: "Stage", kind: .choice, isRequired: true,
        options: [
            "Qualification", "Needs Analysis", "Value Proposition", "Identify Decision Makers",
            "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost", "Closed Lost to Competition",
        ].map { FieldSchema.Option(value: $0, label: $0) }, isRestricted: true)

    /// The stages of a new HubSpot account's pipeline.
    private static let stages = FieldSchema(
        name: "dealstage", label: "Deal stage", kind: .choice,
        options: [
            ("appointmentscheduled", "Appointment scheduled"), ("qualifiedtobuy", "Qualified to buy"),
            ("presentationscheduled", "Presentation scheduled"), ("decisionmakerboughtin", "Decision maker bought-in"),
            ("contractsent", "Contract sent"), ("closedwon", "Closed won"), ("closedlost", "Closed lost"),
        ].map { FieldSchema.Option(value: $0.0, label: $0.1) }, isRestricted: true)

    /// The stages of a new Salesforce org.
    private static let stageNames = FieldSchema(
        name: "StageName", label: "Stage", kind: .choice, isRequired: true,
        options: [
            "Prospecting", "Qualification", "Needs Analysis", "Value Proposition", "Id. Decision Makers",
            "Perception Analysis", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost",
        ].map { FieldSchema.Option(value: $0, label: $0) }, isRestricted: true)

    private static func text(
        _ name: String, _ label: String, _ lengthMax: Int? = nil, isRequired: Bool = false
    ) -> FieldSchema {
        FieldSchema(name: name, label: label, kind: .text, isRequired: isRequired, lengthMax: lengthMax)
    }

    private static func phone(_ name: String) -> FieldSchema {
        FieldSchema(name: name, label: "Phone", kind: .phone)
    }

    private static func number(_ name: String, _ label: String) -> FieldSchema {
        FieldSchema(name: name, label: label, kind: .decimal)
    }

    private static func reference(_ name: String, to object: String) -> FieldSchema {
        FieldSchema(name: name, label: name, kind: .reference, refersTo: [object])
    }
}
