// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Logging
package import MigratezConnectorKit
import MigratezDynamicsConnector
import MigratezFileConnector
import MigratezHubSpotConnector
import MigratezModel
import MigratezOdooConnector
import MigratezPipedriveConnector
import MigratezRESTConnector
import MigratezSQLiteConnector
import MigratezSalesforceConnector
import MigratezSingerConnector
import MigratezTransport
import MigratezZohoConnector

/// The connectors that this program has. Adding one is adding a line in each table.
package enum Connectors {
    /// What the pipeline file may name, with the settings of each.
    package static let catalog = ConnectorCatalog(
        sources: [
            "hubspot": HubSpotSource.settings,
            "salesforce": SalesforceSource.settings,
            "pipedrive": PipedriveSource.settings,
            "dynamics": DynamicsSource.settings,
            "odoo": OdooSource.settings,
            "zoho": ZohoSource.settings,
            "csv": FileSource.settings(.csv),
            "ndjson": FileSource.settings(.ndjson),
            "sqlite": SQLiteSource.settings,
            "singer": SingerSource.settings,
            "rest": OwnDefinition.settings,
        ].merging(ShippedDefinitions.all.mapValues(\.settingSpecs)) { own, _ in own },
        destinations: [
            "hubspot": HubSpotDestination.settings,
            "salesforce": SalesforceDestination.settings,
            "pipedrive": PipedriveDestination.settings,
            "dynamics": DynamicsDestination.settings,
            "odoo": OdooDestination.settings,
            "zoho": ZohoDestination.settings,
            "csv": FileDestination.settings(.csv),
            "ndjson": FileDestination.settings(.ndjson),
            "sqlite": SQLiteDestination.settings,
            "singer": SingerDestination.settings,
            "rest": OwnDefinition.settings,
        ].merging(
            ShippedDefinitions.all.filter { $0.value.destinationCapabilities != nil }.mapValues(\.settingSpecs)
        ) { own, _ in own },
        typedSources: Set(["salesforce", "pipedrive", "dynamics", "odoo", "zoho", "ndjson", "sqlite", "singer", "rest"])
            .union(ShippedDefinitions.all.keys),
        creators: Set(capabilities.filter { $0.destination?.createsObjects != nil }.map(\.name)))

    /// What each connector can do on either side, by name.
    package static let capabilities: [ConnectorOverview] =
        [
            ConnectorOverview("hubspot", HubSpotSource.capabilities, HubSpotDestination.capabilities),
            ConnectorOverview("salesforce", SalesforceSource.capabilities, SalesforceDestination.capabilities),
            ConnectorOverview("pipedrive", PipedriveSource.capabilities, PipedriveDestination.capabilities),
            ConnectorOverview("dynamics", DynamicsSource.capabilities, DynamicsDestination.capabilities),
            ConnectorOverview("odoo", OdooSource.capabilities, OdooDestination.capabilities),
            ConnectorOverview("zoho", ZohoSource.capabilities, ZohoDestination.capabilities),
            ConnectorOverview("csv", FileSource.capabilities, FileDestination.capabilities),
            ConnectorOverview("ndjson", FileSource.capabilities, FileDestination.capabilities),
            ConnectorOverview("sqlite", SQLiteSource.capabilities, SQLiteDestination.capabilities),
            ConnectorOverview("singer", SingerSource.capabilities, SingerDestination.capabilities),
        ]
        + ShippedDefinitions.all.sorted { $0.key < $1.key }.map {
            ConnectorOverview($0.key, $0.value.capabilities, $0.value.destinationCapabilities)
        }
        + [ConnectorOverview("rest", OwnDefinition.capabilities, OwnDefinition.destinationCapabilities)]

    /// What describes a side that is none of the program's own: a definition that comes with it, or the file that the
    /// settings name; `nil` for other connectors.
    ///
    /// - Throws: `fileNotFound`, or `invalidSetting` with everything that is wrong with the file.
    static func definition(
        of connector: String, file: String?
    ) throws(MigratezError) -> RESTDefinition? {
        guard connector == "rest" else { return ShippedDefinitions.all[connector] }
        guard let file else { return nil }
        return try OwnDefinition.read(file).get()
    }

    static func source(
        _ name: String, _ settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock,
        log: Logger
    ) throws(MigratezError) -> any Source {
        switch name {
        case "hubspot": try HubSpotSource(settings: settings, http: http, clock: clock)
        case "salesforce": try SalesforceSource(settings: settings, http: http, clock: clock)
        case "pipedrive": try PipedriveSource(settings: settings, http: http, clock: clock)
        case "dynamics": try DynamicsSource(settings: settings, http: http, clock: clock)
        case "odoo": try OdooSource(settings: settings, http: http, clock: clock)
        case "zoho": try ZohoSource(settings: settings, http: http, clock: clock)
        case "csv": try FileSource(.csv, settings: settings)
        case "ndjson": try FileSource(.ndjson, settings: settings)
        case "sqlite": try SQLiteSource(settings: settings)
        case "singer": try SingerSource(settings: settings) { log.info("tap", metadata: ["said": "\($0)"]) }
        default:
            if let definition = try definition(of: name, file: settings["definition"]) {
                try RESTSource(definition, settings: settings, http: http, clock: clock)
            } else {
                throw unknown(name)
            }
        }
    }

    static func destination(
        _ name: String, _ settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock,
        log: Logger
    ) throws(MigratezError) -> any Destination {
        switch name {
        case "hubspot": try HubSpotDestination(settings: settings, http: http, clock: clock)
        case "salesforce": try SalesforceDestination(settings: settings, http: http, clock: clock)
        case "pipedrive": try PipedriveDestination(settings: settings, http: http, clock: clock)
        case "dynamics": try DynamicsDestination(settings: settings, http: http, clock: clock)
        case "odoo": try OdooDestination(settings: settings, http: http, clock: clock)
        case "zoho": try ZohoDestination(settings: settings, http: http, clock: clock)
        case "csv": try FileDestination(.csv, settings: settings)
        case "ndjson": try FileDestination(.ndjson, settings: settings)
        case "sqlite": try SQLiteDestination(settings: settings)
        case "singer": try SingerDestination(settings: settings) { log.info("target", metadata: ["said": "\($0)"]) }
        default:
            if let definition = try definition(of: name, file: settings["definition"]) {
                try RESTDestination(definition, settings: settings, http: http, clock: clock)
            } else {
                throw unknown(name)
            }
        }
    }

    private static func unknown(_ name: String) -> MigratezError {
        MigratezError(.internalError, "connector '\(name)' is in the catalog but cannot be made")
    }
}

/// A connector with what it can do; a side that it does not have is `nil`.
package struct ConnectorOverview: Sendable {
    package var name: String
    package var source: SourceCapabilities?
    package var destination: DestinationCapabilities?

    fileprivate init(_ name: String, _ source: SourceCapabilities?, _ destination: DestinationCapabilities?) {
        self.name = name
        self.source = source
        self.destination = destination
    }
}
