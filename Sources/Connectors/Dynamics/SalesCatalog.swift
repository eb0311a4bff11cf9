// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Tables of the product catalogue that need more than their own row says.
enum CatalogTable {
    static let product = "product"
    static let lineItem = "opportunityproduct"
}

/// Units and price lists of the environment, and what opportunities and products have of them.
///
/// Source: Microsoft Learn, "Product catalog entities (Sales)", "Opportunity, quote, sales order, and invoice entities".
struct SalesCatalog: Sendable {
    /// The unit group that every environment begins with.
    private static let firstUnitGroup = "Default Unit"

    let api: DynamicsAPI
    /// `load.unit_group`
    let unitGroup: String?
    /// `load.price_list`
    let priceList: String?

    /// An opportunity, as far as its products need it.
    struct Opportunity: Sendable {
        var state: RecordState
        var hasPriceList: Bool
    }

    /// What a new product is counted in: a unit group and its base unit.
    ///
    /// - Throws: `invalidSetting` if it is not clear which.
    func units() async throws -> (group: String, unit: String) {
        let groups = try await active("uomschedules", "uomscheduleid")
        let wanted = unitGroup ?? (groups.count == 1 ? groups[0].name : Self.firstUnitGroup)
        let found = groups.filter { $0.name == wanted }
        guard found.count == 1 else { throw Self.unclear("unit groups", groups.count, "load.unit_group") }
        var unit: String?
        let filter = "_uomscheduleid_value eq \(found[0].id) and isschedulebaseuom eq true"
        try await api.rows("uoms", query: [("$select", "uomid"), ("$filter", filter)]) { unit = $0["uomid"]?.text }
        guard let unit else {
            throw MigratezError(
                .brokenResponse, "the unit group for new products shows no base unit", remedy: .fixConfiguration,
                hint: "name another one in load.unit_group")
        }
        return (found[0].id, unit)
    }

    /// The price list of opportunities that have none.
    ///
    /// - Throws: `invalidSetting` if it is not clear which.
    func priceListOfNew() async throws -> String {
        let lists = try await active("pricelevels", "pricelevelid")
        let found = priceList.map { name in lists.filter { $0.name == name } } ?? lists
        guard found.count == 1 else { throw Self.unclear("price lists", lists.count, "load.price_list") }
        return found[0].id
    }

    private func active(_ set: String, _ id: String) async throws -> [(id: String, name: String)] {
        var found: [(id: String, name: String)] = []
        try await api.rows(set, query: [("$select", "\(id),name"), ("$filter", "statecode eq 0")]) { row in
            if let id = row[id]?.text { found.append((id, row["name"]?.text ?? "")) }
        }
        return found
    }

    private static func unclear(_ what: String, _ count: Int, _ setting: String) -> MigratezError {
        MigratezError(
            .invalidSetting, "the environment has \(count) active \(what), and it is not clear which one to take",
            remedy: .fixConfiguration,
            hint: "name one that is there in \(setting); they are made in Sales, App Settings, Product Catalog Settings"
        )
    }

    /// The units that products are counted in unless a line says another, by product.
    func unitsOfProducts(_ ids: [String]) async throws -> [String: String] {
        var units: [String: String] = [:]
        try await rows("products", "productid", "_defaultuomid_value", ids) { id, row in
            if let unit = row["_defaultuomid_value"]?.text { units[id] = unit }
        }
        return units
    }

    /// The opportunities that are there, by id.
    func opportunities(_ ids: [String]) async throws -> [String: Opportunity] {
        var found: [String: Opportunity] = [:]
        try await rows("opportunities", "opportunityid", "statecode,statuscode,_pricelevelid_value", ids) { id, row in
            found[id] = Opportunity(
                state: RecordState(state: row["statecode"]?.int ?? 0, reason: row["statuscode"]?.int),
                hasPriceList: row["_pricelevelid_value"]?.text != nil)
        }
        return found
    }

    /// The opportunities that lines belong to, by line.
    func opportunities(ofLines ids: [String]) async throws -> [String: String] {
        var found: [String: String] = [:]
        try await rows("opportunityproducts", "opportunityproductid", "_opportunityid_value", ids) { id, row in
            if let deal = row["_opportunityid_value"]?.text { found[id] = deal }
        }
        return found
    }

    private func rows(
        _ set: String, _ id: String, _ columns: String, _ ids: [String], _ row: (String, JSONValue) -> Void
    ) async throws {
        for group in ODataText.groups(ids, overhead: 500) {
            try Task.checkCancellation()
            let query = [("$select", "\(id),\(columns)"), ("$filter", ODataText.isIn(id, group))]
            try await api.rows(set, query: query) { answer in
                if let key = answer[id]?.text { row(key, answer) }
            }
        }
    }

    /// What new products are given that name no unit, by the keys of their rows. A quantity may have two decimal places
    /// unless the row says otherwise.
    func additions(toProducts rows: [Batch.Row]) async throws -> [String: [RowBody.Addition]] {
        let isWhole = rows.allSatisfy { row in
            row.targetID != nil || row.references.contains { $0.field == "defaultuomid" }
        }
        guard !isWhole else { return [:] }
        let units = try await units()
        let additions: [RowBody.Addition] = [
            .init(
                column: "defaultuomscheduleid", property: "defaultuomscheduleid@odata.bind",
                value: .string("/uomschedules(\(units.group))")),
            .init(
                column: "defaultuomid", property: "defaultuomid@odata.bind", value: .string("/uoms(\(units.unit))")),
            .init(column: "quantitydecimal", property: "quantitydecimal", value: 2),
        ]
        return Dictionary(rows.map { ($0.key, additions) }, uniquingKeysWith: { first, _ in first })
    }
}
