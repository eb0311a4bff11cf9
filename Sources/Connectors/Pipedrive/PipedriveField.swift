// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit

/// A field of an object as a pipeline names it, with its place in what Pipedrive sends and takes.
struct PipedriveField: Sendable {
    /// The form of a value in a request.
    enum Form: Sendable {
        case text, number, integer, bool, date, dateTime, option, options, reference
        /// A list of values of which one is the primary one; our field is that one.
        case primary(of: String)
        /// A part of a value that is an object: `value` of the field itself.
        case part(String)
        /// A part of the first price of a product: `currency`.
        case price(String)
        /// People who take part in an activity; our field is the primary one.
        case participant
        /// As it stands.
        case asIs
    }

    /// When a request may hold it.
    enum Access: Sendable { case always, onCreation, never }

    var name: String
    /// The name in requests: of a custom field 40 hexadecimal digits.
    var code: String
    var label: String
    var kind: FieldSchema.Kind
    var form: Form
    var access = Access.always
    var isRequired = false
    var isCustom = false
    /// Whether only some companies have it: those with contact sync.
    var isOptional = false
    var options: [FieldSchema.Option] = []
    var refersTo: [String] = []

    init(
        _ name: String, _ label: String, _ kind: FieldSchema.Kind, _ form: Form, access: Access = .always,
        isRequired: Bool = false, isOptional: Bool = false, refersTo: [String] = []
    ) {
        (self.name, code, self.label, self.kind, self.form) = (name, name, label, kind, form)
        (self.access, self.isRequired, self.isOptional, self.refersTo) = (access, isRequired, isOptional, refersTo)
    }

    var schema: FieldSchema {
        let isChoice = kind == .choice || kind == .choices
        return FieldSchema(
            name: name, label: label, kind: kind, isRequired: isRequired, isCreateable: access != .never,
            isUpdateable: access == .always, lengthMax: kind == .text ? PipedriveLimits.textCharactersMax : nil,
            options: isChoice ? options : [], isRestricted: isChoice, refersTo: refersTo)
    }
}

extension PipedriveObject {
    /// The fields that every company has.
    ///
    /// Source: the parameters and answers of the operations in the OpenAPI descriptions of both versions. The list of
    /// fields does not tell which ones a request may hold.
    var standardFields: [PipedriveField] {
        switch self {
        case .person:
            [
                PipedriveField("name", "Name", .text, .text, isRequired: true),
                PipedriveField("first_name", "First name", .text, .text, access: .never),
                PipedriveField("last_name", "Last name", .text, .text, access: .never),
                PipedriveField("email", "Email", .email, .primary(of: "emails")),
                PipedriveField("phone", "Phone", .phone, .primary(of: "phones")),
                PipedriveField("emails", "All addresses", .other, .asIs),
                PipedriveField("phones", "All phone numbers", .other, .asIs), Self.organizationField,
                PipedriveField("job_title", "Job title", .text, .text, isOptional: true),
                PipedriveField("birthday", "Birthday", .date, .date, isOptional: true),
                PipedriveField("notes", "Notes", .longText, .text, isOptional: true),
            ] + Self.shared + Self.times(.onCreation)
        case .organization:
            [
                PipedriveField("name", "Name", .text, .text, isRequired: true),
                PipedriveField("website", "Website", .url, .text),
                PipedriveField("linkedin", "LinkedIn", .url, .text),
                PipedriveField("industry", "Industry", .choice, .option),
                PipedriveField("annual_revenue", "Annual revenue", .integer, .integer),
                PipedriveField("employee_count", "Number of employees", .integer, .integer),
            ] + Self.address("address", "Address") + Self.shared + Self.times(.onCreation)
        case .deal:
            [
                PipedriveField("title", "Deal name", .text, .text, isRequired: true),
                PipedriveField("value", "Amount", .decimal, .number),
                PipedriveField("currency", "Currency", .text, .text),
                PipedriveField("person_id", "Contact person", .reference, .reference, refersTo: ["person"]),
                Self.organizationField,
                PipedriveField("pipeline_id", "Pipeline", .choice, .option),
                PipedriveField("stage_id", "Stage", .choice, .option),
                PipedriveField("status", "Status", .choice, .text),
                PipedriveField("probability", "Probability", .decimal, .number),
                PipedriveField("lost_reason", "Lost reason", .text, .text),
                PipedriveField("expected_close_date", "Expected close date", .date, .date),
                PipedriveField("close_time", "Closed", .dateTime, .dateTime),
                PipedriveField("won_time", "Won", .dateTime, .dateTime),
                PipedriveField("lost_time", "Lost", .dateTime, .dateTime),
                PipedriveField("is_archived", "Archived", .bool, .bool),
                PipedriveField("archive_time", "Archive time", .dateTime, .dateTime),
                PipedriveField("participants_count", "Participants", .integer, .integer, access: .never),
            ] + Self.shared + Self.times(.never)
        case .activity:
            [
                PipedriveField("subject", "Subject", .text, .text),
                PipedriveField("type", "Type", .choice, .text), Self.dealField, Self.organizationField,
                PipedriveField("person_id", "Contact person", .reference, .participant, refersTo: ["person"]),
                PipedriveField("participants", "Participants", .other, .asIs),
                PipedriveField("due_date", "Due date", .date, .date),
                PipedriveField("due_time", "Due time", .time, .text),
                PipedriveField("duration", "Duration", .time, .text),
                PipedriveField("busy", "Busy", .bool, .bool), PipedriveField("done", "Done", .bool, .bool),
                PipedriveField("marked_as_done_time", "Marked as done", .dateTime, .dateTime, access: .never),
                PipedriveField("note", "Note", .longText, .text),
                PipedriveField("public_description", "Public description", .longText, .text),
                PipedriveField("priority", "Priority", .integer, .integer), Self.ownerField,
            ] + Self.address("location", "Location") + Self.times(.never)
        case .note:
            [
                PipedriveField("content", "Content", .longText, .text, isRequired: true), Self.dealField,
                PipedriveField("person_id", "Person", .reference, .reference, refersTo: ["person"]),
                Self.organizationField,
                PipedriveField("user_id", "Author", .reference, .reference, refersTo: ["owner"]),
            ] + Self.times(.always)
        case .file:
            [
                PipedriveField("name", "Name", .text, .text, isRequired: true),
                PipedriveField("file_type", "Type", .text, .text, access: .never),
                PipedriveField(FileTransfer.size, "Size", .integer, .integer, access: .never),
                PipedriveField("description", "Description", .longText, .text, access: .never), Self.dealField,
                PipedriveField("person_id", "Person", .reference, .reference, refersTo: ["person"]),
                Self.organizationField,
                PipedriveField("activity_id", "Activity", .reference, .reference, refersTo: ["activity"]),
                PipedriveField("product_id", "Product", .reference, .reference, refersTo: ["product"]),
                PipedriveField("user_id", "Owner", .reference, .reference, access: .never, refersTo: ["owner"]),
                PipedriveField("remote_location", "Where it lies", .text, .text, access: .never),
            ] + Self.times(.never)
        case .product:
            [
                PipedriveField("name", "Name", .text, .text, isRequired: true),
                PipedriveField("code", "Product code", .text, .text),
                PipedriveField("description", "Description", .longText, .text),
                PipedriveField("unit", "Unit", .text, .text), PipedriveField("tax", "Tax", .decimal, .number),
                PipedriveField("category", "Category", .choice, .option),
                PipedriveField("price", "Unit price", .decimal, .price("price")),
                PipedriveField("currency", "Currency", .text, .price("currency")),
                PipedriveField("cost", "Cost", .decimal, .price("cost")),
                PipedriveField("prices", "All prices", .other, .asIs),
                PipedriveField("is_linkable", "Active", .bool, .bool), Self.ownerField,
                PipedriveField("visible_to", "Visible to", .choice, .option),
            ] + Self.times(.never)
        }
    }

    private static let organizationField = PipedriveField(
        "org_id", "Organization", .reference, .reference, refersTo: ["organization"])
    private static let dealField = PipedriveField("deal_id", "Deal", .reference, .reference, refersTo: ["deal"])
    private static let ownerField = PipedriveField("owner_id", "Owner", .reference, .reference, refersTo: ["owner"])

    private static let shared = [
        ownerField, PipedriveField("label_ids", "Labels", .choices, .options),
        PipedriveField("visible_to", "Visible to", .choice, .option),
    ]

    /// - Parameter access: whether the time of creation can be set.
    private static func times(_ access: PipedriveField.Access) -> [PipedriveField] {
        [
            PipedriveField("id", "ID", .id, .integer, access: .never),
            PipedriveField("add_time", "Created date", .dateTime, .dateTime, access: access),
            PipedriveField("update_time", "Updated", .dateTime, .dateTime, access: .never),
        ]
    }

    /// An address is an object; its parts are fields named as version 1 does.
    static func address(_ name: String, _ label: String) -> [PipedriveField] {
        let parts = [
            ("value", label), ("subpremise", "Apartment"), ("street_number", "House number"), ("route", "Road"),
            ("sublocality", "District"), ("locality", "City"), ("admin_area_level_1", "State"),
            ("admin_area_level_2", "County"), ("country", "Country"), ("postal_code", "Postal code"),
        ]
        return parts.map { part, label in
            var field = PipedriveField(
                part == "value" ? name : "\(name)_\(part)", label, .text, .part(part))
            field.code = name
            return field
        }
    }
}
