// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Creating, changing and deleting records, up to 100 a call, each row with an end of its own.
///
/// Source: zoho.com/crm/developer, "Insert Records", "Update Records", "Insert or Update Records (Upsert)", "Delete
/// Records".
struct RecordWriting {
    static let rowsMax = 100

    enum Verb { case insert, update, upsert }

    let organisation: Organisation
    let session: DocumentSession
    let module: ModuleDefinition
    let userID: String
    let now: Timestamp

    func write(_ verb: Verb, _ body: JSONValue, id: String? = nil) throws -> SimulatorResponse {
        guard case .array(let rows)? = body["data"], !rows.isEmpty else {
            throw ZohoFailure.invalid("data", "the data array is missing or empty")
        }
        guard rows.count <= Self.rowsMax else {
            throw ZohoFailure(
                400, "INVALID_DATA", "invalid data",
                [.init("maximum_length", 100), .init("api_name", "data"), .init("json_path", "$.data")])
        }
        if verb == .upsert, !module.takesUpsert {
            throw ZohoFailure(400, "INVALID_MODULE", "upsert is not supported for this module")
        }
        let checks = try checkFields(body["duplicate_check_fields"])
        var answers: [JSONValue] = []
        var failed = 0
        for (number, row) in rows.enumerated() {
            do {
                answers.append(
                    try session.savepoint { try write(verb, row, number: number, id: id, checks: checks) })
            } catch let failure as RowFailure {
                failed += 1
                answers.append(failure.json)
            }
        }
        return Self.answer(answers, failed: failed, good: verb == .insert ? 201 : 200)
    }

    private func write(
        _ verb: Verb, _ row: JSONValue, number: Int, id: String?, checks: [FieldDefinition]
    ) throws -> JSONValue {
        let table = RecordTable(organisation: organisation, session: session, module: module)
        let rules = RecordRules(organisation: organisation, session: session, module: module, row: number)
        var existing: StoredDocument?
        switch verb {
        case .insert: break
        case .update:
            guard let found = try table.record(id ?? row["id"]?.text ?? "") else {
                throw RowFailure("INVALID_DATA", "the id given seems to be invalid", field: "id", row: number)
            }
            existing = found
        case .upsert: existing = try duplicate(of: row, checks, table)
        }
        var document = try rules.document(row, over: existing?.document)
        document.set("Modified_By", to: .string(userID))
        try refuseDoubles(document, of: existing?.id, number, table)
        let recordID: Int64
        if let existing {
            recordID = existing.id
            try table.replace(existing.id, with: document, at: now)
        } else {
            document.set("Created_By", to: .string(userID))
            if document["Owner"] == nil { document.set("Owner", to: .string(userID)) }
            recordID = try table.insert(document, at: now)
        }
        try subforms.write(row, of: module, recordID, number: number)
        return success(recordID, verb, isNew: existing == nil, created: existing?.createdAt ?? now)
    }

    private var subforms: Subforms { Subforms(organisation: organisation, session: session, now: now) }

    /// The fields that an upsert looks at, in their order.
    private func checkFields(_ named: JSONValue?) throws(ZohoFailure) -> [FieldDefinition] {
        let own = module.duplicateCheckField.flatMap(module.field)
        guard let named, !named.elements.isEmpty else { return (own.map { [$0] } ?? []) + module.uniqueFields }
        var fields: [FieldDefinition] = []
        for name in named.elements.compactMap(\.text) {
            guard let field = module.field(name), field.isUnique || field.name == own?.name else {
                throw .invalid("duplicate_check_fields", "the field is neither unique nor checked by the system")
            }
            fields.append(field)
        }
        return fields
    }

    private func duplicate(
        of row: JSONValue, _ checks: [FieldDefinition], _ table: RecordTable
    ) throws -> StoredDocument? {
        for field in checks {
            guard let value = row[field.name], let text = value.text, !text.isEmpty else { continue }
            if field.isUnique {
                if let id = try table.holder(of: value, in: field) { return try table.record(String(id)) }
            } else if let found = try session.documents(
                module.name, where: .member(field.name, .equalsIgnoringCase, value), limit: 1
            ).first {
                return found
            }
        }
        return nil
    }

    /// Values that must be unique are held against those of all other records.
    private func refuseDoubles(_ document: JSONValue, of id: Int64?, _ number: Int, _ table: RecordTable) throws {
        for field in module.uniqueFields {
            guard let value = document[field.name], let holder = try table.holder(of: value, in: field), holder != id
            else { continue }
            throw RowFailure(
                "DUPLICATE_DATA", "duplicate data", field: field.name, row: number,
                [
                    .init(
                        "duplicate_record",
                        ["id": .string(String(holder)), "module": ["api_name": .string(module.name)]])
                ])
        }
    }

    private func success(_ id: Int64, _ verb: Verb, isNew: Bool, created: Timestamp) -> JSONValue {
        let user: JSONValue = [
            "name": .string(organisation.user(userID)?.name ?? ""), "id": .string(userID),
        ]
        var members: [JSONValue.Member] = [.init("code", "SUCCESS")]
        if verb == .upsert {
            members += [.init("duplicate_field", .null), .init("action", isNew ? "insert" : "update")]
        }
        members += [
            .init(
                "details",
                [
                    "Modified_Time": organisation.time(now), "Modified_By": user,
                    "Created_Time": organisation.time(created), "id": .string(String(id)), "Created_By": user,
                ]),
            .init("message", isNew ? "record added" : "record updated"), .init("status", "success"),
        ]
        return .object(members)
    }

    // MARK: Deleting

    func delete(_ ids: [String]) throws -> SimulatorResponse {
        guard !ids.isEmpty else { throw ZohoFailure.missing(parameter: "ids") }
        guard ids.count <= Self.rowsMax else {
            throw ZohoFailure(400, "LIMIT_EXCEEDED", "more ids than can be deleted at once")
        }
        let table = RecordTable(organisation: organisation, session: session, module: module)
        var answers: [JSONValue] = []
        var failed = 0
        for id in ids {
            guard let record = try table.record(id) else {
                failed += 1
                answers.append(
                    RowFailure("INVALID_DATA", "the id given seems to be invalid", [.init("id", .string(id))]).json)
                continue
            }
            try subforms.delete(of: module, record.id)
            try table.delete(record.id, at: now)
            answers.append([
                "code": "SUCCESS", "details": ["id": .string(id)], "message": "record deleted", "status": "success",
            ])
        }
        return Self.answer(answers, failed: failed, good: 200)
    }

    /// 207 where some rows failed, 400 where all did.
    static func answer(_ rows: [JSONValue], failed: Int, good: Int) -> SimulatorResponse {
        let status = failed == 0 ? good : failed == rows.count ? 400 : 207
        return .json(JSONValue.object([.init("data", .array(rows))]).serialized(), status: status)
    }
}

extension JSONValue {
    /// Gives a member of this object another value.
    fileprivate mutating func set(_ key: String, to value: JSONValue) {
        guard case .object(var members) = self else { return }
        members.removeAll { $0.key == key }
        members.append(Member(key, value))
        self = .object(members)
    }
}
