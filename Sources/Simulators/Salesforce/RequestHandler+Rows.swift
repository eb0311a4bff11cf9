// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import GRDB
import MigratezJSON
import MigratezSimulatorKit

/// One record at a time, and descriptions: everything below `sobjects` (crm-apis: Salesforce, sections 3 and 5).
extension RequestHandler {
    func rows(_ request: SimulatorRequest, _ path: [String]) throws -> SimulatorResponse {
        guard let name = path.first else {
            guard request.method == .get else { throw APIFailure.noSuchResource }
            return .json(Describe(schema: schema, api: api).global())
        }
        let object = try object(name)
        switch (request.method, path.count) {
        case (.get, 1): return .json(Describe(schema: schema, api: api).basic(object))
        case (.get, 2) where path[1] == "describe":
            let types = try RecordTypes.all(db, schema)
            return .json(Describe(schema: schema, api: api, recordTypes: types).full(object))
        case (.post, 1): return try create(request, object)
        case (_, 2): return try withRecord(path[1], request, object)
        case (.get, 3) where RecordID(path[1])?.prefix == object.prefix && object.field(path[2])?.kind == .base64:
            return try content(path[1], field: path[2], object)
        case (_, 3): return try withExternalID(path[1], path[2], request, object)
        default: throw APIFailure.noSuchResource
        }
    }

    private func create(_ request: SimulatorRequest, _ object: ObjectDefinition) throws -> SimulatorResponse {
        let draft = try draft(request, of: object)
        let id = try inOneTransaction { try writing(request) { try $0.insert(draft, into: object) } }
        return .json(RowAnswer.saved(id, isCreated: nil), status: 201)
    }

    /// The record of a request. It has a file if the request is a form, of which the first part is the record as JSON and
    /// another one the bytes (REST API Developer Guide, "Insert or Update Blob Data").
    private func draft(_ request: SimulatorRequest, of object: ObjectDefinition) throws -> RowDraft {
        guard MultipartForm.isBody(of: request) else {
            return try RowDraft(try document(request), of: object, schema)
        }
        guard let form = MultipartForm(request) else {
            throw APIFailure(400, "INVALID_MULTIPART_REQUEST", "Multipart message is malformed")
        }
        guard let record = form.parts.first, record.contentType?.hasPrefix("application/json") == true else {
            throw APIFailure(400, "INVALID_MULTIPART_REQUEST", "The first part must be the record as application/json")
        }
        guard record.bytes.count <= Self.plainBytesMax else { throw Self.partTooLarge }
        let document: JSONValue
        do {
            document = try JSONValue(parsing: record.bytes)
        } catch {
            throw APIFailure.malformedJSON("Unexpected character or end of input")
        }
        var draft = try RowDraft(document, of: object, schema)
        for part in form.parts.dropFirst() {
            guard let index = object.index(of: part.name), object.fields[index].kind == .base64 else {
                throw APIFailure(400, "INVALID_FIELD", "No such binary field '\(part.name)' on \(object.name)")
            }
            guard part.bytes.count <= org.options.fileBytesMax else { throw Self.partTooLarge }
            // Nothing is no file.
            draft.values.append((index, part.bytes.isEmpty ? .null : Data(part.bytes).databaseValue))
        }
        return draft
    }

    private static let plainBytesMax = 1 << 20
    private static let partTooLarge = APIFailure(
        413, "REQUEST_ENTITY_TOO_LARGE", "Request size exceeded the maximum")

    private func withRecord(
        _ id: String, _ request: SimulatorRequest, _ object: ObjectDefinition
    ) throws -> SimulatorResponse {
        switch request.method {
        case .get:
            let ordinal = try ordinal(id, of: object)
            return .json(try record(ordinal, fields: request.queryList("fields"), of: object))
        case .patch:
            let draft = try RowDraft(try document(request), of: object, schema)
            guard draft.id == nil else {
                throw APIFailure(
                    400, "INVALID_FIELD", "The Id field should not be specified in the sobject data.", fields: ["Id"])
            }
            let ordinal = try ordinal(id, of: object)
            _ = try inOneTransaction { try writing(request) { try $0.update(ordinal, with: draft, in: object) } }
            return .empty()
        case .delete:
            _ = try ordinal(id, of: object)
            try inOneTransaction { try writing(request) { try $0.delete(id, of: object) } }
            return .empty()
        default: throw APIFailure.noSuchResource
        }
    }

    /// A record by its id in the path; 404 if it is not there.
    private func ordinal(_ id: String, of object: ObjectDefinition) throws -> Int64 {
        guard let id = RecordID(id), id.prefix == object.prefix else {
            throw APIFailure(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: \(id)")
        }
        let statement = try db.cachedStatement(
            sql: "SELECT IsDeleted FROM \(RecordStore.quoted(object.name)) WHERE n = ?")
        guard let isDeleted = try Bool.fetchOne(statement, arguments: [id.ordinal]) else {
            throw APIFailure(404, "NOT_FOUND", "The requested resource does not exist")
        }
        guard !isDeleted else { throw APIFailure(404, "ENTITY_IS_DELETED", "entity is deleted", fields: []) }
        return id.ordinal
    }

    private func withExternalID(
        _ name: String, _ value: String, _ request: SimulatorRequest, _ object: ObjectDefinition
    ) throws -> SimulatorResponse {
        guard let index = object.index(of: name), object.fields[index].isIDLookup else {
            throw APIFailure(
                404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: \(name)")
        }
        let field = object.fields[index]
        if field.kind == .id { return try withRecord(value, request, object) }
        guard case .value(let key) = field.converted(value), !key.isNull else {
            throw APIFailure(400, "INVALID_FIELD", "invalid value for \(field.name)", fields: [field.name])
        }
        let found = try writer(for: request).ordinals(of: object, where: field, equals: key)
        guard found.count <= 1 else { return multipleChoices(found, object) }
        switch (request.method, found.first) {
        case (.get, let ordinal?): return .json(try record(ordinal, fields: request.queryList("fields"), of: object))
        case (.delete, let ordinal?):
            try inOneTransaction { try writing(request) { try $0.delete(object.id(ordinal).text, of: object) } }
            return .empty()
        case (.patch, _): return try upsert(request, object, index, key, found.first)
        default: throw APIFailure.noSuchResource
        }
    }

    private func upsert(
        _ request: SimulatorRequest, _ object: ObjectDefinition, _ key: Int, _ value: DatabaseValue, _ ordinal: Int64?
    ) throws -> SimulatorResponse {
        var draft = try RowDraft(try document(request), of: object, schema)
        let field = object.fields[key]
        guard draft.id == nil, !draft.values.contains(where: { $0.field == key }) else {
            let name = draft.id == nil ? field.name : "Id"
            throw APIFailure(
                400, "INVALID_FIELD", "The \(name) field should not be specified in the sobject data.", fields: [name])
        }
        if ordinal == nil, request.query("updateOnly")?.lowercased() == "true" { throw APIFailure.noSuchResource }
        draft.values.append((key, value))
        let (id, isCreated) = try inOneTransaction {
            try writing(request) { try $0.upsert(draft, by: key, in: object) }
        }
        return .json(RowAnswer.saved(id, isCreated: isCreated), status: isCreated ? 201 : 200)
    }

    /// 300 and the addresses of all records with that value.
    private func multipleChoices(_ ordinals: [Int64], _ object: ObjectDefinition) -> SimulatorResponse {
        var writer = JSONWriter()
        writer.strings(ordinals.map { "/services/data/\(api)/sobjects/\(object.name)/\(object.id($0).text)" })
        return .json(writer.bytes, status: 300)
    }

    /// A record with the fields asked for, or with all.
    func record(_ ordinal: Int64, fields: [String], of object: ObjectDefinition) throws -> [UInt8] {
        let names = fields.isEmpty ? object.fields.filter(\.isVisible).map(\.name) : fields
        let query = SOQLQuery(selection: .fields(names.map { SOQLQuery.Path(field: $0) }), object: object.name)
        // The filter by one end that links need is not asked of a record by id.
        let plan = try SOQLPlan(query.filtered(byID: object.id(ordinal)), schema, includesDeleted: true)
        var writer = JSONWriter()
        try plan.rows([ordinal], db) { RecordText.write($0, of: plan, api: api, to: &writer) }
        return writer.bytes
    }

    /// The bytes of a file or note.
    private func content(_ id: String, field: String, _ object: ObjectDefinition) throws -> SimulatorResponse {
        let ordinal = try ordinal(id, of: object)
        let data = try Data.fetchOne(
            db,
            sql:
                "SELECT \(RecordStore.quoted(object.field(field)?.name ?? field)) FROM \(RecordStore.quoted(object.name)) WHERE n = ?",
            arguments: [ordinal])
        return SimulatorResponse(
            headers: ["Content-Type": "application/octetstream"], body: .bytes(data.map { Array($0) } ?? []))
    }

    /// Runs `body` in a transaction of its own, or as a part of the one that is open.
    func inOneTransaction<Result>(_ body: () throws -> Result) throws -> Result {
        var result: Result?
        try db.inSavepoint {
            result = try body()
            return .commit
        }
        guard let result else { throw APIFailure(500, "UNKNOWN_EXCEPTION", "the transaction did not run") }
        return result
    }

    private func writing<Result>(
        _ request: SimulatorRequest, _ body: (inout RowWriter) throws -> Result
    ) throws -> Result {
        var writer = writer(for: request)
        return try body(&writer)
    }
}

extension SOQLQuery {
    func filtered(byID id: RecordID) -> SOQLQuery {
        var query = self
        query.condition = .comparison(Path(field: "Id"), "=", .text(id.text, pattern: id.text))
        return query
    }
}

/// The answers that tell what became of rows.
enum RowAnswer {
    /// `{"id":"003…","success":true,"errors":[]}`, with `created` after an upsert.
    static func saved(_ id: RecordID, isCreated: Bool?) -> [UInt8] {
        var writer = JSONWriter()
        write(RowResult(id: id, isCreated: isCreated ?? false), tellsCreated: isCreated != nil, to: &writer)
        return writer.bytes
    }

    static func write(_ result: RowResult, tellsCreated: Bool, to writer: inout JSONWriter) {
        writer.beginObject()
        if let id = result.id, result.failure == nil { writer.member("id", id.text) }
        writer.member("success", result.failure == nil)
        writer.key("errors")
        writer.beginArray()
        if let failure = result.failure {
            writer.beginObject()
            writer.member("statusCode", failure.code)
            writer.member("message", failure.message)
            writer.key("fields")
            writer.strings(failure.fields)
            writer.endObject()
        }
        writer.endArray()
        if tellsCreated, result.failure == nil { writer.member("created", result.isCreated) }
        writer.endObject()
    }
}
