// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezSalesforceConnector
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import Testing

/// Schema, notes, links, reading back, sessions and allowances against a simulated org.
@Suite(.serialized) struct SalesforceOrgTests {
    @Test func `describe tells what a record needs`() async throws {
        try await Sandbox.run(stamped: []) { sandbox in
            let schemas = try await sandbox.destination.discover(["Account", "Contact", "Opportunity"])
            #expect(schemas.map(\.name) == ["Account", "Contact", "Opportunity"])
            let lastName = try #require(schemas[1].field("LastName"))
            #expect(lastName.isRequired && lastName.lengthMax == 80 && lastName.kind == .text)
            let account = try #require(schemas[1].field("AccountId"))
            #expect(account.kind == .reference && account.refersTo == ["Account"])
            let stage = try #require(schemas[2].field("StageName"))
            #expect(stage.kind == .choice && !stage.options.isEmpty && stage.isRequired)
            #expect(schemas.allSatisfy { $0.holdsKey })
            let error = await #expect(throws: MigratezError.self) {
                try await sandbox.destination.discover(["Contact", "Nothing__c"])
            }
            #expect(error?.message.contains("Nothing__c") == true)
        }
    }

    @Test func `the field for our key is created once, on the object that can hold it`() async throws {
        try await Sandbox.run(stamped: []) { sandbox in
            let destination = sandbox.destination
            let names = ["Contact", "Task", "Event", "ContentNote", "ContentDocumentLink"]
            let needed = try await destination.discover(names).flatMap(destination.requirements)
            #expect(needed.map(\.object) == ["Contact", "Task", "Event", "ContentVersion"])
            try await destination.prepare(needed)
            #expect(try await destination.discover(names).flatMap(destination.requirements).isEmpty)
            try await destination.prepare(needed)
            #expect(sandbox.calls("POST /tooling/sobjects/CustomField") >= 3)
            let field = try #require(try await destination.discover(["Contact"]).first?.field("Migratez_Id__c"))
            #expect(field.isUnique && field.lengthMax == 255)
        }
    }

    @Test func `a field that is created and cannot be seen is named with the way out`() async throws {
        var options = OrgOptions()
        options.showsNewFields = false
        try await Sandbox.run(options, stamped: []) { sandbox in
            let needed = try await sandbox.destination.discover(["Contact"])
                .flatMap(sandbox.destination.requirements)
            let error = await #expect(throws: MigratezError.self) {
                try await sandbox.destination.prepare(needed)
            }
            #expect(error?.code == .permissionMissing)
            #expect(error?.message.contains("field-level security") == true)
            // A second attempt meets the existing field and says the same.
            let again = await #expect(throws: MigratezError.self) { try await sandbox.destination.prepare(needed) }
            #expect(again?.code == .permissionMissing)
        }
    }

    @Test func `notes become documents, are linked once, and can be read back`() async throws {
        try await Sandbox.run { sandbox in
            let parent = try #require(
                try await sandbox.write(Batch(object: "Account", rows: [Batch.Row("c-1", ["Name": "A"])])).first?.id)
            let notes = Batch(
                object: "ContentNote",
                rows: (0..<3).map {
                    Batch.Row(
                        "hubspot-note-\($0)", ["Title": .string("A/b \($0)"), "Content": .string("<p>é \($0)</p>")])
                })
            let receipts = try await sandbox.write(notes)
            #expect(tally(receipts) == ["created": 3])
            let ids = receipts.compactMap(\.id)
            #expect(ids.allSatisfy { $0.hasPrefix("069") && $0.count == 18 })
            #expect(try sandbox.org.count(of: "ContentDocument") == 3)
            #expect(try await sandbox.resolve(notes).compactMap(\.id).sorted() == ids.sorted())

            let again = try await sandbox.write(
                Batch(object: "ContentNote", rows: [Batch.Row("hubspot-note-1", ["Title": "New", "Content": "n"])]))
            #expect(again.first?.result == .updated(id: ids[1]))
            #expect(try sandbox.org.count(of: "ContentDocument") == 3)

            let read = try await sandbox.destination.read(
                object: "ContentNote", ids: ids + ["069000000000999AAA"], fields: ["Title", "Content"])
            #expect(read.count == 3)
            let first = try #require(read.first { $0.id == ids[0] })
            #expect(first.key == "hubspot-note-0")
            #expect(try JSONValue(parsing: first.fields)["Content"]?.text == "<p>é 0</p>")
            let second = try #require(read.first { $0.id == ids[1] })
            #expect(try JSONValue(parsing: second.fields)["Content"]?.text == "n")
            #expect(try await sandbox.destination.count(object: "ContentNote", keyPrefix: "hubspot-note-") == 3)

            let empty = try await sandbox.write(
                Batch(object: "ContentNote", rows: [Batch.Row("hubspot-note-9", ["Title": "Without content"])]))
            guard case .rejected(let rejection)? = empty.first?.result else {
                Issue.record("a note without content was taken: \(empty)")
                return
            }
            #expect(rejection.fields == ["Content"], "in the pipeline's words")

            let links = Batch(
                object: "ContentDocumentLink",
                rows: ids.enumerated().map { index, id in
                    Batch.Row(
                        "hubspot-note-to-company-\(index)", [:],
                        references: [
                            Batch.Reference(
                                field: "ContentDocumentId", object: "ContentNote", key: "hubspot-note-\(index)",
                                targetID: id),
                            Batch.Reference(field: "LinkedEntityId", object: "Account", key: "c-1", targetID: parent),
                        ])
                })
            #expect(try await sandbox.resolve(links).isEmpty)
            let linked = try await sandbox.write(links)
            #expect(tally(linked) == ["created": 3])
            #expect(try await tally(sandbox.write(links)) == ["updated": 3])
            #expect(try await Set(sandbox.resolve(links).map(\.id)) == Set(linked.map(\.id)))
            #expect(try sandbox.org.count(of: "ContentDocumentLink") == 3)
            #expect(try await sandbox.destination.count(object: "ContentDocumentLink", keyPrefix: "x") == nil)
        }
    }

    @Test func `links by the thousand go through a bulk job and count once`() async throws {
        try await Sandbox.run { sandbox in
            let accounts = try await sandbox.write(
                Batch(object: "Account", rows: (0..<450).map { Batch.Row("c-\($0)", ["Name": "A"]) }), "bulk2")
            let note = try #require(
                try await sandbox.write(
                    Batch(object: "ContentNote", rows: [Batch.Row("n", ["Title": "T", "Content": "c"])])
                ).first?.id)
            let links = Batch(
                object: "ContentDocumentLink",
                rows: accounts.enumerated().map { index, account in
                    Batch.Row(
                        "l-\(index)", [:],
                        references: [
                            Batch.Reference(
                                field: "ContentDocumentId", object: "ContentNote", key: "n", targetID: note),
                            Batch.Reference(
                                field: "LinkedEntityId", object: "Account", key: account.key, targetID: account.id ?? ""
                            ),
                        ])
                })
            let first = try await sandbox.write(links, "bulk2")
            #expect(tally(first) == ["created": 450])
            let second = try await sandbox.write(links, "bulk2")
            #expect(tally(second) == ["updated": 450])
            #expect(first.map(\.id) == second.map(\.id))
        }
    }

    @Test func `a lost call of links is settled by looking them up`() async throws {
        try await Sandbox.run { sandbox in
            let parent = try #require(
                try await sandbox.write(Batch(object: "Account", rows: [Batch.Row("c-1", ["Name": "A"])])).first?.id)
            let note = try #require(
                try await sandbox.write(
                    Batch(object: "ContentNote", rows: [Batch.Row("n", ["Title": "T", "Content": "c"])])
                ).first?.id)
            let links = Batch(
                object: "ContentDocumentLink",
                rows: [
                    Batch.Row(
                        "l", [:],
                        references: [
                            Batch.Reference(
                                field: "ContentDocumentId", object: "ContentNote", key: "n", targetID: note),
                            Batch.Reference(field: "LinkedEntityId", object: "Account", key: "c-1", targetID: parent),
                        ])
                ])
            sandbox.inject(.commitThenDrop, at: "/composite/sobjects")
            await #expect(throws: MigratezError.self) { try await sandbox.write(links) }
            #expect(try await sandbox.resolve(links).count == 1)
            #expect(try sandbox.org.count(of: "ContentDocumentLink") == 1)
        }
    }

    @Test func `records are matched by value unless they are ours, and read back by id`() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.write(
                Batch(object: "Contact", rows: [Batch.Row("ours", ["LastName": "O'Brien", "Email": "a@x.test"])]))
            // Somebody else's records carry no key of ours.
            try await Sandbox.createContact(sandbox, lastName: "O'Brien", email: "b@x.test")
            try await Sandbox.createContact(sandbox, lastName: #"Back\slash"#, email: "c@x.test")
            let destination = sandbox.destination
            let one = try await destination.match(
                object: "Contact", fields: ["LastName"], values: [["O'Brien"], [""], [#"Back\slash"#]],
                returning: ["Email"])
            let emails = try one.compactMap { try JSONValue(parsing: $0.fields)["Email"]?.text }
            #expect(emails.sorted() == ["b@x.test", "c@x.test"])
            #expect(one.allSatisfy { $0.key == nil })
            let two = try await destination.match(
                object: "Contact", fields: ["LastName", "Email"],
                values: [["O'Brien", "b@x.test"], ["O'Brien", "c@x.test"], ["", "c@x.test"]], returning: ["LastName"])
            #expect(two.count == 1)
            let read = try await destination.read(
                object: "Contact", ids: one.map(\.id) + ["003000000000999AAA", "no id"], fields: ["LastName", "Phone"])
            #expect(read.count == 2)
            #expect(try JSONValue(parsing: read[0].fields).members.map(\.key) == ["LastName", "Phone"])
        }
    }

    @Test func `counts look at the beginning of our keys`() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.write(contacts(30))
            _ = try await sandbox.write(
                Batch(object: "Contact", rows: [Batch.Row("hubspotXcontact-1", ["LastName": "L"])]))
            #expect(try await sandbox.destination.count(object: "Contact", keyPrefix: "hubspot-contact-") == 30)
            #expect(try await sandbox.destination.count(object: "Contact", keyPrefix: "hubspot_contact-") == 0)
            #expect(try await sandbox.destination.count(object: "Account", keyPrefix: "hubspot-") == 0)
        }
    }

    @Test func `people come with those who left`() async throws {
        var options = OrgOptions()
        options.users.append(OrgOptions.User(email: "gone@acme.test", name: "Gone", isActive: false))
        try await Sandbox.run(options, stamped: []) { sandbox in
            let people = try await sandbox.destination.people()
            #expect(people.count == 3)
            #expect(people.first { $0.email == "gone@acme.test" }?.isActive == false)
            #expect(people.first { $0.email == "etl@acme.test" }?.isActive == true)
        }
    }

    @Test func `sessions that end in the middle of a load are renewed`() async throws {
        var options = OrgOptions()
        options.sessionRequestsMax = 3
        try await Sandbox.run(options) { sandbox in
            let created = try await sandbox.write(contacts(1500))
            let updated = try await sandbox.write(contacts(450, "B"), "bulk2")
            #expect(tally(created) == ["created": 1500] && tally(updated) == ["updated": 450])
        }
    }

    @Test func `a used-up day is a pause with its own code`() async throws {
        var options = OrgOptions()
        options.dailyRequestsMax = 12
        try await Sandbox.run(options) { sandbox in
            let error = await #expect(throws: MigratezError.self) {
                for _ in 0..<12 { _ = try await sandbox.write(contacts(1)) }
            }
            #expect(error?.code == .quotaExhausted)
            #expect(error?.code.class == .quota)
        }
    }

    @Test func `duplicate rules refuse unless the pipeline allows duplicates`() async throws {
        var options = OrgOptions()
        options.hasContactDuplicateRule = true
        for (allowed, word) in [("false", "MZ-DUP-01"), ("true", "created")] {
            try await Sandbox.run(options, settings: ["load.allow_duplicates": allowed]) { sandbox in
                let rows = (0..<2).map { Batch.Row("k-\($0)", ["LastName": "L", "Email": "same@x.test"]) }
                _ = try await sandbox.write(Batch(object: "Contact", rows: [rows[0]]))
                #expect(try await sandbox.write(Batch(object: "Contact", rows: [rows[1]])).map(\.word) == [word])
            }
        }
    }

    @Test func `plain reading writes nothing`() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.write(contacts(3))
            sandbox.server.journal.reset()
            let destination = sandbox.destination
            _ = try await destination.discover(["Contact", "ContentNote"])
            _ = try await destination.people()
            _ = try await destination.count(object: "Contact", keyPrefix: "h")
            _ = try await destination.match(object: "Contact", fields: ["LastName"], values: [["x"]], returning: [])
            _ = try await destination.read(object: "Contact", ids: ["003000000000001AAA"], fields: ["LastName"])
            _ = try await sandbox.resolve(contacts(3))
            try await destination.finish()
            #expect(sandbox.server.journal.counts.writes == 0)
        }
    }
}
