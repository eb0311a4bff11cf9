// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// The models of a database with the applications Contacts, CRM, Discuss and Calendar, each with a part of its fields, and
/// three fields of the user's own.
enum StandardModels {
    static let all: [ModelDefinition] = [
        company, user, partner, partnerCategory, country, lead, stage, team, leadTag, lostReason, message, subtype,
        activity, activityType, event, attachment, product, automation, model, modelData,
    ]

    private static func char(_ name: String, _ label: String) -> FieldDefinition { .init(name, .char, label) }
    private static func many2one(_ name: String, _ label: String, _ relation: String) -> FieldDefinition {
        .init(name, .many2one, label).to(relation)
    }
    private static let active = FieldDefinition("active", .boolean, "Active").defaulting(true)
    private static let name = char("name", "Name").required()

    private static let company = ModelDefinition("res.company", "Companies", [name])

    private static let user = ModelDefinition(
        "res.users", "User", indexed: ["login"],
        [
            char("login", "Login").required(), char("name", "Name").required(), char("email", "Email"), active,
            FieldDefinition("share", .boolean, "Share User").readOnly(),
            many2one("partner_id", "Related Partner", "res.partner").required(),
        ])

    private static let partner = ModelDefinition(
        "res.partner", "Contact", indexed: ["parent_id", "is_company", "email"],
        [
            char("name", "Name"), FieldDefinition("is_company", .boolean, "Is a Company").defaulting(false),
            FieldDefinition("partner_share", .boolean, "Share Partner").readOnly().defaulting(true),
            many2one("parent_id", "Related Company", "res.partner"),
            FieldDefinition("type", .selection, "Address Type").of([
                ("contact", "Contact"), ("invoice", "Invoice"), ("delivery", "Delivery"), ("other", "Other"),
            ]).defaulting("contact"),
            char("email", "Email"), char("phone", "Phone"), char("website", "Website"),
            char("function", "Job Position"), char("street", "Street"), char("street2", "Street2"),
            char("city", "City"), char("zip", "Zip"), many2one("country_id", "Country", "res.country"),
            char("vat", "Tax ID"), char("ref", "Reference"),
            FieldDefinition("comment", .html, "Notes"), many2one("user_id", "Salesperson", "res.users"),
            FieldDefinition("category_id", .many2many, "Tags").to("res.partner.category"), active,
            FieldDefinition("x_annual_revenue", .float, "Annual Revenue"),
        ])

    private static let partnerCategory = ModelDefinition(
        "res.partner.category", "Partner Tags",
        [name, FieldDefinition("color", .integer, "Color"), active])

    private static let country = ModelDefinition("res.country", "Country", [name, char("code", "Country Code")])

    private static let lead = ModelDefinition(
        "crm.lead", "Lead", indexed: ["partner_id", "type"],
        [
            char("name", "Opportunity").required(),
            FieldDefinition("type", .selection, "Type").of([("lead", "Lead"), ("opportunity", "Opportunity")])
                .required().defaulting("lead"),
            many2one("partner_id", "Customer", "res.partner"), char("contact_name", "Contact Name"),
            char("partner_name", "Company Name"), char("email_from", "Email"), char("phone", "Phone"),
            many2one("stage_id", "Stage", "crm.stage"), many2one("team_id", "Sales Team", "crm.team"),
            many2one("user_id", "Salesperson", "res.users"),
            FieldDefinition("expected_revenue", .monetary, "Expected Revenue"),
            FieldDefinition("probability", .float, "Probability"),
            FieldDefinition("date_deadline", .date, "Expected Closing"),
            FieldDefinition("priority", .selection, "Priority").of([
                ("0", "Low"), ("1", "Medium"), ("2", "High"), ("3", "Very High"),
            ]).defaulting("0"),
            FieldDefinition("description", .html, "Notes"),
            many2one("lost_reason_id", "Lost Reason", "crm.lost.reason"),
            FieldDefinition("tag_ids", .many2many, "Tags").to("crm.tag"), active,
            char("x_next_step", "Next step"),
            FieldDefinition("x_deal_type", .selection, "Deal type").of([
                ("newbusiness", "New business"), ("existingbusiness", "Existing business"),
            ]),
        ])

    private static let stage = ModelDefinition(
        "crm.stage", "CRM Stages",
        [
            name, FieldDefinition("sequence", .integer, "Sequence").defaulting(1),
            FieldDefinition("is_won", .boolean, "Is Won Stage?"),
        ])

    private static let team = ModelDefinition("crm.team", "Sales Team", [name, active])
    private static let leadTag = ModelDefinition("crm.tag", "CRM Tag", [name])
    private static let lostReason = ModelDefinition("crm.lost.reason", "Opp. Lost Reason", [name, active])

    private static let message = ModelDefinition(
        "mail.message", "Message", indexed: ["res_id"],
        [
            char("subject", "Subject"), FieldDefinition("body", .html, "Contents"),
            FieldDefinition("date", .datetime, "Date"), char("model", "Related Document Model"),
            FieldDefinition("res_id", .many2oneReference, "Related Document ID"),
            FieldDefinition("message_type", .selection, "Type").of([
                ("email", "Incoming Email"), ("comment", "Comment"), ("email_outgoing", "Outgoing Email"),
                ("notification", "System notification"),
            ]).required().defaulting("comment"),
            many2one("subtype_id", "Subtype", "mail.message.subtype"), many2one("author_id", "Author", "res.partner"),
            char("email_from", "From"), FieldDefinition("is_internal", .boolean, "Employee Only"),
            FieldDefinition("partner_ids", .many2many, "Recipients").to("res.partner"),
            char("message_id", "Message-Id"),
        ])

    private static let subtype = ModelDefinition("mail.message.subtype", "Message subtypes", [name])

    private static let activity = ModelDefinition(
        "mail.activity", "Activity", indexed: ["res_id"],
        [
            many2one("res_model_id", "Document Model", "ir.model").required(),
            char("res_model", "Related Document Model").readOnly(),
            FieldDefinition("res_id", .many2oneReference, "Related Document ID"),
            many2one("activity_type_id", "Activity Type", "mail.activity.type"),
            char("summary", "Summary"), FieldDefinition("note", .html, "Note"),
            FieldDefinition("date_deadline", .date, "Due Date").required(),
            many2one("user_id", "Assigned to", "res.users").required(), active,
        ])

    private static let activityType = ModelDefinition(
        "mail.activity.type", "Activity Type",
        [
            name,
            FieldDefinition("category", .selection, "Action").of([
                ("default", "None"), ("upload_file", "Upload Document"), ("phonecall", "Phonecall"),
                ("meeting", "Meeting"),
            ]).defaulting("default"), active,
        ])

    private static let event = ModelDefinition(
        "calendar.event", "Calendar Event", indexed: ["res_id"],
        [
            char("name", "Meeting Subject").required(), FieldDefinition("start", .datetime, "Start").required(),
            FieldDefinition("stop", .datetime, "Stop").required(),
            FieldDefinition("allday", .boolean, "All Day"), char("location", "Location"),
            FieldDefinition("description", .html, "Description"), many2one("user_id", "Organizer", "res.users"),
            FieldDefinition("partner_ids", .many2many, "Attendees").to("res.partner"),
            many2one("res_model_id", "Document Model", "ir.model"),
            char("res_model", "Document Model Name").readOnly(),
            FieldDefinition("res_id", .many2oneReference, "Document ID"), active,
        ])

    private static let attachment = ModelDefinition(
        "ir.attachment", "Attachment", indexed: ["res_id"],
        [
            name, char("res_model", "Resource Model"),
            FieldDefinition("res_id", .many2oneReference, "Resource ID"),
            FieldDefinition("type", .selection, "Type").of([("url", "URL"), ("binary", "File")]).required()
                .defaulting("binary"),
            char("res_field", "Resource Field").readOnly(), char("description", "Description"),
            FieldDefinition(AttachmentData.field, .binary, "File Content (base64)"), char("mimetype", "Mime Type"),
            char("checksum", "Checksum/SHA1").readOnly(),
            FieldDefinition("file_size", .integer, "File Size").readOnly(),
        ])

    private static let product = ModelDefinition(
        "product.template", "Product",
        [
            name, char("default_code", "Internal Reference"),
            FieldDefinition("list_price", .float, "Sales Price").defaulting(.number("1.0")),
            FieldDefinition("standard_price", .float, "Cost"),
            FieldDefinition("description_sale", .text, "Sales Description"),
            FieldDefinition("type", .selection, "Product Type").of([
                ("consu", "Goods"), ("service", "Service"), ("combo", "Combo"),
            ]).required().defaulting("consu"), active,
        ])

    private static let automation = ModelDefinition(
        "base.automation", "Automation Rule", [name, char("model_name", "Model Name"), active])

    private static let model = ModelDefinition(
        "ir.model", "Models", indexed: ["model"], [name, char("model", "Model").required()])

    private static let modelData = ModelDefinition(
        "ir.model.data", "Model Data", indexed: ["res_id"],
        [
            name, char("module", "Module").required(), char("model", "Model Name").required(),
            FieldDefinition("res_id", .many2oneReference, "Record ID"),
            FieldDefinition("noupdate", .boolean, "Non Updatable"),
        ])
}
