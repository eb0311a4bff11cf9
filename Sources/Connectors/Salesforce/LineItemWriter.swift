// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Price books with their prices, as writing looks at them and adds to them.
struct PriceBooks: Sendable {
    let collections: CollectionWriter

    /// The id of the standard price book, which every org has.
    func standard() async throws -> String {
        var id: String?
        try await collections.api.query("SELECT Id FROM Pricebook2 WHERE IsStandard = true") { record in
            id = record["Id"]?.text.map(SalesforceID.canonical)
        }
        guard let id else {
            throw MigratezError(
                .permissionMissing, "the org shows no standard price book", remedy: .fixConfiguration,
                hint: "give the user read access to price books, and activate the standard price book")
        }
        return id
    }

    /// The prices of products: by book and product.
    func entries(of products: [String]) async throws -> [[String]: String] {
        var entries: [[String]: String] = [:]
        let head = "SELECT Id,Pricebook2Id,Product2Id FROM \(ProductPrices.entries) WHERE Product2Id IN "
        for group in SOQL.groups(products.map(SOQL.literal), overhead: PercentEncoding.length(head) + 400) {
            try await collections.api.query(head + SOQL.list(group)) { record in
                guard let id = record["Id"]?.text, let book = record["Pricebook2Id"]?.text,
                    let product = record["Product2Id"]?.text
                else { return }
                entries[[SalesforceID.canonical(book), SalesforceID.canonical(product)]] = SalesforceID.canonical(id)
            }
        }
        return entries
    }

    /// Adds prices; what is refused is refused again, with its reason, when it is used.
    func add(_ rows: [Batch.Row]) async throws {
        _ = try await collections.send(
            rows, CollectionRequest(object: ProductPrices.entries, operation: .insert))
    }

    static func entry(_ key: String, book: String, product: String, price: [UInt8]) -> Batch.Row {
        let text = { (id: String) in JSONValue.string(id).serialized() }
        return Batch.Row(
            key: key,
            fields: ProductWriter.object([
                ("Pricebook2Id", text(book)), ("Product2Id", text(product)), ("UnitPrice", price),
                ("IsActive", Array("true".utf8)),
            ]))
    }
}

/// Puts the products of opportunities into the form in which they are written.
///
/// A pipeline names the product; the platform wants its price in the price book of the opportunity, and takes the book of
/// the first one if the opportunity has none yet. So the price is looked up there, or in the standard price book, and made
/// where there is none.
///
/// Source: Object Reference, "OpportunityLineItem" (`Product2Id` is read-only; "Effects on Opportunities").
struct LineItemWriter: Sendable {
    static let object = "OpportunityLineItem"
    static let product = "Product2Id"
    private static let entry = "PricebookEntryId"
    private static let deal = "OpportunityId"

    let collections: CollectionWriter

    /// The rows as they are written, and the receipts of those that name no product.
    func prepared(_ rows: [Batch.Row]) async throws -> (rows: [Batch.Row], refused: [Receipt]) {
        var refused: [Receipt] = []
        var ready: [Batch.Row] = []
        var open: [Batch.Row] = []
        for row in rows {
            if row.targetID != nil || row.references.contains(where: { $0.field == Self.entry }) {
                ready.append(row)
            } else if row.references.contains(where: { $0.field == Self.product && !$0.targetID.isEmpty }) {
                open.append(row)
            } else if row.sets(anyOf: [Array(Self.entry.utf8)]) {
                ready.append(row)
            } else {
                let rejection = Rejection(.requiredFieldMissing, fields: [Self.product])
                refused.append(Receipt(key: row.key, result: .rejected(rejection)))
            }
        }
        if !open.isEmpty { ready += try await priced(open) }
        return (ready, refused)
    }

    /// The rows with the price in place of the product.
    private func priced(_ rows: [Batch.Row]) async throws -> [Batch.Row] {
        let books = PriceBooks(collections: collections)
        let standard = try await books.standard()
        let deals = try await priceBooks(of: rows.compactMap { Self.end($0, Self.deal) })
        let products = Set(rows.compactMap { Self.end($0, Self.product) }).sorted()
        var entries = try await books.entries(of: products)
        var missing: [[String]: Batch.Row] = [:]
        for row in rows {
            guard let product = Self.end(row, Self.product) else { continue }
            let own = Self.end(row, Self.deal).flatMap { deals[$0] } ?? standard
            for book in [standard, own] where entries[[book, product]] == nil && missing[[book, product]] == nil {
                missing[[book, product]] = PriceBooks.entry(
                    row.key, book: book, product: product, price: row.without("UnitPrice").value ?? Array("0".utf8))
            }
        }
        if !missing.isEmpty {
            // The standard price of a product comes before any other.
            try await books.add(missing.filter { $0.key[0] == standard }.map(\.value))
            let others = missing.filter { $0.key[0] != standard }.map(\.value)
            if !others.isEmpty { try await books.add(others) }
            entries = try await books.entries(of: products)
        }
        return rows.map { row in
            var row = row
            guard let product = Self.end(row, Self.product) else { return row }
            let book = Self.end(row, Self.deal).flatMap { deals[$0] } ?? standard
            let id = entries[[book, product]] ?? ""
            row.references = row.references.map { reference in
                guard reference.field == Self.product else { return reference }
                return Batch.Reference(
                    field: Self.entry, object: ProductPrices.entries, key: reference.key, targetID: id)
            }
            return row
        }
    }

    /// The price books of opportunities that have one.
    private func priceBooks(of deals: [String]) async throws -> [String: String] {
        var books: [String: String] = [:]
        let head = "SELECT Id,Pricebook2Id FROM Opportunity WHERE Pricebook2Id != null AND Id IN "
        let ids = Set(deals).sorted()
        for group in SOQL.groups(ids.map(SOQL.literal), overhead: PercentEncoding.length(head) + 400) {
            try await collections.api.query(head + SOQL.list(group)) { record in
                guard let id = record["Id"]?.text, let book = record["Pricebook2Id"]?.text else { return }
                books[SalesforceID.canonical(id)] = SalesforceID.canonical(book)
            }
        }
        return books
    }

    private static func end(_ row: Batch.Row, _ field: String) -> String? {
        row.references.first { $0.field == field && !$0.targetID.isEmpty }.map { SalesforceID.canonical($0.targetID) }
    }
}
