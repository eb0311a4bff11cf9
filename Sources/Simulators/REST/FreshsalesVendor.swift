// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Freshsales: records are seen through views, pages are numbered and counted, the allowance is of the hour.
///
/// Sources: developers.freshworks.com/crm/api; crmsupport.freshworks.com on rate limits.
struct FreshsalesVendor: SimulatedVendor {
    let tables = ["sales_accounts", "contacts", "deals", "tasks", "appointments"]
    private let options: RESTSimulator.Options
    private let owners: [Owner]

    init(_ options: RESTSimulator.Options, _ crm: SyntheticCRM) {
        self.options = options
        owners = crm.owners
    }

    func refusal(of request: SimulatorRequest, now: Timestamp) -> VendorFailure? {
        guard let header = request.headers["Authorization"], header.hasPrefix("Token token="),
            options.key == nil || header == "Token token=\(options.key ?? "")"
        else { return VendorFailure(401, "unauthorized", "login failed") }
        return nil
    }

    func body(of failure: VendorFailure) -> JSONValue {
        ["errors": ["code": .number(failure.status), "message": [.string(failure.message)]]]
    }

    func throttle(after wait: Duration, now: Timestamp) -> VendorFailure {
        var failure = VendorFailure(429, "429", "too many requests")
        failure.headers = [("Retry-After", String(max(1, wait.components.seconds)))]
        // The hour is used up, not a moment's burst.
        if wait > .seconds(60), let rate = options.rate {
            failure.headers += [("X-RateLimit-Limit", String(rate.requests)), ("X-RateLimit-Remaining", "0")]
        }
        return failure
    }

    func limitHeaders(_ allowance: RequestAllowance, remaining: Int) -> [(String, String)] {
        [("X-RateLimit-Limit", String(allowance.limit)), ("X-RateLimit-Remaining", String(remaining))]
    }

    // MARK: Answers

    func answer(_ request: SimulatorRequest, _ session: DocumentSession, now: Timestamp) throws -> VendorAnswer {
        guard request.path.starts(with: ["crm", "sales", "api"]), request.method == .get else {
            throw VendorFailure.noRoute
        }
        let path = Array(request.path.dropFirst(3))
        switch (path.first ?? "", path.dropFirst().first, path.dropFirst(2).first) {
        case ("selector", "owners"?, nil):
            let users = owners.map {
                [
                    "id": .number($0.id), "display_name": .string($0.lastName), "email": .string($0.email),
                    "is_active": .bool($0.isActive),
                ] as JSONValue
            }
            return VendorAnswer(["users": .array(users)])
        case ("settings", let table?, "fields"?): return VendorAnswer(["fields": .array(Self.fields(table))])
        case (let table, "filters"?, nil) where Self.views[table] != nil:
            let name = Self.views[table] ?? ""
            return VendorAnswer([
                "filters": [["id": 7001, "name": "My own"], ["id": .number(Self.viewID), "name": .string(name)]]
            ])
        case (let table, "view"?, let view?) where Self.views[table] != nil:
            guard view == String(Self.viewID) else { throw VendorFailure.notFound("view") }
            return try list(table, request, .all, session)
        case (let table, nil, nil) where table == "tasks" || table == "appointments":
            let filter = request.query("filter") ?? ""
            guard ["open", "completed", "past", "upcoming"].contains(filter) else {
                throw VendorFailure(400, "400", "filter is not valid")
            }
            return try list(table, request, .member("kept_as", .equals, .string(filter)), session)
        case (let table, let id?, nil) where tables.contains(table):
            guard let number = Int64(id), let stored = try session.document(table, number) else {
                throw VendorFailure.notFound("record")
            }
            return VendorAnswer([String(table.dropLast()): shown(stored.document, request)])
        default: throw VendorFailure.noRoute
        }
    }

    private func list(
        _ table: String, _ request: SimulatorRequest, _ condition: DocumentCondition, _ session: DocumentSession
    ) throws -> VendorAnswer {
        let size = try request.number("per_page", 25, 1...100)
        let page = try request.number("page", 1, 1...1_000_000)
        let total = try session.count(table, where: condition)
        let order: DocumentOrder = request.query("sort") == "created_at" ? .member("created_at") : .id
        let found = try session.documents(table, where: condition, order: order, offset: (page - 1) * size, limit: size)
        return VendorAnswer([
            table: .array(found.map { shown($0.document, request) }),
            "meta": ["total_pages": .number((total + size - 1) / size), "total": .number(total)],
        ])
    }

    /// Accounts of a contact come only if they are asked for.
    private func shown(_ document: JSONValue, _ request: SimulatorRequest) -> JSONValue {
        let hidden = request.queryList("include").contains("sales_accounts") ? [] : ["sales_accounts"]
        return .object(document.members.filter { !hidden.contains($0.key) && $0.key != "kept_as" })
    }

    private static let viewID = 7002
    private static let views = ["sales_accounts": "All Accounts", "contacts": "All Contacts", "deals": "All Deals"]

    private static func fields(_ table: String) -> [JSONValue] {
        let own: [JSONValue] =
            table == "contacts"
            ? [["name": "cf_lifecycle", "label": "Lifecycle", "type": "text", "default": false]]
            : table == "sales_accounts"
                ? [
                    [
                        "name": "cf_industry", "label": "Industry", "type": "dropdown", "default": false,
                        "choices": [["id": "COMPUTER_SOFTWARE", "value": "Software"]],
                    ]
                ] : []
        return [["name": "city", "label": "City", "type": "text", "default": true]] + own
    }

    // MARK: What is there

    func seed(_ session: DocumentSession, _ crm: SyntheticCRM) throws {
        func insert(_ table: String, _ record: some SyntheticRecord, _ owner: String?, _ more: JSONValue) throws {
            let document: JSONValue = [
                "id": .number(record.id), "owner_id": crm.owner(owner).map { .number($0.id) } ?? .null,
                "created_at": .string(record.createdAt.wholeSeconds),
                "updated_at": .string(record.updatedAt.wholeSeconds),
            ]
            try session.insert(table, document.merging(more), at: record.createdAt, id: Int64(record.id))
        }
        try crm.eachLive(Company.self) { company in
            try insert(
                "sales_accounts", company, company[.owner],
                [
                    "name": .optional(company[.name]), "website": .optional(company[.website]),
                    "phone": .optional(company[.phone]), "address": .optional(company[.address]),
                    "city": .optional(company[.city]), "country": .optional(company[.country]),
                    "custom_field": ["cf_industry": .optional(company[.industry])],
                ])
        }
        try crm.eachLive(Contact.self) { person in
            let accounts = crm.live(.contactToCompany, from: person.index).map {
                ["id": .number($0.toID), "is_primary": .bool($0.isPrimary)] as JSONValue
            }
            try insert(
                "contacts", person, person[.owner],
                [
                    "first_name": .optional(person[.firstname]), "last_name": .optional(person[.lastname]),
                    "email": .optional(person[.email]), "job_title": .optional(person[.jobtitle]),
                    "work_number": .optional(person[.phone]), "mobile_number": .optional(person[.mobilephone]),
                    "city": .optional(person[.city]), "sales_accounts": .array(accounts),
                    "custom_field": ["cf_lifecycle": .optional(person[.lifecyclestage])],
                ])
        }
        try crm.eachLive(Deal.self) { deal in
            try insert(
                "deals", deal, deal[.owner],
                [
                    "name": .optional(deal[.dealname]), "amount": .optional(deal[.amount]),
                    "expected_close": .optional(deal[.closedate].map { String($0.prefix(10)) }),
                    "deal_stage_id": .optional(deal[.dealstage]),
                    "sales_account_id": crm.first(.dealToCompany, from: deal.index).map { .number($0) } ?? .null,
                    "contact_ids": .array(crm.live(.dealToContact, from: deal.index).map { .number($0.toID) }),
                ])
        }
        func target(_ contact: LinkKind, _ company: LinkKind, _ deal: LinkKind, _ index: Int) -> JSONValue {
            for (kind, type) in [(contact, "Contact"), (company, "SalesAccount"), (deal, "Deal")] {
                if let id = crm.first(kind, from: index) {
                    return ["targetable_type": .string(type), "targetable_id": .number(id)]
                }
            }
            return ["targetable_type": .null, "targetable_id": .null]
        }
        try crm.eachLive(CRMTask.self) { task in
            let isDone = task[.isCompleted] == "true"
            try insert(
                "tasks", task, task[.owner],
                JSONValue.object([
                    .init("title", .optional(task[.subject])), .init("description", .optional(task[.body])),
                    .init("status", .number(isDone ? 1 : 0)), .init("kept_as", .string(isDone ? "completed" : "open")),
                    .init("due_date", .optional(task[.timestamp])),
                ]).merging(target(.taskToContact, .taskToCompany, .taskToDeal, task.index)))
        }
        try crm.eachLive(Meeting.self) { meeting in
            try insert(
                "appointments", meeting, meeting[.owner],
                JSONValue.object([
                    .init("title", .optional(meeting[.title])), .init("description", .optional(meeting[.body])),
                    .init("from_date", .optional(meeting[.startTime])), .init("end_date", .optional(meeting[.endTime])),
                    .init("location", .optional(meeting[.location])),
                    .init("kept_as", .string(meeting.index.isMultiple(of: 5) ? "upcoming" : "past")),
                ]).merging(target(.meetingToContact, .meetingToCompany, .meetingToDeal, meeting.index)))
        }
    }
}
