// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezDynamicsConnector
import MigratezDynamicsSimulator
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTransport
import Testing

/// E-mails with those who sent and got them, and leads.
@Suite struct `Dynamics correspondence` {
    private static let email = StreamName("email").unsafelyUnwrapped
    private static let contact = StreamName("contact").unsafelyUnwrapped

    @Test func `e-mails are read with senders, recipients and the contacts among them`() async throws {
        let crm = SyntheticCRM(
            seed: 4, counts: .init(contacts: 60, companies: 20, deals: 20, emails: 150, leads: 30))
        try await DynamicsWorld.run(crm) { world in
            let source = try world.source(["page_size": "40"])
            let schema = try await source.discover([Self.email])[0]
            #expect(schema.field("to")?.kind == .text && schema.field("cc") != nil)
            var read: [JSONValue] = []
            var edges: Set<Edge> = []
            var cursor: Cursor?
            repeat {
                let page = try await source.readPage(
                    of: Self.email,
                    fields: ["subject", "description", "directioncode", "actualend", "from", "to", "cc"],
                    after: cursor)
                let records = try page.records.map { try JSONValue(parsing: Array(page.bytes[$0])) }
                edges.formUnion(
                    try await source.readLinks(
                        from: Self.email, to: Self.contact,
                        of: zip(records, page.records).map { ($0["activityid"]?.text ?? "", page.bytes[$1]) }))
                read += records
                cursor = page.next
            } while cursor != nil
            let live = (0..<crm.counts.emails).filter { !crm.isArchived(.email, at: $0) }
            #expect(read.count == live.count)
            var labels: Set<String> = []
            for (index, record) in zip(live, read) {
                let email = crm.email(at: index)
                #expect(record["from"]?.text == email.from.email)
                #expect(record["to"]?.text == email.to.map(\.email).joined(separator: ";"))
                #expect(record["cc"]?.text == email.cc.first?.email)
                #expect(record["directioncode"]?.bool == !email.isIncoming)
                #expect(record["actualend"]?.text?.prefix(19) == email[.timestamp]?.prefix(19))
                let id = record["activityid"]?.text ?? ""
                let found = edges.filter { $0.from == id }
                let contacts = crm.links(.emailToContact, from: index).filter { $0.toIndex != nil }
                let outside = email.isIncoming ? 1 + email.cc.count : email.to.count + email.cc.count
                #expect(found.count == min(contacts.count, outside), "\(index)")
                labels.formUnion(found.compactMap(\.label))
            }
            #expect(labels.isSuperset(of: ["Sender", "To Recipient"]), "\(labels)")
        }
    }

    @Test func `an e-mail is written with its time, its parties and its state`() async throws {
        try await DynamicsWorld.run { world in
            let destination = try await world.prepared(["email", "contact"])
            let contact = try await destination.put("contact", [.init("c", ["lastname": "Ada"])])
            let rows = (1...3).map { number in
                Batch.Row(
                    "e\(number)",
                    [
                        "subject": .string("Offer \(number)"), "description": "<p>Hi</p>",
                        "directioncode": .bool(number == 1),
                        "from": "ada@acme.test", "to": "bob@x.test;eve@x.test", "cc": number == 2 ? "cc@x.test" : .null,
                        "actualend": "2020-02-03T04:05:06Z", "overriddencreatedon": "2020-02-03T04:05:06Z",
                        "statecode": 1, "statuscode": number == 1 ? 3 : 4,
                    ],
                    references: [
                        .init(
                            field: "regardingobjectid", object: "contact", key: "c", targetID: contact[0].id ?? "")
                    ])
            }
            let receipts = try await destination.put("email", rows)
            #expect(receipts.map(\.word) == ["created", "created", "created"])
            let again = try await world.destination().put("email", rows)
            #expect(again.map(\.word) == ["updated", "updated", "updated"])
            #expect(try world.environment.count(of: "activityparty") == 10)
            let read = try await destination.read(
                object: "email", ids: receipts.compactMap(\.id),
                fields: ["from", "to", "cc", "statuscode", "createdon"])
            #expect(read.count == 3)
            for record in read {
                let values = try JSONValue(parsing: record.fields)
                #expect(values["from"]?.text == "ada@acme.test" && values["to"]?.text == "bob@x.test;eve@x.test")
                #expect(values["cc"]?.text == (record.key == "e2" ? "cc@x.test" : nil))
                #expect(values["statuscode"]?.int == (record.key == "e1" ? 3 : 4))
                #expect(values["createdon"]?.text == "2020-02-03T04:05:06Z")
            }
            _ = try await destination.delete(object: "email", ids: receipts.compactMap(\.id))
            #expect(try world.environment.count(of: "activityparty") == 0)
        }
    }

    @Test func `leads are read and written with their states`() async throws {
        let crm = SyntheticCRM(seed: 4, counts: .init(contacts: 60, companies: 20, leads: 60))
        try await DynamicsWorld.run(crm) { world in
            let lead = StreamName("lead").unsafelyUnwrapped
            let source = try world.source()
            let page = try await source.readPage(
                of: lead, fields: ["lastname", "companyname", "statecode"], after: nil)
            let live = (0..<crm.counts.leads).filter { !crm.isArchived(.lead, at: $0) }
            #expect(page.records.count == live.count)
            let destination = try await world.prepared(["lead"])
            let rows: [Batch.Row] = [
                .init("open", ["lastname": "A", "companyname": "X"]),
                .init("lost", ["lastname": "B", "companyname": "Y", "statecode": 2, "statuscode": 4]),
            ]
            #expect(try await destination.put("lead", rows).map(\.word) == ["created", "created"])
            #expect(try world.record("lead", key: "lost")?["statecode"]?.int == 2)
            #expect(try world.record("lead", key: "open")?["statecode"]?.int == 0)
        }
    }
}
