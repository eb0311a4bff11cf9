// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
package import MigratezConnectorKit
package import MigratezModel

/// The definitions that come with the program.
package enum ShippedDefinitions {
    /// By the connector's name. That each of them can be read, a test proves.
    package static let all: [String: RESTDefinition] = {
        var all: [String: RESTDefinition] = [:]
        for (name, text) in texts { all[name] = DefinitionReader.read(text, file: "\(name).yaml").definition }
        return all
    }()

    /// The texts, by the connector's name.
    package static let texts: [String: String] = [
        "attio": PackageResources.attio_yaml, "close": PackageResources.close_yaml,
        "copper": PackageResources.copper_yaml, "freshsales": PackageResources.freshsales_yaml,
        "sell": PackageResources.sell_yaml,
    ].mapValues { String(decoding: $0, as: UTF8.self) }

    /// A commented definition to begin with.
    ///
    /// - Throws: `invalidSetting` if the name cannot be one.
    package static func template(named name: String) throws(MigratezError) -> String {
        let isName = name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
        guard isName, StreamName(name) != nil else {
            throw MigratezError(
                .invalidSetting, "'\(name)' cannot be the name of a connector", remedy: .fixConfiguration,
                hint: "use a-z, 0-9 and _, at most 64 of them")
        }
        return String(decoding: PackageResources.template_yaml, as: UTF8.self)
            .replacing("NAME_TOKEN", with: "\(name.uppercased())_TOKEN").replacing("NAME", with: name)
    }
}

extension RESTDefinition {
    /// Whether records of one object tell of links to those of the other.
    package func linksRecords(of from: StreamName, to: StreamName) -> Bool {
        object(from)?.links.contains { $0.to == to } ?? false
    }

    /// The object with the fields that every account has; discovery shows the rest.
    package func standardSchema(of stream: StreamName) -> ObjectSchema? {
        object(stream).map { ObjectSchema(name: stream.text, label: $0.label, fields: $0.fields.map(\.schema)) }
    }

    /// The settings without which nothing can be read, by the simplest of the ways to authenticate.
    package var neededSettings: [NeededSetting] {
        var needed = settings.filter { $0.isRequired }.map {
            NeededSetting(path: "settings.\($0.name)", summary: $0.summary, isSecret: false, alternatives: [])
        }
        let ways = auth.map(\.settings)
        guard let simplest = ways.min(by: { $0.count < $1.count }) else { return needed }
        let others = Set(ways.flatMap { $0 }).subtracting(simplest).sorted()
        for path in simplest {
            guard let spec = RESTConnection.authSettings.first(where: { $0.name == path })?.spec else { continue }
            needed.append(
                NeededSetting(
                    path: path, summary: spec.summary, isSecret: spec.kind == .secret, alternatives: others))
        }
        return needed
    }

    /// A setting that has to be given.
    package struct NeededSetting: Sendable {
        package var path: String
        package var summary: String
        package var isSecret: Bool
        /// Other settings, one of which will do instead.
        package var alternatives: [String]
    }

    /// What a pipeline may set below `source:` or `target:` with this definition.
    package var settingSpecs: [SettingSpec] {
        let used = Set(auth.flatMap(\.settings))
        var specs = RESTConnection.commonSettings
        for setting in settings {
            specs.append(
                SettingSpec("settings.\(setting.name)", .text, isRequired: setting.isRequired, setting.summary))
        }
        specs += RESTConnection.authSettings.filter { used.contains($0.name) }.map(\.spec)
        if used.contains("auth.client_secret") { specs.append(RESTConnection.tokenURLSetting) }
        return specs + PolicyStack.settings
    }

    /// What a source with this definition can do.
    package var capabilities: SourceCapabilities {
        let links = objects.flatMap(\.links)
        let asksForLinks = links.contains { $0.request != nil }
        let sizes = Set(objects.flatMap(\.lists).map(\.paging.pageRecordsMax)).sorted()
        let pages = sizes.map(String.init).joined(separator: ", ")
        return SourceCapabilities(
            routes: ["list"], tellsChanges: objects.allSatisfy { $0.modified != nil },
            links: links.isEmpty ? nil : asksForLinks ? "in records, some asked for one by one" : "in records",
            limits: ["\(pages) records a page"]
                + (limits.budget.map { ["\($0), unless rate.requests says more"] } ?? []))
    }
}

/// A definition of one's own: `connector: rest` with the path of a file, on either side.
package enum OwnDefinition {
    /// What a pipeline may set below `source:` or `target:`; which of it counts, the definition says.
    package static let settings: [SettingSpec] =
        [
            SettingSpec("definition", .path, isRequired: true, "the file with the definition"),
            SettingSpec("settings.*", .text, "a setting of the definition's own"),
        ] + RESTConnection.commonSettings + RESTConnection.authSettings.map(\.spec)
        + [RESTConnection.tokenURLSetting] + PolicyStack.settings

    /// What such a source can do if its definition says how.
    package static let capabilities = SourceCapabilities(
        routes: ["list"], tellsChanges: false, links: "as the definition says", limits: ["as the definition says"])

    /// What such a destination can do if its definition says how.
    package static let destinationCapabilities = DestinationCapabilities(
        routes: [RESTRoute.records, RESTRoute.batch], upsertKey: "as the definition says", links: "fields of records",
        createdDate: nil, undoes: true, limits: ["as the definition says"])

    /// - Throws: `fileNotFound` if the file cannot be read at all.
    package static func read(_ path: String) throws(MigratezError) -> DefinitionReader.Reading {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw MigratezError(
                .fileNotFound, "cannot read the definition \(path)", remedy: .fixConfiguration,
                hint: "give the path of a definition, or make one: migratez connectors new NAME")
        }
        return DefinitionReader.read(String(decoding: bytes, as: UTF8.self), file: path)
    }
}
