// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezHubSpotConnector
import MigratezJSON
import MigratezModel
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

struct HubSpotCorrespondenceTests {
    private func write(
        _ account: HubSpotAccount, _ object: String, _ rows: [Batch.Row]
    ) async throws -> (destination: HubSpotDestination, ids: [String]) {
        let destination = try account.destination()
        try await destination.prepare(try await destination.discover([object]).flatMap(destination.requirements))
        let receipts = try await destination.write(
            Batch(object: object, rows: rows), by: destination.route(for: object, expectedRows: rows.count),
            intent: KeptIntent())
        return (
            destination,
            receipts.compactMap { receipt in if case .created(let id) = receipt.result { id } else { nil } }
        )
    }

    @Test func `an e-mail keeps its time, its texts, its direction and who wrote it to whom`() async throws {
        try await HubSpotAccount.run(SyntheticCRM.Counts(contacts: 5)) { account in
            let values: [(String, String)] = [
                ("hs_timestamp", "2019-03-04T05:06:07.089Z"), ("hs_email_subject", "Angebot Nr. 7"),
                ("hs_email_html", "<p>Guten Tag</p>"), ("hs_email_text", "Guten Tag"),
                ("hs_email_direction", "INCOMING_EMAIL"), ("hs_email_from_email", "a@x.test"),
                ("hs_email_from_firstname", "Zoë \"Z\""), ("hs_email_from_lastname", "O'Brien"),
                ("hs_email_to_email", "b@x.test;c@x.test"), ("hs_email_cc_email", "d@x.test"),
            ]
            let schema = try await account.destination().discover(["email"])[0]
            for (name, _) in values { #expect(schema.field(name)?.isCreateable == true, "\(name)") }
            let row = Batch.Row(
                key: "k-1", fields: JSONValue.object(values.map { .init($0.0, .string($0.1)) }).serialized())
            let (destination, ids) = try await write(account, "email", [row])
            let read = try await destination.read(object: "email", ids: ids, fields: values.map(\.0))
            let found = try JSONValue(parsing: try #require(read.first?.fields))
            for (name, value) in values { #expect(found[name]?.text == value, "\(name)") }
        }
    }

    @Test func `a line item is read with a link to its product, and written with one`() async throws {
        var counts = SyntheticCRM.Counts(deals: 20)
        counts.products = 30
        counts.lineItems = 200
        try await HubSpotAccount.run(counts) { account in
            let (line, product) = (StreamName("line_item")!, StreamName("product")!)
            let source = try account.source()
            let schema = try await source.discover([line])[0]
            #expect(schema.field("hs_product_id")?.refersTo == ["product"])
            let records = try await readAll(line, fields: []) { source }.map { record in
                (id: record["id"]?.text ?? "", bytes: record.serialized()[...])
            }
            let edges = try await source.readLinks(from: line, to: product, of: records)
            let expected = (0..<account.crm.counts.lineItems).map { account.crm.lineItem(at: $0) }
                .filter { !$0.isArchived }
                .compactMap { item in item.productID.map { Edge(from: String(item.id), to: String($0)) } }
            #expect(!expected.isEmpty && Set(edges) == Set(expected))

            let end = try #require(account.ids(.product).first)
            let row = Batch.Row(
                key: "k-1", fields: Array(#"{"name":"Seats","quantity":"3","price":"9.50"}"#.utf8),
                references: [.init(field: "hs_product_id", object: "product", key: "p-1", targetID: end)])
            let (destination, ids) = try await write(account, "line_item", [row])
            let read = try await destination.read(
                object: "line_item", ids: ids, fields: ["hs_product_id", "quantity", "price"])
            let found = try JSONValue(parsing: try #require(read.first?.fields))
            #expect(found["hs_product_id"]?.text == end)
            #expect(found["quantity"]?.text == "3" && found["price"]?.text == "9.50")
        }
    }

    @Test func `leads are not written, and it is said why`() async throws {
        try await HubSpotAccount.run(SyntheticCRM.Counts(contacts: 1)) { account in
            let error = await #expect(throws: MigratezError.self) {
                try await account.destination().discover(["lead"])
            }
            #expect(error?.code == .notSupported && error?.hint != nil)
        }
    }
}
