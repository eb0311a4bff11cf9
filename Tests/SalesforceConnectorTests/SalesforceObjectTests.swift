// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSalesforceConnector
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezTestKit
import Testing

/// Objects that are not written as they stand: products, what opportunities are made of, e-mails, people of activities.
@Suite(.serialized) struct SalesforceObjectTests {
    private static let stamped = [
        "Account", "Contact", "Opportunity", "Product2", "OpportunityLineItem", "EmailMessage",
    ]

    private func run(
        _ change: (inout OrgOptions) -> Void = { _ in }, _ body: (Sandbox) async throws -> Void
    ) async throws {
        var options = OrgOptions()
        change(&options)
        try await Sandbox.run(options, stamped: Self.stamped, body)
    }

    private func write(
        _ sandbox: Sandbox, _ object: String, _ rows: [Batch.Row], _ route: String = "collections"
    ) async throws -> [Receipt] {
        try await sandbox.write(Batch(object: object, rows: rows), route)
    }

    private func reference(_ field: String, _ object: String, _ key: String, _ id: String?) -> Batch.Reference {
        Batch.Reference(field: field, object: object, key: key, targetID: id ?? "")
    }

    private func source(_ sandbox: Sandbox) throws -> SalesforceSource {
        try makeSalesforceSource(sandbox.server.baseURL, clock: ManualClock(advancesBySleeping: true))
    }

    // MARK: Products

    @Test func `a product has its price, which is read with it and brought up to date`() async throws {
        try await run { sandbox in
            let rows: [Batch.Row] = [
                Batch.Row("p-1", ["Name": "Anvil", "StandardPrice": .number("12.5"), "IsActive": true]),
                Batch.Row("p-2", ["Name": "Rope", "StandardPrice": .null]),
            ]
            let first = try await write(sandbox, "Product2", rows)
            #expect(first.map(\.word) == ["created", "created"])
            let again = try await write(
                sandbox, "Product2", [Batch.Row("p-1", ["Name": "Anvil", "StandardPrice": 13])])
            #expect(again.map(\.word) == ["updated"] && again.first?.id == first.first?.id)
            #expect(try sandbox.records("PricebookEntry").map { $0["UnitPrice"]?.text } == ["13.0"])
            let ids = first.compactMap(\.id)
            let read = try await sandbox.destination.read(
                object: "Product2", ids: ids, fields: ["Name", "StandardPrice"])
            #expect(
                try read.map { try JSONValue(parsing: $0.fields)["StandardPrice"] ?? .bool(false) } == [
                    .number("13.0"), .null,
                ])
            let stream = try #require(StreamName("Product2"))
            let page = try await source(sandbox).readPage(of: stream, fields: ["Name", "StandardPrice"], after: nil)
            let values = try page.records.map { try JSONValue(parsing: Array(page.bytes[$0])) }
            #expect(values.map { $0["StandardPrice"]?.text } == ["13.0", nil])
            #expect(values.map { $0["Name"]?.text } == ["Anvil", "Rope"])
        }
    }

    @Test func `a product whose price is refused is not there`() async throws {
        try await run { sandbox in
            let receipts = try await write(
                sandbox, "Product2", [Batch.Row("p-1", ["Name": "Anvil", "StandardPrice": .number("1e30")])])
            #expect(receipts.first?.rejection?.fields == ["StandardPrice"])
            #expect(try sandbox.org.count(of: "Product2") == 0)
        }
    }

    @Test func `a write of products that was cut off gets its prices when it is settled`() async throws {
        try await run { sandbox in
            let batch = Batch(
                object: "Product2", rows: [Batch.Row("p-1", ["Name": "Anvil", "StandardPrice": 5])])
            _ = try await write(sandbox, "Product2", [Batch.Row("p-1", ["Name": "Anvil"])])
            #expect(try await sandbox.resolve(batch).map(\.word) == ["created"])
            #expect(try sandbox.org.count(of: "PricebookEntry") == 0)
            #expect(try await sandbox.resolve(batch, note: sandbox.intent.notes.last).map(\.word) == ["created"])
            #expect(try sandbox.records("PricebookEntry").map { $0["UnitPrice"]?.text } == ["5.0"])
        }
    }

    @Test(arguments: ["collections", "bulk2"])
    func `what an opportunity is made of finds its price, or makes it`(_ route: String) async throws {
        try await run { sandbox in
            let products = try await write(
                sandbox, "Product2",
                [
                    Batch.Row("p-1", ["Name": "Anvil", "StandardPrice": 10, "IsActive": true]),
                    Batch.Row("p-2", ["Name": "Rope", "IsActive": true]),
                ])
            let deals = try await write(
                sandbox, "Opportunity",
                (1...2).map {
                    Batch.Row(
                        "d-\($0)", ["Name": "D", "StageName": "Prospecting", "CloseDate": "2026-12-31", "Amount": 1])
                })
            // The second opportunity has a book of its own.
            let book = try await OrgContent.post(
                sandbox.server.baseURL, "/sobjects/Pricebook2", ["Name": "Own", "IsActive": true])["id"]
            let own = try #require(book?.text)
            _ = try await write(
                sandbox, "Opportunity",
                [Batch.Row("d-2", ["Pricebook2Id": .string(own)], targetID: deals[1].id)])
            let rows = (0..<500).map { number in
                Batch.Row(
                    "l-\(number)", ["Quantity": 2, "UnitPrice": 3],
                    references: [
                        reference("OpportunityId", "Opportunity", "d-\(number % 2 + 1)", deals[number % 2].id),
                        reference("Product2Id", "Product2", "p-\(number % 2 + 1)", products[number % 2].id),
                    ])
            }
            let bare = Batch.Row(
                "l-x", ["Quantity": 1, "UnitPrice": 1],
                references: [reference("OpportunityId", "Opportunity", "d-1", deals[0].id)])
            let receipts = try await write(sandbox, "OpportunityLineItem", rows + [bare], route)
            #expect(tally(receipts) == ["created": 500, "MZ-REQ-01": 1], "\(receipts.first { $0.id == nil } as Any)")
            #expect(receipts.last?.rejection?.fields == ["Product2Id"])
            let again = try await write(sandbox, "OpportunityLineItem", rows, route)
            #expect(tally(again) == ["updated": 500])
            #expect(try sandbox.org.count(of: "OpportunityLineItem") == 500)
            let entries = try sandbox.records("PricebookEntry")
            #expect(entries.count == 3 && entries.filter { $0["Pricebook2Id"]?.text == own }.count == 1)
            #expect(try sandbox.records("Opportunity").map { $0["Amount"]?.text } == ["1500.0", "1500.0"])
            let lines = try #require(StreamName("OpportunityLineItem"))
            let stream = try #require(StreamName("Product2"))
            let source = try source(sandbox)
            let page = try await source.readPage(of: lines, fields: ["Quantity"], after: nil)
            let records = page.records.prefix(2).map { range in
                (id: (try? JSONValue(parsing: Array(page.bytes[range])))?["Id"]?.text ?? "", bytes: page.bytes[range])
            }
            let links = try await source.readLinks(from: lines, to: stream, of: Array(records))
            #expect(Set(links.map(\.to)).isSubset(of: Set(products.compactMap(\.id))) && links.count == 2)
        }
    }

    // MARK: E-mails

    @Test(arguments: ["collections", "bulk2"])
    func `an e-mail is written once with its time, and stays as it is`(_ route: String) async throws {
        try await run { sandbox in
            let account = try await write(sandbox, "Account", [Batch.Row("a", ["Name": "A"])])
            let contact = try await write(sandbox, "Contact", [Batch.Row("c", ["LastName": "C"])])
            let rows = (0..<450).map { number in
                Batch.Row(
                    "m-\(number)",
                    [
                        "Subject": "Hi", "TextBody": "Text", "MessageDate": "2019-05-06T07:08:09Z", "Status": "3",
                        "Incoming": .bool(number == 0),
                    ], references: [reference("RelatedToId", "Account", "a", account[0].id)])
            }
            let receipts = try await write(sandbox, "EmailMessage", rows, route)
            #expect(tally(receipts) == ["created": 450])
            let again = try await write(sandbox, "EmailMessage", rows, route)
            #expect(tally(again) == ["updated": 450] && again.map(\.id) == receipts.map(\.id))
            #expect(try sandbox.org.count(of: "EmailMessage") == 450)
            #expect(
                try sandbox.records("EmailMessage").allSatisfy {
                    $0["MessageDate"]?.text?.hasPrefix("2019-05-06T07:08:09") == true
                })
            let links = try await write(
                sandbox, "EmailMessageRelation",
                (0..<2).map { number in
                    Batch.Row(
                        "r-\(number)", .object([]),
                        references: [
                            reference("EmailMessageId", "EmailMessage", "m-\(number)", receipts[number].id),
                            reference("RelationId", "Contact", "c", contact[0].id),
                        ])
                })
            #expect(links.map(\.word) == ["created", "created"])
            let source = try source(sandbox)
            let mails = try #require(StreamName("EmailMessage"))
            let contacts = try #require(StreamName("Contact"))
            let ids = receipts.prefix(2).compactMap(\.id)
            let page = try await source.readRecords(of: mails, ids: ids, fields: ["Subject"])
            let records = zip(ids, page.records).map { (id: $0, bytes: page.bytes[$1]) }
            let edges = try await source.readLinks(from: mails, to: contacts, of: records)
            #expect(Set(edges.map { $0.label ?? "" }) == ["FromAddress", "ToAddress"])
            // What came with an e-mail does not hold it.
            let held = try await sandbox.destination.referrers(object: "EmailMessage", ids: ids)
            #expect(held.isEmpty)
            let gone = try await sandbox.destination.delete(object: "EmailMessage", ids: ids)
            #expect(gone.map(\.result) == [.deleted, .deleted])
        }
    }

    // MARK: People

    @Test func `further people of an activity are links, archived or not`() async throws {
        try await run {
            $0.sharesActivities = true
        } _: { sandbox in
            let contacts = try await write(
                sandbox, "Contact", (0..<3).map { Batch.Row("c-\($0)", ["LastName": "C"]) })
            let task = try await OrgContent.post(
                sandbox.server.baseURL, "/sobjects/Task",
                ["Subject": "Call", "ActivityDate": "2019-01-01", "WhoId": .string(contacts[0].id ?? "")])["id"]
            let id = try #require(task?.text)
            let rows = (0..<3).map { number in
                Batch.Row(
                    "r-\(number)", .object([]),
                    references: [
                        reference("TaskId", "Task", "t", id),
                        reference("RelationId", "Contact", "c-\(number)", contacts[number].id),
                    ])
            }
            let receipts = try await write(sandbox, "TaskRelation", rows)
            #expect(receipts.map(\.word) == ["updated", "created", "created"])
            #expect(try await sandbox.resolve(Batch(object: "TaskRelation", rows: rows)).count == 3)
            try sandbox.org.archiveActivities(before: "2025-01-01")
            let source = try source(sandbox)
            let tasks = try #require(StreamName("Task"))
            let page = try await source.readPage(of: tasks, fields: ["Subject"], after: nil)
            let record = try #require(page.records.first.map { page.bytes[$0] })
            let edges = try await source.readLinks(
                from: tasks, to: try #require(StreamName("Contact")), of: [(id, record)])
            #expect(edges.map(\.isPrimary) == [true, false, false])
            #expect(edges.map(\.to) == contacts.map { $0.id ?? "" })
        }
    }

    // MARK: Kinds of records

    @Test func `a kind is a choice on both sides, and a person needs no name of its own`() async throws {
        try await run { options in
            options.hasPersonAccounts = true
            options.recordTypes = [.init("Person", of: "Account", isPerson: true), .init("Firm", of: "Account")]
        } _: { sandbox in
            let schema = try #require(try await sandbox.destination.discover(["Account"]).first)
            let field = try #require(schema.field("RecordTypeId"))
            #expect(field.kind == .choice && field.options.map(\.label) == ["Person", "Firm"])
            #expect(schema.field("Name")?.isRequired == false)
            let person = try #require(field.options.first?.value)
            let receipts = try await write(
                sandbox, "Account",
                [
                    Batch.Row(
                        "a-1", ["RecordTypeId": .string(person), "LastName": "Lovelace", "PersonEmail": "ada@b.test"]),
                    Batch.Row("a-2", ["RecordTypeId": .string(field.options[1].value), "Name": "Firm"]),
                ])
            #expect(receipts.map(\.word) == ["created", "created"])
            let source = try source(sandbox)
            let stream = try #require(StreamName("Account"))
            let read = try #require(try await source.discover([stream]).first)
            #expect(read.field("RecordTypeId")?.options == field.options)
            let page = try await source.readPage(
                of: try #require(StreamName("Contact")), fields: ["Email", "IsPersonAccount"], after: nil)
            let value = try JSONValue(parsing: Array(page.bytes[try #require(page.records.first)]))
            #expect(value["Email"]?.text == "ada@b.test" && value["IsPersonAccount"]?.bool == true)
        }
    }
}
