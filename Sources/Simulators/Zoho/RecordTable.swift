// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// The records of a module within one transaction.
///
/// A record is stored as one document: values by the names of their fields, of lookups and people only the id.
struct RecordTable {
    let organisation: Organisation
    let session: DocumentSession
    let module: ModuleDefinition

    /// The record with the id, unless it was deleted.
    func record(_ id: String) throws -> StoredDocument? {
        guard let number = Int64(id), let record = try session.document(module.name, number), !record.isDeleted else {
            return nil
        }
        return record
    }

    /// The record that holds the value in a field whose values are unique.
    func holder(of value: JSONValue, in field: FieldDefinition) throws -> Int64? {
        guard let text = value.text, !text.isEmpty else { return nil }
        return try session.documents(
            Organisation.Table.uniqueValues,
            where: .member("value", .equals, .string(uniqueValue(text, field))), limit: 1
        ).first?.document["record"]?.text.flatMap { Int64($0) }
    }

    /// - Returns: the id.
    func insert(_ document: JSONValue, at now: Timestamp) throws -> Int64 {
        let id = try session.insert(module.name, document, at: now)
        try claim(document, for: id, at: now)
        return id
    }

    func replace(_ id: Int64, with document: JSONValue, at now: Timestamp) throws {
        try session.replace(module.name, id, with: document, at: now)
        try release(id)
        try claim(document, for: id, at: now)
    }

    func delete(_ id: Int64, at now: Timestamp) throws {
        try session.delete(module.name, id, at: now)
        try release(id)
    }

    private func claim(_ document: JSONValue, for id: Int64, at now: Timestamp) throws {
        for field in module.uniqueFields {
            guard let text = document[field.name]?.text, !text.isEmpty else { continue }
            try session.insert(
                Organisation.Table.uniqueValues,
                ["value": .string(uniqueValue(text, field)), "record": .string(String(id))], at: now)
        }
    }

    private func release(_ id: Int64) throws {
        let held = try session.documents(
            Organisation.Table.uniqueValues, where: .member("record", .equals, .string(String(id))))
        for value in held { try session.erase(Organisation.Table.uniqueValues, value.id) }
    }

    private func uniqueValue(_ text: String, _ field: FieldDefinition) -> String {
        "\(module.name).\(field.name)=\(field.isCaseSensitive ? text : text.lowercased())"
    }
}

/// Shows records as answers hold them.
struct RecordView {
    let organisation: Organisation
    let session: DocumentSession
    let module: ModuleDefinition

    /// A record with these fields, and always with its id.
    ///
    /// - Parameter isQuery: COQL tells the ids of lookups, and not what is behind them.
    func json(_ record: StoredDocument, fields: [String], isQuery: Bool = false) throws -> JSONValue {
        var members: [JSONValue.Member] = []
        for name in fields where name != "id" {
            members.append(.init(name, try value(of: name, record, isQuery: isQuery)))
            if name == "What_Id", !isQuery {
                members.append(.init("$se_module", record.document["$se_module"] ?? .null))
            }
        }
        members.append(.init("id", .string(String(record.id))))
        return .object(members)
    }

    private func value(of name: String, _ record: StoredDocument, isQuery: Bool) throws -> JSONValue {
        switch name {
        case "Created_Time": return organisation.time(record.createdAt)
        case "Modified_Time": return organisation.time(record.modifiedAt)
        case RecordTagging.field: return RecordTagging.shown(record.document)
        default: break
        }
        guard let field = module.field(name), let value = record.document[name], let id = value.text else {
            return record.document[name] ?? .null
        }
        switch field.type {
        case .ownerlookup:
            guard !isQuery, let user = organisation.user(id) else { return ["id": .string(id)] }
            return ["name": .string(user.name), "id": .string(id), "email": .string(user.email)]
        case .lookup:
            guard !isQuery else { return ["id": .string(id)] }
            let target = field.module ?? record.document["$se_module"]?.text ?? ""
            let shown = try organisation.module(target)
            let name = try session.document(target, Int64(id) ?? 0)?.document[shown.nameField] ?? .null
            guard module.name == "Notes" else { return ["name": name, "id": .string(id)] }
            return [
                "module": ["api_name": .string(target), "id": .string(String(shown.firstID))], "name": name,
                "id": .string(id),
            ]
        default: return value
        }
    }
}
