// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezPipedriveConnector
import MigratezPipedriveSimulator
import MigratezSyntheticCRM
import Testing

struct `Products of Pipedrive` {
    @Test func `a product is written once, with its price, and read as it is`() async throws {
        try await PipedriveCompany.run(.init()) { company in
            let destination = try company.destination()
            #expect(try await destination.discover(["product"])[0].holdsKey)
            try await destination.prepare(for: ["product"])
            let values: JSONValue = [
                "name": "Ünïcode \"Plan\"", "code": "SKU-1", "price": "12.50", "currency": "EUR", "tax": "19",
                "is_linkable": "false", "category": "12", "description": "two\nlines",
            ]
            let batch = PipedriveCompany.batch("product", [("key-1", values)])
            guard case .created(let id) = try await destination.put(batch)[0].result else {
                Issue.record("not created")
                return
            }
            // Again, as after a crash.
            #expect(try await company.destination().put(batch).map(\.result) == [.updated(id: id)])
            #expect(try company.simulator.count(of: "products") == 1)
            let product = try #require(try await company.readAll("product").first)
            #expect(product["name"]?.text == "Ünïcode \"Plan\"" && product["price"]?.text == "12.50")
            #expect(product["currency"]?.text == "EUR" && product["is_linkable"]?.bool == false)
            #expect(product["category"]?.int == 12 && product["description"]?.text == "two\nlines")
            // Another price in the same currency; what else the product has stays.
            var change = PipedriveCompany.batch("product", [("key-1", ["price": 13])])
            change.rows[0].targetID = id
            #expect(try await destination.put(change).map(\.result) == [.updated(id: id)])
            let read = try await destination.read(object: "product", ids: [id], fields: ["price", "currency", "code"])
            let held = try JSONValue(parsing: try #require(read.first).fields)
            #expect(held["price"]?.text == "13" && held["currency"]?.text == "EUR" && held["code"]?.text == "SKU-1")
            #expect(read.first?.key == "key-1")
            #expect(try await destination.delete(object: "product", ids: [id]).map(\.result) == [.deleted])
        }
    }

    @Test func `a price without a currency is refused by name`() async throws {
        try await PipedriveCompany.run(.init()) { company in
            let destination = try company.destination()
            try await destination.prepare(for: ["product"])
            let receipts = try await destination.put(
                PipedriveCompany.batch(
                    "product", [("a", ["name": "A", "price": "1"]), ("b", ["name": "B"]), ("c", ["price": "1"])]))
            guard case .rejected(let rejection) = receipts[0].result, case .created = receipts[1].result,
                case .rejected = receipts[2].result
            else {
                Issue.record("\(receipts)")
                return
            }
            #expect(rejection.code == .requiredFieldMissing && rejection.fields == ["currency"])
        }
    }
}
