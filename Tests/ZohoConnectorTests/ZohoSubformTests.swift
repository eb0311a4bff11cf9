// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import MigratezZohoConnector
import MigratezZohoSimulator
import Testing

/// Lines of quotes, which are rows within their records.
@Suite struct `Zoho's line items` {
    private static let items = "Quoted_Items"

    /// An organisation with two products, and a quote that somebody made with a line of his own.
    private struct Sale {
        let org: ZohoOrg
        let product: String
        let other: String
        let quote: String

        static func run(
            _ change: (inout ZohoOptions) -> Void = { _ in }, _ body: (Sale) async throws -> Void
        ) async throws {
            try await ZohoOrg.run(nil, change) { org in
                let product = try await org.create("Products", ["Product_Name": "Plan", "Unit_Price": .number("9.5")])
                let other = try await org.create("Products", ["Product_Name": "Seat"])
                let line: JSONValue = ["Product_Name": ["id": .string(other)], "Quantity": 1, "Description": "theirs"]
                let quote = try await org.create("Quotes", ["Subject": "Renewal", "Quoted_Items": [line]])
                try await body(Sale(org: org, product: product, other: other, quote: quote))
            }
        }

        func row(_ key: String, _ fields: JSONValue, of quote: String? = nil, id: String? = nil) -> Batch.Row {
            Batch.Row(
                key, fields,
                [
                    .init(field: "Parent_Id", object: "Quotes", key: "q", targetID: quote ?? self.quote),
                    .init(field: "Product_Name", object: "Products", key: "p", targetID: product),
                ], id: id)
        }

        /// Descriptions of the lines of a quote, in their order.
        func lines(of quote: String? = nil) throws -> [String] {
            try org.simulator.records(of: items).sorted { $0.key < $1.key }
                .filter { $0.value["Parent_Id"]?.text == quote ?? self.quote }
                .map { $0.value["Description"]?.text ?? "" }
        }
    }

    @Test func `are read once, with their record and their product, and page by page`() async throws {
        try await ZohoOrg.run(.init(deals: 260, products: 12, lineItems: 700)) { org in
            let stored = try org.simulator.records(of: Self.items)
            let quotes = try org.simulator.count(of: "Quotes")
            #expect(stored.count > 400 && quotes > 150)
            let source = try org.source()
            let stream = try #require(StreamName(Self.items))
            #expect(try await source.discover([stream])[0].field("Parent_Id")?.refersTo == ["Quotes"])
            var lines: [(id: String, bytes: ArraySlice<UInt8>)] = []
            var cursor: Cursor?
            var pages = 0
            repeat {
                // Each page by a source of its own, as after a crash.
                let page = try await org.source().readPage(of: stream, fields: ["Quantity"], after: cursor)
                lines += try page.records.map { range in
                    (try #require(try JSONValue(parsing: Array(page.bytes[range]))["id"]?.text), page.bytes[range])
                }
                cursor = page.next
                pages += 1
            } while cursor != nil
            #expect(pages == (quotes + 99) / 100)
            let ids = Set(stored.map { "\($0.value["Parent_Id"]?.text ?? ""):\($0.key)" })
            #expect(lines.count == stored.count && Set(lines.map(\.id)) == ids)
            for (object, field) in [("Quotes", "Parent_Id"), ("Products", "Product_Name")] {
                let edges = try await source.readLinks(from: stream, to: try #require(StreamName(object)), of: lines)
                #expect(edges.map(\.to).sorted() == stored.values.compactMap { $0[field]?.text }.sorted())
                #expect(edges.allSatisfy { $0.isPrimary && $0.label == nil })
            }
            let page = try await source.readRecords(
                of: stream, ids: lines.prefix(3).map(\.id) + ["9:9", "x"], fields: [])
            #expect(page.records.count == 3 && page.next == nil)
            #expect(try await source.count(of: stream) == nil)
            #expect(source.estimatedCalls(reading: stream, records: 10).map(\.calls) == [10])
        }
    }

    @Test func `are written beside those of others, changed, read and removed`() async throws {
        try await Sale.run { sale in
            let destination = try sale.org.destination()
            let schema = try await destination.discover([Self.items])[0]
            #expect(!schema.holdsKey && destination.requirements(of: schema).isEmpty)
            let receipts = try await destination.put(
                Self.items,
                [
                    sale.row("a", ["Quantity": "2", "Description": "a"]),
                    sale.row("b", ["Quantity": "3", "List_Price": "7.25", "Description": "b"]),
                ])
            #expect(receipts.allSatisfy(\.isCreated) && receipts.map(\.key) == ["a", "b"])
            #expect(try sale.lines() == ["theirs", "a", "b"])
            let id = try #require(receipts[0].id)
            let change = try await destination.put(Self.items, [sale.row("a", ["Quantity": "9"], id: id)])
            #expect(change.map(\.result) == [.updated(id: id)])
            let read = try await destination.read(
                object: Self.items, ids: [id, "1:1"], fields: ["Quantity", "List_Price", "Product_Name"])
            let held = try JSONValue(parsing: try #require(read.first).fields)
            #expect(read.count == 1 && held["Quantity"]?.text == "9" && held["List_Price"]?.text == "9.5")
            #expect(held["Product_Name"]?.text == sale.product)
            #expect(try await destination.sample(object: Self.items, fields: ["Quantity"], count: 2).count == 2)
            let changes = try await destination.lastChanges(object: Self.items, ids: [id])
            #expect(changes[id]?.isOurs == true)
            let gone = try await destination.delete(object: Self.items, ids: [id, "1:1", "x"])
            #expect(gone.map(\.result) == [.deleted, .absent, .absent])
            #expect(try sale.lines() == ["theirs", "b"])
            await #expect(throws: MigratezError.self) {
                try await destination.match(object: Self.items, fields: ["Quantity"], values: [["3"]], returning: [])
            }
        }
    }

    @Test func `are refused one by one, and the others are written`() async throws {
        try await Sale.run { sale in
            var orphan = sale.row("c", ["Quantity": "1"])
            orphan.references.removeAll { $0.field == "Parent_Id" }
            var loose = sale.row("d", ["Quantity": "1"])
            loose.references.removeAll { $0.field == "Product_Name" }
            let rows = [
                sale.row("a", ["Quantity": "1", "Description": "a"]), sale.row("b", ["Quantity": "many"]), orphan,
                loose,
                sale.row("e", ["Quantity": "1"], of: "554023000000000999"), sale.row("f", ["Nothing": "1"]),
                sale.row("g", ["Quantity": "4", "Description": "g"]),
                sale.row("h", ["Quantity": "4"], id: "\(sale.quote):554023000000000999"),
            ]
            let receipts = try await sale.org.destination().put(Self.items, rows)
            let refused = Dictionary(
                receipts.compactMap { receipt in receipt.rejection.map { (receipt.key, ["\($0.code)"] + $0.fields) } },
                uniquingKeysWith: { $1 })
            #expect(receipts.count == 8 && receipts.filter(\.isCreated).map(\.key).sorted() == ["a", "g"])
            #expect(refused["b"] == ["\(ErrorCode.wrongType)", "Quantity"])
            #expect(refused["c"] == ["\(ErrorCode.requiredFieldMissing)", "Parent_Id"])
            #expect(refused["d"] == ["\(ErrorCode.requiredFieldMissing)", "Product_Name"])
            #expect(refused["e"] == ["\(ErrorCode.parentNotLoaded)", "Parent_Id"])
            #expect(refused["f"]?.last == "Nothing" && refused["h"] == ["\(ErrorCode.recordDeleted)"])
            #expect(try sale.lines() == ["theirs", "a", "g"])
        }
    }

    @Test func `whose answer was lost are found by what they hold, and none is doubled`() async throws {
        try await Sale.run { sale in
            let destination = try sale.org.destination()
            let rows = ["1", "1", "7"].enumerated().map { sale.row(String($0), ["Quantity": .string($1)]) }
            // One that is the same was there before.
            _ = try await destination.put(Self.items, [sale.row("before", ["Quantity": "1"])])
            sale.org.server.faults.inject(FaultPlan.Rule(.commitThenDrop, .next(1), pathPrefix: "/crm/v8/Quotes"))
            sale.org.server.faults.inject(FaultPlan.Rule(.trickle, .next(1), pathPrefix: "/crm/v8/Quotes/"))
            let intent = KeptIntent()
            await #expect(throws: MigratezError.self) {
                try await destination.put(Self.items, rows, intent: intent)
            }
            let note = try #require(await intent.last)
            #expect(destination.route(for: Self.items, expectedRows: 3).concurrencyMax == 1)
            let found = try await sale.org.destination().found(Self.items, rows, note: note)
            #expect(found.map(\.key).sorted() == ["0", "1", "2"] && Set(found.compactMap(\.id)).count == 3)
            #expect(try await destination.found(Self.items, rows).isEmpty)
            #expect(try sale.lines().count == 5)
            // Somebody adds one that none of the rows can be told from.
            let held = try await destination.read(object: Self.items, ids: found.compactMap(\.id), fields: [])
            #expect(held.count == 3)
            let doubtful = try await sale.org.destination()
                .found(Self.items, [sale.row("x", ["Quantity": "70"])], note: note)
            #expect(doubtful.compactMap(\.rejection?.code) == [.duplicate])
        }
    }

    @Test func `are told by our key where somebody gave them a field for it`() async throws {
        try await Sale.run {
            $0.lineFields = ["Migratez_ID"]
        } _: { sale in
            let destination = try sale.org.destination()
            let schema = try await destination.discover([Self.items])[0]
            #expect(schema.holdsKey && destination.requirements(of: schema).isEmpty)
            let rows = ["a", "b"].map { sale.row($0, ["Quantity": "1"]) }
            let first = try await destination.put(Self.items, rows)
            #expect(first.allSatisfy { $0.isCreated })
            // Another process, which has no map of ids.
            let second = try await sale.org.destination().put(Self.items, rows + [sale.row("c", ["Quantity": "1"])])
            #expect(second.filter(\.isCreated).map(\.key) == ["c"])
            #expect(second.compactMap(\.id).sorted().prefix(2) == first.compactMap(\.id).sorted().prefix(2))
            #expect(try sale.lines().count == 4)
            let held = try await destination.found(Self.items, rows)
            #expect(Set(held.map(\.id)) == Set(first.map(\.id)))
            let read = try await destination.read(object: Self.items, ids: first.compactMap(\.id), fields: [])
            #expect(read.map(\.key) == ["a", "b"])
        }
    }

    // MARK: Records that must have a line

    @Test func `of a new quote begin with a provisional one, which the first take the place of`() async throws {
        try await Sale.run { sale in
            let settings = ["load.placeholder_product": sale.other]
            let destination = try await sale.org.prepared(["Quotes"], settings)
            let quotes = ["x", "y"].map { Batch.Row($0, ["Subject": .string("Quote \($0)")]) }
            let made = try await destination.put("Quotes", quotes)
            #expect(made.allSatisfy { $0.isCreated })
            let quote = try #require(made[0].id)
            #expect(try sale.lines(of: quote).count == 1)
            let lines = ["a", "b"].map { sale.row($0, ["Quantity": "1", "Description": .string($0)], of: quote) }
            let receipts = try await destination.put(Self.items, lines)
            #expect(receipts.allSatisfy { $0.isCreated })
            #expect(try sale.lines(of: quote) == ["a", "b"])
            // Quotes that are written again keep their lines.
            let again = try await sale.org.destination(settings).put("Quotes", quotes)
            #expect(again.map(\.id) == made.map(\.id) && again.allSatisfy { !$0.isCreated })
            #expect(try sale.lines(of: quote) == ["a", "b"])
            // The last line goes, and the provisional one is back; a second time there is nothing to do.
            let ids = receipts.compactMap(\.id)
            let gone = try await destination.delete(object: Self.items, ids: ids)
            #expect(gone.allSatisfy { $0.result == .deleted })
            #expect(try sale.lines(of: quote).count == 1)
            let twice = try await sale.org.destination(settings).delete(object: Self.items, ids: ids)
            #expect(twice.allSatisfy { $0.result == .absent })
            #expect(try sale.lines(of: quote).count == 1)
            let deleted = try await destination.delete(object: "Quotes", ids: made.compactMap(\.id))
            #expect(deleted.allSatisfy { $0.result == .deleted })
            #expect(try sale.lines(of: quote).isEmpty)
        }
    }

    @Test func `without a product for the provisional one, new quotes are not supported, and the way out is told`()
        async throws
    {
        try await Sale.run { sale in
            let destination = try await sale.org.prepared(["Quotes"])
            let effects = try await destination.sideEffects(on: ["Quotes", Self.items])
            #expect(effects.contains { $0.advice?.contains("load.placeholder_product") == true })
            do {
                _ = try await destination.put("Quotes", [Batch.Row("x", ["Subject": "New"])])
                Issue.record("a quote without lines was taken")
            } catch let error as MigratezError {
                #expect(error.code == .notSupported && error.message.contains("Quotes"))
                #expect(error.hint?.contains("load.placeholder_product") == true)
            }
            // One that is there needs none.
            let row = Batch.Row("x", ["Subject": "Changed"], id: sale.quote)
            #expect(try await destination.put("Quotes", [row]).map(\.result) == [.updated(id: sale.quote)])
            #expect(try sale.lines() == ["theirs"])
            // Its last line is kept by Zoho, as it must have one.
            let last = try #require(try sale.org.simulator.records(of: Self.items).keys.first)
            let kept = try await destination.delete(object: Self.items, ids: ["\(sale.quote):\(last)"])
            guard case .refused? = kept.first?.result else {
                Issue.record("\(kept)")
                return
            }
            #expect(throws: MigratezError.self) {
                try sale.org.destination(["load.placeholder_product": "Plan"])
            }
        }
    }

    @Test func `no bulk job creates a quote`() async throws {
        try await Sale.run { sale in
            let settings = [
                "load.placeholder_product": sale.other, "load.api": "bulk", "load.bulk_rows_min": "1",
            ]
            let destination = try await sale.org.prepared(["Quotes"], settings)
            #expect(destination.route(for: "Quotes", expectedRows: 100_000).name == "records")
            #expect(destination.route(for: Self.items, expectedRows: 100_000).name == "records")
            let receipts = try await destination.put("Quotes", [Batch.Row("x", ["Subject": "New"])])
            #expect(receipts.allSatisfy { $0.isCreated })
        }
    }
}
