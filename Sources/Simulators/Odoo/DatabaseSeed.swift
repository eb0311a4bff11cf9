// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// What a new database holds: the records that the applications bring, the users, and a synthetic CRM in the form that
/// Odoo has for it.
///
/// Companies and people are partners, of which the users' own come first. Deals are opportunities, lost ones archived, as
/// the server does it. A record has one document where the synthetic CRM has several links: a note, a task and a call hang
/// on a deal, else on a contact, else on a company. What is archived in the synthetic CRM is archived here.
struct DatabaseSeed {
    let environment: Environment
    private let crm: SyntheticCRM?
    private(set) var partners: [CRMObject: [Int: Int64]] = [:]
    private var leads: [Int: Int64] = [:]
    private(set) var users: [Int: (id: Int64, partner: Int64)] = [:]
    private var countries: [String: Int64] = [:]
    private var stages: [String: Int64] = [:]
    private var models: [String: Int64] = [:]
    private var lostReasons: [String: Int64] = [:]

    init(_ environment: Environment, _ crm: SyntheticCRM?) {
        self.environment = environment
        self.crm = crm
    }

    mutating func fill() throws {
        try fillMasterData()
        try fillUsers()
        guard let crm else { return }
        try fillPartners(crm)
        if environment.models["crm.lead"] != nil {
            try fillDeals(crm)
            try fillLeads(crm)
        }
        try fillNotes(crm)
        try fillEmails(crm)
        if environment.models["product.template"] != nil { try fillProducts(crm) }
        try fillActivities(crm)
        try fillMeetings(crm)
        try fillFiles(crm)
    }

    func create(_ model: String, _ values: [String: JSONValue], at created: Timestamp? = nil) throws -> Int64 {
        let members = values.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, $0.value) }
        return try environment.create(model, [.object(members)], at: created)[0]
    }

    /// What is no number was never taken, and a number is never empty.
    static func number(_ text: String?) -> JSONValue {
        .number(text.flatMap { Double($0)?.isFinite == true ? $0 : nil } ?? "0")
    }

    static func id(_ id: Int64?) -> JSONValue { id.map { .number(String($0)) } ?? false }
    static func text(_ text: String?) -> JSONValue {
        text.map { .string($0.replacing("\0", with: "")) } ?? false
    }

    // MARK: What applications bring

    private mutating func fillMasterData() throws {
        for model in environment.models.values.sorted(by: { $0.name < $1.name }) {
            models[model.name] = try create("ir.model", ["name": .string(model.label), "model": .string(model.name)])
        }
        _ = try create("res.company", ["name": "Acme, Inc."])
        for name in Set((crm.map(Self.countryNames) ?? []) + ["Norway", "United States"]).sorted() {
            countries[name] = try create("res.country", ["name": .string(name)])
        }
        for (name, label) in [("comment", "Discussions"), ("note", "Note"), ("activities", "Activities")] {
            let id = try create("mail.message.subtype", ["name": .string(label)])
            try identify("mail.mt_\(name)", "mail.message.subtype", id)
        }
        for (name, label, category) in [
            ("todo", "To-Do", "default"), ("email", "Email", "default"), ("call", "Call", "phonecall"),
            ("meeting", "Meeting", "meeting"),
        ] {
            let id = try create("mail.activity.type", ["name": .string(label), "category": .string(category)])
            try identify("mail.mail_activity_data_\(name)", "mail.activity.type", id)
        }
        guard environment.models["crm.lead"] != nil else { return }
        _ = try create("crm.team", ["name": "Sales"])
        for (place, stage) in ["New", "Qualified", "Proposition", "Won"].enumerated() {
            stages[stage] = try create(
                "crm.stage",
                ["name": .string(stage), "sequence": .number(String(place)), "is_won": .bool(stage == "Won")])
        }
        for name in ["Price", "Timing", "No answer"] {
            lostReasons[name] = try create("crm.lost.reason", ["name": .string(name)])
        }
    }

    private static func countryNames(_ crm: SyntheticCRM) -> [String] {
        (0..<min(crm.counts.companies, 500)).compactMap { crm.company(at: $0)[.country] }.filter { !$0.isEmpty }
    }

    private func identify(_ xmlid: String, _ model: String, _ id: Int64) throws {
        let parts = xmlid.split(separator: ".").map(String.init)
        _ = try create(
            "ir.model.data",
            [
                "module": .string(parts[0]), "name": .string(parts[1]), "model": .string(model), "res_id": Self.id(id),
                "noupdate": true,
            ])
    }

    /// The first is the superuser, who is archived, the second the administrator.
    private mutating func fillUsers() throws {
        _ = try makeUser("__system__", "OdooBot", isActive: false)
        _ = try makeUser("admin", "Mitchell Admin", isActive: true)
        for user in environment.options.users { _ = try makeUser(user.login, user.name, isActive: user.isActive) }
        for owner in crm?.owners ?? [] {
            users[owner.id] = try makeUser(
                owner.email, "\(owner.firstName) \(owner.lastName)", isActive: owner.isActive)
        }
    }

    private func makeUser(_ login: String, _ name: String, isActive: Bool) throws -> (id: Int64, partner: Int64) {
        let partner = try create(
            "res.partner",
            [
                "name": .string(name), "email": .string(login), "partner_share": false, "active": .bool(isActive),
            ])
        let id = try create(
            "res.users",
            [
                "login": .string(login), "name": .string(name), "email": .string(login), "partner_id": Self.id(partner),
                "active": .bool(isActive), "share": false,
            ])
        return (id, partner)
    }

    func user(_ owner: String?) -> Int64? { owner.flatMap { Int($0) }.flatMap { users[$0]?.id } }

    // MARK: The synthetic CRM

    private mutating func fillPartners(_ crm: SyntheticCRM) throws {
        for index in 0..<crm.counts.companies {
            let company = crm.company(at: index)
            partners[.company, default: [:]][index] = try create(
                "res.partner",
                [
                    "is_company": true, "name": Self.name(company[.name]), "phone": Self.text(company[.phone]),
                    "website": Self.text(company[.domain]), "street": Self.text(company[.address]),
                    "city": Self.text(company[.city]), "zip": Self.text(company[.zip]),
                    "country_id": Self.id(company[.country].flatMap { countries[$0] }),
                    "comment": Self.html(company[.description]), "user_id": Self.id(user(company[.owner])),
                    "x_annual_revenue": Self.number(company[.annualrevenue]),
                    "active": .bool(!crm.isArchived(.company, at: index)),
                ], at: company.createdAt)
        }
        let links = crm.links(.contactToCompany)
        for index in 0..<crm.counts.contacts {
            let contact = crm.contact(at: index)
            let parent = links.links(from: index).compactMap(\.toIndex).first
            let name = [contact[.firstname], contact[.lastname]].compactMap(\.self).filter { !$0.isEmpty }
            partners[.contact, default: [:]][index] = try create(
                "res.partner",
                [
                    "name": Self.name(name.isEmpty ? contact[.email] : name.joined(separator: " ")),
                    "email": Self.text(contact[.email]), "phone": Self.text(contact[.phone]),
                    "function": Self.text(contact[.jobtitle]), "city": Self.text(contact[.city]),
                    "parent_id": Self.id(parent.flatMap { partners[.company]?[$0] }),
                    "comment": Self.html(contact[.notes]), "user_id": Self.id(user(contact[.owner])),
                    "active": .bool(!crm.isArchived(.contact, at: index)),
                ], at: contact.createdAt)
        }
    }

    static func name(_ text: String?) -> JSONValue {
        Self.text(text.flatMap { $0.isEmpty ? nil : $0 } ?? "(no name)")
    }

    /// Plain text as the editor of an HTML field leaves it.
    static func html(_ text: String?) -> JSONValue {
        guard let text, !text.isEmpty else { return false }
        let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
        return Self.text("<p>\(escaped.replacing("\n", with: "<br>"))</p>")
    }

    private mutating func fillDeals(_ crm: SyntheticCRM) throws {
        let (people, companies) = (crm.links(.dealToContact), crm.links(.dealToCompany))
        for index in 0..<crm.counts.deals {
            let deal = crm.deal(at: index)
            let isLost = deal[.probability] == "0.0"
            let contact = people.links(from: index).compactMap(\.toIndex).first.flatMap { partners[.contact]?[$0] }
            let company = companies.links(from: index).compactMap(\.toIndex).first
                .flatMap { partners[.company]?[$0] }
            leads[index] = try create(
                "crm.lead",
                [
                    "type": "opportunity", "name": Self.name(deal[.dealname]),
                    "partner_id": Self.id(contact ?? company), "stage_id": Self.id(stages[Self.stage(deal)]),
                    "expected_revenue": Self.number(deal[.amount]),
                    "date_deadline": Self.text(deal[.closedate].flatMap { $0.isEmpty ? nil : String($0.prefix(10)) }),
                    "description": Self.html(deal[.description]), "user_id": Self.id(user(deal[.owner])),
                    "x_next_step": Self.text(deal[.nextStep]), "x_deal_type": Self.text(deal[.dealtype]),
                    "lost_reason_id": Self.id(deal[.closedLostReason].flatMap { lostReasons[$0] }),
                    "active": .bool(!isLost && !crm.isArchived(.deal, at: index)),
                ], at: deal.createdAt)
        }
    }

    private static func stage(_ deal: Deal) -> String {
        switch deal[.probability] {
        case "1.0": "Won"
        case "0.2", "0.0": "New"
        case "0.4": "Qualified"
        default: "Proposition"
        }
    }

    /// The document that a record hangs on.
    func document(
        _ index: Int, _ toDeal: LinkMap, _ toContact: LinkMap, _ toCompany: LinkMap
    ) -> (model: String, id: Int64)? {
        if let deal = toDeal.links(from: index).compactMap(\.toIndex).first, let id = leads[deal] {
            return ("crm.lead", id)
        }
        for (links, object) in [(toContact, CRMObject.contact), (toCompany, .company)] {
            if let place = links.links(from: index).compactMap(\.toIndex).first, let id = partners[object]?[place] {
                return ("res.partner", id)
            }
        }
        return nil
    }

    private func fillNotes(_ crm: SyntheticCRM) throws {
        let links = (crm.links(.noteToDeal), crm.links(.noteToContact), crm.links(.noteToCompany))
        let subtype = try environment.search("mail.message.subtype", [["name", "=", "Note"]]).first?.id
        for index in 0..<crm.counts.notes {
            // A message that hangs on nothing is not a note of a record's.
            guard let document = document(index, links.0, links.1, links.2) else { continue }
            let note = crm.note(at: index)
            _ = try create(
                "mail.message",
                [
                    "message_type": "comment", "subtype_id": Self.id(subtype), "is_internal": true,
                    "body": Self.text(note[.body]), "date": .string(InstantText.text(note.createdAt)),
                    "model": .string(document.model), "res_id": Self.id(document.id),
                    "author_id": Self.id(note[.owner].flatMap { Int($0) }.flatMap { users[$0]?.partner }),
                ], at: note.createdAt)
        }
    }

    private func fillActivities(_ crm: SyntheticCRM) throws {
        let types = try environment.search("mail.activity.type", [])
        func type(_ name: String) -> JSONValue { Self.id(types.first { $0.document["name"]?.text == name }?.id) }
        func fill(
            _ title: String?, _ body: String?, _ day: Timestamp, _ type: JSONValue, _ owner: String?,
            _ document: (model: String, id: Int64)?
        ) throws {
            guard let document else { return }
            _ = try create(
                "mail.activity",
                [
                    "res_model_id": Self.id(models[document.model]), "res_id": Self.id(document.id),
                    "summary": Self.text(title), "note": Self.text(body),
                    "date_deadline": .string(InstantText.day(day)), "activity_type_id": type,
                    "user_id": Self.id(user(owner) ?? 2),
                ])
        }
        let tasks = (crm.links(.taskToDeal), crm.links(.taskToContact), crm.links(.taskToCompany))
        for index in 0..<crm.counts.tasks {
            let task = crm.task(at: index)
            try fill(
                task[.subject], task[.body], task.updatedAt, type("To-Do"), task[.owner],
                document(index, tasks.0, tasks.1, tasks.2))
        }
        let calls = (crm.links(.callToDeal), crm.links(.callToContact), crm.links(.callToCompany))
        for index in 0..<crm.counts.calls {
            let call = crm.call(at: index)
            try fill(
                call[.title], call[.body], call.createdAt, type("Call"), call[.owner],
                document(index, calls.0, calls.1, calls.2))
        }
    }

    private func fillMeetings(_ crm: SyntheticCRM) throws {
        let people = crm.links(.meetingToContact)
        let (deals, companies) = (crm.links(.meetingToDeal), crm.links(.meetingToCompany))
        for index in 0..<crm.counts.meetings {
            let meeting = crm.meeting(at: index)
            let attendees = people.links(from: index).compactMap(\.toIndex).compactMap { partners[.contact]?[$0] }
            let document = document(index, deals, people, companies)
            let start = InstantText.text(meeting.updatedAt)
            _ = try create(
                "calendar.event",
                [
                    "name": Self.name(meeting[.title]), "start": .string(start),
                    "stop": .string(InstantText.text(meeting.updatedAt.advanced(by: .seconds(3_600)))),
                    "location": Self.text(meeting[.location]), "description": Self.text(meeting[.body]),
                    "user_id": Self.id(user(meeting[.owner])),
                    "partner_ids": [[6, 0, .array(attendees.map { .number(String($0)) })]],
                    "res_model_id": Self.id(document.flatMap { models[$0.model] }), "res_id": Self.id(document?.id),
                ], at: meeting.createdAt)
        }
    }
}
