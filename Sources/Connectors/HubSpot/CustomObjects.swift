// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// An object that somebody defined in the account.
///
/// Source: developers.hubspot.com, "Custom objects" and "Create a new custom object schema".
struct CustomObject: Sendable, Hashable {
    /// `2-123`
    var typeID: String
    /// `p456_subscription`
    var fullyQualifiedName: String
    /// `subscription`, which requests do not take: a destination finds out the other names by it.
    var name: String
    /// In the plural.
    var label: String
    /// Without a value for each of these no record is created.
    var requiredProperties: Set<String>

    /// `nil` if it has no type id.
    init?(_ schema: JSONValue) {
        guard let typeID = schema["objectTypeId"]?.text, let name = schema["name"]?.text else { return nil }
        self.typeID = typeID
        self.name = name
        fullyQualifiedName = schema["fullyQualifiedName"]?.text ?? typeID
        label = schema["labels"]?["plural"]?.text ?? schema["labels"]?["singular"]?.text ?? name
        requiredProperties = Set(schema["requiredProperties"]?.elements.compactMap(\.text) ?? [])
    }
}

extension HubSpotCatalog {
    /// All custom objects of the account, in HubSpot's own order.
    func customObjects() async throws -> [CustomObject] {
        try await results(paths.schemas, [("archived", "false")]).compactMap { CustomObject($0) }
    }

    /// They go by their fully qualified names, which say more to people than the numbers do. Where such a name is no name
    /// that a pipeline can use, the number is.
    func ownObjects() async throws -> [OwnObject] {
        try await customObjects().map { object in
            let isName = StreamName(object.fullyQualifiedName) != nil
            let aliases = [object.fullyQualifiedName, object.typeID, object.name]
            return OwnObject(
                name: isName ? object.fullyQualifiedName : object.typeID, label: object.label, aliases: aliases)
        }
    }

    /// The definition of a custom object.
    ///
    /// - Throws: `invalidSetting` if the account has no such object.
    func customObject(_ object: HubSpotObject) async throws -> CustomObject {
        let all = try await customObjects()
        if let found = all.first(where: { $0.typeID == object.type || $0.fullyQualifiedName == object.type }) {
            return found
        }
        let names = all.map { "\($0.fullyQualifiedName) (\($0.typeID))" }.joined(separator: ", ")
        throw MigratezError(
            .invalidSetting, "the HubSpot account has no custom object '\(object.type)'", remedy: .fixConfiguration,
            hint: all.isEmpty ? "it has none at all" : "it has: \(names)")
    }
}
