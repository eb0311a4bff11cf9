// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
package import MigratezSyntheticCRM

/// Fills a company from a synthetic CRM: contacts are people, companies organizations; tasks, calls and meetings are
/// activities. Archived records are deleted ones, so they are not there.
///
/// Ids are those of the synthetic CRM; an activity has three times that of its record, plus 0 for tasks, 1 for calls and
/// 2 for meetings. Of links that lead nowhere nothing is kept; a person has one organization, a note one of each kind.
package struct Seeding {
    private let crm: SyntheticCRM
    private let custom: SeededFields

    init(_ crm: SyntheticCRM) {
        self.crm = crm
        custom = SeededFields()
    }

    package static func activityID(_ id: Int, _ object: CRMObject) -> Int64 {
        let kind: Int64 = object == .task ? 0 : object == .call ? 1 : 2
        return Int64(id) * 3 + kind
    }

    func fill(_ store: DocumentStore, at now: Timestamp) throws {
        try store.write { session in
            for (entity, fields) in custom.byEntity {
                for field in fields { try session.insert(StoredObject.fields, field.stored(of: entity), at: now) }
            }
            try fill(session, Entity.organization.rawValue, at: now, crm.company(at:)) { organization($0) }
            try fill(session, Entity.person.rawValue, at: now, crm.contact(at:)) { person($0) }
            try fill(session, Entity.deal.rawValue, at: now, crm.deal(at:)) { deal($0) }
            try fill(session, StoredObject.notes, at: now, crm.note(at:)) { note($0) }
            try fill(session, Entity.activity.rawValue, at: now, crm.task(at:)) { task($0) }
            try fill(session, Entity.activity.rawValue, at: now, crm.call(at:)) { call($0) }
            try fill(session, Entity.activity.rawValue, at: now, crm.meeting(at:)) { meeting($0) }
            try fill(session, StoredObject.files, at: now, crm.file(at:)) { file($0) }
            try fill(session, StoredObject.leads, at: now, crm.lead(at:)) { lead($0, now) }
            try fill(session, Entity.product.rawValue, at: now, crm.product(at:)) { product($0) }
            try fill(session, StoredObject.dealProducts, at: now, crm.lineItem(at:)) { line($0) }
            try fillParticipants(session)
        }
    }

    /// - Parameter document: the record as it is stored; `nil` = the company cannot hold it.
    private func fill<Record: SyntheticRecord>(
        _ session: DocumentSession, _ object: String, at now: Timestamp, _ record: (Int) -> Record,
        _ document: (Record) -> JSONValue?
    ) throws {
        for index in 0..<crm.counts[Record.object] where !crm.isArchived(Record.object, at: index) {
            let record = record(index)
            guard let document = document(record) else { continue }
            let isActivity = object == Entity.activity.rawValue
            let id = isActivity ? Self.activityID(record.id, Record.object) : Int64(record.id)
            try session.insert(object, document, at: min(record.createdAt.wholeSecond, now), id: id)
            // Nothing was changed in the future.
            try session.replace(object, id, with: document, at: min(record.updatedAt.wholeSecond, now))
        }
    }

    private func fillParticipants(_ session: DocumentSession) throws {
        for index in 0..<crm.counts.deals where !crm.isArchived(.deal, at: index) {
            let deal = crm.deal(at: index)
            for link in crm.links(.dealToContact, from: index) where !link.isDangling {
                try session.addParticipant(Int64(link.toID), to: Int64(deal.id), at: deal.createdAt.wholeSecond)
            }
        }
    }

    // MARK: Records

    private func organization(_ company: Company) -> JSONValue {
        var fields = Members()
        fields.set("name", Self.text(company[.name]) ?? "Company \(company.id)")
        fields.set("owner_id", owner(company[.owner]))
        if let street = Self.text(company[.address]) ?? Self.text(company[.city]) {
            var address = Members()
            address.set("value", street)
            address.set("locality", Self.text(company[.city]))
            address.set("postal_code", Self.text(company[.zip]))
            address.set("admin_area_level_1", Self.text(company[.state]))
            address.set("country", Self.text(company[.country]))
            fields.set("address", address.json)
        }
        fields.set("website", Self.text(company[.website]))
        fields.set("linkedin", Self.text(company[.linkedIn]))
        fields.set("industry", Self.text(company[.industry]).flatMap(Self.industry))
        fields.set("annual_revenue", company[.annualrevenue].flatMap(Double.init).map { .number(String(Int($0))) })
        fields.set("employee_count", Self.number(company[.numberofemployees]))
        fields.set("label_ids", [])
        fields.set("visible_to", 3)
        var values = Members()
        values.set(custom.code(.organization, "Domain"), Self.text(company[.domain]))
        values.set(custom.code(.organization, "About"), Self.text(company[.description]))
        values.set(custom.code(.organization, "Phone number"), Self.text(company[.phone]))
        values.set(
            custom.code(.organization, "Company type"), custom.option(.organization, "Company type", company[.type]))
        fields.set("custom_fields", values.json)
        return fields.json
    }

    private func person(_ contact: Contact) -> JSONValue {
        var fields = Members()
        fields.set("name", Self.name(of: contact))
        fields.set("owner_id", owner(contact[.owner]))
        fields.set("org_id", linked(.contactToCompany, contact.index))
        fields.set("emails", Self.list([("work", contact[.email])]))
        fields.set("phones", Self.list([("work", contact[.phone]), ("mobile", contact[.mobilephone])]))
        fields.set("label_ids", [])
        fields.set("visible_to", 3)
        var values = Members()
        values.set(custom.code(.person, "Position"), Self.text(contact[.jobtitle]))
        values.set(custom.code(.person, "Birthday"), Self.text(contact[.birthday]))
        values.set(custom.code(.person, "Remarks"), Self.text(contact[.notes]))
        values.set(
            custom.code(.person, "Lifecycle stage"), custom.option(.person, "Lifecycle stage", contact[.lifecyclestage])
        )
        values.set(
            custom.code(.person, "Languages"),
            custom.option(.person, "Languages", contact[.language]).map { .array([$0]) })
        values.set(
            custom.code(.person, "Income"),
            Self.number(contact[.annualrevenue]).map { ["value": $0, "currency": "USD"] })
        if let city = Self.text(contact[.city]) {
            var address = Members()
            address.set("value", Self.text(contact[.address]) ?? city)
            address.set("locality", city)
            address.set("country", Self.text(contact[.country]))
            values.set(custom.code(.person, "Home"), address.json)
        }
        fields.set("custom_fields", values.json)
        return fields.json
    }

    private func deal(_ deal: Deal) -> JSONValue {
        let stageID = deal[.dealstage] ?? ""
        let pipelineID = DealPipeline.all.firstIndex { $0.id == deal[.pipeline] }.map { $0 + 1 } ?? 1
        let stages = Pipelines.stages.filter { $0.pipelineID == pipelineID }
        let isWon = deal[.isWon] == "true"
        let isLost = deal[.isClosed] == "true" && !isWon
        var fields = Members()
        fields.set("title", Self.text(deal[.dealname]) ?? "Deal \(deal.id)")
        fields.set("owner_id", owner(deal[.owner]))
        fields.set("value", Self.number(deal[.amount]) ?? 0)
        fields.set("currency", Self.text(deal[.currency]) ?? "USD")
        fields.set("org_id", linked(.dealToCompany, deal.index))
        fields.set("person_id", linked(.dealToContact, deal.index))
        fields.set("pipeline_id", .number(String(pipelineID)))
        fields.set("stage_id", (stages.first { $0.origin == stageID } ?? stages.last).map { .number(String($0.id)) })
        fields.set("status", .string(isWon ? "won" : isLost ? "lost" : "open"))
        fields.set("lost_reason", isLost ? Self.text(deal[.closedLostReason]) : nil)
        fields.set("expected_close_date", Self.text(deal[.closedate]).map { String($0.prefix(10)) })
        fields.set("is_archived", .bool(Self.isArchived(deal)))
        fields.set("label_ids", [])
        fields.set("visible_to", 3)
        var values = Members()
        values.set(custom.code(.deal, "Summary"), Self.text(deal[.description]))
        values.set(custom.code(.deal, "Campaign"), Self.text(deal[.campaign]))
        values.set(custom.code(.deal, "Deal type"), custom.option(.deal, "Deal type", deal[.dealtype]))
        fields.set("custom_fields", values.json)
        return fields.json
    }

    /// Lost deals are put away after a while: one in ten.
    package static func isArchived(_ deal: Deal) -> Bool {
        deal[.isClosed] == "true" && deal[.isWon] != "true" && deal.index.isMultiple(of: 10)
    }

    private func note(_ note: Note) -> JSONValue? {
        guard let content = Self.text(note[.body]) else { return nil }
        var fields = Members()
        fields.set("content", content)
        fields.set("user_id", owner(note[.owner]))
        fields.set("person_id", linked(.noteToContact, note.index))
        fields.set("org_id", linked(.noteToCompany, note.index))
        fields.set("deal_id", linked(.noteToDeal, note.index))
        // A note is about something.
        let isLinked = ["person_id", "org_id", "deal_id"].contains { fields.json[$0] != nil }
        return isLinked ? fields.json : nil
    }

    private func product(_ product: Product) -> JSONValue {
        var fields = Members()
        fields.set("name", Self.text(product[.name]) ?? "Product \(product.id)")
        fields.set("code", Self.text(product[.sku]))
        fields.set("description", Self.text(product[.description]))
        fields.set("owner_id", owner(product[.owner]))
        fields.set("tax", 0)
        fields.set("is_linkable", true)
        fields.set("visible_to", 3)
        var price = Members()
        price.set("product_id", .number(String(product.id)))
        price.set("price", Self.number(product[.price]))
        price.set("currency", "USD")
        price.set("cost", Self.number(product[.cost]))
        fields.set("prices", product[.price] == nil ? [] : [price.json])
        return fields.json
    }

    /// A line is of a deal and a product that are there; others cannot be.
    private func line(_ line: LineItem) -> JSONValue? {
        guard let deal = linked(.lineItemToDeal, line.index), let product = line.productIndex,
            !crm.isArchived(.product, at: product)
        else { return nil }
        var fields = Members()
        fields.set("deal_id", deal)
        fields.set("product_id", .number(String(crm.id(of: .product, at: product))))
        fields.set("quantity", Self.number(line[.quantity]) ?? 1)
        fields.set("item_price", Self.number(line[.price]) ?? 0)
        fields.set("discount", Self.number(line[.discount]) ?? 0)
        fields.set("discount_type", "percentage")
        fields.set("tax", 0)
        fields.set("tax_method", "inclusive")
        fields.set("comments", Self.text(line[.description]) ?? "")
        fields.set("currency", "USD")
        fields.set("is_enabled", true)
        return fields.json
    }

    /// A lead is about a person or an organization; whoever turned out to be none is archived.
    private func lead(_ lead: Lead, _ now: Timestamp) -> JSONValue? {
        var fields = Members()
        fields.set("uuid", StoredLead.uuid(Int64(lead.id)))
        fields.set("added", StoredLead.text(min(lead.createdAt.wholeSecond, now)))
        fields.set("title", Self.text(lead[.name]) ?? "Lead \(lead.id)")
        fields.set("owner_id", owner(lead[.owner]))
        fields.set("person_id", linked(.leadToContact, lead.index))
        fields.set("organization_id", linked(.leadToCompany, lead.index))
        fields.set("label_ids", .array(lead[.label].flatMap(LeadLabel.id).map { [.string($0)] } ?? []))
        fields.set("is_archived", .bool(lead[.stage] == "unqualified-stage-id"))
        fields.set("was_seen", .bool(lead[.stage] != "new-stage-id"))
        fields.set("source_name", "API")
        fields.set("visible_to", "3")
        if lead.index.isMultiple(of: 3) {
            fields.set("value", ["amount": .number(String(100 + lead.index)), "currency": "EUR"])
        }
        fields.set("expected_close_date", lead.index.isMultiple(of: 2) ? "2026-12-24" : nil)
        fields.set(
            "custom",
            .object([.init(custom.code(.deal, "Campaign"), .string("Campaign \(lead.index % 7)"))]))
        let isLinked = ["person_id", "organization_id"].contains { fields.json[$0] != nil }
        return isLinked ? fields.json : nil
    }

    /// Its bytes are computed when they are asked for. Files cannot hang on notes here, so one that hung on a note alone
    /// hangs on nothing.
    private func file(_ file: CRMFile) -> JSONValue {
        var fields = Members()
        fields.set("name", .string(file.name))
        fields.set("file_size", .number(String(file.size)))
        fields.set("user_id", owner(file[.owner]))
        fields.set("person_id", linked(.fileToContact, file.index))
        fields.set("org_id", linked(.fileToCompany, file.index))
        fields.set("deal_id", linked(.fileToDeal, file.index))
        fields.set("origin", .number(String(file.index)))
        return fields.json
    }

    private func task(_ task: CRMTask) -> JSONValue {
        var fields = activity("task", Self.text(task[.subject]), task[.timestamp], task[.owner], note: task[.body])
        fields.set("done", .bool(task[.isCompleted] == "true"))
        connect(&fields, .taskToContact, .taskToCompany, .taskToDeal, task.index)
        return fields.json
    }

    private func call(_ call: Call) -> JSONValue {
        var fields = activity("call", Self.text(call[.title]), call[.timestamp], call[.owner], note: call[.body])
        fields.set("done", .bool(call[.status] == "COMPLETED"))
        connect(&fields, .callToContact, .callToCompany, .callToDeal, call.index)
        return fields.json
    }

    private func meeting(_ meeting: Meeting) -> JSONValue {
        var fields = activity(
            "meeting", Self.text(meeting[.title]), meeting[.startTime], meeting[.owner], note: meeting[.body])
        fields.set("done", .bool(meeting[.outcome] == "COMPLETED"))
        fields.set("duration", "01:00:00")
        if let place = Self.text(meeting[.location]) { fields.set("location", ["value": .string(place)]) }
        connect(&fields, .meetingToContact, .meetingToCompany, .meetingToDeal, meeting.index)
        return fields.json
    }

    private func activity(
        _ type: String, _ subject: String?, _ time: String?, _ owner: String?, note: String?
    ) -> Members {
        var fields = Members()
        fields.set("type", .string(type))
        fields.set("subject", subject ?? type.prefix(1).uppercased() + type.dropFirst())
        fields.set("due_date", time.map { String($0.prefix(10)) })
        fields.set("due_time", time.map { String($0.dropFirst(11).prefix(8)) })
        fields.set("owner_id", self.owner(owner))
        fields.set("note", Self.text(note))
        fields.set("busy", false)
        return fields
    }

    private func connect(
        _ fields: inout Members, _ people: LinkKind, _ organizations: LinkKind, _ deals: LinkKind, _ index: Int
    ) {
        let persons = crm.links(people, from: index).filter { !$0.isDangling }
        fields.set(
            "participants",
            .array(
                persons.enumerated().map { place, link in
                    ["person_id": .number(String(link.toID)), "primary": .bool(place == 0)]
                }))
        fields.set("person_id", persons.first.map { .number(String($0.toID)) })
        fields.set("org_id", linked(organizations, index))
        fields.set("deal_id", linked(deals, index))
    }

    // MARK: Values

    /// Who owns a record: of one that nobody owns, or somebody unknown, the administrator.
    private func owner(_ id: String?) -> JSONValue {
        guard let id = id.flatMap({ Int($0) }), Owner.with(id: id, count: crm.counts.owners) != nil else {
            return .id(User.ownID)
        }
        return .number(String(id))
    }

    /// The first record that a link leads to.
    private func linked(_ kind: LinkKind, _ index: Int) -> JSONValue? {
        crm.links(kind, from: index).first { !$0.isDangling }.map { .number(String($0.toID)) }
    }

    /// First and last name; of somebody who has neither, the number.
    package static func name(of contact: Contact) -> String {
        let parts = [contact[.firstname], contact[.lastname]].compactMap(text)
        return parts.isEmpty ? "Person \(contact.id)" : parts.joined(separator: " ")
    }

    private static func list(_ values: [(label: String, value: String?)]) -> JSONValue {
        let given = values.compactMap { entry in text(entry.value).map { (entry.label, $0) } }
        return .array(
            given.enumerated().map { place, entry in
                ["value": .string(entry.1), "primary": .bool(place == 0), "label": .string(entry.0)]
            })
    }

    private static func industry(_ name: String) -> JSONValue? {
        let words = name.replacing("_", with: " ").lowercased()
        return Industry.options.first { $0.label.lowercased() == words }.map { .number(String($0.id)) }
    }

    /// Empty texts are not kept.
    private static func text(_ value: String?) -> String? { value.flatMap { $0.isEmpty ? nil : $0 } }

    private static func number(_ value: String?) -> JSONValue? {
        guard let value = text(value), Double(value) != nil else { return nil }
        return .number(value)
    }
}

/// Members of an object that is being put together.
private struct Members {
    private var members: [JSONValue.Member] = []

    var json: JSONValue { .object(members) }

    /// `nil` sets nothing.
    mutating func set(_ name: String, _ value: JSONValue?) {
        if let value { members.append(.init(name, value)) }
    }

    mutating func set(_ name: String, _ text: String?) { set(name, text.map { JSONValue.string($0) }) }
}

extension Timestamp {
    /// Without its fraction: the service keeps seconds.
    fileprivate var wholeSecond: Timestamp {
        Timestamp(milliseconds: milliseconds.flooredDivision(by: 1000) * 1000)
    }
}
