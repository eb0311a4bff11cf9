// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import Synchronization

/// Modules, their fields, and users, as the organisation describes them.
///
/// Source: zoho.com/crm/developer, "Modules metadata", "Fields metadata", "Get users".
final class ZohoCatalog: Sendable {
    /// A module that records can be read from.
    struct Module: Sendable {
        var name: String
        var label: String
        var isCreateable: Bool
        var isReadable: Bool
        /// The module whose records its records are rows of; `nil` if they are records of their own.
        var parent: String?
    }

    private struct State {
        var modules: [Module]?
        var schemas: [String: ObjectSchema] = [:]
        /// By the module that has them.
        var subforms: [String: [Subform]] = [:]
        var ownUser: String?
        var organisation: String?
    }

    private let client: ZohoClient
    private let state = Mutex(State())

    init(_ client: ZohoClient) { self.client = client }

    /// The module with its fields; asked for once.
    func schema(of module: String) async throws -> ObjectSchema {
        if let known = state.withLock({ $0.schemas[module] }) { return known }
        return try await freshSchema(of: module)
    }

    /// The module with its fields as they are now.
    func freshSchema(of module: String) async throws -> ObjectSchema {
        let modules = try await modules()
        guard let described = modules.first(where: { $0.name == module }) else {
            throw MigratezError(
                .requestRefused, "the organisation has no module '\(module)'", remedy: .fixConfiguration,
                hint: "modules go by their API names: \(modules.map(\.name).sorted().joined(separator: ", "))")
        }
        let answer = try await client.value("/settings/fields", [("module", module)], class: "schema")
        guard case .array(let fields)? = answer["fields"] else {
            throw MigratezError(
                .brokenResponse, "Zoho's answer to the fields of \(module) holds no list", remedy: .retry(after: nil))
        }
        let linked = modules.filter { $0.parent == nil }.map(\.name).filter { !ZohoModule.unlinked.contains($0) }
        var schemas = fields.compactMap { FieldSchema(field: $0, of: module, modules: linked) }
        if fields.contains(where: { $0["api_name"]?.text == RecordTags.field }) { schemas.append(RecordTags.schema) }
        if let parent = described.parent { Subform.complete(&schemas, of: parent) }
        let schema = ObjectSchema(
            name: module, label: described.label, fields: schemas,
            holdsKey: ZohoModule.holdsKey(module) && described.parent == nil)
        let subforms = fields.compactMap { Subform(field: $0, of: module) }
        state.withLock { state in
            state.schemas[module] = schema
            state.subforms[module] = subforms
        }
        return schema
    }

    /// What the module is a subform of; `nil` if its records are records of their own.
    func subform(_ module: String) async throws -> Subform? {
        guard let parent = try await modules().first(where: { $0.name == module })?.parent else { return nil }
        guard let subform = try await subforms(of: parent).first(where: { $0.module == module }) else {
            throw MigratezError(
                .requestRefused, "no field of \(parent) holds the rows of \(module)", remedy: .fixConfiguration,
                hint: "the user's profile may not see the field")
        }
        return subform
    }

    /// The subforms that records of the module have.
    func subforms(of module: String) async throws -> [Subform] {
        _ = try await schema(of: module)
        return state.withLock { $0.subforms[module] ?? [] }
    }

    /// Whether the module is a subform, as far as that is known without asking.
    func isSubform(_ module: String) -> Bool {
        ZohoModule.lineItems.contains(module)
            || state.withLock { $0.modules?.contains { $0.name == module && $0.parent != nil } ?? false }
    }

    /// The modules of the organisation; asked for once.
    func modules() async throws -> [Module] {
        if let known = state.withLock({ $0.modules }) { return known }
        let answer = try await client.value("/settings/modules", class: "schema")
        guard case .array(let described)? = answer["modules"] else {
            throw MigratezError(
                .brokenResponse, "Zoho's answer to the modules holds no list", remedy: .retry(after: nil))
        }
        let modules = described.compactMap { module -> Module? in
            guard module["api_supported"]?.bool != false, let name = module["api_name"]?.text else { return nil }
            return Module(
                name: name, label: module["plural_label"]?.text ?? name,
                isCreateable: module["creatable"]?.bool != false, isReadable: module["viewable"]?.bool != false,
                parent: module["generated_type"]?.text == "subform" ? module["parent_module"]?["api_name"]?.text : nil)
        }
        state.withLock { $0.modules = modules }
        return modules
    }

    /// All users, those who left too.
    func people() async throws -> [Person] {
        var people: [Person] = []
        var page = 1
        while true {
            let answer = try await client.value(
                "/users", [("type", "AllUsers"), ("page", String(page)), ("per_page", "200")], class: "schema")
            for user in answer["users"]?.elements ?? [] {
                guard let id = user["id"]?.text else { continue }
                people.append(
                    Person(id: id, email: user["email"]?.text, isActive: user["status"]?.text == "active"))
            }
            guard answer["info"]?["more_records"]?.bool == true else { return people }
            page += 1
            guard page <= Self.userPagesMax else {
                throw MigratezError(.cursorLoop, "Zoho's list of users has no end", remedy: .retry(after: nil))
            }
        }
    }

    /// The user that the refresh token stands for; asked for once.
    func ownUser() async throws -> String {
        if let known = state.withLock({ $0.ownUser }) { return known }
        let answer = try await client.value("/users", [("type", "CurrentUser")], class: "schema")
        guard let id = answer["users"]?[0]?["id"]?.text else {
            throw MigratezError(
                .brokenResponse, "Zoho did not tell whom the token stands for", remedy: .retry(after: nil))
        }
        state.withLock { $0.ownUser = id }
        return id
    }

    /// The organisation's own number (`zgid`); asked for once.
    func organisation() async throws -> String {
        if let known = state.withLock({ $0.organisation }) { return known }
        guard let id = try await client.value("/org", class: "schema")["org"]?[0]?["zgid"]?.text else {
            throw MigratezError(.brokenResponse, "Zoho did not tell the organisation's id", remedy: .retry(after: nil))
        }
        state.withLock { $0.organisation = id }
        return id
    }

    private static let userPagesMax = 1_000
}

extension FieldSchema {
    /// A field as the fields API describes it; `nil` if it has no name, or if its values are records, tags, files or
    /// pictures of their own, which neither a query brings nor a record's JSON takes as they are.
    init?(field: JSONValue, of module: String, modules: [String]) {
        guard let name = field["api_name"]?.text, let type = field["data_type"]?.text, name != RecordTags.field,
            !Self.separateTypes.contains(type)
        else { return nil }
        let isReadOnly = field["read_only"]?.bool == true || field["field_read_only"]?.bool == true
        let operations = field["operation_type"]
        let kind = name == ZohoModule.id ? .id : Self.kinds[type] ?? .other
        let isText = [.text, .longText, .email, .phone, .url].contains(kind)
        let options = (field["pick_list_values"]?.elements ?? []).compactMap { option -> Option? in
            guard let value = option["actual_value"]?.text, value != "-None-" else { return nil }
            return Option(
                value: value, label: option["display_value"]?.text ?? value,
                isActive: option["type"]?.text != "unused")
        }
        let hasOptions = kind == .choice || kind == .choices
        self.init(
            name: name, label: field["field_label"]?.text ?? name, kind: kind,
            isRequired: field["system_mandatory"]?.bool == true,
            isCreateable: !isReadOnly && operations?["api_create"]?.bool != false,
            isUpdateable: !isReadOnly && operations?["api_update"]?.bool != false,
            isUnique: name == ZohoModule.id || field["unique"]?.members.isEmpty == false,
            lengthMax: isText ? field["length"]?.int : nil, options: hasOptions ? options : [],
            isRestricted: hasOptions,
            refersTo: kind == .reference ? Self.targets(of: field, type, name, module, modules) : [])
    }

    /// The modules that a lookup may lead to. `What_Id` is what an activity is about besides people, who stand in
    /// `Who_Id`.
    private static func targets(
        of field: JSONValue, _ type: String, _ name: String, _ module: String, _ modules: [String]
    ) -> [String] {
        guard type == "lookup" else { return [ZohoModule.person] }
        let named = field["lookup"]?["module"]?["api_name"]?.text
        if let named, named != "se_module" { return [named] }
        guard ZohoModule.activities.contains(module) else { return modules }
        return modules.filter { !ZohoModule.activities.contains($0) && $0 != ZohoModule.contacts && $0 != "Leads" }
    }

    private static let separateTypes: Set = [
        "subform", "multiselectlookup", "multiuserlookup", "multi_module_lookup", "fileupload", "imageupload",
        "profileimage", "consent_lookup",
    ]

    private static let kinds: [String: Kind] = [
        "text": .text, "textarea": .longText, "rich_text": .longText, "email": .email, "phone": .phone,
        "website": .url, "integer": .integer, "bigint": .integer, "double": .decimal, "currency": .decimal,
        "percent": .decimal, "date": .date, "datetime": .dateTime, "time": .time, "boolean": .bool,
        "picklist": .choice, "multiselectpicklist": .choices, "lookup": .reference, "ownerlookup": .reference,
        "userlookup": .reference, "autonumber": .text,
    ]
}
