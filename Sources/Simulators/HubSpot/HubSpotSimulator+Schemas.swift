// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Custom objects: what the account has defined, and new ones.
extension HubSpotSimulator {
    func schemas() -> SimulatorResponse {
        let definitions = overlay.definitions
        let schemas = definitions.inOrder.map { $0.json(self.definitions(of: $0.type), definitions.links) }
        return .json(JSONValue.object([.init("results", .array(schemas))]).serialized())
    }

    /// `GET …/schemas/{objectType}`, by type id or fully qualified name.
    func schema(_ object: ObjectType) throws(HubSpotFailure) -> SimulatorResponse {
        let definitions = overlay.definitions
        guard case .custom(let number) = object, let custom = definitions.customObjects[number] else {
            throw HubSpotFailure(404, "OBJECT_NOT_FOUND", "No object type definition with this name or id")
        }
        return .json(custom.json(self.definitions(of: object), definitions.links).serialized())
    }

    /// `GET …/limits/custom-object-types`: how many custom objects there are and may be.
    func objectLimit() -> SimulatorResponse {
        let (usage, limit) = (overlay.definitions.inOrder.count, options.customObjectsMax)
        let percentage = limit == 0 ? 100 : 100 * Double(usage) / Double(limit)
        let answer: JSONValue = [
            "limit": .number(String(limit)), "usage": .number(String(usage)), "percentage": .number(String(percentage)),
        ]
        return .json(answer.serialized())
    }

    /// `POST …/schemas`: the object, its properties and what it can be linked with, all or nothing.
    ///
    /// Every custom object can be linked with activities from its beginning (developers.hubspot.com, "Custom objects").
    /// What a name that is taken or too many objects get is not documented.
    func schemaCreate(_ request: SimulatorRequest) async throws(HubSpotFailure) -> SimulatorResponse {
        let body = try HubSpotSimulator.body(request)
        let (now, most) = (options.clock.now, options.customObjectsMax)
        let custom = try await overlay.write { session in
            let known = session.definitions.inOrder
            let custom = try CustomObject(
                creating: body, number: (known.last?.number ?? CustomObject.firstNumber - 1) + 1, now: now)
            guard !known.contains(where: { $0.name == custom.name }) else {
                throw HubSpotFailure.invalid("An object type named '\(custom.name)' already exists")
            }
            guard known.count < most else {
                throw HubSpotFailure.invalid("This account has reached its limit of \(most) custom objects")
            }
            let properties = try (body["properties"]?.elements ?? []).map {
                try PropertyDefinition(creating: $0, defaultGroup: custom.groupName)
            }
            var partners = ObjectType.allStandardButFiles.filter(\.isActivity)
            for name in body["associatedObjects"]?.elements.compactMap(\.text) ?? [] {
                guard let partner = ObjectType(path: name.lowercased()), session.definitions.types.contains(partner)
                else { throw HubSpotFailure.invalid("Unable to infer object type from: \(name)") }
                if !partners.contains(partner) { partners.append(partner) }
            }
            try session.define(custom, properties, partners)
            return custom
        }
        let answer = custom.json(definitions(of: custom.type), overlay.definitions.links)
        return .json(answer.serialized(), status: 201)
    }
}

extension OverlaySession {
    /// Adds a custom object with its properties and the links between it and its partners.
    func define(_ custom: CustomObject, _ properties: [PropertyDefinition], _ partners: [ObjectType]) throws {
        definitions.customObjects[custom.number] = custom
        try database.execute(
            sql: "INSERT INTO customObject (number, definition) VALUES (?,?)",
            arguments: [custom.number, String(decoding: custom.stored.serialized(), as: UTF8.self)])
        var known = Set(custom.standardProperties.map(\.name))
        for property in properties {
            try add(property, to: custom.type, known: known)
            known.insert(property.name)
        }
        for partner in partners {
            let id = definitions.links.nextID
            try add(LinkTypeBook.Addition(id: id, inverseID: id + 1, from: custom.type, to: partner))
        }
    }
}
