// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Exports of a module as CSV.
///
/// Source: zoho/crm-oas, `v8.0/bulk_read.json`; zoho.com/crm/developer, "Bulk Read: Limitations". Criteria, views and
/// calendars are not simulated. Columns come in the module's order, the id first.
struct BulkReading {
    private static let kind = "read"
    private static let pagesMax = 50
    private static let refusedModules: Set = ["Notes", "Attachments", "Emails"]

    let jobs: BulkJobs

    private var organisation: Organisation { jobs.organisation }
    private var session: DocumentSession { jobs.session }

    func create(_ body: JSONValue) throws -> SimulatorResponse {
        guard let query = body["query"], let name = query["module"]?["api_name"]?.text else {
            throw ZohoFailure(400, "REQUEST_BODY_NOT_READABLE", "the body does not name a module")
        }
        guard !Self.refusedModules.contains(name) else {
            throw ZohoFailure(400, "MODULE_NOT_SUPPORTED", "The module is not supported for bulk read")
        }
        guard let module = try? organisation.module(name) else {
            throw ZohoFailure(400, "MODULE_NOT_AVAILABLE", "Requested module '\(name)' is not available.")
        }
        guard query["criteria"] == nil else {
            throw ZohoFailure(400, "CRITERIA_NOT_SUPPORTED", "criteria are not simulated")
        }
        let fields = query["fields"]?.elements.compactMap(\.text) ?? []
        if let unknown = fields.first(where: { module.field($0) == nil }) {
            throw ZohoFailure(
                400, "FIELD_NOT_AVAILABLE", "the field is not available",
                [.init("api_name", .string(unknown)), .init("module", .string(name))])
        }
        guard !fields.contains(RecordTagging.field) else {
            throw ZohoFailure(400, "FIELD_NOT_SUPPORTED", "the documentation does not speak of tags")
        }
        let page = query["page"]?.int ?? 1
        guard (1...Self.pagesMax).contains(page) else {
            throw ZohoFailure(400, "PAGE_RANGE_EXCEEDED", "the page is out of range", [.init("max_limit", 50)])
        }
        if let token = query["page_token"]?.text {
            guard let place = organisation.pageTokens.place(token), place.question == Self.question(name, fields),
                jobs.now < place.expires
            else { throw ZohoFailure(400, "PAGE_NOT_SUPPORTED", "the page token is not valid") }
        }
        let id = try jobs.add(Self.kind, name, query)
        return .json(
            JSONValue.object([
                .init(
                    "data",
                    [
                        [
                            "status": "success", "code": "ADDED_SUCCESSFULLY", "message": "Added successfully.",
                            "details": [
                                "id": .string(id), "operation": "read", "state": "ADDED",
                                "created_by": jobs.person(jobs.userID), "created_time": organisation.time(jobs.now),
                            ],
                        ]
                    ]), .init("info", [:]),
            ]).serialized(), status: 201)
    }

    func status(_ id: String) throws -> SimulatorResponse {
        guard let job = try jobs.job(id, Self.kind) else { throw BulkJobs.notFound(404) }
        var members: [JSONValue.Member] = [
            .init("id", .string(id)), .init("operation", "read"), .init("state", .string(jobs.state(of: job))),
            .init("query", job.document["request"] ?? .null), .init("file_type", "csv"),
            .init("created_by", jobs.person(job.document["user"]?.text ?? "")),
            .init("created_time", organisation.time(job.createdAt)),
        ]
        if let result = job.document["result"] { members.append(.init("result", result)) }
        return .json(JSONValue.object([.init("data", [.object(members)])]).serialized())
    }

    func result(_ id: String) throws -> SimulatorResponse {
        guard let job = try jobs.job(id, Self.kind), let archive = try jobs.archive(of: job) else {
            throw BulkJobs.notFound(400)
        }
        try jobs.takeDownload()
        return BulkJobs.download(archive)
    }

    /// What the records are when the job comes to them.
    func carryOut(_ job: StoredDocument) throws -> (result: JSONValue, archive: [UInt8]) {
        let query = job.document["request"] ?? .null
        let module = try organisation.module(job.document["module"]?.text ?? "")
        let named = query["fields"]?.elements.compactMap(\.text) ?? []
        let fields = module.fields.filter { $0.type != .subform }.map(\.name).filter {
            $0 != "id" && $0 != RecordTagging.field && (named.isEmpty || named.contains($0))
        }
        let perPage = organisation.options.bulkPageRecords
        let page = query["page"]?.int ?? 1
        let token = query["page_token"]?.text.flatMap { organisation.pageTokens.place($0) }
        let records = try session.documents(
            module.name, where: token.map { .id(.greater, $0.after) } ?? .all,
            offset: token == nil ? (page - 1) * perPage : 0, limit: perPage + 1)
        let view = RecordView(organisation: organisation, session: session, module: module)
        var text = BulkText.line(["Id"] + fields)
        for record in records.prefix(perPage) {
            let shown = try view.json(record, fields: fields, isQuery: true)
            text += BulkText.line([String(record.id)] + fields.map { Self.cell(shown[$0]) })
        }
        let hasMore = records.count > perPage
        var next: String?
        if hasMore {
            next = organisation.pageTokens.keep(
                .init(
                    question: Self.question(module.name, named), after: records[perPage - 1].id, count: 0,
                    expires: jobs.now.advanced(by: organisation.options.pageTokenLifetime)))
        }
        let result: JSONValue = [
            "page": .number(String(page)), "count": .number(String(min(records.count, perPage))),
            "download_url": .string("/crm/bulk/v8/read/\(job.id)/result"), "per_page": .number(String(perPage)),
            "more_records": .bool(hasMore), "next_page_token": next.map { .string($0) } ?? .null,
        ]
        return (result, BulkArchive.pack("\(job.id).csv", Array(text.utf8)))
    }

    private static func question(_ module: String, _ fields: [String]) -> String {
        "bulk \(module) \(fields.joined(separator: ","))"
    }

    private static func cell(_ value: JSONValue?) -> String {
        switch value {
        case nil, .null?: ""
        case .bool(let bool)?: bool ? "true" : "false"
        case .array(let choices)?: choices.compactMap(\.text).joined(separator: ";")
        case .object?: value?["id"]?.text ?? ""
        case let other?: other.text ?? ""
        }
    }
}
