// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import Synchronization

/// Models with their fields, lists and users, as the database describes them; each is asked for once.
final class OdooCatalog: Sendable {
    private struct Known {
        var fields: [String: [OdooField]] = [:]
        var models: [String: String] = [:]
        var user: String?
    }

    private let client: OdooClient
    private let known = Mutex(Known())

    init(_ client: OdooClient) { self.client = client }

    /// The fields of a model, in the order of their names.
    func fields(of model: String) async throws -> [OdooField] {
        if let fields = known.withLock({ $0.fields[model] }) { return fields }
        let attributes: JSONValue = [
            "type", "string", "required", "readonly", "store", "relation", "size", "selection",
        ]
        let answer = try await client.value(
            OdooClient.Call(model, "fields_get", [.init("attributes", attributes)]))
        guard case .object(let members) = answer, !members.isEmpty else {
            throw MigratezError(.brokenResponse, "Odoo describes no field of \(model)", remedy: .retry(after: nil))
        }
        let fields = members.map { OdooField($0.key, $0.value) }.sorted { $0.name < $1.name }
        known.withLock { $0.fields[model] = fields }
        return fields
    }

    func fieldsByName(of model: String) async throws -> [String: OdooField] {
        Dictionary(try await fields(of: model).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The object with its fields, and the choices of those that refer to a list.
    ///
    /// - Parameter asksForDefaults: whether fields that have one are told apart from those that must be given.
    func schema(of object: OdooObject, asksForDefaults: Bool) async throws -> ObjectSchema {
        let fields = try await fields(of: object.model)
        var defaults: Set<String> = Set(object.marks.map(\.field))
        let required = fields.filter(\.isRequired).map { JSONValue.string($0.name) }
        if asksForDefaults, !required.isEmpty {
            let answer = try await client.value(
                OdooClient.Call(object.model, "default_get", [.init("fields", .array(required))]))
            defaults.formUnion(answer.members.filter { $0.value != false }.map(\.key))
        }
        var lists: [String: [FieldSchema.Option]] = [:]
        for relation in Set(fields.filter(\.refersToList).compactMap(\.relation)).sorted() {
            lists[relation] = try await options(of: relation)
        }
        // What says which document is meant is written with the link.
        let ownNames = Set(object.links.flatMap(\.fields)).subtracting([LinkField.documentField])
            .union(object.links.contains { $0.fields.contains(LinkField.documentField) } ? ["res_model_id"] : [])
        let documents =
            object.links.contains { $0.fields.contains(LinkField.documentField) } ? OdooObject.documents : []
        return ObjectSchema(
            name: object.name, label: object.label,
            fields: fields.filter { $0.name != object.contentField }.map { field in
                var schema = FieldSchema(
                    field, options: field.relation.flatMap { lists[$0] } ?? [],
                    hasDefault: defaults.contains(field.name), documents: documents)
                // A constraint of the model's, which the description of the field does not tell.
                if object.model == "res.partner", field.name == "name" { schema.isRequired = true }
                if ownNames.contains(field.name), schema.kind != .reference || field.name == "res_model_id" {
                    schema.isCreateable = false
                    schema.isUpdateable = false
                    schema.isRequired = false
                }
                return schema
            },
            content: object.contentField.map {
                ContentSchema(
                    field: $0, bytesMax: OdooLimits.contentBytesMax, sizeField: "file_size", versionFields: ["checksum"]
                )
            })
    }

    /// What an attachment says of its content.
    static let contentMarks = ["file_size", "checksum"]

    private func options(of model: String) async throws -> [FieldSchema.Option] {
        do {
            return try await records(of: model, fields: ["name"]).compactMap { record in
                guard let id = record["id"]?.text else { return nil }
                return FieldSchema.Option(value: id, label: record["name"]?.text ?? id)
            }
        } catch let error as MigratezError where error.code == .permissionMissing {
            // Without the right to see the list its records are still known by their ids.
            return []
        }
    }

    /// All records of a model that meet the domain, page by page.
    func records(of model: String, _ domain: [JSONValue] = [], fields: [String]) async throws -> [JSONValue] {
        var records: [JSONValue] = []
        var last = "0"
        while true {
            let page = try await client.value(
                OdooClient.Call(
                    model, "search_read",
                    [
                        .init("domain", .array(domain + [["id", ">", .number(last)]])),
                        .init("fields", .array(fields.map(JSONValue.string))),
                        .init("limit", .number(String(OdooLimits.pageRecordsDefault))), .init("order", "id asc"),
                    ])
            ).elements
            records += page
            guard page.count == OdooLimits.pageRecordsDefault, let next = page.last?["id"]?.text else { return records }
            guard next != last else {
                throw MigratezError(
                    .cursorLoop, "Odoo's list of \(model) leads back to a page that was read already",
                    remedy: .retry(after: nil))
            }
            last = next
        }
    }

    /// Those of the records with these ids that meet the domain.
    func records(
        of model: String, ids: [String], _ domain: [JSONValue] = [], fields: [String]
    ) async throws -> [JSONValue] {
        var records: [JSONValue] = []
        // What is no number is no id of Odoo's.
        var rest = ids.filter { Int64($0).map { $0 > 0 } == true }[...]
        while !rest.isEmpty {
            let group = rest.prefix(OdooLimits.lookupMax)
            rest = rest.dropFirst(group.count)
            records += try await client.value(
                OdooClient.Call(
                    model, "search_read",
                    [
                        .init("domain", .array(domain + [["id", "in", .array(group.map { .number($0) })]])),
                        .init("fields", .array(fields.map(JSONValue.string))), .init("order", "id asc"),
                    ])
            ).elements
        }
        return records
    }

    /// Users of the database itself, those who left too; people with access to the portal own nothing.
    func people() async throws -> [Person] {
        try await records(of: "res.users", [["share", "=", false]], fields: ["login", "email", "active"])
            .compactMap { user in
                guard let id = user["id"]?.text else { return nil }
                return Person(
                    id: id, email: user["email"]?.text ?? user["login"]?.text, isActive: user["active"]?.bool == true)
            }
    }

    /// The user that the key stands for.
    func userID() async throws -> String {
        if let user = known.withLock({ $0.user }) { return user }
        guard let user = try await client.value(OdooClient.Call("res.users", "context_get"))["uid"]?.text else {
            throw MigratezError(.brokenResponse, "Odoo does not tell whose key it is", remedy: .retry(after: nil))
        }
        known.withLock { $0.user = user }
        return user
    }

    /// The id of a model in `ir.model`, by which activities and meetings name it.
    func modelID(_ model: String) async throws -> String {
        if let id = known.withLock({ $0.models[model] }) { return id }
        let found = try await records(of: "ir.model", [["model", "=", .string(model)]], fields: ["model"])
        guard let id = found.first?["id"]?.text else {
            throw MigratezError(.requestRefused, "Odoo has no model \(model)", remedy: .fixConfiguration)
        }
        known.withLock { $0.models[model] = id }
        return id
    }
}
