// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Close: leads are companies, every path ends with a slash, lists are skipped through up to some depth.
///
/// Sources: developer.close.com, "Pagination", "Rate Limits", "Authentication with OAuth".
struct CloseVendor: SimulatedVendor {
    let tables = ["lead", "contact", "opportunity", "note", "call", "meeting", "task"]
    private let options: RESTSimulator.Options
    private let tokens: TokenDesk
    private let owners: [Owner]

    init(_ options: RESTSimulator.Options, _ crm: SyntheticCRM) {
        self.options = options
        tokens = TokenDesk(lifetime: options.tokenLifetime)
        owners = crm.owners
    }

    // MARK: Access

    func unlimited(_ request: SimulatorRequest, now: Timestamp) throws -> VendorAnswer? {
        request.path == ["oauth2", "token"] ? try tokens.answer(request, now: now) : nil
    }

    func isWrite(_ request: SimulatorRequest) -> Bool { request.method != .get && request.path.first != "oauth2" }

    func refusal(of request: SimulatorRequest, now: Timestamp) -> VendorFailure? {
        if let token = request.credential("Bearer") {
            return tokens.isGood(token, now: now) ? nil : VendorFailure(401, "unauthorized", "the token is not good")
        }
        guard let pair = request.credential("Basic") else {
            return VendorFailure(401, "unauthorized", "there is no API key")
        }
        // RFC 7617: the key, a colon and no password.
        let wanted = options.key.map { Base64.encoded(Array("\($0):".utf8)) }
        return wanted == nil || wanted == pair ? nil : VendorFailure(401, "unauthorized", "the key is not good")
    }

    func body(of failure: VendorFailure) -> JSONValue {
        var body: JSONValue = ["error": .string(failure.message)]
        if let wait = failure.wait {
            body = ["error": body.merging(["rate_reset": .number(wait)]), "rate_reset": .number(wait)]
        }
        return body
    }

    func throttle(after wait: Duration, now: Timestamp) -> VendorFailure {
        var failure = VendorFailure(429, "rate_limited", "too many requests")
        failure.wait = max(1, Int(wait.components.seconds) + 1)
        return failure
    }

    func limitHeaders(_ allowance: RequestAllowance, remaining: Int) -> [(String, String)] {
        let reset = allowance.window.components.seconds
        return [("RateLimit", "limit=\(allowance.limit), remaining=\(remaining), reset=\(reset)")]
    }

    // MARK: Answers

    func answer(_ request: SimulatorRequest, _ session: DocumentSession, now: Timestamp) throws -> VendorAnswer {
        guard request.pathText.hasSuffix("/"), request.path.starts(with: ["api", "v1"]) else {
            throw VendorFailure.noRoute
        }
        var path = request.path.dropFirst(2)
        switch path.first {
        case "me": return VendorAnswer(me)
        case "organization": return VendorAnswer(organization)
        case "custom_field_schema":
            return VendorAnswer(["fields": .array(path.last == "lead" ? [Self.industry] : [])])
        case "activity": path = path.dropFirst()
        default: break
        }
        guard let table = path.first, tables.contains(table) else { throw VendorFailure.noRoute }
        switch (request.method, path.dropFirst().first) {
        case (.get, nil): return try list(table, request, session)
        case (.post, nil):
            guard table != "meeting" else { throw VendorFailure(405, "not_allowed", "meetings come from calendars") }
            return try create(table, request, session, now)
        case (.get, let id?): return VendorAnswer(try found(table, id, session).document)
        case (.put, let id?):
            let stored = try found(table, id, session)
            let changed = stored.document.merging(try request.json())
                .merging(["date_updated": .string(now.microseconds)])
            try session.replace(table, stored.id, with: changed, at: now)
            return VendorAnswer(changed)
        case (.delete, let id?):
            try session.erase(table, try found(table, id, session).id)
            return VendorAnswer([:])
        default: throw VendorFailure(405, "not_allowed", "the method is not allowed")
        }
    }

    private func list(
        _ table: String, _ request: SimulatorRequest, _ session: DocumentSession
    ) throws -> VendorAnswer {
        let limit = try request.number("_limit", 100, 1...100)
        let skip = try request.number("_skip", 0, 0...options.depthMax)
        var conditions: [DocumentCondition] = []
        if let from = request.query("date_created__gte") {
            conditions.append(.member("date_created", .greaterOrEqual, .string(from)))
        }
        if let to = request.query("date_created__lte") {
            conditions.append(.member("date_created", .lessOrEqual, .string(to)))
        }
        if let lead = request.query("lead_id") { conditions.append(.member("lead_id", .equals, .string(lead))) }
        let isActivity = ["note", "call", "meeting"].contains(table)
        let order = request.query("_order_by") ?? (isActivity ? "-date_created" : "id")
        let found = try session.documents(
            table, where: .and(conditions),
            order: order == "id" ? .id : .member("date_created", descending: order.hasPrefix("-")),
            offset: skip, limit: limit + 1)
        return VendorAnswer([
            "data": .array(found.prefix(limit).map(\.document)), "has_more": .bool(found.count > limit),
        ])
    }

    private func create(
        _ table: String, _ request: SimulatorRequest, _ session: DocumentSession, _ now: Timestamp
    ) throws -> VendorAnswer {
        let body = try request.json()
        if table == "opportunity", body["lead_id"] == nil {
            throw VendorFailure(400, "invalid", "lead_id: this field is required")
        }
        let number = try session.insert(table, body, at: now)
        var document = body.merging([
            "id": .string(Self.id(table, Int(number))), "date_created": .string(now.microseconds),
            "date_updated": .string(now.microseconds),
        ])
        // A contact belongs to a lead; without one, it gets one of its own.
        if table == "contact", body["lead_id"] == nil {
            let lead = try session.insert("lead", [:], at: now)
            let id = Self.id("lead", Int(lead))
            let new: JSONValue = [
                "id": .string(id), "name": body["name"] ?? .null, "date_created": .string(now.microseconds),
                "date_updated": .string(now.microseconds),
            ]
            try session.replace("lead", lead, with: new, at: now)
            document = document.merging(["lead_id": .string(id)])
        }
        try session.replace(table, number, with: document, at: now)
        return VendorAnswer(document)
    }

    private func found(_ table: String, _ id: String, _ session: DocumentSession) throws -> StoredDocument {
        guard let number = Int64(id.drop { $0 != "_" }.dropFirst()), let stored = try session.document(table, number),
            stored.document["id"]?.text == id
        else { throw VendorFailure.notFound(table) }
        return stored
    }

    private var me: JSONValue {
        ["id": "user_1", "email": "admin@acme.test", "organizations": [["id": "orga_1", "name": "Acme"]]]
    }

    private var organization: JSONValue {
        func members(_ isActive: Bool) -> JSONValue {
            .array(
                owners.filter { $0.isActive == isActive }.map {
                    ["user_id": .string(Self.user($0)), "user_email": .string($0.email)]
                })
        }
        return ["id": "orga_1", "memberships": members(true), "inactive_memberships": members(false)]
    }

    private static let industry: JSONValue = [
        "id": "cf_industry", "name": "Industry", "type": "text", "accepts_multiple_values": false,
    ]

    // MARK: What is there

    func seed(_ session: DocumentSession, _ crm: SyntheticCRM) throws {
        func insert(_ table: String, _ record: some SyntheticRecord, _ more: JSONValue) throws {
            let document: JSONValue = [
                "id": .string(Self.id(table, record.id)), "date_created": .string(record.createdAt.microseconds),
                "date_updated": .string(record.updatedAt.microseconds),
            ]
            try session.insert(table, document.merging(more), at: record.createdAt, id: Int64(record.id))
        }
        // Whatever belongs to no company hangs on this lead.
        try session.insert(
            "lead",
            [
                "id": .string(Self.id("lead", 1)), "name": "Nobody's",
                "date_created": "2014-01-01T00:00:00.000000+00:00",
                "date_updated": "2014-01-01T00:00:00.000000+00:00",
            ], at: Timestamp(milliseconds: 0), id: 1)
        func lead(_ kind: LinkKind, _ index: Int) -> JSONValue {
            .string(Self.id("lead", crm.first(kind, from: index) ?? 1))
        }
        func contact(_ kind: LinkKind, _ index: Int) -> JSONValue {
            .optional(crm.first(kind, from: index).map { Self.id("contact", $0) })
        }
        func user(_ id: String?) -> JSONValue { .optional(crm.owner(id).map(Self.user)) }
        try crm.eachLive(Company.self) { company in
            try insert(
                "lead", company,
                [
                    "name": .optional(company[.name]), "display_name": .string(company[.name] ?? "Untitled"),
                    "description": .optional(company[.description]), "url": .optional(company[.website]),
                    "status_label": "Potential", "custom.cf_industry": .optional(company[.industry]),
                    "addresses": [
                        [
                            "label": "business", "address_1": .optional(company[.address]),
                            "city": .optional(company[.city]), "state": .optional(company[.state]),
                            "zipcode": .optional(company[.zip]), "country": .optional(company[.country]),
                        ]
                    ],
                ])
        }
        try crm.eachLive(Contact.self) { person in
            let emails = [person[.email]].compactMap { $0 }.map {
                ["type": "office", "email": .string($0)] as JSONValue
            }
            let phones = [("office", person[.phone]), ("mobile", person[.mobilephone])].compactMap { type, phone in
                phone.map { ["type": .string(type), "phone": .string($0)] as JSONValue }
            }
            try insert(
                "contact", person,
                [
                    "lead_id": lead(.contactToCompany, person.index),
                    "name": .string([person[.firstname], person[.lastname]].compactMap { $0 }.joined(separator: " ")),
                    "title": .optional(person[.jobtitle]), "emails": .array(emails), "phones": .array(phones),
                    "urls": [],
                ])
        }
        try crm.eachLive(Deal.self) { deal in
            try insert(
                "opportunity", deal,
                [
                    "lead_id": lead(.dealToCompany, deal.index), "contact_id": contact(.dealToContact, deal.index),
                    "note": .optional(deal[.description]), "status_label": .optional(deal[.dealstage]),
                    "pipeline_name": .optional(deal[.pipeline]), "user_id": user(deal[.owner]),
                    // In cents.
                    "value": deal[.amount].flatMap { Double($0) }.map { .number(Int($0 * 100)) } ?? .null,
                    "value_currency": .optional(deal[.currency]),
                ])
        }
        try crm.eachLive(Note.self) { note in
            try insert(
                "note", note,
                [
                    "_type": "Note", "note": .optional(note[.body]), "user_id": user(note[.owner]),
                    "lead_id": lead(.noteToCompany, note.index), "contact_id": contact(.noteToContact, note.index),
                    "activity_at": .string(note.createdAt.microseconds),
                ])
        }
        try crm.eachLive(CRMTask.self) { task in
            try insert(
                "task", task,
                [
                    "_type": "lead", "text": .optional(task[.subject]), "assigned_to": user(task[.owner]),
                    "lead_id": lead(.taskToCompany, task.index), "contact_id": contact(.taskToContact, task.index),
                    "is_complete": .bool(task[.isCompleted] == "true"), "date": .optional(task[.timestamp]),
                ])
        }
        try crm.eachLive(Call.self) { call in
            try insert(
                "call", call,
                [
                    "_type": "Call", "note": .optional(call[.body]), "user_id": user(call[.owner]),
                    "lead_id": lead(.callToCompany, call.index), "contact_id": contact(.callToContact, call.index),
                    "direction": .string(call[.direction] == "INBOUND" ? "inbound" : "outbound"),
                    "duration": call[.duration].flatMap { Int($0) }.map { .number($0 / 1000) } ?? .null,
                    "activity_at": .string(call.createdAt.microseconds),
                ])
        }
        try crm.eachLive(Meeting.self) { meeting in
            let attendees = crm.live(.meetingToContact, from: meeting.index).map { link in
                ["contact_id": .string(Self.id("contact", link.toID)), "status": "yes"] as JSONValue
            }
            try insert(
                "meeting", meeting,
                [
                    "_type": "Meeting", "title": .optional(meeting[.title]), "note": .optional(meeting[.body]),
                    "user_id": user(meeting[.owner]), "lead_id": lead(.meetingToCompany, meeting.index),
                    "attendees": .array(attendees), "starts_at": .optional(meeting[.startTime]),
                    "ends_at": .optional(meeting[.endTime]), "activity_at": .string(meeting.createdAt.microseconds),
                ])
        }
    }

    static func id(_ table: String, _ number: Int) -> String {
        let prefix = ["lead": "lead", "contact": "cont", "opportunity": "oppo", "task": "task"][table] ?? "acti"
        return "\(prefix)_\(number)"
    }

    private static func user(_ owner: Owner) -> String { "user_\(owner.id)" }
}
