// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// What a pipeline says about HubSpot as its source, besides how it is reached.
struct HubSpotSourceSettings: Sendable {
    let pageRecords: Int
    let includesArchived: Bool

    static let specs: [SettingSpec] = [
        SettingSpec("page_size", .integer, "records a page, 1 to \(HubSpotLimits.batchRecordsMax); default the most"),
        SettingSpec(
            "include_archived", .bool, "whether deleted records that can be restored are read; default false"),
    ]

    init(_ settings: ConnectorSettings) throws(MigratezError) {
        includesArchived = settings["include_archived"] == "true"
        let text = settings["page_size"] ?? String(HubSpotLimits.batchRecordsMax)
        guard let size = Int(text), (1...HubSpotLimits.batchRecordsMax).contains(size) else {
            throw MigratezError(
                .invalidSetting, "page_size is '\(text)', which is not a number from 1 to 100",
                remedy: .fixConfiguration)
        }
        pageRecords = size
    }
}

/// What a pipeline says about HubSpot as its target, besides how it is reached.
struct HubSpotTargetSettings: Sendable {
    /// The property that holds our key.
    let keyProperty: String

    static let defaultKeyProperty = "migratez_id"

    static let specs: [SettingSpec] = [
        SettingSpec(
            "load.external_id", .text, "the unique property that holds our row key; default \(defaultKeyProperty)")
    ]

    init(_ settings: ConnectorSettings) throws(MigratezError) {
        keyProperty = settings["load.external_id"] ?? Self.defaultKeyProperty
        let isName = keyProperty.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_")
        }
        guard isName, let first = keyProperty.utf8.first, (0x61...0x7A).contains(first) else {
            throw MigratezError(
                .invalidSetting, "load.external_id is not the name of a property", remedy: .fixConfiguration,
                hint: "names of properties are of a-z, 0-9 and _, and begin with a letter")
        }
    }
}
