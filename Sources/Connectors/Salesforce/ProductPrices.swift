// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// The price of a product, which the platform keeps beside it: a `PricebookEntry` of the standard price book. To a pipeline
/// it is a field of `Product2`.
///
/// Source: Object Reference, "PricebookEntry" (a product's standard price comes before any other).
struct ProductPrices: Sendable {
    static let object = "Product2"
    /// The name that a pipeline uses.
    static let field = "StandardPrice"
    static let entries = "PricebookEntry"

    /// A price that is there.
    struct Entry: Sendable {
        var id: String
        /// As the platform writes it.
        var price: JSONValue
    }

    let api: SalesforceAPI

    static let schema = FieldSchema(name: field, label: "Standard Price", kind: .decimal)

    /// The standard prices of products, by product.
    func standard(of products: [String]) async throws -> [String: Entry] {
        var entries: [String: Entry] = [:]
        let head =
            "SELECT Id,Product2Id,UnitPrice FROM \(Self.entries) WHERE Pricebook2.IsStandard = true AND Product2Id IN "
        for group in SOQL.groups(products.map(SOQL.literal), overhead: PercentEncoding.length(head) + 400) {
            try await api.query(head + SOQL.list(group)) { record in
                guard let id = record["Id"]?.text, let product = record["Product2Id"]?.text else { return }
                entries[SalesforceID.canonical(product)] = Entry(id: id, price: record["UnitPrice"] ?? .null)
            }
        }
        return entries
    }

    /// The page with the price in each of its records.
    func completed(_ page: Page) async throws -> Page {
        let ids = page.records.map { range in
            page.bytes.withUnsafeBufferPointer { bytes in
                let record = UnsafeBufferPointer(rebasing: bytes[range])
                return member(at: [RecordSelection.id], in: record).map { JSONText.string($0, of: record) } ?? ""
            }
        }
        let prices = try await standard(of: ids.filter { !$0.isEmpty })
        var whole = Page(bytes: [], records: [], next: page.next)
        whole.malformed = page.malformed
        for (id, range) in zip(ids, page.records) {
            let start = whole.bytes.count
            whole.bytes += Self.adding(prices[SalesforceID.canonical(id)]?.price ?? .null, to: page.bytes[range])
            whole.records.append(start..<whole.bytes.count)
        }
        return whole
    }

    /// Records that were read without their prices, with them.
    func completed(_ records: [ReadBack]) async throws -> [ReadBack] {
        let prices = try await standard(of: records.map(\.id))
        return records.map { record in
            var record = record
            record.fields = Self.adding(prices[record.id]?.price ?? .null, to: record.fields[...])
            return record
        }
    }

    /// The JSON object with one more member.
    private static func adding(_ price: JSONValue, to record: ArraySlice<UInt8>) -> [UInt8] {
        guard let brace = record.lastIndex(of: UInt8(ascii: "}")) else { return Array(record) }
        let head = record[..<brace]
        let isEmpty = !head.contains(UInt8(ascii: "\""))
        return Array(head) + Array((isEmpty ? "" : ",").utf8) + Array("\"\(field)\":".utf8) + price.serialized()
            + Array("}".utf8)
    }
}

/// Writes products, each with its standard price.
struct ProductWriter: Sendable {
    /// What is noted before anything is written, so that a write that is cut off is completed by `resolve`.
    static let note = "prices"

    let collections: CollectionWriter

    private var prices: ProductPrices { ProductPrices(api: collections.api) }

    func write(_ rows: [Batch.Row], intent: any WriteIntent) async throws -> [Receipt] {
        try await intent.note(Self.note)
        let receipts = try await collections.write(
            rows.map { $0.without(ProductPrices.field).row }, object: ProductPrices.object)
        return try await priced(receipts, rows)
    }

    /// What became of products whose write was cut off; those that are there get the prices that they lack. Before anything
    /// was written nothing is.
    func resolve(_ rows: [Batch.Row], note: String?) async throws -> [Receipt] {
        let found = try await BulkWriter(collections: collections)
            .resolve(rows, object: ProductPrices.object, note: nil)
        return note == Self.note ? try await priced(found, rows) : found
    }

    /// A product whose price is refused is refused, and removed if it was made just now.
    private func priced(_ receipts: [Receipt], _ rows: [Batch.Row]) async throws -> [Receipt] {
        var products: [String: String] = [:]
        for receipt in receipts {
            switch receipt.result {
            case .created(let id), .updated(let id): products[receipt.key] = id
            case .rejected: continue
            }
        }
        var wanted: [(key: String, product: String, price: [UInt8])] = []
        for row in rows {
            guard let product = products[row.key], let price = row.without(ProductPrices.field).value,
                price != Array("null".utf8)
            else { continue }
            wanted.append((row.key, product, price))
        }
        guard !wanted.isEmpty else { return receipts }
        let known = try await prices.standard(of: wanted.map(\.product))
        var inserts: [Batch.Row] = []
        var updates: [Batch.Row] = []
        var book: String?
        for (key, product, price) in wanted {
            if let entry = known[product] {
                updates.append(Batch.Row(key: key, fields: Self.object([("UnitPrice", price)]), targetID: entry.id))
            } else {
                if book == nil { book = try await PriceBooks(collections: collections).standard() }
                inserts.append(PriceBooks.entry(key, book: book ?? "", product: product, price: price))
            }
        }
        var refused: [String: [SalesforceRefusal]] = [:]
        for (rows, operation) in [(inserts, WriteOperation.insert), (updates, .update)] where !rows.isEmpty {
            let request = CollectionRequest(object: ProductPrices.entries, operation: operation)
            for (row, answer) in zip(rows, try await collections.send(rows, request)) {
                if case .refused(let refusals) = answer { refused[row.key] = refusals }
            }
        }
        return try await withdrawn(receipts, refused)
    }

    private func withdrawn(
        _ receipts: [Receipt], _ refused: [String: [SalesforceRefusal]]
    ) async throws -> [Receipt] {
        guard !refused.isEmpty else { return receipts }
        var made: [String] = []
        let result = receipts.map { receipt in
            guard let refusals = refused[receipt.key] else { return receipt }
            if case .created(let id) = receipt.result { made.append(id) }
            var rejection = SalesforceRefusal.rejection(refusals)
            rejection.fields = [ProductPrices.field]
            return Receipt(key: receipt.key, result: .rejected(rejection))
        }
        _ = try await RecordDeletion(collections: collections).delete(object: ProductPrices.object, ids: made)
        return result
    }

    /// A JSON object of members that are valid JSON.
    static func object(_ members: [(String, [UInt8])]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        for (name, value) in members {
            writer.key(name)
            writer.raw(value)
        }
        writer.endObject()
        return writer.bytes
    }
}

extension Batch.Row {
    /// The row without one of its fields, and that field's value as it stands in the row.
    func without(_ name: String) -> (row: Batch.Row, value: [UInt8]?) {
        var value: [UInt8]?
        var writer = JSONWriter(capacity: fields.count)
        writer.beginObject()
        fields.withUnsafeBufferPointer { fields in
            var cursor = FieldCursor(fields)
            while let field = cursor.next() {
                let raw = UnsafeBufferPointer(rebasing: fields[field.value.range])
                if cursor.name(of: field) == name {
                    value = Array(raw)
                } else {
                    writer.key(cursor.name(of: field))
                    writer.raw(raw)
                }
            }
        }
        writer.endObject()
        guard value != nil else { return (self, nil) }
        var row = self
        row.fields = writer.bytes
        return (row, value)
    }
}
