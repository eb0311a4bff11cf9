// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezJSON
import MigratezSimulatorKit

/// Up to 200 records a request, answered in their order, with HTTP 200 whatever became of them
/// (crm-apis: Salesforce, section 5).
extension RequestHandler {
    private static let recordsMax = 200
    private static let retrieveMax = 2000
    /// Runs of records of one type within a request of mixed types.
    private static let typeRunsMax = 10

    func collections(_ request: SimulatorRequest, _ path: [String]) throws -> SimulatorResponse {
        switch (request.method, path.count) {
        case (.post, 0): return try write(request, tellsCreated: false) { (try $0.insert($1, into: $2), true) }
        case (.patch, 0):
            return try write(request, tellsCreated: false) { writer, draft, object in
                (try writer.update(draft.id, with: draft, in: object), false)
            }
        case (.delete, 0): return try delete(request)
        case (.post, 1):
            let document = try document(request)
            return try retrieve(
                try object(path[0]), ids: document["ids"]?.elements.compactMap(\.text) ?? [],
                fields: document["fields"]?.elements.compactMap(\.text) ?? [])
        case (.get, 1):
            return try retrieve(
                try object(path[0]), ids: request.queryList("ids"), fields: request.queryList("fields"))
        case (.patch, 2): return try upsert(request, try object(path[0]), by: path[1])
        default: throw APIFailure.noSuchResource
        }
    }

    private func upsert(
        _ request: SimulatorRequest, _ object: ObjectDefinition, by name: String
    ) throws -> SimulatorResponse {
        guard let key = object.index(of: name), object.fields[key].isIDLookup else {
            throw APIFailure(
                400, "INVALID_FIELD",
                "Field name provided, \(name) does not match an External ID, Salesforce Id, or indexed field for \(object.name)"
            )
        }
        return try write(request, key: (object, key), tellsCreated: true) { writer, draft, object in
            try writer.upsert(draft, by: key, in: object)
        }
    }

    /// Reads the records of the body, and writes them one by one.
    private func write(
        _ request: SimulatorRequest, key: (object: ObjectDefinition, field: Int)? = nil, tellsCreated: Bool,
        _ body: (inout RowWriter, RowDraft, ObjectDefinition) throws -> (RecordID, isCreated: Bool)
    ) throws -> SimulatorResponse {
        let document = try document(request)
        guard case .array(let records)? = document["records"], !records.isEmpty else {
            throw APIFailure.malformedJSON("Unexpected parameter: records are missing")
        }
        guard records.count <= RequestHandler.recordsMax else { throw RequestHandler.tooMany }
        let schema = schema
        var drafts: [(RowDraft, ObjectDefinition)] = []
        var runs = 0
        for record in records {
            guard let type = record["attributes"]?["type"]?.text ?? key?.object.name, let object = schema[type] else {
                throw APIFailure(400, "INVALID_TYPE", "sObject type of a record is missing or not supported")
            }
            if let key, key.object !== object {
                throw APIFailure(400, "INVALID_TYPE", "all records must be of the type \(key.object.name)")
            }
            if drafts.last?.1 !== object { runs += 1 }
            drafts.append((try RowDraft(record, of: object, schema), object))
        }
        guard runs <= RequestHandler.typeRunsMax else {
            throw APIFailure(
                400, "LIMIT_EXCEEDED",
                "Cannot have more than 10 chunks in a single operation. Please rearrange the data")
        }
        if let key { RepeatedKeys.refuse(&drafts, by: key.field, of: key.object) }
        let allOrNone = document["allOrNone"]?.bool ?? false
        var writer = writer(for: request)
        let results = try perform(count: drafts.count, allOrNone: allOrNone) { index in
            try body(&writer, drafts[index].0, drafts[index].1)
        }
        return answer(results, tellsCreated)
    }

    private func delete(_ request: SimulatorRequest) throws -> SimulatorResponse {
        let ids = request.queryList("ids")
        guard !ids.isEmpty else { throw APIFailure(400, "MISSING_ARGUMENT", "ids are missing") }
        guard ids.count <= RequestHandler.recordsMax else { throw RequestHandler.tooMany }
        let writer = writer(for: request)
        let results = try perform(count: ids.count, allOrNone: request.query("allOrNone")?.lowercased() == "true") {
            index in
            try writer.delete(ids[index], of: try writer.object(of: ids[index]))
            guard let id = RecordID(ids[index]) else { throw RowFailure("MALFORMED_ID", "malformed id \(ids[index])") }
            return (id, false)
        }
        return answer(results, false)
    }

    /// Rows fail one by one; with `allOrNone` one failure undoes all.
    private func perform(
        count: Int, allOrNone: Bool, _ body: (Int) throws -> (RecordID, isCreated: Bool)
    ) throws -> [RowResult] {
        var results: [RowResult] = []
        results.reserveCapacity(count)
        try db.inSavepoint {
            for index in 0..<count {
                do {
                    let (id, isCreated) = try body(index)
                    results.append(RowResult(id: id, isCreated: isCreated))
                } catch let failure as RowFailure {
                    results.append(RowResult(failure: failure))
                }
            }
            return allOrNone && results.contains { $0.failure != nil } ? .rollback : .commit
        }
        guard allOrNone, results.contains(where: { $0.failure != nil }) else { return results }
        return results.map { result in
            guard result.failure == nil else { return result }
            return RowResult(
                failure: RowFailure(
                    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                    "Record rolled back because not all records were valid and the request was using AllOrNone header"))
        }
    }

    private func answer(_ results: [RowResult], _ tellsCreated: Bool) -> SimulatorResponse {
        var writer = JSONWriter(capacity: results.count * 80)
        writer.beginArray()
        for result in results { RowAnswer.write(result, tellsCreated: tellsCreated, to: &writer) }
        writer.endArray()
        return .json(writer.bytes)
    }

    /// Records in the order of their ids; null for one that is not there.
    private func retrieve(_ object: ObjectDefinition, ids: [String], fields: [String]) throws -> SimulatorResponse {
        guard !ids.isEmpty, !fields.isEmpty else {
            throw APIFailure(400, "MISSING_ARGUMENT", "ids and fields must be given")
        }
        guard ids.count <= RequestHandler.retrieveMax else { throw RequestHandler.tooMany }
        var records: [Int64: [UInt8]] = [:]
        let known = ids.compactMap { RecordID($0) }.filter { $0.prefix == object.prefix }
        let query = SOQLQuery(
            selection: .fields(fields.map { SOQLQuery.Path(field: $0) }), object: object.name,
            condition: .isIn(
                SOQLQuery.Path(field: "Id"), known.map { .text($0.text, pattern: $0.text) }, isNegated: false))
        let plan = try SOQLPlan(query, schema, includesDeleted: false)
        try plan.rows(try plan.ordinals(db)[...], db) { row in
            var writer = JSONWriter()
            RecordText.write(row, of: plan, api: api, to: &writer)
            records[row[0]] = writer.bytes
        }
        var writer = JSONWriter()
        writer.beginArray()
        for id in ids {
            if let record = RecordID(id).flatMap({ records[$0.ordinal] }) { writer.raw(record) } else { writer.null() }
        }
        writer.endArray()
        return .json(writer.bytes)
    }

    private static let tooMany = APIFailure(
        400, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records into this call")
}

/// Rows of one upsert that name the same key are refused, all of them: which one would win is not defined.
enum RepeatedKeys {
    static func refuse(_ drafts: inout [(RowDraft, ObjectDefinition)], by key: Int, of object: ObjectDefinition) {
        var only = drafts.map(\.0)
        refuse(&only, by: key, of: object)
        for index in drafts.indices { drafts[index].0 = only[index] }
    }

    static func refuse(_ drafts: inout [RowDraft], by key: Int, of object: ObjectDefinition) {
        let field = object.fields[key]
        var rows: [String: [Int]] = [:]
        for (index, draft) in drafts.enumerated() {
            let value = draft.values.last { $0.field == key }?.value ?? .null
            guard let text = field.kind == .id ? draft.id : String.fromDatabaseValue(value) else { continue }
            rows[field.isCaseSensitive || field.kind == .id ? text : text.lowercased(), default: []].append(index)
        }
        for (text, indices) in rows where indices.count > 1 {
            for index in indices {
                drafts[index].fail(
                    RowFailure("DUPLICATE_VALUE", "Duplicate external id specified: \(text)", fields: [field.name]))
            }
        }
    }
}
