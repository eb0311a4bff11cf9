// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezPipedriveConnector
import MigratezPipedriveSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

struct `Products of deals in Pipedrive` {
    @Test func `every line is read once, with its deal and its product`() async throws {
        try await PipedriveCompany.run(.init(deals: 230, products: 12, lineItems: 150)) { company in
            let stored = try company.simulator.records(of: "deal_products")
            let lines = try await company.readAll("deal_product")
            #expect(stored.count > 100 && lines.count == stored.count)
            #expect(Set(lines.compactMap { $0["id"]?.text }).count == stored.count)
            let stream = try #require(StreamName("deal_product"))
            let bytes = lines.map { (id: $0["id"]?.text ?? "", bytes: $0.serialized()[...]) }
            let source = try company.source()
            for object in ["deal", "product"] {
                let edges = try await source.readLinks(
                    from: stream, to: try #require(StreamName(object)), of: bytes)
                #expect(
                    edges.map(\.to).sorted()
                        == stored.compactMap { $0.fields["\(object)_id"]?.text }.sorted())
            }
            let some = bytes.prefix(3).map(\.id)
            let page = try await source.readRecords(of: stream, ids: some + ["9:9", "x"], fields: [])
            #expect(page.records.count == 3 && page.next == nil)
        }
    }

    @Test func `a line is written below its deal, changed, read and removed`() async throws {
        try await Self.sale { company, destination, batch in
            let receipts = try await destination.put(batch([["quantity": "2", "item_price": "9.5", "comments": "x"]]))
            guard case .created(let id) = receipts[0].result else {
                Issue.record("\(receipts)")
                return
            }
            var change = batch([["quantity": "3", "discount": "10", "discount_type": "percentage"]])
            change.rows[0].targetID = id
            #expect(try await destination.put(change).map(\.result) == [.updated(id: id)])
            let read = try await destination.read(
                object: "deal_product", ids: [id, "1:99"], fields: ["quantity", "item_price", "sum"])
            let held = try JSONValue(parsing: try #require(read.first).fields)
            #expect(read.count == 1 && held["quantity"]?.text == "3" && held["item_price"]?.text == "9.5")
            #expect(held["sum"]?.text == "25.65")
            #expect(try await destination.sample(object: "deal_product", fields: ["quantity"], count: 5).count == 1)
            let deleted = try await destination.delete(object: "deal_product", ids: [id, id, "x"])
            #expect(deleted.first?.result == .deleted && deleted.last?.result == .absent)
            #expect(try company.simulator.count(of: "deal_products") == 0)
        }
    }

    @Test func `a line whose answer was lost is found by what it holds, and another one is not taken for it`()
        async throws
    {
        try await Self.sale { company, destination, batch in
            // One of the same kind that was there before.
            _ = try await destination.put(batch([["quantity": "1", "item_price": "5"]]))
            let lost = batch([["quantity": "1", "item_price": "5"], ["quantity": "7", "item_price": "5"]])
            let path = "/api/v2/deals/\(lost.rows[0].references[0].targetID)/"
            company.server.faults.inject(FaultPlan.Rule(.commitThenDrop, .next(1), pathPrefix: path))
            let intent = KeptIntent()
            await #expect(throws: MigratezError.self) { try await destination.put(lost, intent) }
            let note = try #require(await intent.last)
            let route = destination.route(for: "deal_product", expectedRows: 2)
            #expect(route.concurrencyMax == 1)
            let found = try await company.destination().resolve(lost, by: route, note: note)
            #expect(found.map(\.key) == ["0"])
            #expect(try company.simulator.count(of: "deal_products") == 2)
            #expect(try await destination.resolve(lost, by: route, note: nil).isEmpty)
        }
    }

    @Test func `a line without product, quantity or price is refused by name`() async throws {
        try await Self.sale { _, destination, batch in
            var rows = batch([["quantity": "1", "item_price": "5"], ["item_price": "5"], ["quantity": "2"]])
            rows.rows[0].references.removeAll { $0.field == "product_id" }
            let receipts = try await destination.put(rows)
            let fields = receipts.compactMap { receipt -> [String]? in
                if case .rejected(let rejection) = receipt.result { rejection.fields } else { nil }
            }
            #expect(fields == [["product_id"], ["quantity"], ["item_price"]])
        }
    }

    /// A company with a deal and a product, and batches of lines that refer to both.
    private static func sale(
        _ body: (PipedriveCompany, PipedriveDestination, ([JSONValue]) -> Batch) async throws -> Void
    ) async throws {
        try await PipedriveCompany.run(.init()) { company in
            let destination = try company.destination()
            try await destination.prepare(for: ["deal", "product"])
            func made(_ object: String, _ fields: JSONValue) async throws -> String {
                let receipts = try await destination.put(PipedriveCompany.batch(object, [(object, fields)]))
                guard case .created(let id) = receipts[0].result else { throw Unmade() }
                return id
            }
            let deal = try await made("deal", ["title": "Deal"])
            let product = try await made("product", ["name": "Plan"])
            try await body(company, destination) { rows in
                Batch(
                    object: "deal_product",
                    rows: rows.enumerated().map { place, fields in
                        Batch.Row(
                            key: String(place), fields: fields.serialized(),
                            references: [
                                .init(field: "deal_id", object: "deal", key: "d", targetID: deal),
                                .init(field: "product_id", object: "product", key: "p", targetID: product),
                            ])
                    })
            }
        }
    }

    private struct Unmade: Error {}
}
