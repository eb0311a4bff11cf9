// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// Products with their units and prices, and what opportunities hold of them.
///
/// Source: Microsoft Learn, "Product catalog entities (Sales)" and the references of the tables.
extension StandardTables {
    static let catalogue: [TableDefinition] = [unitGroup, unit, priceList, product, price, line]

    private static let unitGroup = table(
        "uomschedule", "UoMSchedule", "uomschedules", "Unit Group", code: 1056, primaryName: "name",
        isConnectable: false, isOwned: false,
        [
            .text("name", "Name", 200), .text("baseuomname", "Base Unit Name", 100),
            ColumnDefinition("description", "Description", .memo(max: 2_000)),
        ])

    private static let unit = table(
        "uom", "UoM", "uoms", "Unit", code: 1055, primaryName: "name", isConnectable: false, isOwned: false, states: [],
        [
            .text("name", "Name", 100), ColumnDefinition("quantity", "Quantity", .decimal),
            .own("isschedulebaseuom", "Is Base Unit", .boolean),
            .lookup("uomscheduleid", "Unit Group", ("uomschedule", "uomscheduleid")),
            .lookup("baseuom", "Base Unit", ("uom", "baseuom")),
        ])

    private static let priceList = table(
        "pricelevel", "PriceLevel", "pricelevels", "Price List", code: 1022, primaryName: "name", isConnectable: false,
        isOwned: false, states: [("Active", [(100_001, "Active")]), ("Inactive", [(100_002, "Inactive")])],
        [
            .text("name", "Name", 100), ColumnDefinition("begindate", "Start Date", .dateOnly),
            ColumnDefinition("enddate", "End Date", .dateOnly),
            ColumnDefinition("description", "Description", .memo(max: 2_000)),
        ])

    private static let product: TableDefinition = {
        var structure = ColumnDefinition.list(
            "productstructure", "Product Structure", (1, "Product"), (2, "Product Family"), (3, "Product Bundle"))
        structure.defaultValue = 1
        structure.isUpdatable = false
        var table = Self.table(
            "product", "Product", "products", "Product", code: 1024, primaryName: "name", isConnectable: false,
            isOwned: false,
            states: [
                ("Active", [(1, "Active")]), ("Retired", [(2, "Retired")]), ("Draft", [(0, "Draft")]),
                ("Under Revision", [(3, "Under Revision")]),
            ],
            [
                .text("name", "Name", 100), .text("productnumber", "Product ID", 100),
                ColumnDefinition("description", "Description", .memo(max: 2_000)), structure,
                ColumnDefinition("price", "List Price", .money),
                ColumnDefinition("currentcost", "Current Cost", .money),
                ColumnDefinition("standardcost", "Standard Cost", .money),
                ColumnDefinition("quantitydecimal", "Decimals Supported", .integer),
                .text("producturl", "URL", 255, format: "Url"), .text("vendorname", "Vendor Name", 100),
                .lookup("defaultuomscheduleid", "Unit Group", ("uomschedule", "defaultuomscheduleid")),
                .lookup("defaultuomid", "Default Unit", ("uom", "defaultuomid")),
                .lookup("pricelevelid", "Default Price List", ("pricelevel", "pricelevelid")),
            ])
        table.firstState = 2
        return table
    }()

    private static let price: TableDefinition = {
        var method = ColumnDefinition.list(
            "pricingmethodcode", "Pricing Method", (1, "Currency Amount"), (2, "Percent of List"))
        method.defaultValue = 1
        return table(
            "productpricelevel", "ProductPriceLevel", "productpricelevels", "Price List Item", code: 1026,
            primaryName: "productidname", isConnectable: false, isOwned: false, states: [],
            [
                .lookup("pricelevelid", "Price List", ("pricelevel", "pricelevelid")),
                .lookup("productid", "Product", ("product", "productid")),
                .lookup("uomid", "Unit", ("uom", "uomid")), ColumnDefinition("amount", "Amount", .money),
                ColumnDefinition("percentage", "Percentage", .decimal), method,
            ])
    }()

    private static let line: TableDefinition = {
        func fixed(_ column: ColumnDefinition) -> ColumnDefinition {
            var column = column
            column.isUpdatable = false
            return column
        }
        func flag(_ name: String, _ label: String) -> ColumnDefinition {
            var column = ColumnDefinition(name, label, .boolean)
            column.defaultValue = false
            return column
        }
        return table(
            "opportunityproduct", "OpportunityProduct", "opportunityproducts", "Opportunity Product", code: 1083,
            primaryName: "opportunityproductname", isConnectable: false, isOwned: false, states: [],
            [
                .own("opportunityproductname", "Name", .string(max: 500, format: "Text")),
                fixed(.lookup("opportunityid", "Opportunity", ("opportunity", "opportunityid"))),
                .lookup("productid", "Existing Product", ("product", "productid")),
                .text("productdescription", "Write-In Product", 500), .lookup("uomid", "Unit", ("uom", "uomid")),
                ColumnDefinition("quantity", "Quantity", .decimal),
                ColumnDefinition("priceperunit", "Price Per Unit", .money),
                flag("ispriceoverridden", "Price Overridden"), flag("isproductoverridden", "Select Product"),
                ColumnDefinition("manualdiscountamount", "Manual Discount", .money),
                ColumnDefinition("tax", "Tax", .money),
                ColumnDefinition("description", "Description", .memo(max: 2_000)),
                ColumnDefinition("lineitemnumber", "Line Item Number", .integer),
                .own("baseamount", "Amount", .money), .own("extendedamount", "Extended Amount", .money),
                .own(
                    "pricingerrorcode", "Pricing Error",
                    .picklist([.init(value: 0, label: "None"), .init(value: 5, label: "Missing Unit Price")])),
            ])
    }()
}
