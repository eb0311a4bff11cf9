// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Answers one request below `/services/data/vXX.0`; lives within one call on the database's queue.
struct RequestHandler {
    let org: Org
    let db: Database
    let userID: String
    /// `v67.0`
    let api: String
    /// Milliseconds since the epoch.
    let now: Int64

    var schema: OrgSchema { org.store.schema }

    func answer(_ request: SimulatorRequest) -> SimulatorResponse {
        do {
            return try route(request, Array(request.path.dropFirst(3)))
        } catch let failure as APIFailure {
            return failure.response
        } catch let failure as RowFailure {
            return failure.asAPIFailure.response
        } catch {
            return APIFailure(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred").response
        }
    }

    private func route(_ request: SimulatorRequest, _ path: [String]) throws -> SimulatorResponse {
        switch (request.method, path.first, path.count) {
        case (.get, nil, _): return .json(resources())
        case (.get, "limits", 1): return .json(limits())
        case (.get, "query", 1): return try query(request, includesDeleted: false)
        case (.get, "tooling", 2) where path[1] == "query":
            return try query(request, includesDeleted: false, isTooling: true)
        case (.get, "process", 3) where path[1] == "rules":
            guard org.options.showsSetup else { throw RequestHandler.setupHidden }
            let object = try object(path[2])
            return .json(SetupObjects.workflowRules(on: object.name, org.options).serialized())
        case (.get, "queryAll", 1): return try query(request, includesDeleted: true)
        case (.get, "query", 2), (.get, "queryAll", 2): return try nextPage(path[1])
        case (_, "sobjects", _): return try rows(request, Array(path.dropFirst()))
        case (.post, "composite", 1): return try composite(request)
        case (.post, "composite", 2) where path[1] == "batch": return try batch(request)
        case (_, "composite", 2...4) where path[1] == "sobjects":
            return try collections(request, Array(path.dropFirst(2)))
        case (.post, "tooling", 3) where path[1...] == ["sobjects", "CustomField"]: return try createField(request)
        case (_, "jobs", 2...) where path[1] == "ingest": return try ingest(request, Array(path.dropFirst(2)))
        case (_, "jobs", 2...) where path[1] == "query": return try export(request, Array(path.dropFirst(2)))
        default: throw APIFailure.noSuchResource
        }
    }

    /// "View Setup and Configuration" is missing.
    static let setupHidden = APIFailure(403, "INSUFFICIENT_ACCESS", "insufficient access rights on setup")

    /// The body as JSON.
    func document(_ request: SimulatorRequest) throws(APIFailure) -> JSONValue {
        do throws(JSONFailure) {
            return try JSONValue(parsing: request.body)
        } catch {
            throw .malformedJSON("Unexpected character or end of input at [byte:\(error.offset)]")
        }
    }

    func object(_ name: String) throws(APIFailure) -> ObjectDefinition {
        guard let object = schema[name] else { throw .noSuchResource }
        return object
    }

    func writer(for request: SimulatorRequest) -> RowWriter {
        let header = request.headers["Sforce-Duplicate-Rule-Header"]?.lowercased().filter { $0 != " " } ?? ""
        let context = RowWriter.Context(now: now, userID: userID, allowsDuplicates: header.contains("allowsave=true"))
        return RowWriter(db, store: org.store, options: org.options, context: context, locks: org.locks.watch())
    }

    private func resources() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        for name in ["sobjects", "query", "queryAll", "composite", "limits", "tooling"] {
            writer.member(name, "/services/data/\(api)/\(name)")
        }
        writer.member("jobs", "/services/data/\(api)/jobs")
        writer.endObject()
        return writer.bytes
    }

    private func limits() -> [UInt8] {
        let used = org.usage.used(at: org.clock.now)
        let daily = org.options.dailyRequestsMax
        var writer = JSONWriter()
        writer.beginObject()
        for (name, max, remaining) in [
            ("DailyApiRequests", daily, max(0, daily - used)), ("DailyBulkApiBatches", 15_000, 15_000),
            ("DailyBulkV2QueryJobs", 10_000, 10_000), ("DataStorageMB", 102_400, 102_400),
            ("FileStorageMB", 102_400, 102_400),
        ] {
            writer.key(name)
            writer.beginObject()
            writer.member("Max", max)
            writer.member("Remaining", remaining)
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes
    }

    /// `POST tooling/sobjects/CustomField`. A field of `Activity` becomes one of tasks and of events.
    private func createField(_ request: SimulatorRequest) throws -> SimulatorResponse {
        let document = try document(request)
        let fullName = document["FullName"]?.text ?? ""
        let parent = String(fullName.prefix { $0 != "." })
        let targets = (parent == "Activity" ? ["Task", "Event"] : [parent]).compactMap { schema[$0] }
        guard let first = targets.first, targets.allSatisfy(\.holdsCustomFields) else {
            throw APIFailure(
                400, "FIELD_INTEGRITY_EXCEPTION",
                "Entity Enumeration Or ID: bad value for restricted picklist field: \(parent)",
                fields: ["FullName"])
        }
        var field = try CustomField.definition(named: fullName, document).get()
        field.isVisible = org.options.showsNewFields
        guard targets.allSatisfy({ !$0.fields.contains { $0.name.lowercased() == field.name.lowercased() } }) else {
            throw APIFailure(
                400, "DUPLICATE_DEVELOPER_NAME", "There is already a field named \(field.name) on \(parent).",
                fields: ["FullName"])
        }
        for target in targets { try org.store.add(field, to: target, metadata: document.serialized(), db) }
        let number = Int64(first.fields.count) + Int64(first.prefix % 1000) * 1000
        return .json(RowAnswer.saved(RecordID(prefix: "00N", ordinal: number), isCreated: nil), status: 201)
    }
}
