// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// A field of an entity, as `GET /api/v2/personFields` lists it and as bodies are held against it.
struct FieldDefinition: Sendable {
    /// The name in records; of a field that somebody made, 40 hexadecimal digits.
    var code: String
    var name: String
    var type: String
    var options: [Option] = []
    var isCustom = false
    /// When a body may hold it.
    var access = Access.always

    enum Access: Sendable { case always, onCreation, never }

    struct Option: Sendable {
        var id: Int
        var label: String
    }

    init(
        _ code: String, _ name: String, _ type: String, options: [Option] = [], isCustom: Bool = false,
        access: Access = .always
    ) {
        (self.code, self.name, self.type) = (code, name, type)
        (self.options, self.isCustom, self.access) = (options, isCustom, access)
    }

    /// Parts of a value that is an object.
    var subfields: [String] {
        switch type {
        case "address":
            [
                "value", "country", "admin_area_level_1", "admin_area_level_2", "locality", "sublocality", "route",
                "street_number", "subpremise", "postal_code",
            ]
        case "monetary": ["value", "currency"]
        case "daterange", "timerange": ["value", "until"]
        default: []
        }
    }

    var json: JSONValue {
        [
            "field_name": .string(name), "field_code": .string(code), "field_type": .string(type),
            "options": options.isEmpty
                ? .null : .array(options.map { ["id": .number(String($0.id)), "label": .string($0.label)] }),
            "subfields": subfields.isEmpty
                ? .null
                : .array(
                    subfields.map { part in
                        [
                            "field_code": .string(part), "field_name": .string("\(part) of \(name)"),
                            "field_type": part == "value" && type == "monetary" ? "double" : "varchar",
                        ]
                    }),
            "is_custom_field": .bool(isCustom), "is_optional_response_field": false,
        ]
    }

    /// As it is stored, so that fields which somebody made are kept with the records.
    func stored(of entity: Entity) -> JSONValue {
        .object(json.members + [.init("entity", .string(entity.rawValue))])
    }

    /// A field that somebody made, from its stored form.
    init?(stored: JSONValue) {
        guard let code = stored["field_code"]?.text, let name = stored["field_name"]?.text,
            let type = stored["field_type"]?.text
        else { return nil }
        let options = (stored["options"]?.elements ?? []).compactMap { option -> Option? in
            guard let id = option["id"]?.int, let label = option["label"]?.text else { return nil }
            return Option(id: id, label: label)
        }
        self.init(code, name, type, options: options, isCustom: true)
    }

    /// The types that somebody can make fields of (`POST /api/v2/personFields`).
    static let creatableTypes: Set = [
        "varchar", "text", "double", "phone", "date", "daterange", "time", "timerange", "set", "enum", "varchar_auto",
        "address", "monetary", "org", "people", "user",
    ]
}

extension Entity {
    /// The fields that every company has; the parameters of `POST` and `PATCH` in the OpenAPI description of version 2.
    var standardFields: [FieldDefinition] {
        let record = [
            FieldDefinition("owner_id", "Owner", "user"),
            FieldDefinition("add_time", "Created", "datetime", access: createsWithTime ? .onCreation : .never),
            FieldDefinition("update_time", "Updated", "datetime", access: .never),
            FieldDefinition("is_deleted", "Deleted", "boolean", access: .never),
        ]
        let shared = [
            FieldDefinition(
                "label_ids", "Labels", "set",
                options: [
                    .init(id: 1, label: "Customer"), .init(id: 2, label: "Hot lead"), .init(id: 3, label: "Cold lead"),
                ]),
            FieldDefinition(
                "visible_to", "Visible to", "visible_to",
                options: [
                    .init(id: 1, label: "Owner"), .init(id: 3, label: "All users"), .init(id: 7, label: "Company"),
                ]),
        ]
        switch self {
        case .person:
            return [
                FieldDefinition("name", "Name", "varchar"),
                FieldDefinition("first_name", "First name", "varchar", access: .never),
                FieldDefinition("last_name", "Last name", "varchar", access: .never),
                FieldDefinition("emails", "Email", "emails"), FieldDefinition("phones", "Phone", "phones"),
                FieldDefinition("org_id", "Organization", "org"),
            ] + shared + record
        case .organization:
            return [
                FieldDefinition("name", "Name", "varchar"), FieldDefinition("address", "Address", "address"),
                FieldDefinition("website", "Website", "varchar"), FieldDefinition("linkedin", "LinkedIn", "varchar"),
                FieldDefinition("industry", "Industry", "enum", options: Industry.options),
                FieldDefinition("annual_revenue", "Annual revenue", "int"),
                FieldDefinition("employee_count", "Number of employees", "int"),
            ] + shared + record
        case .deal:
            return [
                FieldDefinition("title", "Title", "varchar"), FieldDefinition("value", "Value", "double"),
                FieldDefinition("currency", "Currency", "varchar"),
                FieldDefinition("person_id", "Contact person", "people"),
                FieldDefinition("org_id", "Organization", "org"),
                FieldDefinition("pipeline_id", "Pipeline", "pipeline"), FieldDefinition("stage_id", "Stage", "stage"),
                FieldDefinition(
                    "status", "Status", "status",
                    options: [.init(id: 0, label: "open"), .init(id: 1, label: "won"), .init(id: 2, label: "lost")]),
                FieldDefinition("probability", "Probability", "double"),
                FieldDefinition("lost_reason", "Lost reason", "varchar"),
                FieldDefinition("expected_close_date", "Expected close date", "date"),
                FieldDefinition("close_time", "Closed", "datetime"), FieldDefinition("won_time", "Won", "datetime"),
                FieldDefinition("lost_time", "Lost", "datetime"),
                FieldDefinition("is_archived", "Archived", "boolean"),
                FieldDefinition("archive_time", "Archive time", "datetime"),
                FieldDefinition("creator_user_id", "Creator", "user", access: .never),
            ] + shared + record
        case .activity:
            return [
                FieldDefinition("subject", "Subject", "varchar"), FieldDefinition("type", "Type", "activity_type"),
                FieldDefinition("deal_id", "Deal", "deal"), FieldDefinition("org_id", "Organization", "org"),
                FieldDefinition("person_id", "Contact person", "people", access: .never),
                FieldDefinition("participants", "Participants", "participants"),
                FieldDefinition("due_date", "Due date", "date"), FieldDefinition("due_time", "Due time", "time"),
                FieldDefinition("duration", "Duration", "time"), FieldDefinition("busy", "Busy", "boolean"),
                FieldDefinition("done", "Done", "boolean"),
                FieldDefinition("marked_as_done_time", "Marked as done", "datetime", access: .never),
                FieldDefinition("location", "Location", "address"), FieldDefinition("note", "Note", "text"),
                FieldDefinition("public_description", "Public description", "text"),
                FieldDefinition("priority", "Priority", "int"),
                FieldDefinition("creator_user_id", "Creator", "user", access: .never),
            ] + record
        case .product:
            return [
                FieldDefinition("name", "Name", "varchar"), FieldDefinition("code", "Product code", "varchar"),
                FieldDefinition("description", "Description", "text"), FieldDefinition("unit", "Unit", "varchar"),
                FieldDefinition("tax", "Tax", "double"),
                FieldDefinition(
                    "category", "Category", "enum",
                    options: [.init(id: 11, label: "Hardware"), .init(id: 12, label: "Services")]),
                FieldDefinition("prices", "Prices", "prices"),
                FieldDefinition("is_linkable", "Active", "boolean"), shared[1],
            ] + record
        }
    }

    /// The parameter without which nothing is created.
    var requiredField: String? {
        switch self {
        case .person, .organization, .product: "name"
        case .deal: "title"
        case .activity: nil
        }
    }

    /// Only people and organizations take the time of their creation.
    private var createsWithTime: Bool { self == .person || self == .organization }
}

/// The industries that organizations are told apart by.
enum Industry {
    static let options = [
        "Computer software", "Banking", "Hospital health care", "Retail", "Construction", "Education management",
        "Farming", "Logistics and supply chain", "Utilities", "Non profit organization management",
    ].enumerated().map { FieldDefinition.Option(id: $0 + 1, label: $1) }
}
