// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Zendesk Sell: every record in an envelope, persons and companies in one table, a User-Agent asked for.
///
/// Source: developer.zendesk.com/api-reference/sales-crm.
struct SellVendor: SimulatedVendor {
    let tables = ["contacts", "leads", "deals", "notes", "tasks", "calls", "associated_contacts"]
    private let options: RESTSimulator.Options
    private let owners: [Owner]

    init(_ options: RESTSimulator.Options, _ crm: SyntheticCRM) {
        self.options = options
        owners = crm.owners
    }

    func refusal(of request: SimulatorRequest, now: Timestamp) -> VendorFailure? {
        guard request.headers["User-Agent"]?.isEmpty == false else {
            return VendorFailure(400, "invalid_user_agent", "a User-Agent must be given")
        }
        guard let token = request.credential("Bearer"), options.key == nil || options.key == token else {
            return VendorFailure(401, "invalid_authorization", "the access token is not good")
        }
        return nil
    }

    func body(of failure: VendorFailure) -> JSONValue {
        [
            "errors": [
                [
                    "error": [
                        "code": .string(failure.code), "message": .string(failure.message), "details": "",
                        "resource": .null, "field": .null,
                    ], "meta": ["type": "error", "links": [:]],
                ]
            ],
            "meta": ["type": "errors_collection", "http_status": .number(failure.status), "logref": "1", "links": [:]],
        ]
    }

    // MARK: Answers

    func answer(_ request: SimulatorRequest, _ session: DocumentSession, now: Timestamp) throws -> VendorAnswer {
        guard request.path.first == "v2" else { throw VendorFailure.noRoute }
        let path = Array(request.path.dropFirst())
        switch (request.method, path.first ?? "", path.dropFirst().first, path.dropFirst(2).first) {
        case (.get, "accounts", "self"?, nil):
            return VendorAnswer(Self.envelope(["id": 3021, "name": "Acme", "currency": "USD"], "account"))
        case (.get, "users", nil, nil):
            let users = owners.map {
                [
                    "id": .number($0.id), "name": .string($0.lastName), "email": .string($0.email),
                    "status": .string($0.isActive ? "active" : "inactive"), "role": "user",
                ] as JSONValue
            }
            let (page, size) = try Self.page(request)
            return collection(
                request, Array(users.dropFirst((page - 1) * size).prefix(size)), "user",
                hasNext: users.count > page * size)
        case (.get, let table, "custom_fields"?, nil) where tables.contains(table):
            return collection(request, Self.customFields(table), "custom_field", hasNext: false)
        case (.get, "deals", let id?, "associated_contacts"?):
            let found = try self.found("deals", id, session)
            return try list(
                "associated_contacts", request, .member("deal_id", .equals, .number(String(found.id))), session)
        case (.get, let table, nil, nil) where tables.contains(table):
            let isOrganization = request.query("is_organization").map {
                DocumentCondition.member("is_organization", .equals, .bool($0 == "true"))
            }
            return try list(table, request, isOrganization ?? .all, session)
        case (.get, let table, let id?, nil) where tables.contains(table):
            return VendorAnswer(Self.envelope(try found(table, id, session).document, String(table.dropLast())))
        case (.post, let table, nil, nil) where tables.contains(table):
            return try create(table, try request.json(), session, now)
        case (.put, let table, let id?, nil) where tables.contains(table):
            let stored = try found(table, id, session)
            let changed = stored.document.merging(try request.json()["data"] ?? [:])
                .merging(["updated_at": .string(now.wholeSeconds)])
            try session.replace(table, stored.id, with: changed, at: now)
            return VendorAnswer(Self.envelope(changed, String(table.dropLast())))
        case (.delete, let table, let id?, nil) where tables.contains(table):
            try session.erase(table, try found(table, id, session).id)
            return VendorAnswer(.null, status: 204)
        default: throw VendorFailure.noRoute
        }
    }

    private func list(
        _ table: String, _ request: SimulatorRequest, _ condition: DocumentCondition, _ session: DocumentSession
    ) throws -> VendorAnswer {
        let (page, size) = try Self.page(request)
        let sort = request.query("sort_by") ?? "updated_at:asc"
        let member = String(sort.prefix { $0 != ":" })
        let found = try session.documents(
            table, where: condition,
            order: table == "associated_contacts" ? .id : .member(member, descending: sort.hasSuffix(":desc")),
            offset: (page - 1) * size, limit: size + 1)
        return collection(
            request, found.prefix(size).map(\.document), String(table.dropLast()), hasNext: found.count > size)
    }

    private func create(
        _ table: String, _ body: JSONValue, _ session: DocumentSession, _ now: Timestamp
    ) throws -> VendorAnswer {
        let data = body["data"] ?? [:]
        if table == "contacts", data["last_name"] == nil, data["name"] == nil {
            throw VendorFailure(422, "cant_be_blank", "last_name or name must be given")
        }
        let number = try session.insert(table, data, at: now)
        let document = data.merging([
            "id": .number(String(number)), "created_at": .string(now.wholeSeconds),
            "updated_at": .string(now.wholeSeconds),
        ])
        try session.replace(table, number, with: document, at: now)
        return VendorAnswer(Self.envelope(document, String(table.dropLast())))
    }

    private func found(_ table: String, _ id: String, _ session: DocumentSession) throws -> StoredDocument {
        guard let number = Int64(id), let stored = try session.document(table, number) else {
            throw VendorFailure(404, "resource_not_found", "there is no such record")
        }
        return stored
    }

    private static func page(_ request: SimulatorRequest) throws -> (page: Int, size: Int) {
        (try request.number("page", 1, 1...1_000_000), try request.number("per_page", 25, 1...100))
    }

    private static func envelope(_ data: JSONValue, _ type: String) -> JSONValue {
        ["data": data, "meta": ["type": .string(type)]]
    }

    private func collection(
        _ request: SimulatorRequest, _ records: [JSONValue], _ type: String, hasNext: Bool
    ) -> VendorAnswer {
        var links: JSONValue = ["self": .string("https://api.getbase.com\(request.target)")]
        if hasNext {
            let next = (Int(request.query("page") ?? "1") ?? 1) + 1
            links = links.merging(["next_page": .string("https://api.getbase.com\(request.pathText)?page=\(next)")])
        }
        return VendorAnswer([
            "items": .array(records.map { Self.envelope($0, type) }),
            "meta": ["type": "collection", "count": .number(records.count), "links": links],
        ])
    }

    private static func customFields(_ table: String) -> [JSONValue] {
        switch table {
        case "contacts":
            [["id": 1, "name": "Industry", "type": "string"], ["id": 2, "name": "Lifecycle stage", "type": "string"]]
        case "deals":
            [
                [
                    "id": 3, "name": "Priority", "type": "list",
                    "choices": [["id": 1, "name": "low"], ["id": 2, "name": "high"]],
                ]
            ]
        default: []
        }
    }

    // MARK: What is there

    /// Companies are contacts, too, so their ids are apart.
    static func organization(_ id: Int) -> Int { 500_000_000 + id }

    func seed(_ session: DocumentSession, _ crm: SyntheticCRM) throws {
        func insert(_ table: String, _ id: Int, _ record: some SyntheticRecord, _ more: JSONValue) throws {
            let document: JSONValue = [
                "id": .number(id), "created_at": .string(record.createdAt.wholeSeconds),
                "updated_at": .string(record.updatedAt.wholeSeconds),
            ]
            try session.insert(table, document.merging(more), at: record.createdAt, id: Int64(id))
        }
        func owner(_ id: String?) -> JSONValue { crm.owner(id).map { .number($0.id) } ?? .null }
        func organization(_ kind: LinkKind, _ index: Int) -> JSONValue {
            crm.first(kind, from: index).map { .number(Self.organization($0)) } ?? .null
        }
        try crm.eachLive(Company.self) { company in
            try insert(
                "contacts", Self.organization(company.id), company,
                [
                    "is_organization": true, "name": .optional(company[.name]), "website": .optional(company[.website]),
                    "phone": .optional(company[.phone]), "owner_id": owner(company[.owner]),
                    "address": [
                        "line1": .optional(company[.address]), "city": .optional(company[.city]),
                        "postal_code": .optional(company[.zip]), "country": .optional(company[.country]),
                    ], "custom_fields": ["Industry": .optional(company[.industry])],
                ])
        }
        try crm.eachLive(Contact.self) { person in
            try insert(
                "contacts", person.id, person,
                [
                    "is_organization": false, "first_name": .optional(person[.firstname]),
                    "last_name": .optional(person[.lastname]), "title": .optional(person[.jobtitle]),
                    "email": .optional(person[.email]), "phone": .optional(person[.phone]),
                    "mobile": .optional(person[.mobilephone]), "owner_id": owner(person[.owner]),
                    "contact_id": organization(.contactToCompany, person.index),
                    "custom_fields": ["Lifecycle stage": .optional(person[.lifecyclestage])],
                ])
        }
        try crm.eachLive(Deal.self) { deal in
            let people = crm.live(.dealToContact, from: deal.index)
            try insert(
                "deals", deal.id, deal,
                [
                    "name": .optional(deal[.dealname]),
                    // A deal that nobody gave a value to has none of it, not none at all.
                    "value": .string(deal[.amount].flatMap { $0.isEmpty ? nil : $0 } ?? "0"),
                    "currency": .optional(deal[.currency]), "owner_id": owner(deal[.owner]), "hot": false,
                    "contact_id": people.first.map { .number($0.toID) } ?? .null,
                    "organization_id": organization(.dealToCompany, deal.index),
                    "custom_fields": ["Priority": .optional(deal[.priority])],
                ])
            for person in people {
                try session.insert(
                    "associated_contacts",
                    [
                        "deal_id": .number(deal.id), "contact_id": .number(person.toID),
                        "role": .string(person.labels.first ?? "involved"),
                        "created_at": .string(deal.createdAt.wholeSeconds),
                    ], at: deal.createdAt)
            }
        }
        func resource(_ contact: LinkKind, _ company: LinkKind, _ deal: LinkKind, _ index: Int) -> JSONValue {
            if let id = crm.first(deal, from: index) { return ["resource_type": "deal", "resource_id": .number(id)] }
            if let id = crm.first(contact, from: index) {
                return ["resource_type": "contact", "resource_id": .number(id)]
            }
            return ["resource_type": "contact", "resource_id": organization(company, index)]
        }
        try crm.eachLive(Note.self) { note in
            let content: JSONValue = ["content": .optional(note[.body]), "creator_id": owner(note[.owner])]
            try insert(
                "notes", note.id, note,
                content.merging(resource(.noteToContact, .noteToCompany, .noteToDeal, note.index)))
        }
        try crm.eachLive(CRMTask.self) { task in
            let content: JSONValue = [
                "content": .optional(task[.subject]), "owner_id": owner(task[.owner]),
                "completed": .bool(task[.isCompleted] == "true"), "due_date": .optional(task[.timestamp]),
            ]
            try insert(
                "tasks", task.id, task,
                content.merging(resource(.taskToContact, .taskToCompany, .taskToDeal, task.index)))
        }
        try crm.eachLive(Call.self) { call in
            let content: JSONValue = [
                "summary": .optional(call[.body]), "user_id": owner(call[.owner]),
                "phone_number": .optional(call[.toNumber]), "made_at": .string(call.createdAt.wholeSeconds),
                "incoming": .bool(call[.direction] == "INBOUND"),
            ]
            try insert(
                "calls", call.id, call,
                content.merging(resource(.callToContact, .callToCompany, .callToDeal, call.index)))
        }
    }
}
