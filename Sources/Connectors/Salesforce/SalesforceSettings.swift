// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
package import MigratezModel

/// What a pipeline says about Salesforce as its target, besides how it is reached; read once.
package struct SalesforceSettings: Sendable {
    /// Which API carries the rows.
    package enum LoadAPI: String, Sendable, CaseIterable {
        /// By the expected number of rows.
        case auto
        /// sObject Collections, at most 200 rows a call.
        case collections
        /// Bulk API 2.0 ingest jobs.
        case bulk2
    }

    /// How a row names the record that it refers to.
    package enum ReferenceStyle: String, Sendable, CaseIterable {
        /// By the stamp of that record, where its object has one.
        case externalID = "external_id"
        /// By its Salesforce id.
        case id
    }

    /// The field that holds our row key unless the pipeline names another.
    package static let defaultStampField = "Migratez_Id__c"

    package var loadAPI: LoadAPI
    package var stampField: String
    /// Rows of one write; `nil` = the route's own default.
    package var batchRecordsMax: Int?
    /// Bytes of one write; `nil` = the route's own default.
    package var batchBytesMax: ByteCount?
    /// Rows of one write are sorted by the record that they refer to, so that few calls lock the same parent.
    package var sortsByParent: Bool
    package var allowsDuplicates: Bool
    package var references: ReferenceStyle

    /// What may stand below `target:` besides how the org is reached.
    package static let specs: [SettingSpec] = [
        SettingSpec("load.api", .oneOf(LoadAPI.allCases.map(\.rawValue)), "Which API carries the rows; default auto"),
        SettingSpec("load.external_id", .text, "The field that holds our row key; default \(defaultStampField)"),
        SettingSpec("load.batch.records", .integer, "Records of one write"),
        SettingSpec("load.batch.bytes", .byteCount, "Bytes of one write"),
        SettingSpec("load.order", .oneOf(["by_parent", "as_read"]), "Order of rows in a write; default by_parent"),
        SettingSpec("load.allow_duplicates", .bool, "Save rows that a duplicate rule would refuse; default false"),
        SettingSpec(
            "load.references", .oneOf(ReferenceStyle.allCases.map(\.rawValue)),
            "Whether rows name their parents by our key or by Salesforce id; default external_id"),
    ]

    /// - Throws: `invalidSetting`.
    package init(_ settings: ConnectorSettings) throws(MigratezError) {
        loadAPI = settings["load.api"].flatMap(LoadAPI.init) ?? .auto
        stampField = settings["load.external_id"] ?? Self.defaultStampField
        guard SOQL.isName(stampField) else {
            throw MigratezError(
                .invalidSetting, "load.external_id is not the name of a field", remedy: .fixConfiguration)
        }
        batchRecordsMax = try Self.positive(settings["load.batch.records"], "load.batch.records")
        batchBytesMax = try Self.positive(settings["load.batch.bytes"], "load.batch.bytes").map(ByteCount.init)
        sortsByParent = settings["load.order"] != "as_read"
        allowsDuplicates = settings["load.allow_duplicates"] == "true"
        references = settings["load.references"].flatMap(ReferenceStyle.init) ?? .externalID
    }

    /// Bytes of rows in one collections call. The platform takes 50 MB and more; smaller calls fail and repeat cheaper.
    package var collectionBytesMax: Int { min(batchBytesMax?.bytes ?? .max, 8 << 20) }

    private static func positive(_ text: String?, _ path: String) throws(MigratezError) -> Int? {
        guard let text else { return nil }
        guard let number = QuantityText.count(text), number > 0 else {
            throw MigratezError(.invalidSetting, "\(path) is not a positive number", remedy: .fixConfiguration)
        }
        return number
    }
}
