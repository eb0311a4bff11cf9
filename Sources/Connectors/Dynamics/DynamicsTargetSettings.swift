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

    let keyColumn: String
    /// Rows of one write.
    let batchRecords: Int
    let bypassesLogic: Bool
    let allowsDuplicates: Bool

    static let specs: [SettingSpec] = [
        SettingSpec("load.external_id", .text, "the column that holds our row key; default \(defaultKeyColumn)"),
        SettingSpec(
            "load.batch.records", .integer,
            "records of one write, 1 to \(DynamicsLimits.batchRowsMax); default \(DynamicsLimits.writeRowsDefault)"),
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
