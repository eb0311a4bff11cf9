// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezDynamicsConnector
import MigratezDynamicsSimulator
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// Products, and what opportunities hold of them.
@Suite struct DynamicsProductTests {
    @Test func `a product gets the unit of the environment, and can be sold`() async throws {
        try await DynamicsWorld.run { world in
            let destination = try await world.prepared(["product"])
            let rows = [
                Batch.Row("p-1", ["name": "Ünïcode \"Plan\"", "productnumber": "SKU-1", "price": "12.50"]),
                Batch.Row("p-2", ["name": "Old", "productnumber": "SKU-2", "statecode": "1"]),
                Batch.Row("p-3", ["name": "New", "productnumber": "SKU-3", "statecode": "2"]),
                Batch.Row("p-4", ["name": "No number"]), Batch.Row("p-5", ["name": "Twice", "productnumber": "SKU-1"]),
            ]
            let receipts = try await destination.put("product", rows)
            #expect(receipts.map(\.word) == ["created", "created", "created", "MZ-REQ-01", "MZ-DUP-01"])
            let records = try rows.prefix(3).map { try #require(try world.record("product", key: $0.key)) }
            #expect(records.map { $0["statecode"]?.int } == [0, 1, 2])
            #expect(records[0]["price"]?.text == "12.50" && records[0]["quantitydecimal"]?.int == 2)
            #expect(records.allSatisfy { $0["_defaultuomid_value"]?.isNull == false })
            #expect(try await destination.put("product", Array(rows.prefix(3))).allSatisfy { $0.word == "updated" })
            #expect(try world.environment.count(of: "product") == 3)
        }
    }

    @Test func `a unit group that nobody can tell from others must be named`() async throws {
        try await DynamicsWorld.run { world in
            for name in ["Hours", "Weights"] {
                _ = try await world.create("uomschedules", "uomscheduleid", ["name": name])
            }
            let destination = try await world.prepared(["product"], ["load.unit_group": "Lengths"])
            let row = Batch.Row("p", ["name": "P", "productnumber": "1"])
            let error = await #expect(throws: MigratezError.self) { try await destination.put("product", [row]) }
            #expect(error?.code == .invalidSetting && error?.hint?.contains("load.unit_group") == true)
            // Without a name it is the one that the environment began with.
            #expect(try await world.destination().put("product", [row]).map(\.word) == ["created"])
        }
    }

    @Test func `a line takes unit and price list from where they are, and keeps its price`() async throws {
        try await Self.sale { world, destination, lines in
            let receipts = try await destination.put("opportunityproduct", lines)
            #expect(receipts.map(\.word) == ["created", "created", "created"])
            #expect(try world.record("opportunity", key: "open")?["_pricelevelid_value"]?.isNull == false)
            let first = try #require(try world.record("opportunityproduct", key: "l-1"))
            #expect(first["priceperunit"]?.text == "9.75" && first["extendedamount"]?.text == "29.25")
            #expect(first["ispriceoverridden"]?.bool == true && first["_uomid_value"]?.isNull == false)
            let byHand = try #require(try world.record("opportunityproduct", key: "l-3"))
            #expect(byHand["productdescription"]?.text == "Travel" && byHand["_productid_value"]?.isNull == true)
            // Again: nothing twice.
            #expect(try await destination.put("opportunityproduct", lines).allSatisfy { $0.word == "updated" })
            #expect(try world.environment.count(of: "opportunityproduct") == 3)
        }
    }

    @Test func `a deal that was won takes its lines, and is won afterwards`() async throws {
        try await Self.sale { world, destination, lines in
            let receipts = try await destination.put("opportunityproduct", lines)
            func state() throws -> [Int?] {
                let deal = try world.record("opportunity", key: "won")
                return [deal?["statecode"]?.int, deal?["statuscode"]?.int]
            }
            #expect(receipts[1].word == "created")
            #expect(try state() == [1, 3])
            let id = receipts[1].id ?? ""
            #expect(try await destination.delete(object: "opportunityproduct", ids: [id]).map(\.result) == [.deleted])
            #expect(try state() == [1, 3])
            #expect(try world.environment.count(of: "opportunityproduct") == 2)
        }
    }

    @Test func `a deal that was opened for a write that was cut off is closed by what was noted`() async throws {
        try await Self.sale { world, destination, lines in
            let note = KeptIntent()
            world.inject(.drop, times: 1_000, at: "$batch")
            let route = destination.route(for: "opportunityproduct", expectedRows: 1)
            #expect(route.concurrencyMax == 1)
            let batch = Batch(object: "opportunityproduct", rows: [lines[1]])
            await #expect(throws: MigratezError.self) { try await destination.write(batch, by: route, intent: note) }
            let noted = try #require(await note.last)
            let won = try #require(try world.record("opportunity", key: "won")?["opportunityid"]?.text)
            #expect(noted == "closed \(won):1:3")
            world.server.faults.replace(with: FaultPlan([]))
            // As if it had come as far as the lines.
            #expect(try await world.ask(.patch, "opportunities(\(won))", ["statecode": 0]).status == 204)
            #expect(try await world.destination().resolve(batch, by: route, note: noted).isEmpty)
            #expect(try world.record("opportunity", key: "won")?["statecode"]?.int == 1)
            // What is closed already stays as it is.
            #expect(try await world.destination().resolve(batch, by: route, note: noted).isEmpty)
        }
    }

    @Test func `without a price list that is clear, nothing is guessed`() async throws {
        try await Self.sale(lists: ["Retail", "Trade"]) { world, destination, lines in
            let error = await #expect(throws: MigratezError.self) {
                try await destination.put("opportunityproduct", lines)
            }
            #expect(error?.code == .invalidSetting && error?.hint?.contains("load.price_list") == true)
            #expect(try world.record("opportunity", key: "won")?["statecode"]?.int == 1)
            let named = try world.destination(["load.price_list": "Trade"])
            #expect(try await named.put("opportunityproduct", lines).allSatisfy { $0.word == "created" })
        }
    }

    @Test func `products and lines of an environment are read with their links`() async throws {
        let crm = SyntheticCRM(seed: 4, counts: .init(deals: 30, products: 20, lineItems: 60))
        try await DynamicsWorld.run(crm) { world in
            let source = try world.source(["page_size": "25"])
            let (line, product) = (
                try #require(StreamName("opportunityproduct")), try #require(StreamName("product"))
            )
            var records: [(id: String, bytes: ArraySlice<UInt8>)] = []
            var cursor: Cursor?
            repeat {
                let page = try await source.readPage(of: line, fields: [], after: cursor)
                for range in page.records {
                    let bytes = page.bytes[range]
                    let id = try JSONValue(parsing: Array(bytes))["opportunityproductid"]?.text
                    records.append((try #require(id), bytes))
                }
                cursor = page.next
            } while cursor != nil
            let stored = try world.environment.records(of: "opportunityproduct")
            #expect(records.count == stored.count && records.count > 40)
            let edges = try await source.readLinks(from: line, to: product, of: records)
            let expected = stored.compactMap { $0["_productid_value"]?.text }
            #expect(edges.map(\.to).sorted() == expected.sorted() && !expected.isEmpty)
            #expect(try world.environment.count(of: "productpricelevel") > 10)
        }
    }

    /// An environment with price lists, a product, and two deals; three lines to be written.
    private static func sale(
        lists: [String] = ["Standard"],
        _ body: (DynamicsWorld, DynamicsDestination, [Batch.Row]) async throws -> Void
    ) async throws {
        try await DynamicsWorld.run { world in
            for name in lists { _ = try await world.create("pricelevels", "pricelevelid", ["name": name]) }
            let destination = try await world.prepared(["product", "opportunity", "opportunityproduct"])
            let product = try await destination.put(
                "product", [Batch.Row("p", ["name": "Plan", "productnumber": "1", "price": "12"])])[0].id
            let deals = try await destination.put(
                "opportunity",
                [
                    Batch.Row("open", ["name": "Open"]),
                    Batch.Row("won", ["name": "Won", "statecode": "1", "statuscode": "3"]),
                ])
            let sold = Batch.Reference(field: "productid", object: "product", key: "p", targetID: try #require(product))
            let (open, won) = (try #require(deals[0].id), try #require(deals[1].id))
            func deal(_ key: String, _ id: String) -> Batch.Reference {
                Batch.Reference(field: "opportunityid", object: "opportunity", key: key, targetID: id)
            }
            try await body(
                world, destination,
                [
                    Batch.Row(
                        "l-1", ["quantity": "3", "priceperunit": "9.75", "productdescription": "Plan"],
                        references: [deal("open", open), sold]),
                    Batch.Row(
                        "l-2", ["quantity": "1", "priceperunit": "12"], references: [deal("won", won), sold]),
                    Batch.Row(
                        "l-3", ["quantity": "1", "priceperunit": "100", "productdescription": "Travel"],
                        references: [deal("open", open)]),
                ])
        }
    }
}
