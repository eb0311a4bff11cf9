// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// One transaction on the database, on behalf of one user.
///
/// Source: documentation, "ORM API"; odoo/odoo, `odoo/orm/models.py`.
struct Environment {
    let models: [String: ModelDefinition]
    let options: OdooOptions
    /// What the database was filled with.
    let crm: SyntheticCRM?
    let session: DocumentSession
    let now: Timestamp
    let userID: Int64
    let context: JSONValue

    func model(_ name: String) throws -> ModelDefinition {
        guard let model = models[name] else { throw OdooFailure.unknownModel(name) }
        return model
    }

    // MARK: Reading

    /// Archived records are hidden unless the context or the domain asks for them.
    func search(
        _ name: String, _ domain: JSONValue, hidesArchived: Bool? = nil, order: String? = nil, offset: Int = 0,
        limit: Int? = nil
    ) throws -> [StoredDocument] {
        let condition = try self.condition(name, domain, hidesArchived: hidesArchived)
        return try session.documents(
            name, where: condition, order: try self.order(name, order), offset: offset, limit: limit)
    }

    func count(_ name: String, _ domain: JSONValue) throws -> Int {
        try session.count(name, where: try condition(name, domain, hidesArchived: nil))
    }

    private func condition(_ name: String, _ domain: JSONValue, hidesArchived: Bool?) throws -> DocumentCondition {
        let model = try model(name)
        var reader = DomainReader(self, model)
        let condition = try reader.condition(domain)
        let hides = hidesArchived ?? (context["active_test"]?.bool != false)
        guard hides, model.archives, !reader.namesActive else { return condition }
        return .and([condition, .member("active", .equals, true)])
    }

    /// Where nobody asks for an order, each model has its own, and it is not that of the ids.
    private func order(_ name: String, _ text: String?) throws -> DocumentOrder {
        guard let text, !text.isEmpty else {
            switch name {
            case "crm.lead", "mail.message": return .newestFirst
            case "res.partner", "res.country": return .member("name")
            default: return .id
            }
        }
        let words = text.split(separator: " ").map { String($0).lowercased() }
        let isDescending = words.count > 1 && words[1] == "desc"
        switch words.first {
        case "id": return isDescending ? .newestFirst : .id
        case "write_date": return .modified
        case let field?:
            guard try model(name).field(field) != nil else {
                throw OdooFailure.value("Invalid field \(field) in order")
            }
            return .member(field, descending: isDescending)
        case nil: return .id
        }
    }

    /// Records as `read` gives them: nothing is `false`, a relation a pair of id and name, or the id alone.
    func read(
        _ name: String, _ documents: [StoredDocument], _ fields: [String], namesRelations: Bool = true
    ) throws -> JSONValue {
        let model = try model(name)
        let wanted = try (fields.isEmpty ? model.fields.map(\.name) : ["id"] + fields.filter { $0 != "id" })
            .map { field -> FieldDefinition in
                guard let field = model.field(field) else {
                    throw OdooFailure.value("Invalid field '\(field)' on '\(name)'")
                }
                return field
            }
        var names = namesRelations ? DisplayNames(session) : nil
        return .array(
            try documents.map { document in
                .object(try wanted.map { .init($0.name, try value(of: $0, in: document, &names)) })
            })
    }

    private func value(
        of field: FieldDefinition, in document: StoredDocument, _ names: inout DisplayNames?
    ) throws -> JSONValue {
        let stored: JSONValue =
            switch field.name {
            case "id": .number(String(document.id))
            case "create_date": .string(InstantText.text(document.createdAt))
            case "write_date": .string(InstantText.text(document.modifiedAt))
            case AttachmentData.field where field.type == .binary:
                try AttachmentData(environment: self).text(of: document).map { .string($0) } ?? .null
            default: document.document[field.name] ?? .null
            }
        if stored.isNull { return field.emptyValue }
        guard field.type == .many2one, let relation = field.relation, let id = stored.int else { return stored }
        guard let name = try names?.name(relation, Int64(id)) else { return stored }
        return [stored, .string(name)]
    }

    /// The documents with these ids that exist, in that order.
    func documents(_ name: String, _ ids: [Int64]) throws -> [StoredDocument] {
        _ = try model(name)
        return try ids.compactMap { try session.document(name, $0) }
    }
}

/// What people see of the records that relations lead to; each is looked up once.
private struct DisplayNames {
    private let session: DocumentSession
    private var known: [String: String] = [:]

    init(_ session: DocumentSession) { self.session = session }

    mutating func name(_ model: String, _ id: Int64) throws -> String {
        let key = "\(model),\(id)"
        if let name = known[key] { return name }
        let name = try session.document(model, id)?.document["name"]?.text ?? key
        known[key] = name
        return name
    }
}
