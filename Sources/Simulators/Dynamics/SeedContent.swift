// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Fills an environment with a synthetic CRM, by rules that a check can go through again.
///
/// The number in the id of a record is that of the synthetic one (`RecordID`). Archived records are not there. Where a
/// record can name one other only, it names the first that exists of what the synthetic CRM links it with: a note and an
/// activity a deal before a contact before a company. All contacts of a deal are connections.
struct SeedContent {
    let environment: Environment
    let session: DocumentSession
    let crm: SyntheticCRM

    /// Puts everything in; the environment must be empty.
    func fill() throws {
        for owner in crm.owners { try insert(owner) }
        try fillCatalogue()
        try fill(.company, "account", companyValues)
        try fill(.contact, "contact", contactValues)
        try fill(.deal, "opportunity", dealValues)
        try fill(.note, "annotation", noteValues)
        try fill(.task, "task", taskValues)
        try fill(.call, "phonecall", callValues)
        try fill(.meeting, "appointment", meetingValues)
        try fill(.lead, "lead", leadValues)
        try fill(.email, "email", emailValues)
        try fill(.file, "annotation", numberedFrom: Self.firstFile, fileValues)
        try fillAttachments()
        try fillConnections()
        try fillParties()
        try fillLines()
    }

    /// - Parameter start: what the numbers of a table begin behind that has other records, too.
    private func fill(
        _ object: CRMObject, _ table: String, numberedFrom start: Int = 0, _ values: (Int) -> SeedRow
    ) throws {
        for index in 0..<crm.counts[object] where !crm.isArchived(object, at: index) {
            try insert(values(index), table, number: start + crm.id(of: object, at: index))
        }
    }

    func insert(_ row: SeedRow, _ table: String, number: Int) throws {
        guard let definition = environment.table(table) else { return }
        var row = row
        row.put(definition.primaryID, .string(RecordID.guid(code: definition.code, number: Int64(number))))
        row.put("createdon", .string(DateForm.text(row.created)))
        row.put("modifiedon", .string(DateForm.text(row.modified)))
        row.refer("createdby", "systemuser", Environment.applicationUser)
        row.refer("modifiedby", "systemuser", Environment.applicationUser)
        if definition.column("ownerid") != nil { row.refer("ownerid", "systemuser", owner(row.owner)) }
        if definition.column("statecode") != nil, row.document["statecode"] == nil {
            row.put("statecode", 0)
            let first = definition.column("statuscode")?.choices.first { $0.state == 0 }?.value
            row.put("statuscode", .number(String(first ?? 1)))
        }
        try session.insert(table, row.document, at: row.modified, id: Int64(number))
    }

    private func insert(_ owner: Owner) throws {
        var row = SeedRow(created: Timestamp(milliseconds: 0), modified: Timestamp(milliseconds: 0), owner: nil)
        row.text("fullname", "\(owner.firstName) \(owner.lastName)")
        row.text("internalemailaddress", owner.email)
        row.text("domainname", owner.email)
        row.put("isdisabled", .bool(!owner.isActive))
        try insert(row, "systemuser", number: owner.id)
    }

    /// Somebody who is not there any more owns nothing: the records are the application user's.
    private func owner(_ id: String?) -> String {
        guard let number = id.flatMap({ Int($0) }), Owner.with(id: number, count: crm.counts.owners) != nil else {
            return Environment.applicationUser
        }
        return RecordID.guid(code: 8, number: Int64(number))
    }

    // MARK: Records

    private func companyValues(_ index: Int) -> SeedRow {
        let company = crm.company(at: index)
        var row = SeedRow(created: company.createdAt, modified: company.updatedAt, owner: company[.owner])
        row.text("name", company[.name])
        row.text("websiteurl", company[.website])
        row.text("telephone1", company[.phone])
        row.text("description", company[.description])
        row.number("revenue", company[.annualrevenue])
        row.number("numberofemployees", company[.numberofemployees])
        row.text("address1_line1", company[.address])
        row.text("address1_city", company[.city])
        row.text("address1_stateorprovince", company[.state])
        row.text("address1_postalcode", company[.zip])
        row.text("address1_country", company[.country])
        return row
    }

    private func contactValues(_ index: Int) -> SeedRow {
        let contact = crm.contact(at: index)
        var row = SeedRow(created: contact.createdAt, modified: contact.updatedAt, owner: contact[.owner])
        row.text("firstname", contact[.firstname])
        row.text("lastname", contact[.lastname])
        let name = [contact[.firstname], contact[.lastname]].compactMap { $0 }.filter { !$0.isEmpty }
        row.text("fullname", name.joined(separator: " "))
        row.text("emailaddress1", contact[.email])
        row.text("telephone1", contact[.phone])
        row.text("mobilephone", contact[.mobilephone])
        row.text("jobtitle", contact[.jobtitle])
        row.text("salutation", contact[.salutation])
        row.text("description", contact[.notes])
        row.number("annualincome", contact[.annualrevenue])
        row.text("birthdate", contact[.birthday])
        row.bool("donotbulkemail", contact[.optedOut])
        row.text("address1_line1", contact[.address])
        row.text("address1_city", contact[.city])
        row.text("address1_stateorprovince", contact[.state])
        row.text("address1_postalcode", contact[.zip])
        row.text("address1_country", contact[.country])
        refer(&row, "parentcustomerid", index, [(.contactToCompany, "account")])
        return row
    }

    private func dealValues(_ index: Int) -> SeedRow {
        let deal = crm.deal(at: index)
        var row = SeedRow(created: deal.createdAt, modified: deal.updatedAt, owner: deal[.owner])
        row.text("name", deal[.dealname])
        row.text("description", deal[.description])
        row.number("estimatedvalue", deal[.amount])
        row.text("estimatedclosedate", deal[.closedate].map { String($0.prefix(10)) })
        row.put("salesstage", .number(String(Self.salesStages[deal[.dealstage] ?? ""] ?? 0)))
        row.text("stepname", DealPipeline.all.flatMap(\.stages).first { $0.id == deal[.dealstage] }?.label)
        refer(&row, "parentaccountid", index, [(.dealToCompany, "account")])
        refer(&row, "customerid", index, [(.dealToCompany, "account"), (.dealToContact, "contact")])
        if crm.counts.lineItems > 0 { row.refer("pricelevelid", "pricelevel", Self.priceList) }
        if deal[.isClosed] == "true" { row.close(deal[.isWon] == "true" ? (1, 3) : (2, 4)) }
        return row
    }

    /// The four stages of the platform's own, by the stages of the synthetic CRM; all others are 'Qualify'.
    private static let salesStages = [
        "presentationscheduled": 2, "decisionmakerboughtin": 2, "contractsent": 3, "closedwon": 3, "closedlost": 3,
    ]

    private func noteValues(_ index: Int) -> SeedRow {
        let note = crm.note(at: index)
        var row = SeedRow(created: note.createdAt, modified: note.updatedAt, owner: note[.owner])
        row.text("notetext", note[.body])
        row.put("isdocument", false)
        refer(
            &row, "objectid", index,
            [(.noteToDeal, "opportunity"), (.noteToContact, "contact"), (.noteToCompany, "account")])
        return row
    }

    private func taskValues(_ index: Int) -> SeedRow {
        let task = crm.task(at: index)
        var row = SeedRow(created: task.createdAt, modified: task.updatedAt, owner: task[.owner])
        row.text("subject", task[.subject])
        row.text("description", task[.body])
        row.text("scheduledend", task[.timestamp].flatMap(DateForm.time))
        row.text("actualend", task[.completedAt].flatMap(DateForm.time))
        refer(
            &row, "regardingobjectid", index,
            [(.taskToDeal, "opportunity"), (.taskToContact, "contact"), (.taskToCompany, "account")])
        if task[.isCompleted] == "true" { row.close((1, 5)) }
        return row
    }

    private func callValues(_ index: Int) -> SeedRow {
        let call = crm.call(at: index)
        var row = SeedRow(created: call.createdAt, modified: call.updatedAt, owner: call[.owner])
        row.text("subject", call[.title])
        row.text("description", call[.body])
        row.text("actualend", call[.timestamp].flatMap(DateForm.time))
        row.text("phonenumber", call[.toNumber])
        row.put("directioncode", .bool(call[.direction] == "OUTBOUND"))
        row.number("actualdurationminutes", call[.duration].flatMap { Int($0) }.map { String($0 / 60_000) })
        refer(
            &row, "regardingobjectid", index,
            [(.callToDeal, "opportunity"), (.callToContact, "contact"), (.callToCompany, "account")])
        row.close((1, 2))
        return row
    }

    private func meetingValues(_ index: Int) -> SeedRow {
        let meeting = crm.meeting(at: index)
        var row = SeedRow(created: meeting.createdAt, modified: meeting.updatedAt, owner: meeting[.owner])
        row.text("subject", meeting[.title])
        row.text("description", meeting[.body])
        row.text("scheduledstart", meeting[.startTime].flatMap(DateForm.time))
        row.text("scheduledend", meeting[.endTime].flatMap(DateForm.time))
        row.text("location", meeting[.location])
        refer(
            &row, "regardingobjectid", index,
            [(.meetingToDeal, "opportunity"), (.meetingToContact, "contact"), (.meetingToCompany, "account")])
        return row
    }

    /// The contacts of deals, each as two rows that lead either way.
    private func fillConnections() throws {
        let links = crm.links(.dealToContact)
        var number = 1
        for index in 0..<crm.counts.deals {
            for link in links.links(from: index) {
                guard let target = link.toIndex else { continue }
                let ends = [
                    ("opportunity", RecordID.guid(code: 3, number: Int64(crm.id(of: .deal, at: index)))),
                    ("contact", RecordID.guid(code: 2, number: Int64(crm.id(of: .contact, at: target)))),
                ]
                for (place, pair) in [ends, ends.reversed()].enumerated() {
                    let deal = crm.deal(at: index)
                    var row = SeedRow(created: deal.createdAt, modified: deal.updatedAt, owner: nil)
                    row.refer("record1id", pair[0].0, pair[0].1)
                    row.refer("record2id", pair[1].0, pair[1].1)
                    row.put("ismaster", .bool(place == 0))
                    let counterpart = Int64(place == 0 ? number + 1 : number - 1)
                    row.refer("relatedconnectionid", "connection", RecordID.guid(code: 3234, number: counterpart))
                    try insert(row, "connection", number: number)
                    number += 1
                }
            }
        }
    }

    /// Names the first record that exists of those that the kinds link this one with.
    func refer(_ row: inout SeedRow, _ column: String, _ index: Int, _ kinds: [(LinkKind, String)]) {
        for (kind, table) in kinds {
            guard let link = crm.links(kind, from: index).first(where: { $0.toIndex != nil }),
                let code = environment.table(table)?.code
            else { continue }
            row.refer(column, table, RecordID.guid(code: code, number: Int64(link.toID)))
            return
        }
    }
}

/// A record in the making; a value that is missing or empty is none, as the platform has no empty texts.
struct SeedRow {
    var document = JSONValue.object([])
    var created: Timestamp
    var modified: Timestamp
    var owner: String?

    init(created: Timestamp, modified: Timestamp, owner: String?) {
        self.created = created
        self.modified = modified
        self.owner = owner
    }

    mutating func put(_ property: String, _ value: JSONValue) { document.set(property, to: value) }

    mutating func text(_ property: String, _ text: String?) {
        if let text, !text.isEmpty { put(property, .string(text)) }
    }

    mutating func number(_ property: String, _ text: String?) {
        if let text, Double(text) != nil { put(property, .number(text)) }
    }

    mutating func bool(_ property: String, _ text: String?) {
        if let text, !text.isEmpty { put(property, .bool(text == "true")) }
    }

    mutating func refer(_ column: String, _ table: String, _ id: String) {
        put("_\(column)_value", .string(id))
        put("_\(column)_value" + RecordView.lookupType, .string(table))
    }

    mutating func close(_ state: (state: Int, reason: Int)) {
        put("statecode", .number(String(state.state)))
        put("statuscode", .number(String(state.reason)))
    }
}
