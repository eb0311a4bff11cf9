// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Products with their prices, and the lines of opportunities. The number of a price is that of its product.
extension SeedContent {
    static let unitGroup = RecordID.guid(code: 1056, number: 1)
    static let unit = RecordID.guid(code: 1055, number: 1)
    static let priceList = RecordID.guid(code: 1022, number: 1)

    /// The unit group that every environment has from the start.
    static func setUpCatalogue(_ environment: Environment, _ session: DocumentSession, at now: Timestamp) throws {
        let time = JSONValue.string(DateForm.text(now))
        try session.insert(
            "uomschedule",
            [
                "uomscheduleid": .string(unitGroup), "name": "Default Unit", "baseuomname": "Primary Unit",
                "statecode": 0, "statuscode": 1, "createdon": time, "modifiedon": time,
            ], at: now, id: 1)
        try session.insert(
            "uom",
            [
                "uomid": .string(unit), "name": "Primary Unit", "quantity": 1, "isschedulebaseuom": true,
                "_uomscheduleid_value": .string(unitGroup),
                "_uomscheduleid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "uomschedule", "createdon": time,
                "modifiedon": time,
            ], at: now, id: 1)
    }

    /// One price list, with a price of each product.
    func fillCatalogue() throws {
        guard crm.counts.products > 0 || crm.counts.lineItems > 0 else { return }
        var list = SeedRow(created: Timestamp(milliseconds: 0), modified: Timestamp(milliseconds: 0), owner: nil)
        list.text("name", "Standard")
        try insert(list, "pricelevel", number: 1)
        for index in 0..<crm.counts.products where !crm.isArchived(.product, at: index) {
            let product = crm.product(at: index)
            var row = SeedRow(created: product.createdAt, modified: product.updatedAt, owner: nil)
            row.text("name", product[.name].map { String($0.prefix(100)) })
            row.text("productnumber", product[.sku] ?? "P-\(product.id)")
            row.text("description", product[.description])
            row.number("price", product[.price])
            row.number("currentcost", product[.cost])
            row.text("producturl", product[.url])
            row.put("productstructure", 1)
            row.put("quantitydecimal", 2)
            row.put("statecode", 0)
            row.put("statuscode", 1)
            row.refer("defaultuomscheduleid", "uomschedule", Self.unitGroup)
            row.refer("defaultuomid", "uom", Self.unit)
            try insert(row, "product", number: product.id)
            guard let price = product[.price], !price.isEmpty else { continue }
            var item = SeedRow(created: product.createdAt, modified: product.updatedAt, owner: nil)
            item.refer("pricelevelid", "pricelevel", Self.priceList)
            item.refer("productid", "product", RecordID.guid(code: 1024, number: Int64(product.id)))
            item.refer("uomid", "uom", Self.unit)
            item.number("amount", price)
            item.put("pricingmethodcode", 1)
            try insert(item, "productpricelevel", number: product.id)
        }
    }

    /// A line that belongs to no deal cannot be; one of a product that is not there is written in by hand.
    func fillLines() throws {
        for index in 0..<crm.counts.lineItems where !crm.isArchived(.lineItem, at: index) {
            guard let link = crm.links(.lineItemToDeal, from: index).first(where: { $0.toIndex != nil }) else {
                continue
            }
            let line = crm.lineItem(at: index)
            var row = SeedRow(created: line.createdAt, modified: line.updatedAt, owner: nil)
            row.refer("opportunityid", "opportunity", RecordID.guid(code: 3, number: Int64(link.toID)))
            row.text("opportunityproductname", line[.name])
            let product = line.productIndex.flatMap { crm.isArchived(.product, at: $0) ? nil : crm.product(at: $0) }
            if let product {
                row.refer("productid", "product", RecordID.guid(code: 1024, number: Int64(product.id)))
                row.refer("uomid", "uom", Self.unit)
            } else {
                row.text("productdescription", line[.name])
            }
            row.put("isproductoverridden", .bool(product == nil))
            row.put("ispriceoverridden", .bool(product != nil))
            row.number("quantity", line[.quantity])
            row.number("priceperunit", line[.price])
            row.number("baseamount", line[.amount])
            row.number("extendedamount", line[.amount])
            row.put("pricingerrorcode", 0)
            row.text("description", line[.description])
            try insert(row, "opportunityproduct", number: line.id)
        }
    }
}
