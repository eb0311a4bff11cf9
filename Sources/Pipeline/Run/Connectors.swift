// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezFileConnector
import MigratezHubSpotConnector
import MigratezModel
import MigratezSQLiteConnector
import MigratezSalesforceConnector
import MigratezTransport

/// The connectors that this program has. Adding one is adding a line in each table.
package enum Connectors {
    /// What the pipeline file may name, with the settings of each.
    package static let catalog = ConnectorCatalog(
        sources: [
            "hubspot": HubSpotSource.settings,
            "csv": FileSource.settings(.csv),
            "ndjson": FileSource.settings(.ndjson),
            "sqlite": SQLiteSource.settings,
        ],
        destinations: [
            "salesforce": SalesforceDestination.settings,
            "csv": FileDestination.settings(.csv),
            "ndjson": FileDestination.settings(.ndjson),
            "sqlite": SQLiteDestination.settings,
        ], typedSources: ["ndjson", "sqlite"])

    static func source(
        _ name: String, _ settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock
    ) throws(MigratezError) -> any Source {
        switch name {
        case "hubspot": try HubSpotSource(settings: settings, http: http, clock: clock)
        case "csv": try FileSource(.csv, settings: settings)
        case "ndjson": try FileSource(.ndjson, settings: settings)
        case "sqlite": try SQLiteSource(settings: settings)
        default: throw unknown(name)
        }
    }

    static func destination(
        _ name: String, _ settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock
    ) throws(MigratezError) -> any Destination {
        switch name {
        case "salesforce": try SalesforceDestination(settings: settings, http: http, clock: clock)
        case "csv": try FileDestination(.csv, settings: settings)
        case "ndjson": try FileDestination(.ndjson, settings: settings)
        case "sqlite": try SQLiteDestination(settings: settings)
        default: throw unknown(name)
        }
    }

    private static func unknown(_ name: String) -> MigratezError {
        MigratezError(.internalError, "connector '\(name)' is in the catalog but cannot be made")
    }
}
