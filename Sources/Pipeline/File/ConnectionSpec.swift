// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit

/// One side of a pipeline: which connector, with which settings.
package struct ConnectionSpec: Sendable {
    /// The connector's name: `hubspot`.
    package var connector: String
    /// By dotted path below `source:` or `target:`, checked against the connector's `SettingSpec`s. Numbers and sizes are
    /// in plain digits already (`load.batch.bytes` = `94371840`); the elements of a list are joined by commas.
    package var settings: [String: SettingValue]
}

/// A setting before its references are resolved.
package enum SettingValue: Sendable {
    /// A text that may have references in it, and what it must be once they are resolved.
    case text(ReferenceTemplate, SettingSpec.Kind)
    /// One reference to something that must never be printed.
    case secret(Reference)
}

/// The connectors that a pipeline file may name, with the settings that each understands.
package struct ConnectorCatalog: Sendable {
    package var sources: [String: [SettingSpec]]
    package var destinations: [String: [SettingSpec]]
    /// Sources that send numbers and truth values as such; the others send every value as a text.
    package var typedSources: Set<String>
    /// Destinations in which objects that are missing come into being; in the others they must be there.
    package var creators: Set<String>

    package init(
        sources: [String: [SettingSpec]], destinations: [String: [SettingSpec]], typedSources: Set<String> = [],
        creators: Set<String> = []
    ) {
        self.sources = sources
        self.destinations = destinations
        self.typedSources = typedSources
        self.creators = creators
    }
}
