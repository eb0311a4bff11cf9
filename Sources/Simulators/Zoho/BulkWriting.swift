// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Writes of a CSV as one job, each row with an end of its own.
///
/// Source: zoho/crm-oas, `v8.0/bulk_write.json`; zoho.com/crm/developer, "Bulk Write: Limitations" and "Download Bulk Write
/// Result". Subforms, several files, formats and default values are not simulated.
struct BulkWriting {
    private static let kind = "write"
    private static let archiveBytesMax = 25_000_000
    private static let rowsMax = 25_000
    private static let columnsMax = 200
    /// Of the columns that were sent, so many come back.
    private static let columnsShown = 3

    let jobs: BulkJobs

    private var organisation: Organisation { jobs.organisation }
    private var session: DocumentSession { jobs.session }

    // MARK: Files

    func upload(_ request: SimulatorRequest) throws -> SimulatorResponse {
        guard request.headers["feature"] == "bulk-write", request.headers["X-CRM-ORG"] == Organisation.zgid else {
            throw ZohoFailure(
                400, "INVALID_DATA", "Bad Request",
                [.init("x-error", "check if headers [feature, X-CRM-ORG] are present and valid")])
        }
        guard let part = MultipartForm(request)?["file"] else { throw ZohoFailure.missing(parameter: "file") }
        guard part.bytes.count <= Self.archiveBytesMax else {
            throw ZohoFailure(413, "FILE_TOO_LARGE", "File size too large to process")
        }
        guard let file = BulkArchive.unpack(part.bytes), file.name.hasSuffix(".csv"),
            let lines = BulkText.lines(file.bytes), let header = lines.first, lines.count <= Self.rowsMax + 1,
            lines.allSatisfy({ $0.count == header.count })
        else {
            throw ZohoFailure(400, "INVALID_FILE_FORMAT", "invalid file format. only zip format is supported")
        }
        guard header.count <= Self.columnsMax else {
            throw ZohoFailure(400, "HEADER_LIMIT_EXCEEDED", "more than 200 columns")
        }
        let id = try session.insert(Organisation.Table.bulkFiles, ["name": .string(file.name)], at: jobs.now)
        try session.keepContent(Organisation.Table.bulkFiles, id, file.bytes)
        return .json(
            JSONValue.object([
                .init("status", "success"), .init("code", "FILE_UPLOAD_SUCCESS"), .init("message", "file uploaded."),
                .init(
                    "details", ["file_id": .string(String(id)), "created_time": organisation.time(jobs.now)]),
            ]).serialized())
    }

    // MARK: Jobs

    func create(_ body: JSONValue) throws -> SimulatorResponse {
        guard let operation = body["operation"]?.text, ["insert", "update", "upsert"].contains(operation),
            let resource = body["resource"]?[0], body["resource"]?.elements.count == 1
        else { throw ZohoFailure(400, "MISSING_REQUIRED_KEY", "required key operation is not found in request body.") }
        let name = resource["module"]?["api_name"]?.text ?? ""
        guard let module = try? organisation.module(name) else {
            throw ZohoFailure(400, "MODULE_NOT_AVAILABLE", "Requested module '\(name)' is not available.")
        }
        guard module.takesUpsert || operation != "upsert", name != "Notes" else {
            throw ZohoFailure(400, "MODULE_NOT_SUPPORTED", "the module is not supported for this operation")
        }
        let lines = try lines(ofFile: resource["file_id"]?.text)
        try check(resource, operation, module, columns: lines[0].count)
        let id = try jobs.add(Self.kind, name, body)
        return .json(
            JSONValue.object([
                .init("status", "success"), .init("code", "SUCCESS"), .init("message", "success"),
                .init("details", ["id": .string(id), "created_by": jobs.person(jobs.userID)]),
            ]).serialized(), status: 201)
    }

    private func check(
        _ resource: JSONValue, _ operation: String, _ module: ModuleDefinition, columns: Int
    ) throws(ZohoFailure) {
        let mappings = resource["field_mappings"]?.elements ?? []
        for mapping in mappings {
            guard let name = mapping["api_name"]?.text, module.field(name) != nil else {
                throw ZohoFailure(400, "INVALID_FIELD", "invalid mapping. invalid api_name.")
            }
            guard let index = mapping["index"]?.int, (0..<columns).contains(index) else {
                throw ZohoFailure(400, "COLUMN_INDEX_NOT_FOUND", "required key index for field \(name) is not found")
            }
        }
        let mapped = Set(mappings.compactMap { $0["api_name"]?.text })
        if operation != "insert" {
            guard let key = resource["find_by"]?.text, mapped.contains(key),
                key == "id" || module.field(key)?.isUnique == true || key == module.duplicateCheckField
            else {
                throw ZohoFailure(400, "MISSING_REQUIRED_KEY", "required key find_by is not found in request body.")
            }
        }
        guard operation == "update" || module.fields.allSatisfy({ !$0.isMandatory || mapped.contains($0.name) }) else {
            throw ZohoFailure(
                400, "MANDATORY_FIELDS_NOT_MAPPED", "All mandatory fields are not mapped for the layout")
        }
    }

    private func lines(ofFile id: String?) throws -> [[String]] {
        guard let number = id.flatMap({ Int64($0) }),
            let bytes = try session.content(Organisation.Table.bulkFiles, number), let lines = BulkText.lines(bytes),
            !lines.isEmpty
        else { throw ZohoFailure(400, "INVALID_FILE_ID", "improper file id") }
        return lines
    }

    func status(_ id: String, _ request: SimulatorRequest) throws -> SimulatorResponse {
        guard let job = try jobs.job(id, Self.kind) else { throw BulkJobs.notFound(400) }
        let body = job.document["request"] ?? .null
        let state = jobs.state(of: job) == BulkJobs.states.failed ? "FAILED" : jobs.state(of: job)
        var members: [JSONValue.Member] = [
            .init("status", .string(state)), .init("character_encoding", "UTF-8"), .init("id", .string(id)),
            .init("operation", body["operation"] ?? .null),
            .init("created_by", jobs.person(job.document["user"]?.text ?? "")),
            .init("created_time", organisation.time(job.createdAt)),
        ]
        if let counts = job.document["result"] {
            let place = "http://\(request.headers["Host"] ?? "127.0.0.1")/v2/crm/\(Organisation.zgid)/bulk-write"
            members.append(.init("result", ["download_url": .string("\(place)/\(id)/\(id).zip")]))
            members.append(
                .init(
                    "resource",
                    [
                        [
                            "status": "COMPLETED", "type": "data", "file": counts,
                            "module": ["api_name": job.document["module"] ?? .null],
                        ]
                    ]))
        }
        return .json(JSONValue.object(members).serialized())
    }

    func result(_ id: String) throws -> SimulatorResponse {
        guard let job = try jobs.job(id, Self.kind), let archive = try jobs.archive(of: job) else {
            throw BulkJobs.notFound(400)
        }
        return BulkJobs.download(archive)
    }

    // MARK: Carrying out

    func carryOut(_ job: StoredDocument) throws -> (result: JSONValue, archive: [UInt8]) {
        let body = job.document["request"] ?? .null
        let resource = body["resource"]?[0] ?? .null
        let module = try organisation.module(job.document["module"]?.text ?? "")
        let lines = try lines(ofFile: resource["file_id"]?.text)
        let writer = BulkRowWriting(
            module: module, header: lines[0], resource: resource, operation: body["operation"]?.text ?? "",
            ignoresEmpty: body["ignore_empty"]?.bool ?? resource["ignore_empty"]?.bool ?? false,
            writing: RecordWriting(
                organisation: organisation, session: session, module: module,
                userID: job.document["user"]?.text ?? "", now: jobs.now))
        var ends: [BulkRowWriting.End] = []
        for start in stride(from: 1, to: lines.count, by: RecordWriting.rowsMax) {
            ends += try writer.write(Array(lines[start..<min(start + RecordWriting.rowsMax, lines.count)]))
        }
        let shown = writer.columns.prefix(Self.columnsShown)
        var text = BulkText.line(shown.map { lines[0][$0] } + ["STATUS", "RECORD_ID", "ERRORS"])
        // Not in the order in which the rows were sent.
        let rows = zip(lines.dropFirst(), ends)
        for isSkipped in [false, true] {
            for (line, end) in rows where (end.status == "SKIPPED") == isSkipped {
                text += BulkText.line(shown.map { line[$0] } + [end.status, end.id, end.errors])
            }
        }
        func count(_ status: String) -> JSONValue { .number(String(ends.count { $0.status == status })) }
        let counts: JSONValue = [
            "status": "COMPLETED", "name": .string("\(module.name).csv"), "added_count": count("ADDED"),
            "skipped_count": count("SKIPPED"), "updated_count": count("UPDATED"),
            "total_count": .number(String(ends.count)),
        ]
        return (counts, BulkArchive.pack("\(module.name)-bulkwrite.csv", Array(text.utf8)))
    }
}
