// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// What the platform asks of products, prices and the lines of opportunities.
///
/// Source: Microsoft Learn, "Product catalog entities (Sales)", "Web service error codes" (0x80043b05 and those beside it).
/// Nothing is added up on the opportunity, and no line has another currency than the environment's.
extension RecordWriter {
    /// Checks a record that is made or changed, and fills in what follows from it.
    ///
    /// - Parameter earlier: what the record was; `nil` = it is new.
    func checkCatalogue(_ document: inout JSONValue, of table: TableDefinition, before earlier: JSONValue?) throws {
        switch table.name {
        case "product": try checkProduct(document, before: earlier)
        case "productpricelevel": try checkPrice(document, before: earlier)
        case "opportunityproduct": try completeLine(&document)
        case "pricelevel":
            guard document["name"]?.text != nil else {
                throw APIFailure(400, "0x80043b0e", "The name can not be null: 'name'.")
            }
        default: break
        }
    }

    private func checkProduct(_ product: JSONValue, before earlier: JSONValue?) throws {
        guard let number = product["productnumber"]?.text else {
            throw APIFailure(400, "0x80043b05", "The product number can not be null: 'productnumber'.")
        }
        if earlier?["productnumber"]?.text != number {
            guard try session.count("product", where: .member("productnumber", .equals, .string(number))) == 0 else {
                throw APIFailure(400, "0x80043b06", "The product number already exists: 'productnumber'.")
            }
        }
        guard let group = lookup("defaultuomscheduleid", product) else {
            throw APIFailure(
                400, "0x80043b13", "The unit schedule id of the product is missing: 'defaultuomscheduleid'.")
        }
        guard let unit = lookup("defaultuomid", product) else {
            throw APIFailure(400, "0x80043b0d", "The unit id is missing: 'defaultuomid'.")
        }
        guard try linked("uom", unit)?["_uomscheduleid_value"]?.text == group else {
            throw APIFailure(400, "0x80043b16", "The unit does not exist in the specified unit schedule.")
        }
    }

    private func checkPrice(_ price: JSONValue, before earlier: JSONValue?) throws {
        guard let list = lookup("pricelevelid", price) else { throw Self.missingPriceList }
        guard let product = lookup("productid", price) else {
            throw APIFailure(400, "0x80043b11", "The product id is missing: 'productid'.")
        }
        let unit = try checkUnit(price, of: product)
        let ends = [list, product, unit]
        let before = ["pricelevelid", "productid", "uomid"].map { name in earlier.flatMap { lookup(name, $0) } }
        guard before != ends else { return }
        guard try session.count("productpricelevel", where: Self.isPrice(list, product, unit)) == 0 else {
            throw APIFailure(400, "0x80043b08", "This product and unit combination has a price for this price list.")
        }
    }

    /// A line is of a product of the catalogue, or of one that is written in by hand.
    private func completeLine(_ line: inout JSONValue) throws {
        guard let deal = try lookup("opportunityid", line).flatMap({ try linked("opportunity", $0) }) else {
            throw APIFailure(400, "0x80043b15", "The opportunity id is missing or invalid: 'opportunityid'.")
        }
        try checkIsOpen(deal)
        var price = line["priceperunit"]?.text.flatMap(Double.init)
        if let id = lookup("productid", line) {
            guard line["productdescription"] == nil else {
                throw APIFailure(
                    400, "0x80043afb", "You can either specify a product or a product description, but not both.")
            }
            guard let product = try linked("product", id), product["statecode"]?.int == 0 else {
                throw APIFailure.invalidArgument("The product is not active and cannot be added: 'productid'.")
            }
            guard let list = lookup("pricelevelid", deal) else { throw Self.missingPriceList }
            let unit = try checkUnit(line, of: id)
            line.set("opportunityproductname", to: product["name"])
            if line["ispriceoverridden"]?.bool != true {
                let found = try session.documents("productpricelevel", where: Self.isPrice(list, id, unit), limit: 1)
                price = found.first?.document["amount"]?.text.flatMap(Double.init)
            } else if price == nil {
                throw APIFailure(400, "0x80043b10", "The price per unit is invalid: 'priceperunit'.")
            }
        } else {
            guard line["isproductoverridden"]?.bool == true, let text = line["productdescription"] else {
                throw APIFailure(400, "0x80043b11", "The product id is missing: 'productid'.")
            }
            line.set("opportunityproductname", to: text)
        }
        line.set("pricingerrorcode", to: price == nil ? 5 : 0)
        let unit = price ?? 0
        if line["priceperunit"]?.text.flatMap(Double.init) != price { line.set("priceperunit", to: Self.money(unit)) }
        func amount(_ name: String) -> Double { line[name]?.text.flatMap(Double.init) ?? 0 }
        let base = amount("quantity") * unit
        line.set("baseamount", to: Self.money(base))
        line.set("extendedamount", to: Self.money(base - amount("manualdiscountamount") + amount("tax")))
    }

    /// The lines of a closed opportunity stay, and a product that lines are of.
    func checkDeletion(of document: JSONValue, _ table: TableDefinition, _ id: String) throws {
        if table.name == "opportunityproduct",
            let deal = try lookup("opportunityid", document).flatMap({ try linked("opportunity", $0) })
        {
            try checkIsOpen(deal)
        }
        let property = table.name == "product" ? "_productid_value" : table.name == "uom" ? "_uomid_value" : nil
        guard let property else { return }
        guard try session.count("opportunityproduct", where: .member(property, .equals, .string(id))) == 0 else {
            throw APIFailure(
                400, "0x80040227",
                "The object you tried to delete is associated with another object and cannot be deleted.")
        }
    }

    private func checkIsOpen(_ deal: JSONValue) throws {
        guard deal["statecode"]?.int == 0 else {
            throw APIFailure(400, "0x80043b09", "The parent is read only and cannot be edited.")
        }
    }

    private static let missingPriceList = APIFailure(
        400, "0x80043b12", "The price level id is missing: 'pricelevelid'.")

    private func checkUnit(_ document: JSONValue, of product: String) throws -> String {
        guard let unit = lookup("uomid", document) else {
            throw APIFailure(400, "0x80043b0d", "The unit id is missing: 'uomid'.")
        }
        let group = try linked("product", product).flatMap { lookup("defaultuomscheduleid", $0) }
        guard try linked("uom", unit)?["_uomscheduleid_value"]?.text == group else {
            throw APIFailure(400, "0x80043b14", "The specified unit is not valid for this product: 'uomid'.")
        }
        return unit
    }

    private static func isPrice(_ list: String, _ product: String, _ unit: String) -> DocumentCondition {
        .and([
            .member("_pricelevelid_value", .equals, .string(list)),
            .member("_productid_value", .equals, .string(product)),
            .member("_uomid_value", .equals, .string(unit)),
        ])
    }

    private func lookup(_ column: String, _ document: JSONValue) -> String? { document["_\(column)_value"]?.text }

    private func linked(_ table: String, _ id: String) throws -> JSONValue? {
        try session.documents(table, where: .member("\(table)id", .equals, .string(id)), limit: 1).first?.document
    }

    /// Two decimal places.
    private static func money(_ amount: Double) -> JSONValue {
        let hundredths = Int64((amount * 100).rounded())
        let rest = hundredths.magnitude % 100
        let sign = hundredths < 0 ? "-" : ""
        return .number("\(sign)\(hundredths.magnitude / 100)" + (rest == 0 ? "" : rest < 10 ? ".0\(rest)" : ".\(rest)"))
    }
}
