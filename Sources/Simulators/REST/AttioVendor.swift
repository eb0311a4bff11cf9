// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Attio: values are lists of entries with a history, ids are objects of several, pages are skipped through.
///
/// Source: Attio's OpenAPI document, version 2.0.0.
struct AttioVendor: SimulatedVendor {
    let tables = ["companies", "people", "deals", "notes", "tasks", AttioVendor.addedAttributes]
    private static let recordTables: Set = ["companies", "people", "deals"]
    private let options: RESTSimulator.Options
    let owners: [Owner]

    init(_ options: RESTSimulator.Options, _ crm: SyntheticCRM) {
        self.options = options
        owners = crm.owners
    }

    func refusal(of request: SimulatorRequest, now: Timestamp) -> VendorFailure? {
        guard let token = request.credential("Bearer"), options.key == nil || options.key == token else {
            return VendorFailure(401, "unauthorized", "the token is not good")
        }
        return nil
    }

    func body(of failure: VendorFailure) -> JSONValue {
        [
            "status_code": .number(failure.status),
            "type": .string(failure.status == 401 ? "auth_error" : "invalid_request_error"),
            "code": .string(failure.code), "message": .string(failure.message),
        ]
    }

    func isWrite(_ request: SimulatorRequest) -> Bool { request.method != .get && request.path.last != "query" }

    /// The time to come back is a date.
    func throttle(after wait: Duration, now: Timestamp) -> VendorFailure {
        var failure = VendorFailure(429, "rate_limit_exceeded", "too many requests")
        failure.headers = [("Retry-After", RetryAfterText.date(wait + .seconds(1)).value(at: now))]
        return failure
    }

    // MARK: Answers

    func answer(_ request: SimulatorRequest, _ session: DocumentSession, now: Timestamp) throws -> VendorAnswer {
        guard request.path.first == "v2" else { throw VendorFailure.noRoute }
        let path = Array(request.path.dropFirst())
        switch (request.method, path.count, path.first ?? "") {
        case (.get, 1, "self"):
            return VendorAnswer([
                "active": true, "scope": "record_permission:read object_configuration:read note:read task:read",
                "client_id": "c1", "token_type": "Bearer", "exp": .null, "iat": 1_700_000_000,
                "sub": .string(Self.workspace), "aud": "c1", "iss": "attio.com", "token_level": "workspace",
                "workspace_id": .string(Self.workspace), "workspace_name": "Acme", "workspace_slug": "acme",
                "workspace_logo_url": .null,
                "authorized_by_workspace_member_id": .string(Self.id(0, 1)),
            ])
        case (.get, 1, "workspace_members"):
            let members = owners.map { owner in
                [
                    "id": [
                        "workspace_id": .string(Self.workspace), "workspace_member_id": .string(Self.id(0, owner.id)),
                    ],
                    "email_address": .string(owner.email),
                    "access_level": .string(owner.isActive ? "member" : "suspended"),
                    "created_at": "2020-01-01T00:00:00.000000000Z",
                    "first_name": .string(owner.firstName), "last_name": .string(owner.lastName), "avatar_url": .null,
                ] as JSONValue
            }
            return VendorAnswer(["data": .array(members)])
        case (.get, 1, "notes"), (.get, 1, "tasks"):
            let range = path[0] == "notes" ? 1...50 : 1...500
            return try list(
                path[0], try request.number("limit", path[0] == "notes" ? 10 : 500, range),
                try request.number("offset", 0, 0...Int.max), session)
        case (.get, 2, "notes"), (.get, 2, "tasks"):
            return VendorAnswer(["data": try found(path[0], path[1], session).document])
        case (_, 3..., "objects"): return try objects(request, Array(path.dropFirst()), session, now)
        default: throw VendorFailure.noRoute
        }
    }

    private func objects(
        _ request: SimulatorRequest, _ path: [String], _ session: DocumentSession, _ now: Timestamp
    ) throws -> VendorAnswer {
        let table = path[0]
        guard Self.recordTables.contains(table) else { throw VendorFailure.notFound("object") }
        switch (request.method, path[1], path.dropFirst(2).first) {
        case (.get, "attributes", nil):
            return VendorAnswer(["data": .array(try Self.attributes(table) + added(table, session))])
        case (.post, "attributes", nil): return try createAttribute(table, try request.json(), session, now)
        case (.post, "records", "query"?):
            let body = request.body.isEmpty ? [:] : try request.json()
            let (limit, offset) = (
                try body.number("limit", 500, 1...500), try body.number("offset", 0, 0...Int.max)
            )
            guard let filter = body["filter"], !filter.members.isEmpty else {
                return try list(table, limit, offset, session)
            }
            return try filtered(table, filter, limit, offset, session)
        case (.get, "records", let id?):
            return VendorAnswer(["data": Self.shown(try found(table, id, session).document)])
        case (.post, "records", nil): return try createRecord(table, try request.json(), session, now)
        case (.put, "records", nil):
            let slug = request.query("matching_attribute")
            return try assertRecord(table, matching: slug, try request.json(), session, now)
        case (.put, "records", let id?), (.patch, "records", let id?):
            return try updateRecord(
                table, try found(table, id, session), try request.json(), appends: request.method == .patch, session,
                now)
        case (.delete, "records", let id?):
            try session.erase(table, try found(table, id, session).id)
            return VendorAnswer([:])
        default: throw VendorFailure.noRoute
        }
    }

    private func list(
        _ table: String, _ limit: Int, _ offset: Int, _ session: DocumentSession
    ) throws -> VendorAnswer {
        let found = try session.documents(table, order: .member("created_at"), offset: offset, limit: limit)
        return VendorAnswer(["data": .array(found.map { Self.shown($0.document) })])
    }

    func found(_ table: String, _ id: String, _ session: DocumentSession) throws -> StoredDocument {
        guard let number = Int64(id.suffix(12)), Self.id(Self.number(table), Int(number)) == id,
            let stored = try session.document(table, number)
        else { throw VendorFailure(404, "not_found", "there is no such record") }
        return stored
    }

    // MARK: Forms

    private static let workspace = "14beef7a-99f7-4534-a87e-70b564330a4c"

    /// Ids look like UUIDs; the last group is the number.
    static func id(_ kind: Int, _ number: Int) -> String {
        let digits = String(number)
        return "00000000-0000-4000-800\(kind)-" + String(repeating: "0", count: 12 - digits.count) + digits
    }

    private static func number(_ table: String) -> Int {
        (["companies", "people", "deals", "notes", "tasks"].firstIndex(of: table) ?? 0) + 1
    }

    static func record(_ table: String, _ number: Int, _ values: JSONValue, _ created: Timestamp) -> JSONValue {
        [
            "id": [
                "workspace_id": .string(workspace), "object_id": .string(id(9, Self.number(table))),
                "record_id": .string(id(Self.number(table), number)),
            ], "created_at": .string(nanoseconds(created)),
            "web_url": .string("https://app.attio.com/acme/\(table)/record/\(number)"), "values": values,
        ]
    }

    private static func nanoseconds(_ instant: Timestamp) -> String {
        String(instant.description.dropLast()) + "000000Z"
    }

    /// An entry as it is shown, by the kind of its attribute.
    static func entry(_ slug: String, _ value: JSONValue, _ since: Timestamp) -> JSONValue {
        let content: JSONValue
        switch slug {
        case "email_addresses":
            let address = value["email_address"] ?? value
            content = [
                "attribute_type": "email-address", "email_address": address, "original_email_address": address,
                "email_domain": "example.test", "email_root_domain": "example.test", "email_local_specifier": "x",
            ]
        case "phone_numbers":
            content = [
                "attribute_type": "phone-number", "phone_number": value, "original_phone_number": value,
                "country_code": "US",
            ]
        case "domains": content = ["attribute_type": "domain", "domain": value, "root_domain": value]
        case "company", "associated_company", "associated_people":
            content = [
                "attribute_type": "record-reference",
                "target_object": .string(slug == "associated_people" ? "people" : "companies"),
                "target_record_id": value["target_record_id"] ?? value,
            ]
        case "owner":
            content = [
                "attribute_type": "actor-reference", "referenced_actor_type": "workspace-member",
                "referenced_actor_id": value["referenced_actor_id"] ?? value,
            ]
        case "value":
            content = [
                "attribute_type": "currency", "currency_value": value["currency_value"] ?? value,
                "currency_code": value["currency_code"] ?? "USD",
            ]
        case "stage": content = ["attribute_type": "status", "status": ["title": value, "is_archived": false]]
        case "industry": content = ["attribute_type": "select", "option": ["title": value, "is_archived": false]]
        case "primary_location": content = value
        // A person's name has parts.
        case "name" where !value.members.isEmpty: content = value.merging(["attribute_type": "personal-name"])
        default: content = ["attribute_type": "text", "value": value]
        }
        let history: JSONValue = [
            "active_from": .string(nanoseconds(since)), "active_until": .null,
            "created_by_actor": ["type": "api-token", "id": "1"],
        ]
        return history.merging(content)
    }

    static func attribute(
        _ table: String, _ slug: String, _ title: String, _ type: String, isArchived: Bool = false,
        isUnique: Bool? = nil
    ) -> JSONValue {
        [
            "api_slug": .string(slug), "title": .string(title), "type": .string(type),
            "is_archived": .bool(isArchived), "is_required": false,
            "is_unique": .bool(isUnique ?? (uniqueSlugs[table]?.contains(slug) == true)), "is_writable": true,
            "is_multiselect": false, "is_system_attribute": false, "is_default_value_enabled": false,
            "default_value": .null, "relationship": .null, "description": .null,
            "created_at": "2020-01-01T00:00:00.000000000Z",
            "id": [
                "workspace_id": .string(workspace), "object_id": .string(id(9, Self.number(table))),
                "attribute_id": .string(slug),
            ],
            "config": [
                "currency": ["default_currency_code": .null, "display_type": .null],
                "record_reference": ["allowed_object_ids": .null],
            ],
        ]
    }

    private static func attributes(_ table: String) -> [JSONValue] {
        func attribute(_ slug: String, _ title: String, _ type: String, isArchived: Bool = false) -> JSONValue {
            Self.attribute(table, slug, title, type, isArchived: isArchived)
        }
        let common = [attribute("name", "Name", table == "people" ? "personal-name" : "text")]
        switch table {
        case "companies":
            return common + [
                attribute("domains", "Domains", "domain"), attribute("industry", "Industry", "select"),
                attribute("old_tier", "Old tier", "text", isArchived: true),
            ]
        case "people":
            return common + [
                attribute("email_addresses", "Email addresses", "email-address"),
                attribute("lifecycle", "Lifecycle", "text"),
            ]
        default: return common + [attribute("priority", "Priority", "text")]
        }
    }

    /// The slugs that records of a table have values of.
    static func valueSlugs(_ table: String) -> [String] {
        switch table {
        case "companies": ["name", "domains", "description", "primary_location", "industry"]
        case "people":
            [
                "name", "email_addresses", "phone_numbers", "job_title", "description", "company", "lifecycle",
            ]
        default: ["name", "stage", "value", "owner", "priority", "associated_company", "associated_people"]
        }
    }

    // MARK: What is there

    func seed(_ session: DocumentSession, _ crm: SyntheticCRM) throws {
        func insert(
            _ table: String, _ record: some SyntheticRecord, _ values: [(slug: String, values: [JSONValue])]
        ) throws {
            let entries = values.map { slug, values in
                JSONValue.Member(slug, .array(values.map { Self.entry(slug, $0, record.createdAt) }))
            }
            try session.insert(
                table,
                Self.kept(
                    Self.record(table, record.id, .object(entries), record.createdAt), Self.uniqueSlugs[table] ?? []),
                at: record.createdAt, id: Int64(record.id))
        }
        func one(_ text: String?) -> [JSONValue] { text.map { [.string($0)] } ?? [] }
        func references(_ kind: LinkKind, _ index: Int) -> [JSONValue] {
            let table = kind.to == .company ? 1 : 2
            return crm.live(kind, from: index).map { .string(Self.id(table, $0.toID)) }
        }
        func owner(_ id: String?) -> [JSONValue] { crm.owner(id).map { [.string(Self.id(0, $0.id))] } ?? [] }
        try crm.eachLive(Company.self) { company in
            let location: JSONValue = [
                "attribute_type": "location", "locality": .optional(company[.city]),
                "region": .optional(company[.state]), "postcode": .optional(company[.zip]),
            ]
            try insert(
                "companies", company,
                [
                    ("name", one(company[.name])), ("domains", one(company[.domain])),
                    ("description", one(company[.description])), ("primary_location", [location]),
                    ("industry", one(company[.industry])),
                ])
        }
        try crm.eachLive(Contact.self) { person in
            let name: JSONValue = [
                "attribute_type": "personal-name", "first_name": .string(person[.firstname] ?? ""),
                "last_name": .string(person[.lastname] ?? ""),
                "full_name": .string([person[.firstname], person[.lastname]].compactMap { $0 }.joined(separator: " ")),
            ]
            try insert(
                "people", person,
                [
                    ("email_addresses", one(person[.email])), ("phone_numbers", one(person[.phone])),
                    ("job_title", one(person[.jobtitle])), ("lifecycle", one(person[.lifecyclestage])),
                    ("company", Array(references(.contactToCompany, person.index).prefix(1))), ("name", [name]),
                ])
        }
        try crm.eachLive(Deal.self) { deal in
            try insert(
                "deals", deal,
                [
                    ("name", one(deal[.dealname])), ("stage", one(deal[.dealstage])), ("owner", owner(deal[.owner])),
                    ("priority", one(deal[.priority])),
                    ("associated_company", Array(references(.dealToCompany, deal.index).prefix(1))),
                    ("associated_people", references(.dealToContact, deal.index)),
                ])
        }
        try crm.eachLive(Note.self) { note in
            var parent: (table: String, id: String)?
            for (kind, table) in [
                (LinkKind.noteToContact, "people"), (.noteToCompany, "companies"), (.noteToDeal, "deals"),
            ] {
                if parent == nil, let id = crm.first(kind, from: note.index) {
                    parent = (table, Self.id(Self.number(table), id))
                }
            }
            // A note always has a parent.
            guard let parent else { return }
            try session.insert(
                "notes",
                [
                    "id": ["workspace_id": .string(Self.workspace), "note_id": .string(Self.id(4, note.id))],
                    "parent_object": .string(parent.table), "parent_record_id": .string(parent.id),
                    "title": .string("Note \(note.index)"), "meeting_id": .null, "tags": [],
                    "content_plaintext": .string(note[.body] ?? ""), "content_markdown": .string(note[.body] ?? ""),
                    "created_by_actor": ["type": "workspace-member", "id": owner(note[.owner]).first ?? .null],
                    "created_at": .string(Self.nanoseconds(note.createdAt)),
                ], at: note.createdAt, id: Int64(note.id))
        }
        try crm.eachLive(CRMTask.self) { task in
            var linked: [JSONValue] = []
            for (kind, table) in [
                (LinkKind.taskToContact, "people"), (.taskToCompany, "companies"), (.taskToDeal, "deals"),
            ] {
                linked += crm.live(kind, from: task.index).map {
                    [
                        "target_object_id": .string(table),
                        "target_record_id": .string(Self.id(Self.number(table), $0.toID)),
                    ]
                }
            }
            try session.insert(
                "tasks",
                [
                    "id": ["workspace_id": .string(Self.workspace), "task_id": .string(Self.id(5, task.id))],
                    "content_plaintext": .string(task[.subject] ?? ""), "completed_at": .null,
                    "created_by_actor": ["type": "api-token", "id": "1"], "deadline_at": .optional(task[.timestamp]),
                    "is_completed": .bool(task[.isCompleted] == "true"), "linked_records": .array(linked),
                    "assignees": .array(
                        owner(task[.owner]).map {
                            ["referenced_actor_type": "workspace-member", "referenced_actor_id": $0]
                        }), "created_at": .string(Self.nanoseconds(task.createdAt)),
                ], at: task.createdAt, id: Int64(task.id))
        }
    }
}
