// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

/// Prices and the products of opportunities (Object Reference, "PricebookEntry"; "OpportunityLineItem", "Effects on
/// Opportunities").
extension RowWriter {
    /// A price in a custom book needs one in the standard book; a book has one price of a product.
    func setPrice(in values: inout Values, _ object: ObjectDefinition, _ ordinal: Int64?) throws {
        guard ordinal == nil, let book = text("Pricebook2Id", values, object),
            let product = text("Product2Id", values, object)
        else { return }
        let known = try String.fetchAll(
            db, sql: "SELECT Pricebook2Id FROM PricebookEntry WHERE Product2Id = ? AND IsDeleted = 0",
            arguments: [product])
        guard !known.contains(book) else {
            throw RowFailure("FIELD_INTEGRITY_EXCEPTION", "This price definition already exists in this price book")
        }
        let standard = try standardPriceBook()
        guard book == standard || known.contains(standard) else {
            throw RowFailure("STANDARD_PRICE_NOT_DEFINED", "No standard price defined for this product")
        }
        let facts = try record("Name, ProductCode", of: "Product2", product)
        set("Name", facts?["Name"] ?? .null, in: &values, object)
        set("ProductCode", facts?["ProductCode"] ?? .null, in: &values, object)
    }

    /// A product of an opportunity is one of its price book; the first one decides which book that is.
    func setLineItem(in values: inout Values, _ object: ObjectDefinition, _ ordinal: Int64?) throws {
        if ordinal == nil {
            guard let entry = text("PricebookEntryId", values, object) else {
                throw RowFailure(
                    "FIELD_INTEGRITY_EXCEPTION",
                    "field integrity exception: PricebookEntryId, unknown (versions 3.0 and higher must specify pricebook "
                        + "entry id; others must specify product id)", fields: ["PricebookEntryId"])
            }
            guard
                let price = try record("Pricebook2Id, Product2Id, UnitPrice, IsActive", of: "PricebookEntry", entry)
            else { return }
            guard price["IsActive"] as Bool == true else {
                throw RowFailure(
                    "FIELD_INTEGRITY_EXCEPTION",
                    "field integrity exception: PricebookEntryId (pricebook entry is inactive)",
                    fields: ["PricebookEntryId"])
            }
            try takePriceBook(price["Pricebook2Id"], text("OpportunityId", values, object))
            let product = try record("Name, ProductCode", of: "Product2", price["Product2Id"])
            set("Product2Id", price["Product2Id"], in: &values, object)
            set("ListPrice", price["UnitPrice"], in: &values, object)
            set("Name", product?["Name"] ?? .null, in: &values, object)
            set("ProductCode", product?["ProductCode"] ?? .null, in: &values, object)
            guard number("UnitPrice", values, object) != nil || number("TotalPrice", values, object) != nil else {
                throw RowWriter.missing(["UnitPrice"])
            }
        }
        let old = try ordinal.flatMap {
            try Row.fetchOne(
                db, sql: "SELECT Quantity, UnitPrice, TotalPrice, Discount FROM OpportunityLineItem WHERE n = ?",
                arguments: [$0])
        }
        func now(_ name: String) -> Double? { number(name, values, object) ?? old?[name] }
        guard let quantity = now("Quantity"), quantity != 0 else {
            throw RowFailure("FIELD_INTEGRITY_EXCEPTION", "Quantity must not be zero", fields: ["Quantity"])
        }
        let share = 1 - (now("Discount") ?? 0) / 100
        if let total = number("TotalPrice", values, object), number("UnitPrice", values, object) == nil {
            set("UnitPrice", (share == 0 ? 0 : total / quantity / share).databaseValue, in: &values, object)
        } else if let price = now("UnitPrice") {
            set("TotalPrice", (price * quantity * share).databaseValue, in: &values, object)
        }
    }

    private func takePriceBook(_ book: String, _ opportunity: String?) throws {
        guard let opportunity, let id = RecordID(opportunity),
            let deal = try record("Pricebook2Id", of: "Opportunity", opportunity)
        else { return }
        guard let own = deal["Pricebook2Id"] as String? else {
            let isActive = try record("IsActive", of: "Pricebook2", book)?["IsActive"] as Bool?
            guard isActive == true else {
                throw RowFailure(
                    "FIELD_INTEGRITY_EXCEPTION", "field integrity exception: PricebookEntryId (pricebook is inactive)",
                    fields: ["PricebookEntryId"])
            }
            try db.execute(
                sql: "UPDATE Opportunity SET Pricebook2Id = ? WHERE n = ?", arguments: [book, id.ordinal])
            return
        }
        guard own == book else {
            throw RowFailure(
                "FIELD_INTEGRITY_EXCEPTION",
                "field integrity exception: PricebookEntryId (pricebook entry is in a different pricebook than the one "
                    + "assigned to the opportunity)", fields: ["PricebookEntryId"])
        }
    }

    /// What an opportunity is worth follows from its products, as soon as it has any.
    func sumUp(_ opportunity: String) throws {
        guard let id = RecordID(opportunity) else { return }
        let row = try Row.fetchOne(
            db,
            sql:
                "SELECT COUNT(*), TOTAL(TotalPrice) FROM OpportunityLineItem WHERE OpportunityId = ? AND IsDeleted = 0",
            arguments: [opportunity])
        let count: Int = row?[0] ?? 0
        try db.execute(
            sql: "UPDATE Opportunity SET HasOpportunityLineItem = ? WHERE n = ?", arguments: [count > 0, id.ordinal])
        guard count > 0 else { return }
        try db.execute(
            sql: "UPDATE Opportunity SET Amount = ? WHERE n = ?", arguments: [row?[1] as Double?, id.ordinal])
    }

    /// An amount that follows from products is not changed by clients: they are told that it was. Another price book is
    /// refused.
    func keepAmount(in values: inout Values, _ object: ObjectDefinition, _ ordinal: Int64?) throws {
        guard let ordinal,
            try Bool.fetchOne(
                db, sql: "SELECT HasOpportunityLineItem FROM Opportunity WHERE n = ?", arguments: [ordinal]) == true
        else { return }
        if let index = object.index(of: "Amount") { values[index] = nil }
        guard let index = object.index(of: "Pricebook2Id"), let book = values[index] else { return }
        let own = try String.fetchOne(
            db, sql: "SELECT Pricebook2Id FROM Opportunity WHERE n = ?", arguments: [ordinal])
        guard String.fromDatabaseValue(book) == own else {
            throw RowFailure(
                "FIELD_INTEGRITY_EXCEPTION", "field integrity exception: Pricebook2Id (opportunity has line items)",
                fields: ["Pricebook2Id"])
        }
    }

    private func standardPriceBook() throws -> String {
        let ordinal = try Int64.fetchOne(db, sql: "SELECT n FROM Pricebook2 WHERE IsStandard = 1") ?? 0
        return schema["Pricebook2"].map { $0.id(ordinal).text } ?? ""
    }

    func record(_ columns: String, of table: String, _ id: String) throws -> Row? {
        guard let id = RecordID(id) else { return nil }
        return try Row.fetchOne(db, sql: "SELECT \(columns) FROM \(table) WHERE n = ?", arguments: [id.ordinal])
    }

    private func number(_ name: String, _ values: Values, _ object: ObjectDefinition) -> Double? {
        object.index(of: name).flatMap { values[$0] }.flatMap { Double.fromDatabaseValue($0) }
    }
}

/// The price book that every organisation has.
enum StandardPriceBook {
    static func ensure(in store: RecordStore, isActive: Bool, user: String, now: Int64) throws {
        guard let object = store.schema["Pricebook2"] else { return }
        try store.queue.write { db in
            guard try Int.fetchOne(db, sql: "SELECT n FROM Pricebook2 WHERE IsStandard = 1") == nil else { return }
            try db.execute(
                sql: """
                    INSERT INTO Pricebook2 (n, IsDeleted, Name, IsActive, IsStandard, IsArchived, CreatedDate, CreatedById,
                        LastModifiedDate, LastModifiedById, SystemModstamp)
                    VALUES (?, 0, 'Standard Price Book', ?, 1, 0, ?, ?, ?, ?, ?)
                    """, arguments: [store.nextOrdinal(of: object), isActive, now, user, now, user, now])
        }
    }
}
