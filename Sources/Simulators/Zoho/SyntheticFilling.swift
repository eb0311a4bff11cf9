// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Fills an organisation from a synthetic CRM: what its people would have in Zoho.
///
/// - Owners are the users with the same addresses; one that the organisation does not have is its first user.
/// - Archived records are in the recycle bin. Links that lead nowhere are left out, since Zoho keeps none.
/// - What Zoho must have and the synthetic record lacks is made of its index, and notes that belong to nothing are left
///   out, as they cannot be there.
struct SyntheticFilling {
    let organisation: Organisation
    let crm: SyntheticCRM
    private let owners: [String: String]

    init(_ organisation: Organisation, _ crm: SyntheticCRM) {
        self.organisation = organisation
        self.crm = crm
        let byEmail = Dictionary(
            organisation.options.users.enumerated().map { ($1.email, organisation.userID(at: $0)) },
            uniquingKeysWith: { first, _ in first })
        owners = Dictionary(
            crm.owners.compactMap { owner in byEmail[owner.email].map { (String(owner.id), $0) } },
            uniquingKeysWith: { $1 })
    }

    /// The id in Zoho of a record of the synthetic CRM.
    static func id(_ object: CRMObject, at index: Int) -> Int64 {
        guard let module = StandardModules.all.first(where: { $0.name == module(object) }) else {
            preconditionFailure("every object of the synthetic CRM has a module")
        }
        return module.firstID + Int64(index)
    }

    static func module(_ object: CRMObject) -> String {
        switch object {
        case .contact: "Contacts"
        case .company: "Accounts"
        case .deal: "Deals"
        case .note: "Notes"
        case .task: "Tasks"
        case .call: "Calls"
        case .meeting: "Events"
        case .file: "Attachments"
        case .email: "Emails"
        case .product: "Products"
        case .lineItem: "Line_Items"
        case .lead: "Leads"
        }
    }

    func fill() throws {
        try organisation.store.write { session in
            guard try session.count("Accounts", includingDeleted: true) == 0 else { return }
            for index in 0..<crm.counts.companies {
                let company = crm.company(at: index)
                try insert(company, owner: company[.owner], values(company), session)
            }
            for index in 0..<crm.counts.contacts {
                let contact = crm.contact(at: index)
                try insert(contact, owner: contact[.owner], values(contact), session)
            }
            for index in 0..<crm.counts.deals {
                let deal = crm.deal(at: index)
                try insert(deal, owner: deal[.owner], values(deal), session)
                try insertRoles(of: index, session)
            }
            for index in 0..<crm.counts.notes {
                let note = crm.note(at: index)
                if let values = values(note) { try insert(note, owner: note[.owner], values, session) }
            }
            for index in 0..<crm.counts.tasks {
                let task = crm.task(at: index)
                try insert(task, owner: task[.owner], values(task), session)
            }
            for index in 0..<crm.counts.calls {
                let call = crm.call(at: index)
                try insert(call, owner: call[.owner], values(call), session)
            }
            for index in 0..<crm.counts.meetings {
                let meeting = crm.meeting(at: index)
                try insert(meeting, owner: meeting[.owner], values(meeting), session)
            }
            for index in 0..<crm.counts.files where !crm.isArchived(.file, at: index) {
                try insert(crm.file(at: index), session)
            }
            try fillProducts(session)
            try fillQuotes(session)
        }
    }

    func insert<Record: SyntheticRecord>(
        _ record: Record, owner: String?, _ values: [String: JSONValue?], _ session: DocumentSession
    ) throws {
        let module = Self.module(Record.object)
        let owner = owner.flatMap { owners[$0] } ?? organisation.userID(at: 0)
        var members = values.compactMap { name, value in value.map { JSONValue.Member(name, $0) } }
        members += [
            .init("Owner", .string(owner)), .init("Created_By", .string(owner)), .init("Modified_By", .string(owner)),
        ]
        let document = JSONValue.object(members.sorted { $0.key < $1.key })
        let id = Self.id(Record.object, at: record.index)
        try session.insert(module, document, at: whole(record.createdAt), id: id)
        try session.replace(module, id, with: document, at: whole(record.updatedAt))
        if record.isArchived { try session.delete(module, id, at: whole(record.updatedAt)) }
    }

    /// A file belongs to one record here: of one that hangs on several, each has a copy.
    private func insert(_ file: CRMFile, _ session: DocumentSession) throws {
        let owner = file[.owner].flatMap { owners[$0] } ?? organisation.userID(at: 0)
        for parent in file.parents {
            let (module, record) = (Self.module(parent.object), Self.id(parent.object, at: parent.index))
            guard try session.document(module, record)?.isDeleted == false else { continue }
            let document: JSONValue = [
                "module": .string(module), "record": .string(String(record)), "File_Name": .string(file.name),
                "Size": .string(String(file.size)), "Owner": .string(owner), "origin": .number(String(file.index)),
            ]
            let id = try session.insert(Organisation.Table.attachments, document, at: whole(file.createdAt))
            try session.replace(Organisation.Table.attachments, id, with: document, at: whole(file.updatedAt))
        }
    }

    // MARK: Values

    private func values(_ company: Company) -> [String: JSONValue?] {
        [
            "Account_Name": .string(first(company[.name], or: "Account \(company.index)")),
            "Website": text(company[.website]), "Phone": text(company[.phone]),
            "Description": text(company[.description]), "Industry": text(company[.industry]),
            "Annual_Revenue": number(company[.annualrevenue]), "Employees": number(company[.numberofemployees]),
            "Billing_Street": text(company[.address]), "Billing_City": text(company[.city]),
            "Billing_State": text(company[.state]), "Billing_Code": text(company[.zip]),
            "Billing_Country": text(company[.country]),
        ]
    }

    private func values(_ contact: Contact) -> [String: JSONValue?] {
        [
            "First_Name": text(contact[.firstname]),
            "Last_Name": .string(first(contact[.lastname], or: "Contact \(contact.index)")),
            "Email": text(contact[.email].flatMap { $0.contains("@") ? $0 : nil }), "Phone": text(contact[.phone]),
            "Mobile": text(contact[.mobilephone]), "Title": text(contact[.jobtitle]),
            "Mailing_Street": text(contact[.address]), "Mailing_City": text(contact[.city]),
            "Mailing_State": text(contact[.state]), "Mailing_Zip": text(contact[.zip]),
            "Mailing_Country": text(contact[.country]), "Description": text(contact[.notes]),
            "Date_of_Birth": text(contact[.birthday]), "Email_Opt_Out": .bool(contact[.optedOut] == "true"),
            "Account_Name": link(.contactToCompany, contact.index),
        ]
    }

    private func values(_ deal: Deal) -> [String: JSONValue?] {
        let pipeline = DealPipeline.all.first { $0.id == deal[.pipeline] }
        let stage = pipeline?.stages.first { $0.id == deal[.dealstage] }
        return [
            "Deal_Name": .string(first(deal[.dealname], or: "Deal \(deal.index)")),
            "Stage": text(stage?.label), "Pipeline": text(pipeline?.label), "Amount": number(deal[.amount]),
            "Closing_Date": text(deal[.closedate].map { String($0.prefix(10)) }),
            "Type": text(deal[.dealtype].map { $0 == "newbusiness" ? "New Business" : "Existing Business" }),
            "Description": text(deal[.description]), "Next_Step": text(deal[.nextStep]),
            "Account_Name": link(.dealToCompany, deal.index), "Contact_Name": link(.dealToContact, deal.index),
        ]
    }

    /// A note belongs to the first of its deal, its contact and its company.
    private func values(_ note: Note) -> [String: JSONValue?]? {
        guard let (id, module) = parent(of: note.index, [.noteToDeal, .noteToContact, .noteToCompany]),
            let body = note[.body], !body.isEmpty
        else { return nil }
        return [
            "Note_Title": .string("Note \(note.index)"), "Note_Content": .string(String(body.prefix(32_000))),
            "Parent_Id": id, "$se_module": .string(module),
        ]
    }

    private func values(_ task: CRMTask) -> [String: JSONValue?] {
        let place = ["NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED"].firstIndex(
            of: task[.status] ?? "")
        return [
            "Subject": .string(first(task[.subject], or: "Task \(task.index)")),
            "Status": text(place.map { StandardModules.taskStatuses[$0] }), "Priority": "Normal",
            "Due_Date": text(task[.timestamp].map { String($0.prefix(10)) }), "Description": text(task[.body]),
        ].merging(ends(task.index, .taskToContact, [.taskToDeal, .taskToCompany])) { $1 }
    }

    private func values(_ call: Call) -> [String: JSONValue?] {
        let seconds = (call[.duration].flatMap { Int($0) } ?? 0) / 1000
        return [
            "Subject": .string(first(call[.title], or: "Call \(call.index)")),
            "Call_Type": .string(call[.direction] == "INBOUND" ? "Inbound" : "Outbound"),
            "Call_Start_Time": organisation.time(call.createdAt),
            "Call_Duration": .string("\(seconds / 60):\(seconds % 60 < 10 ? "0" : "")\(seconds % 60)"),
            "Description": text(call[.body]),
        ].merging(ends(call.index, .callToContact, [.callToDeal, .callToCompany])) { $1 }
    }

    private func values(_ meeting: Meeting) -> [String: JSONValue?] {
        [
            "Event_Title": .string(first(meeting[.title], or: "Meeting \(meeting.index)")),
            "Start_DateTime": organisation.time(meeting.updatedAt),
            "End_DateTime": organisation.time(meeting.updatedAt.advanced(by: .seconds(1_800))),
            "Venue": text(meeting[.location]), "Description": text(meeting[.body]),
        ].merging(ends(meeting.index, .meetingToContact, [.meetingToDeal, .meetingToCompany])) { $1 }
    }

    // MARK: Links

    private func ends(_ index: Int, _ who: LinkKind, _ what: [LinkKind]) -> [String: JSONValue?] {
        let subject = parent(of: index, what)
        return [
            "Who_Id": link(who, index), "What_Id": subject?.id, "$se_module": subject.map { .string($0.module) },
        ]
    }

    private func parent(of index: Int, _ kinds: [LinkKind]) -> (id: JSONValue, module: String)? {
        for kind in kinds {
            if let id = link(kind, index) { return (id, Self.module(kind.to)) }
        }
        return nil
    }

    /// The first link that leads somewhere.
    func link(_ kind: LinkKind, _ index: Int) -> JSONValue? {
        crm.links(kind, from: index).compactMap(\.toIndex).first.map {
            .string(String(Self.id(kind.to, at: $0)))
        }
    }

    private func insertRoles(of deal: Int, _ session: DocumentSession) throws {
        for link in crm.links(.dealToContact, from: deal) {
            guard let contact = link.toIndex else { continue }
            let number = link.labels.first.flatMap { StandardModules.contactRoles.firstIndex(of: $0) }
            try session.insert(
                Organisation.Table.contactRoles,
                [
                    "deal": .string(String(Self.id(.deal, at: deal))),
                    "contact": .string(String(Self.id(.contact, at: contact))),
                    "role": number.map { .string(ContactRoles.roleID($0)) } ?? .null,
                ], at: organisation.options.clock.now)
        }
    }

    // MARK: Forms

    /// Zoho keeps no fractions of a second.
    func whole(_ time: Timestamp) -> Timestamp {
        Timestamp(milliseconds: time.milliseconds.flooredDivision(by: 1000) * 1000)
    }

    func text(_ value: String?) -> JSONValue? {
        guard let value, !value.isEmpty else { return nil }
        return .string(value)
    }

    func number(_ value: String?) -> JSONValue? {
        guard let value, !value.isEmpty else { return nil }
        return .number(value)
    }

    /// The value if there is something in it that can be seen.
    func first(_ value: String?, or other: String) -> String {
        guard let value, value.contains(where: { !$0.isWhitespace }) else { return other }
        return value
    }
}
