// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezTestKit
import MigratezTransport
import MigratezZohoConnector
import MigratezZohoSimulator
import Testing

/// What is special in Zoho's way of writing.
@Suite struct `Zoho as a destination` {
    private static func note(_ number: Int, _ parent: String, content: String? = nil) -> Batch.Row {
        Batch.Row(
            "hubspot-note-\(number)", ["Note_Title": "Call", "Note_Content": .string(content ?? "Note \(number)")],
            [.init(field: "Parent_Id", object: "Contacts", key: "hubspot-contact-1", targetID: parent)])
    }

    @Test func `notes whose answer was lost are found again, each once, and nobody else's`() async throws {
        try await ZohoOrg.run { org in
            let contact = try await org.create("Contacts", ["Last_Name": "Ada"])
            let destination = try org.destination()
            // The same note was there before, and somebody else writes it meanwhile.
            let before = try await destination.put("Notes", [Self.note(0, contact, content: "Same")])
            // Each request is lost the first time: the mark is read again, the call behind it is not sent again.
            org.server.faults.inject(.init(.commitThenDrop, .once, pathPrefix: "/crm/v8/Notes"))
            let intent = KeptIntent()
            let rows = [
                Self.note(1, contact, content: "Same"), Self.note(2, contact, content: "Same"), Self.note(3, contact),
            ]
            let error = await #expect(throws: MigratezError.self) {
                _ = try await destination.put("Notes", rows, intent: intent)
            }
            #expect(error?.leavesFateUnknown == true)
            #expect(try org.simulator.count(of: "Notes") == 4)
            let theirs: JSONValue = [
                "Note_Title": "Call", "Note_Content": "Same",
                "Parent_Id": ["module": ["api_name": "Contacts"], "id": .string(contact)],
            ]
            org.server.faults.replace(with: FaultPlan())
            _ = try await org.create("Notes", theirs)
            let found = try await org.destination().found("Notes", rows, note: await intent.last)
            #expect(found.count == 3 && Set(found.compactMap(\.id)).count == 3)
            #expect(!found.contains { $0.id == before[0].id })
            // Before the mark was made, nothing had been sent.
            #expect(try await org.destination().found("Notes", rows).isEmpty)
        }
    }

    @Test func `a note belongs to what its link says, and one without is refused`() async throws {
        try await ZohoOrg.run { org in
            let account = try await org.create("Accounts", ["Account_Name": "Acme"])
            var note = Self.note(1, account)
            note.references[0].object = "Accounts"
            let orphan = Batch.Row("hubspot-note-2", ["Note_Title": "x", "Note_Content": "y"])
            let receipts = try await org.destination().put("Notes", [note, orphan])
            let id = try #require(receipts.first { $0.key == note.key }?.id)
            #expect(try org.simulator.records(of: "Notes")[id]?["$se_module"] == "Accounts")
            let rejection = try #require(receipts.first { $0.key == orphan.key }?.rejection)
            #expect(rejection.code == .requiredFieldMissing && rejection.fields == ["Parent_Id"])
            let read = try await org.destination().read(object: "Notes", ids: [id], fields: ["Parent_Id"])
            #expect(read.map { String(decoding: $0.fields, as: UTF8.self) } == [#"{"Parent_Id":"\#(account)"}"#])
        }
    }

    @Test func `activities, which take no upsert, are met again by their key`() async throws {
        try await ZohoOrg.run { org in
            let deal = try await org.create("Deals", ["Deal_Name": "Big", "Stage": "Closed won"])
            let destination = try await org.prepared(["Tasks"])
            func rows(_ subject: String) -> [Batch.Row] {
                (1...120).map { number in
                    Batch.Row(
                        "hubspot-task-\(number)", ["Subject": .string("\(subject) \(number)"), "Status": "Completed"],
                        [.init(field: "What_Id", object: "Deals", key: "hubspot-deal-1", targetID: deal)])
                }
            }
            let first = try await destination.put("Tasks", rows("One"))
            #expect(first.filter(\.isCreated).count == 120 && first.count == 120)
            let second = try await org.destination().put("Tasks", rows("Two"))
            #expect(second.allSatisfy { !$0.isCreated && $0.id != nil })
            #expect(Set(first.map(\.id)) == Set(second.map(\.id)))
            let tasks = try org.simulator.records(of: "Tasks")
            #expect(tasks.count == 120)
            #expect(tasks.values.allSatisfy { $0["$se_module"] == "Deals" && $0["What_Id"]?.text == deal })
            #expect(tasks.values.allSatisfy { $0["Subject"]?.text?.hasPrefix("Two ") == true })
            // A call that was lost: what it made counts as created.
            org.server.faults.inject(.init(.commitThenDrop, .next(1), pathPrefix: "/crm/v8/Tasks"))
            let lost = try await org.destination().put("Tasks", [Batch.Row("hubspot-task-500", ["Subject": "Lost"])])
            #expect(lost.map(\.isCreated) == [true])
            #expect(try org.simulator.count(of: "Tasks") == 121)
        }
    }

    @Test func `values are sent in the form that each field takes`() async throws {
        try await ZohoOrg.run { org in
            let destination = try await org.prepared(["Accounts", "Contacts", "Events"])
            let account = try await destination.put(
                "Accounts",
                [
                    Batch.Row(
                        "a", ["Account_Name": "Acme", "Employees": "12", "Annual_Revenue": "1.50", "Phone": 4712])
                ])
            let contact = try await destination.put(
                "Contacts",
                [
                    Batch.Row(
                        "c",
                        [
                            "Last_Name": "Ada", "Email_Opt_Out": "true", "Date_of_Birth": "", "Title": "",
                            "Owner": .string(org.simulator.userID(at: 1)),
                        ], [.init(field: "Account_Name", object: "Accounts", key: "a", targetID: account[0].id ?? "")])
                ])
            let event = try await destination.put(
                "Events",
                [
                    Batch.Row(
                        "e",
                        [
                            "Event_Title": "Demo", "Start_DateTime": "2026-01-02T03:04:05.678Z",
                            "End_DateTime": "2026-01-02T05:04:05+0100",
                        ])
                ])
            let held = try #require(account[0].id.flatMap { try org.simulator.records(of: "Accounts")[$0] })
            #expect(held["Employees"] == .number("12") && held["Annual_Revenue"] == .number("1.50"))
            #expect(held["Phone"] == "4712")
            let person = try #require(contact[0].id.flatMap { try org.simulator.records(of: "Contacts")[$0] })
            #expect(person["Email_Opt_Out"] == true && person["Date_of_Birth"] == .null && person["Title"] == "")
            #expect(person["Owner"]?.text == org.simulator.userID(at: 1))
            #expect(person["Account_Name"]?.text == account[0].id)
            let meeting = try #require(event[0].id.flatMap { try org.simulator.records(of: "Events")[$0] })
            #expect(meeting["Start_DateTime"] == "2026-01-02T08:34:05+05:30")
            #expect(meeting["End_DateTime"] == "2026-01-02T09:34:05+05:30")
        }
    }

    private static let refusals: [(fields: JSONValue, code: ErrorCode, field: String)] = [
        (["Last_Name": "A", "No_Such_Field": "x"], .requestRefused, "No_Such_Field"),
        (["Last_Name": ""], .requiredFieldMissing, "Last_Name"),
        (["Last_Name": "A", "Title": .string(String(repeating: "x", count: 101))], .tooLong, "Title"),
        (["Last_Name": "A", "Email": "no address"], .wrongType, "Email"),
        (["Last_Name": "A", "Owner": "554023000000999999"], .ownerUnmatched, "Owner"),
        (["Last_Name": "A", "Account_Name": "554023000000999999"], .parentNotLoaded, "Account_Name"),
    ]

    @Test(arguments: refusals)
    func `each refusal names the field and what is wrong`(
        _ fields: JSONValue, _ code: ErrorCode, _ field: String
    ) async throws {
        try await ZohoOrg.run { org in
            let destination = try await org.prepared(["Contacts"])
            let receipts = try await destination.put(
                "Contacts", [Batch.Row("good", ["Last_Name": "Good"]), Batch.Row("bad", fields)])
            #expect(receipts.first { $0.key == "good" }?.isCreated == true)
            let rejection = try #require(receipts.first { $0.key == "bad" }?.rejection)
            #expect(rejection.code == code && rejection.fields == [field])
        }
    }

    @Test func `a contact with the same address is not taken for the same`() async throws {
        try await ZohoOrg.run { org in
            let theirs = try await org.create("Contacts", ["Last_Name": "Theirs", "Email": "a@x.test"])
            let destination = try await org.prepared(["Contacts"])
            let ours = try await destination.put(
                "Contacts", [Batch.Row("k", ["Last_Name": "Ours", "Email": "a@x.test"])])
            #expect(ours[0].isCreated && ours[0].id != theirs)
        }
    }

    @Test func `who changed a record last and what refers to it is told`() async throws {
        try await ZohoOrg.run { org in
            let destination = try await org.prepared(
                ["Accounts", "Contacts", "Deals"], ["load.contact_role": "Champion"])
            let accounts = try await destination.put(
                "Accounts", (1...4).map { Batch.Row("a\($0)", ["Account_Name": .string("Acme \($0)")]) }
            ).compactMap(\.id)
            #expect(try await destination.referrers(object: "Accounts", ids: accounts).isEmpty)
            _ = try await org.create("Contacts", ["Last_Name": "A", "Account_Name": ["id": .string(accounts[0])]])
            _ = try await org.create(
                "Tasks", ["Subject": "T", "What_Id": ["id": .string(accounts[1])], "$se_module": "Accounts"])
            _ = try await org.create(
                "Notes",
                [
                    "Note_Content": "N", "Parent_Id": ["module": ["api_name": "Accounts"], "id": .string(accounts[2])],
                ])
            let referrers = try await org.destination().referrers(object: "Accounts", ids: accounts)
            #expect(referrers == [accounts[0]: "Contacts", accounts[1]: "Tasks", accounts[2]: "Notes"])
            org.clock.advance(by: .seconds(60))
            _ = try await org.ask(.put, "/Accounts/\(accounts[3])", ["data": [["Website": "https://x.test"]]])
            let changes = try await destination.lastChanges(object: "Accounts", ids: accounts)
            #expect(changes[accounts[0]]?.isOurs == true && changes[accounts[3]]?.isOurs == false)
            #expect(changes[accounts[3]]?.at == Timestamp(milliseconds: org.clock.now.milliseconds / 1000 * 1000))
        }
    }

    @Test func `a link that names no role is refused unless a setting does`() async throws {
        try await ZohoOrg.run { org in
            let deal = try await org.create("Deals", ["Deal_Name": "Big", "Stage": "Closed won"])
            let contact = try await org.create("Contacts", ["Last_Name": "Ada"])
            func row(_ fields: JSONValue) -> [Batch.Row] {
                [
                    Batch.Row(
                        "l", fields,
                        [
                            .init(field: "Deal", object: "Deals", key: "d", targetID: deal),
                            .init(field: "Contact", object: "Contacts", key: "c", targetID: contact),
                        ])
                ]
            }
            let refused = try await org.destination().put("Contact_Roles", row([:]))
            #expect(refused[0].rejection?.code == .requiredFieldMissing)
            let unknown = try await org.destination().put("Contact_Roles", row(["Role": "Hero"]))
            #expect(unknown[0].rejection?.code == .notInPicklist)
            let named = try await org.destination().put("Contact_Roles", row(["Role": "decision MAKER"]))
            #expect(named[0].isCreated)
            let kept = try await org.destination(["load.contact_role": "Evaluator"]).put("Contact_Roles", row([:]))
            #expect(!kept[0].isCreated && kept[0].id == named[0].id)
            #expect(try org.simulator.contactRoles().map(\.role) == ["Decision maker"])
        }
    }

    @Test func `a field for the key that may hold a value twice is not used`() async throws {
        try await ZohoOrg.run { org in
            _ = try await org.ask(
                .post, "/settings/fields?module=Contacts",
                ["fields": [["field_label": "Migratez ID", "data_type": "text"]]])
            let error = await #expect(throws: MigratezError.self) { _ = try await org.prepared(["Contacts"]) }
            #expect(error?.code == .invalidSetting)
        }
    }
}
