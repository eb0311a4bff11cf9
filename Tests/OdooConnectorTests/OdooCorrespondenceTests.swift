// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezOdooConnector
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// E-mails, leads and products, by both interfaces.
@Suite struct `Odoo correspondence` {
    private static let counts = SyntheticCRM.Counts(
        contacts: 60, companies: 20, deals: 20, emails: 120, products: 40, leads: 40)

    private func records(_ source: OdooSource, _ name: String, _ fields: [String]) async throws -> [JSONValue] {
        let stream = try #require(StreamName(name))
        var records: [JSONValue] = []
        var cursor: Cursor?
        repeat {
            let page = try await source.readPage(of: stream, fields: fields, after: cursor)
            records += try page.records.map { try JSONValue(parsing: Array(page.bytes[$0])) }
            cursor = page.next
        } while cursor != nil
        return records
    }

    @Test(arguments: [19, 17]) func `each comes with what it says`(version: Int) async throws {
        try await OdooSite.run(counts: Self.counts, version: version) { site in
            let crm = try #require(site.crm)
            let source = try site.source(["page_size": "50"])
            let emails = try await records(source, "email", ["subject", "body", "date", "email_from", "message_type"])
            #expect(emails.count > 80)
            var known = (0..<crm.counts.emails).map { crm.email(at: $0) }
            for email in emails {
                let place = known.firstIndex {
                    $0.from.email == email["email_from"]?.text
                        && email["message_type"]?.text == ($0.isIncoming ? "email" : "email_outgoing")
                        && email["date"]?.text?.prefix(10) == $0[.timestamp]?.prefix(10)
                }
                known.remove(at: try #require(place))
            }
            let products = try await records(source, "product", ["name", "default_code", "list_price"])
            #expect(products.count == crm.counts.products)
            #expect(
                products.compactMap { $0["default_code"]?.text }
                    == (0..<crm.counts.products).compactMap {
                        crm.product(at: $0)[.sku]
                    })
            let leads = try await records(source, "lead", ["partner_name", "contact_name"])
            #expect(
                leads.compactMap { $0["partner_name"]?.text }
                    == (0..<crm.counts.leads).map {
                        crm.lead(at: $0).companyName
                    })
        }
    }

    @Test(arguments: [19, 17]) func `an e-mail keeps its time and its direction`(version: Int) async throws {
        try await OdooSite.run(version: version) { site in
            let destination = try site.destination()
            func write(
                _ object: String, _ key: String, _ fields: JSONValue, _ end: String? = nil
            ) async throws -> String {
                let row = Batch.Row(
                    key: key, fields: fields.serialized(),
                    references: end.map {
                        [.init(field: "res_id", object: "company", key: "c", targetID: $0)]
                    } ?? [])
                let receipts = try await destination.write(
                    Batch(object: object, rows: [row]), by: destination.route(for: object, expectedRows: 1),
                    intent: KeptIntent())
                guard case .created(let id) = receipts[0].result else {
                    throw MigratezError(.internalError, "\(receipts[0].result)")
                }
                return id
            }
            let company = try await write("company", "c", ["name": "Acme"])
            let fields: JSONValue = [
                "subject": "Offer", "body": "<p>Hi</p>", "date": "2020-02-03T04:05:06Z",
                "email_from": "ada@acme.test", "message_type": "email_outgoing",
            ]
            let email = try await write("email", "e", fields, company)
            let read = try await destination.read(
                object: "email", ids: [email], fields: ["date", "message_type", "email_from", "body", "model"])
            let values = try JSONValue(parsing: try #require(read.first?.fields))
            #expect(values["date"]?.text == "2020-02-03 04:05:06" && values["message_type"] == "email_outgoing")
            #expect(values["email_from"] == "ada@acme.test" && values["model"] == "res.partner")
            let product = try await write(
                "product", "p", ["name": "Chair", "list_price": "12.5", "default_code": "C-1"])
            let held = try await destination.read(object: "product", ids: [product], fields: ["list_price"])
            #expect(try JSONValue(parsing: try #require(held.first?.fields))["list_price"]?.text == "12.5")
        }
    }
}
