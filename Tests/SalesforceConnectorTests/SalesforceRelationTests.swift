// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSalesforceConnector
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezTestKit
import MigratezTransport
import Testing

/// Contacts' relations to accounts: one record with a list of roles, each of which is a link.
@Suite(.serialized) struct `Salesforce relations` {
    private static let object = "AccountContactRelation"

    /// An org with two accounts and two contacts.
    private struct Family {
        let sandbox: Sandbox
        let accounts: [String]
        let contacts: [String]

        static func run(_ body: (Family) async throws -> Void) async throws {
            try await Sandbox.run(stamped: ["Account", "Contact"]) { sandbox in
                let accounts = try await sandbox.write(
                    Batch(object: "Account", rows: (0..<2).map { Batch.Row("a-\($0)", ["Name": .string("A\($0)")]) }))
                let contacts = try await sandbox.write(
                    Batch(
                        object: "Contact", rows: (0..<2).map { Batch.Row("c-\($0)", ["LastName": .string("C\($0)")]) }))
                try await body(
                    Family(
                        sandbox: sandbox, accounts: accounts.compactMap(\.id), contacts: contacts.compactMap(\.id)))
            }
        }

        func row(
            _ key: String, _ roles: JSONValue?, contact: Int = 0, account: Int = 0, id: String? = nil
        ) -> Batch.Row {
            Batch.Row(
                key, .object(roles.map { [.init("Roles", $0)] } ?? []),
                references: [
                    .init(field: "ContactId", object: "Contact", key: "c", targetID: contacts[contact]),
                    .init(field: "AccountId", object: "Account", key: "a", targetID: accounts[account]),
                ], targetID: id)
        }

        func write(_ rows: [Batch.Row], _ intent: any WriteIntent = KeptIntent()) async throws -> [Receipt] {
            let destination = sandbox.destination
            return try await destination.write(
                Batch(object: object, rows: rows), by: destination.route(for: object, expectedRows: rows.count),
                intent: intent)
        }

        /// The roles of each relation, in the order of creation.
        func roles() throws -> [String] {
            try sandbox.records(object).filter { $0["IsDeleted"]?.bool != true }.map { $0["Roles"]?.text ?? "" }
        }

        /// A relation that somebody else made.
        func relate(_ roles: String) async throws {
            let body: JSONValue = [
                "ContactId": .string(contacts[0]), "AccountId": .string(accounts[0]), "Roles": .string(roles),
            ]
            let response = try await sharedClient.get().send(
                HTTPRequest(
                    .post, sandbox.server.baseURL + "/services/data/v67.0/sobjects/\(object)",
                    headers: [
                        HTTPHeader("Authorization", "Bearer somebody-else"),
                        HTTPHeader("Content-Type", "application/json"),
                    ], body: .bytes(body.serialized())))
            try #require(response.status == 201)
        }
    }

    @Test func `each role is a link with its label, and is among those that links may have`() async throws {
        try await Family.run { family in
            try await family.relate("Evaluator;Influencer")
            let source = try makeSalesforceSource(
                family.sandbox.server.baseURL, clock: ManualClock(advancesBySleeping: true))
            let contact = try #require(StreamName("Contact"))
            let account = try #require(StreamName("Account"))
            let page = try await source.readPage(of: contact, fields: ["AccountId"], after: nil)
            let records = try page.records.map { range in
                (try #require(try JSONValue(parsing: Array(page.bytes[range]))["Id"]?.text), page.bytes[range])
            }
            let edges = try await source.readLinks(from: contact, to: account, of: records)
            #expect(
                Set(edges)
                    == Set(
                        ["Evaluator", "Influencer"].map {
                            Edge(from: family.contacts[0], to: family.accounts[0], label: $0)
                        }))
            #expect(edges.count == 2)
            let labels = try await source.linkLabels(from: contact, to: account)
            #expect(Set(labels).isSuperset(of: edges.compactMap(\.label)) && !labels.contains { $0.contains(";") })
        }
    }

    @Test func `several roles of one relation are one record, and a replay adds nothing`() async throws {
        try await Family.run { family in
            let destination = family.sandbox.destination
            let schema = try await destination.discover([Self.object])[0]
            #expect(!schema.holdsKey && destination.requirements(of: schema).isEmpty)
            #expect(destination.route(for: Self.object, expectedRows: 100_000).concurrencyMax == 1)
            let rows = [
                family.row("1", "Evaluator"), family.row("2", "Influencer"),
                family.row("3", "Evaluator", contact: 1), family.row("4", nil, contact: 1, account: 1),
            ]
            // Refused by itself, though it is of the same relation as others.
            var bad = family.row("5", "Other")
            bad.fields = JSONValue.object([.init("Roles", "Other"), .init("StartDate", "someday")]).serialized()
            let all = rows + [bad]
            let first = try await family.write(all)
            #expect(first.prefix(4).map(\.word) == ["created", "created", "created", "created"])
            #expect(first.last?.rejection != nil)
            #expect(try family.roles().sorted() == ["", "Evaluator", "Evaluator;Influencer"])
            #expect(Set(first.compactMap(\.id)).count == 4)
            let again = try await family.write(rows)
            #expect(again.map(\.word) == ["updated", "updated", "updated", "updated"])
            // A role that comes later joins those that are there.
            let late = try await family.write([family.row("6", "Evaluator", contact: 1, account: 1)])
            #expect(late.map(\.word) == ["created"])
            #expect(try family.roles().sorted() == ["Evaluator", "Evaluator", "Evaluator;Influencer"])
            let ids = first.compactMap(\.id)
            let read = try await destination.read(object: Self.object, ids: ids, fields: ["Roles", "AccountId"])
            let values = Dictionary(
                try read.map { ($0.id, try JSONValue(parsing: $0.fields)["Roles"]?.text) }, uniquingKeysWith: { $1 })
            #expect(values[ids[0]] == "Evaluator" && values[ids[1]] == "Influencer" && values[ids[2]] == "Evaluator")
        }
    }

    @Test func `a role is taken away by itself, and a relation of ours goes with the last`() async throws {
        try await Family.run { family in
            let destination = family.sandbox.destination
            let receipts = try await family.write([family.row("1", "Evaluator"), family.row("2", "Influencer")])
            let ids = receipts.compactMap(\.id)
            let changed = try await family.write([family.row("2", "Business User", id: ids[1])])
            #expect(changed.map(\.word) == ["updated"])
            #expect(try family.roles() == ["Evaluator;Business User"])
            let changedID = try #require(changed[0].id)
            let one = try await destination.delete(object: Self.object, ids: [ids[0], ids[1]])
            #expect(one.map(\.result) == [.deleted, .absent])
            #expect(try family.roles() == ["Business User"])
            let all = try await destination.delete(object: Self.object, ids: [ids[0], changedID, "x"])
            #expect(all.map(\.result) == [.absent, .deleted, .absent])
            #expect(try family.roles().isEmpty)
            let gone = try await destination.read(object: Self.object, ids: [ids[0], changedID], fields: ["Roles"])
            #expect(gone.isEmpty)
        }
    }

    @Test func `a relation of others gets a role and loses it again, and stays`() async throws {
        try await Family.run { family in
            try await family.relate("Evaluator")
            let receipts = try await family.write([family.row("1", "Influencer"), family.row("2", "Evaluator")])
            #expect(receipts.map(\.word) == ["created", "updated"])
            #expect(try family.roles() == ["Evaluator;Influencer"])
            let created = receipts.prefix(1).compactMap(\.id)
            let gone = try await family.sandbox.destination.delete(object: Self.object, ids: created)
            #expect(gone.map(\.result) == [.deleted])
            #expect(try family.roles() == ["Evaluator"])
        }
    }

    @Test func `what was written before an answer was lost is found, as ours`() async throws {
        try await Family.run { family in
            let rows = [family.row("1", "Evaluator"), family.row("2", "Influencer")]
            family.sandbox.inject(.commitThenDrop, at: "/composite/sobjects")
            let intent = KeptIntent()
            await #expect(throws: MigratezError.self) { try await family.write(rows, intent) }
            let note = try #require(await intent.last)
            let batch = Batch(object: Self.object, rows: rows + [family.row("3", "Business User")])
            let found = try await family.sandbox.resolve(batch, note: note)
            #expect(found.map(\.key).sorted() == ["1", "2"])
            #expect(try family.roles() == ["Evaluator;Influencer"])
            let gone = try await family.sandbox.destination.delete(object: Self.object, ids: found.compactMap(\.id))
            #expect(gone.allSatisfy { $0.result == .deleted })
            #expect(try family.roles().isEmpty)
        }
    }
}
