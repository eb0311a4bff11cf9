// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import Synchronization

/// What the names that a pipeline uses stand for in the account.
///
/// Requests do not take the bare name of a custom object (developers.hubspot.com, changelog of June 2025), and its other
/// names have a number in them that HubSpot gives: a pipeline that has an object created cannot know them. So the bare
/// name is looked up, once in a process.
final class ObjectDirectory: Sendable {
    private enum Place {
        case there(HubSpotObject)
        case missing
    }

    private let connection: HubSpotConnection
    /// By name; only names that say nothing by themselves are here.
    private let places = Mutex<[String: Place]>([:])

    init(_ connection: HubSpotConnection) { self.connection = connection }

    /// The object that a name stands for. Nothing is asked where the name says it by itself.
    ///
    /// - Throws: `notSupported` for what is not written, `invalidSetting` for what is no name, or the name of nothing.
    func object(_ name: String) async throws -> HubSpotObject {
        if let object = try Self.byItself(name) { return object }
        do {
            if case .there(let object) = try await place(of: name) { return object }
        } catch let error as MigratezError where error.code == .permissionMissing {
            // Who may not see custom objects can write to HubSpot's own all the same.
            return HubSpotObject(try Self.stream(name))
        }
        throw MigratezError(
            .invalidSetting, "the HubSpot account has no object '\(name)'", remedy: .fixConfiguration,
            hint: "look for its name with `migratez discover`, or say 'create: true' for it")
    }

    /// The links that a name stands for, with the objects at their ends.
    func link(_ link: LinkObject) async throws -> LinkObject {
        link.between(try await end(link.fromName), and: try await end(link.toName))
    }

    /// Those of the names that could become names of custom objects, and are not yet.
    ///
    /// - Throws: `permissionMissing` if the token may not see custom objects.
    func missing(_ names: [String]) async throws -> [String] {
        var missing: [String] = []
        for name in names where try Self.byItself(name) == nil {
            if case .missing = try await place(of: name) { missing.append(name) }
        }
        return missing
    }

    /// What loading into the objects takes: scopes, and room for as many custom objects as are not there yet.
    func needs(_ names: [String]) async throws -> (scopes: Set<String>, newObjects: Int) {
        var scopes: Set<String> = []
        var newObjects = 0
        for name in names {
            guard let stream = StreamName(name) else { continue }
            if HubSpotObject.isStandard(name) || HubSpotObject.isCustomName(name) {
                scopes.formUnion(HubSpotObject(stream).writeScopes)
                continue
            }
            do {
                switch try await place(of: name) {
                case .there(let object): scopes.formUnion(object.writeScopes)
                case .missing:
                    scopes.formUnion(HubSpotObject.customWriteScopes)
                    newObjects += 1
                }
            } catch let error as MigratezError where error.code == .permissionMissing {
                scopes.formUnion(HubSpotObject.customWriteScopes)
            }
        }
        return (scopes, newObjects)
    }

    /// Looks names up again from now on.
    func forget() { places.withLock { $0 = [:] } }

    private func end(_ name: String) async throws -> HubSpotObject {
        // Leads, lists and files are ends of links, whatever is written of them.
        HubSpotObject.isStandard(name) ? HubSpotObject(try Self.stream(name)) : try await object(name)
    }

    /// The object of a name that says by itself what it stands for; `nil` if the account has to be asked.
    private static func byItself(_ name: String) throws(MigratezError) -> HubSpotObject? {
        guard name != "lead" else {
            throw MigratezError(
                .notSupported, "leads are not written to HubSpot", remedy: .fixConfiguration,
                hint: "HubSpot makes a lead only together with its contact or company; move leads to contacts")
        }
        guard name != ListReader.object else {
            throw MigratezError(
                .notSupported, "lists are not written to HubSpot", remedy: .fixConfiguration,
                hint: "make a property for who was in which list, or make the lists by hand")
        }
        let stream = try stream(name)
        return HubSpotObject.isStandard(name) || HubSpotObject.isCustomName(name) ? HubSpotObject(stream) : nil
    }

    private static func stream(_ name: String) throws(MigratezError) -> StreamName {
        guard let stream = StreamName(name) else {
            throw MigratezError(
                .invalidSetting, "'\(name)' is not the name of an object of HubSpot's", remedy: .fixConfiguration)
        }
        return stream
    }

    /// A custom object by its bare name, else an object of HubSpot's that this connector has no word for (`carts`).
    private func place(of name: String) async throws -> Place {
        if let known = places.withLock({ $0[name] }) { return known }
        let catalog = HubSpotCatalog(connection)
        var place = Place.missing
        if let own = try await catalog.customObjects().first(where: { $0.name == name }) {
            place = .there(HubSpotObject(own))
        } else if try await catalog.isKnown(name) {
            place = .there(HubSpotObject(try Self.stream(name)))
        }
        places.withLock { $0[name] = place }
        return place
    }
}

extension HubSpotCatalog {
    /// Whether requests take the name as that of an object.
    fileprivate func isKnown(_ name: String) async throws -> Bool {
        do {
            _ = try await results(paths.properties(name), [("archived", "false")])
            return true
        } catch let error as MigratezError where error.callRefused?.isAboutRows == true {
            return false
        }
    }
}
