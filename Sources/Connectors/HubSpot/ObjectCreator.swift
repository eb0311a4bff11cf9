// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Creates custom objects, each with its properties and with what it can be linked with, in one request that does all of
/// it or nothing.
///
/// Source: developers.hubspot.com, "Custom objects", `POST …/schemas`: names, labels, properties, the one that names a
/// record, and associated objects; "Limits tracking" for how many there may be. What HubSpot answers to a name that is
/// taken or one object too many is not documented, so after a refusal it is asked which of the two it was.
struct ObjectCreator: Sendable {
    let connection: HubSpotConnection
    let directory: ObjectDirectory

    // MARK: What would be created

    /// The creation with the property that names a record, and without the properties that every custom object has.
    ///
    /// - Throws: what HubSpot would not take, or has no form for.
    static func creation(of wanted: ObjectCreation) throws(MigratezError) -> ObjectCreation {
        var creation = wanted
        try checkName(wanted.object)
        guard !wanted.linkedWith.contains(wanted.object) else {
            throw MigratezError(
                .notSupported, "links of '\(wanted.object)' with itself are not created in HubSpot",
                remedy: .fixConfiguration,
                hint: "create the object by hand with an association to itself, or leave the link out")
        }
        creation.fields.removeAll { field in standardFields.contains { $0.name == field.name } }
        for field in creation.fields { try check(field, of: wanted.object) }
        creation.displayField = try displayField(of: creation)
        return creation
    }

    /// The schema that the object will have.
    static func schema(of creation: ObjectCreation) -> ObjectSchema {
        var own = creation.fields
        own.removeAll { field in standardFields.contains { $0.name == field.name } }
        return ObjectSchema(
            name: creation.object, label: creation.plural,
            fields: HubSpotObject.recordMembers + standardFields + own, holdsKey: true)
    }

    /// What every custom object has and a load may have to do with.
    private static let standardFields = [
        FieldSchema(name: "hubspot_owner_id", label: "Owner", kind: .reference, refersTo: ["owner"]),
        readOnly("hs_object_id", "Record ID", .decimal), readOnly("hs_createdate", "Created", .dateTime),
        readOnly("hs_lastmodifieddate", "Last modified", .dateTime),
        readOnly(HubSpotObject.mergedIDs, "Merged record IDs", .choices),
    ]

    private static func readOnly(_ name: String, _ label: String, _ kind: FieldSchema.Kind) -> FieldSchema {
        FieldSchema(name: name, label: label, kind: kind, isCreateable: false, isUpdateable: false)
    }

    private static func checkName(_ name: String) throws(MigratezError) {
        guard name.wholeMatch(of: /[A-Za-z][A-Za-z0-9_]*/) != nil else {
            throw MigratezError(
                .wrongForm, "HubSpot does not take '\(name)' as the name of an object", remedy: .fixConfiguration,
                hint: "use letters, digits and _, a letter first")
        }
        guard LinkObject(name) == nil else {
            throw MigratezError(
                .wrongForm, "'\(name)' would be taken for the links from one object to another",
                remedy: .fixConfiguration, hint: "choose a name without _to_ in it")
        }
    }

    private static func check(_ field: FieldSchema, of object: String) throws(MigratezError) {
        guard field.name.wholeMatch(of: /[a-z][a-z0-9_]*/) != nil, !field.name.hasPrefix("hs_") else {
            throw MigratezError(
                .wrongForm, "HubSpot does not take '\(field.name)' as the name of a property of \(object)",
                remedy: .fixConfiguration,
                hint: "use small letters, digits and _, a letter first; names that begin with hs_ are HubSpot's own")
        }
        guard field.kind == .reference else {
            _ = try PropertyCreator.definition(field)
            return
        }
        throw MigratezError(
            .notSupported,
            "a property that refers to a record, as \(field.name) of \(object) would, is none that HubSpot has",
            remedy: .fixConfiguration,
            hint: field.refersTo.first.map { "write the link as '\(object)_to_\($0)'" }
                ?? "map people to hubspot_owner_id, which every object has")
    }

    /// The one that was asked for, or the first that holds a short text, or the first number.
    private static func displayField(of creation: ObjectCreation) throws(MigratezError) -> String {
        let texts: Set<FieldSchema.Kind> = [.text, .email, .phone, .url]
        let numbers: Set<FieldSchema.Kind> = [.integer, .decimal]
        guard let name = creation.displayField else {
            let field =
                creation.fields.first { texts.contains($0.kind) } ?? creation.fields.first { numbers.contains($0.kind) }
            if let field { return field.name }
            throw MigratezError(
                .missingKey,
                "no property of \(creation.object) holds a short text or a number that could name its records",
                remedy: .fixConfiguration, hint: "map a name, and say so in create.display")
        }
        let field = creation.fields.first { $0.name == name }
        guard let field, texts.contains(field.kind) || numbers.contains(field.kind) else {
            throw MigratezError(
                .wrongForm, "the property \(name) cannot name records of \(creation.object)",
                remedy: .fixConfiguration, hint: "name one that is created and holds a short text or a number")
        }
        return name
    }

    // MARK: Creating

    /// Creates the objects that the account does not have, in their order: what a later one is linked with is there then.
    ///
    /// - Throws: `permissionMissing` if the token may not; `objectsFull` if the account takes no more of them;
    ///   `requestRefused` if HubSpot does not take this one.
    func create(_ creations: [ObjectCreation]) async throws {
        for creation in creations {
            guard try await !directory.missing([creation.object]).isEmpty else { continue }
            let creation = try Self.creation(of: creation)
            let body = try await Self.body(creation, partners: partners(of: creation))
            do {
                // One that is there already is refused, so a lost call may be sent again.
                _ = try await connection.client.write(
                    .post, connection.paths.schemas, body.serialized(), class: "schema", isRepeatable: true)
            } catch let error as MigratezError {
                directory.forget()
                if error.callRefused?.isAboutRows == true, try await directory.missing([creation.object]).isEmpty {
                    continue
                }
                throw try await explained(error, creation.object)
            }
            directory.forget()
        }
    }

    /// What requests call the objects that the new one is linked with, custom ones by their ids. Activities can be linked
    /// with every custom object from its beginning; one that is created later names this one itself.
    private func partners(of creation: ObjectCreation) async throws -> [String] {
        var partners: [String] = []
        for name in creation.linkedWith where name != HubSpotAttachments.object {
            guard try await directory.missing([name]).isEmpty else { continue }
            let object = try await directory.object(name)
            guard !object.isActivity else { continue }
            let custom = object.isCustom ? try await HubSpotCatalog(connection).customObject(object) : nil
            partners.append(custom?.typeID ?? name.uppercased())
        }
        return partners
    }

    private static func body(_ creation: ObjectCreation, partners: [String]) throws -> JSONValue {
        let display = creation.displayField ?? ""
        func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
        return [
            "name": .string(creation.object),
            "labels": ["singular": .string(creation.label), "plural": .string(creation.plural)],
            "primaryDisplayProperty": .string(display),
            // What the pipeline requires is required of its records, not of those that people will make.
            "requiredProperties": [], "searchableProperties": list([display]),
            "properties": .array(
                try creation.fields.map { field in
                    // They are the object's own, so they lie in the group that HubSpot makes for it.
                    .object(try PropertyCreator.definition(field).members.filter { $0.key != "groupName" })
                }),
            "associatedObjects": list(partners),
        ]
    }

    private func explained(_ error: MigratezError, _ name: String) async throws -> MigratezError {
        switch error.code {
        case .permissionMissing:
            return MigratezError(
                .permissionMissing, "the token may not create the object \(name)", remedy: .fixConfiguration,
                hint: (error.hint ?? "give the app the scope crm.schemas.custom.write")
                    + "; the account needs an Enterprise subscription for custom objects", cause: error)
        case .requestRefused:
            if let limit = try await CustomObjectLimit.read(connection), limit.remaining == 0 {
                return MigratezError(
                    .objectsFull,
                    "the object \(name) cannot be created: the account may have \(limit.most) custom objects, and has them",
                    remedy: .fixConfiguration,
                    hint: "delete one under Settings, Objects, raise the limit of the subscription, "
                        + "or name an object in 'to' that is there", cause: error)
            }
            return MigratezError(
                .requestRefused, "HubSpot does not take '\(name)' as an object", remedy: .fixConfiguration,
                hint: "create it by hand under Settings, Objects, and see what it says", cause: error)
        default: return error
        }
    }
}

/// How many custom objects the account may have.
///
/// Source: developers.hubspot.com, "Limits tracking", `GET …/custom-object-types`.
struct CustomObjectLimit: Sendable {
    var most: Int
    var remaining: Int

    /// `nil` if the account does not tell.
    static func read(_ connection: HubSpotConnection) async throws -> CustomObjectLimit? {
        do {
            let answer = try await connection.client.value(connection.paths.objectLimit, [], class: "account")
            guard let limit = answer["limit"]?.int, let usage = answer["usage"]?.int else { return nil }
            return CustomObjectLimit(most: limit, remaining: max(0, limit - usage))
        } catch let error as MigratezError
            where error.code == .permissionMissing || error.callRefused?.isAboutRows == true
        {
            return nil
        }
    }
}
