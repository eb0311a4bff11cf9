// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Products, their prices in price books, and the products of an opportunity (Object Reference, "Product2", "Pricebook2",
/// "PricebookEntry", "OpportunityLineItem").
///
/// Simplified: no schedules, no currencies.
extension StandardObjects {
    static func products(_ fixed: [FieldDefinition]) -> [ObjectDefinition] {
        [product(fixed), priceBook(fixed), priceBookEntry(fixed), lineItem(fixed)]
    }

    private static func product(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "Product2", plural: "Products", keyPrefix: "01t",
            fields: idAndDeleted + [
                .text("Name", 255, .required), .text("ProductCode", 255), .longText("Description", 4000),
                .bool("IsActive"), .picklist("Family", ["None"]), .text("StockKeepingUnit", 180),
                FieldDefinition("DisplayUrl", .url, length: 1000), .picklist("QuantityUnitOfMeasure", ["Each"]),
                .bool("IsArchived", .readOnly),
            ] + audit)
    }

    private static func priceBook(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "Pricebook2", plural: "Price Books", keyPrefix: "01s",
            fields: idAndDeleted + [
                .text("Name", 255, .required), .bool("IsActive"), .bool("IsStandard", .readOnly),
                .longText("Description", 255), .bool("IsArchived", .readOnly),
            ] + audit)
    }

    private static func priceBookEntry(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "PricebookEntry", plural: "Price Book Entries", keyPrefix: "01u",
            fields: idAndDeleted + [
                .text("Name", 255, .readOnly), .text("ProductCode", 255, .readOnly),
                .reference("Pricebook2Id", to: ["Pricebook2"], [.required, .createOnly, .indexed, .cascades]),
                .reference("Product2Id", to: ["Product2"], [.required, .createOnly, .indexed, .cascades]),
                .number("UnitPrice", .currency, precision: 18, scale: 2, .required), .bool("IsActive"),
                .bool("UseStandardPrice"), .bool("IsArchived", .readOnly),
            ] + audit)
    }

    private static func lineItem(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "OpportunityLineItem", plural: "Opportunity Products", keyPrefix: "00k",
            fields: idAndDeleted + [
                .reference("OpportunityId", to: ["Opportunity"], [.required, .createOnly, .indexed, .cascades]),
                // Required, and `describe` says otherwise: what is missing is told by a rule.
                .reference("PricebookEntryId", to: ["PricebookEntry"], [.createOnly, .indexed]),
                .reference("Product2Id", to: ["Product2"], [.readOnly, .indexed]), .text("ProductCode", 255, .readOnly),
                .text("Name", 376, .readOnly), .number("Quantity", .double, precision: 18, scale: 2, .required),
                .number("UnitPrice", .currency, precision: 18, scale: 2),
                .number("TotalPrice", .currency, precision: 18, scale: 2),
                .number("ListPrice", .currency, precision: 18, scale: 2, .readOnly),
                .number("Discount", .percent, precision: 5, scale: 2), .date("ServiceDate"), .text("Description", 255),
            ] + audit)
    }
}
