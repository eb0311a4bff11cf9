// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTransport

/// What a pipeline says about Dynamics as its target, besides how it is reached; read once.
struct DynamicsTargetSettings: Sendable {
    /// The column that holds our row key unless the pipeline names another. Every environment has a publisher with the
    /// prefix `new` (Microsoft Learn, "Solution concepts").
    static let defaultKeyColumn = "new_migratezid"

    /// By what many rows are written.
    enum Route: String, CaseIterable, Sendable {
        /// `CreateMultiple` and `UpdateMultiple`, where the table takes them. The default: a call is one transaction over
        /// there and some times faster than as many single operations (Microsoft Learn, "Use bulk operation messages"), and
        /// what it loses by a bad row is a second request.
        case multiple
        /// `$batch` of single operations, each by itself. Better for a load in which most calls hold a bad row, and where
        /// plug-ins of the environment do not stand many rows at once.
        case batch
    }

    let keyColumn: String
    let route: Route
    /// Rows of one write.
    let batchRecords: Int
    let bypassesLogic: Bool
    let allowsDuplicates: Bool
    let priceList: String?
    let unitGroup: String?

    static let specs: [SettingSpec] = [
        SettingSpec("load.external_id", .text, "the column that holds our row key; default \(defaultKeyColumn)"),
        SettingSpec(
            "load.batch.records", .integer,
            "records of one write, 1 to \(DynamicsLimits.batchRowsMax); default \(DynamicsLimits.writeRowsDefault)"),
        SettingSpec(
            "load.route", .oneOf(Route.allCases.map(\.rawValue)),
            "what carries rows: multiple (CreateMultiple, UpdateMultiple) or batch; default \(Route.multiple.rawValue)"),
        SettingSpec(
            "load.price_list", .text,
            "the price list of opportunities that have none when products are added; default the only active one"),
        SettingSpec(
            "load.unit_group", .text,
            "the unit group of new products whose rows name none; default the only one, or 'Default Unit'"),
        SettingSpec(
            "load.bypass_logic", .bool,
            "whether plug-ins, workflows and flows are kept from running for our writes; default false"),
        SettingSpec(
            "load.allow_duplicates", .bool, "save rows that a duplicate detection rule would refuse; default false"),
    ]

    /// - Throws: `invalidSetting`.
    init(_ settings: ConnectorSettings) throws(MigratezError) {
        keyColumn = settings["load.external_id"] ?? Self.defaultKeyColumn
        guard ODataText.isName(keyColumn), keyColumn == keyColumn.lowercased(), Self.hasPrefix(keyColumn) else {
            throw MigratezError(
                .invalidSetting, "load.external_id is not the logical name of a column of one's own",
                remedy: .fixConfiguration, hint: "write it as prefix_name in small letters")
        }
        let text = settings["load.batch.records"] ?? String(DynamicsLimits.writeRowsDefault)
        guard let records = Int(text), (1...DynamicsLimits.batchRowsMax).contains(records) else {
            throw MigratezError(
                .invalidSetting, "load.batch.records is not a number from 1 to \(DynamicsLimits.batchRowsMax)",
                remedy: .fixConfiguration)
        }
        batchRecords = records
        route = settings["load.route"].flatMap(Route.init) ?? .multiple
        priceList = settings["load.price_list"]
        unitGroup = settings["load.unit_group"]
        bypassesLogic = settings["load.bypass_logic"] == "true"
        allowsDuplicates = settings["load.allow_duplicates"] == "true"
    }

    /// What every request that writes carries (Microsoft Learn, "Bypass custom business logic", "Bypass Power Automate
    /// flows", "Detect duplicate data using the Web API").
    var headers: [HTTPHeader] {
        var headers = [HTTPHeader("MSCRM.SuppressDuplicateDetection", allowsDuplicates ? "true" : "false")]
        if bypassesLogic {
            headers.append(HTTPHeader("MSCRM.BypassBusinessLogicExecution", "CustomSync,CustomAsync"))
            headers.append(HTTPHeader("MSCRM.SuppressCallbackRegistrationExpanderJob", "true"))
        }
        return headers
    }

    private static func hasPrefix(_ name: String) -> Bool {
        guard let end = name.firstIndex(of: "_") else { return false }
        return (2...8).contains(name[..<end].count) && name.index(after: end) < name.endIndex
    }
}
