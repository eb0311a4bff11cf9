// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Copper: searches by POST that answer with a bare array and show only so many records, times in seconds.
///
/// Source: developer.copper.com, "List … (Search)", "List Activity Types", "List Custom Field Definitions".
struct CopperVendor: SimulatedVendor {
    let tables = ["companies", "people", "opportunities", "tasks", "activities"]
    private let options: RESTSimulator.Options
    private let owners: [Owner]

    init(_ options: RESTSimulator.Options, _ crm: SyntheticCRM) {
        self.options = options
        owners = crm.owners
    }

    func refusal(of request: SimulatorRequest, now: Timestamp) -> VendorFailure? {
        guard request.headers["X-PW-Application"] == "developer_api", request.headers["X-PW-UserEmail"] != nil,
            let key = request.headers["X-PW-AccessToken"], options.key == nil || options.key == key
        else { return VendorFailure(401, "unauthorized", "Invalid Authentication") }
        return nil
    }

    func body(of failure: VendorFailure) -> JSONValue {
        ["success": false, "status": .number(failure.status), "message": .string(failure.message)]
    }

    func isWrite(_ request: SimulatorRequest) -> Bool { request.method != .get && request.path.last != "search" }

    // MARK: Answers

    func answer(_ request: SimulatorRequest, _ session: DocumentSession, now: Timestamp) throws -> VendorAnswer {
        guard request.path.starts(with: ["developer_api", "v1"]) else { throw VendorFailure.noRoute }
        let path = Array(request.path.dropFirst(2))
        switch (request.method, path.first ?? "", path.dropFirst().first) {
        case (.get, "account", nil): return VendorAnswer(["id": 4711, "name": "Acme"])
        case (.get, "activity_types", nil): return VendorAnswer(Self.activityTypes)
        case (.get, "custom_field_definitions", nil): return VendorAnswer(Self.customFields)
        case (.post, "users", "search"?):
            // Those who have left are not listed.
            let users = owners.filter(\.isActive).map {
                ["id": .number($0.id), "name": .string($0.lastName), "email": .string($0.email)] as JSONValue
            }
            let body = try request.json()
            let (page, size) = (try body.number("page_number", 1, 1...1000), try body.number("page_size", 20, 1...200))
            return VendorAnswer(.array(Array(users.dropFirst((page - 1) * size).prefix(size))))
        case (.post, let table, "search"?) where tables.contains(table):
            return try search(table, try request.json(), session)
        case (.get, let table, let id?) where tables.contains(table):
            guard let number = Int64(id), let stored = try session.document(table, number) else {
                throw VendorFailure(404, "not_found", "Resource not found")
            }
            return VendorAnswer(stored.document)
        default: throw VendorFailure.noRoute
        }
    }

    private func search(
        _ table: String, _ body: JSONValue, _ session: DocumentSession
    ) throws -> VendorAnswer {
        let (page, size) = (try body.number("page_number", 1, 1...100_000), try body.number("page_size", 20, 1...200))
        var conditions: [DocumentCondition] = []
        if let from = body["minimum_created_date"] {
            conditions.append(.member("date_created", .greaterOrEqual, from))
        }
        let types = (body["activity_types"]?.elements ?? []).compactMap { $0["id"] }
        if !types.isEmpty { conditions.append(.isIn("type_id", types)) }
        let total = try session.count(table, where: .and(conditions))
        let offset = (page - 1) * size
        let order: DocumentOrder
        switch body["sort_by"]?.text {
        case "date_created": order = .member("date_created")
        case nil: order = .id
        default: throw VendorFailure(422, "invalid", "Invalid input: sort_by")
        }
        let found = try session.documents(
            table, where: .and(conditions), order: order, offset: offset,
            limit: max(0, min(size, options.depthMax - offset)))
        return VendorAnswer(.array(found.map(\.document)), headers: [("X-PW-TOTAL", String(total))])
    }

    private static let activityTypes: JSONValue = [
        "user": [
            ["id": 0, "category": "user", "name": "Note"], ["id": 812, "category": "user", "name": "Phone Call"],
            ["id": 813, "category": "user", "name": "Meeting"],
        ],
        "system": [["id": 1, "category": "system", "name": "Property Changed"]],
    ]

    private static let customFields: JSONValue = [
        ["id": 501, "name": "Industry", "data_type": "String", "available_on": ["company", "lead"]],
        ["id": 502, "name": "Lifecycle stage", "data_type": "String", "available_on": ["person"]],
    ]

    // MARK: What is there

    func seed(_ session: DocumentSession, _ crm: SyntheticCRM) throws {
        func insert(_ table: String, _ id: Int, _ record: some SyntheticRecord, _ more: JSONValue) throws {
            let document: JSONValue = [
                "id": .number(id), "date_created": .number(record.createdAt.seconds),
                "date_modified": .number(record.updatedAt.seconds),
            ]
            try session.insert(table, document.merging(more), at: record.createdAt, id: Int64(id))
        }
        func owner(_ id: String?) -> JSONValue { crm.owner(id).map { .number($0.id) } ?? .null }
        func id(_ number: Int?) -> JSONValue { number.map { .number($0) } ?? .null }
        func list(_ key: String, _ values: [(category: String, value: String?)]) -> JSONValue {
            .array(
                values.compactMap { category, value in
                    value.map { [key: .string($0), "category": .string(category)] as JSONValue }
                })
        }
        func custom(_ id: Int, _ value: String?) -> JSONValue {
            [
                ["custom_field_definition_id": 500, "value": .null],
                ["custom_field_definition_id": .number(id), "value": .optional(value)],
            ]
        }
        try crm.eachLive(Company.self) { company in
            try insert(
                "companies", company.id, company,
                [
                    "name": .optional(company[.name]), "email_domain": .optional(company[.domain]),
                    "details": .optional(company[.description]), "assignee_id": owner(company[.owner]),
                    "phone_numbers": list("number", [("work", company[.phone])]),
                    "websites": list("url", [("work", company[.website])]),
                    "address": [
                        "street": .optional(company[.address]), "city": .optional(company[.city]),
                        "state": .optional(company[.state]), "postal_code": .optional(company[.zip]),
                        "country": .optional(company[.country]),
                    ], "custom_fields": custom(501, company[.industry]),
                ])
        }
        try crm.eachLive(Contact.self) { person in
            try insert(
                "people", person.id, person,
                [
                    "first_name": .optional(person[.firstname]), "last_name": .optional(person[.lastname]),
                    "title": .optional(person[.jobtitle]), "assignee_id": owner(person[.owner]),
                    "company_id": id(crm.first(.contactToCompany, from: person.index)),
                    "emails": list("email", [("work", person[.email])]),
                    "phone_numbers": list("number", [("work", person[.phone]), ("mobile", person[.mobilephone])]),
                    "address": ["city": .optional(person[.city]), "country": .optional(person[.country])],
                    "custom_fields": custom(502, person[.lifecyclestage]),
                ])
        }
        try crm.eachLive(Deal.self) { deal in
            try insert(
                "opportunities", deal.id, deal,
                [
                    "name": .optional(deal[.dealname]), "details": .optional(deal[.description]),
                    "assignee_id": owner(deal[.owner]), "status": "Open",
                    "monetary_value": deal[.amount].flatMap { Double($0) != nil ? .number($0) : nil } ?? .null,
                    "pipeline_stage_id": .optional(deal[.dealstage]),
                    "company_id": id(crm.first(.dealToCompany, from: deal.index)),
                    "primary_contact_id": id(crm.first(.dealToContact, from: deal.index)),
                ])
        }
        func parent(_ contact: LinkKind, _ company: LinkKind, _ deal: LinkKind, _ index: Int) -> JSONValue {
            for (kind, type) in [(contact, "person"), (company, "company"), (deal, "opportunity")] {
                if let id = crm.first(kind, from: index) { return ["id": .number(id), "type": .string(type)] }
            }
            return ["id": .null, "type": .null]
        }
        try crm.eachLive(CRMTask.self) { task in
            try insert(
                "tasks", task.id, task,
                [
                    "name": .optional(task[.subject]), "details": .optional(task[.body]),
                    "assignee_id": owner(task[.owner]),
                    "status": .string(task[.isCompleted] == "true" ? "Completed" : "Open"),
                    "related_resource": parent(.taskToContact, .taskToCompany, .taskToDeal, task.index),
                ])
        }
        // All activities are in one table, whose ids are apart by type.
        func activity(
            _ type: Int, _ record: some SyntheticRecord, _ text: String?, _ user: String?, _ parent: JSONValue
        ) throws {
            try insert(
                "activities", type * 100_000_000 + record.id, record,
                [
                    "type": ["id": .number(type), "category": "user"], "type_id": .number(type),
                    "details": .optional(text), "user_id": owner(user), "parent": parent,
                    "activity_date": .number(record.createdAt.seconds),
                ])
        }
        try crm.eachLive(Note.self) {
            try activity(0, $0, $0[.body], $0[.owner], parent(.noteToContact, .noteToCompany, .noteToDeal, $0.index))
        }
        try crm.eachLive(Call.self) {
            try activity(812, $0, $0[.body], $0[.owner], parent(.callToContact, .callToCompany, .callToDeal, $0.index))
        }
        try crm.eachLive(Meeting.self) {
            try activity(
                813, $0, $0[.body], $0[.owner], parent(.meetingToContact, .meetingToCompany, .meetingToDeal, $0.index))
        }
    }
}
