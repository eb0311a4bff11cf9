// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezJSON
import MigratezSimulatorKit
import Synchronization

/// Bulk API 2.0 queries; the records are those that matched when the job was made.
final class ExportJobs: Sendable {
    struct Job: Sendable {
        let number: Int
        let operation: String
        let plan: SOQLPlan
        let ordinals: [Int64]
        let format: BulkFormat
        let userID: String
        let created: Int64
        var isAborted = false
        var polls = 0

        var id: RecordID { RecordID(prefix: "750", ordinal: Int64(number)) }
    }

    /// Numbers are apart from those of ingest jobs.
    private let state = Mutex<(next: Int, jobs: [Int: Job])>((1_000_000, [:]))

    func add(_ make: (Int) -> Job) -> Job {
        state.withLock { state in
            let job = make(state.next)
            state.next += 1
            state.jobs[job.number] = job
            return job
        }
    }

    subscript(_ number: Int) -> Job? { state.withLock { $0.jobs[number] } }

    func change(_ number: Int, _ body: (inout Job) -> Void) -> Job? {
        state.withLock { state in
            guard var job = state.jobs[number] else { return nil }
            body(&job)
            state.jobs[number] = job
            return job
        }
    }

    func remove(_ number: Int) { state.withLock { $0.jobs[number] = nil } }
}

/// `jobs/query` (crm-apis: Salesforce, section 4).
extension RequestHandler {
    private static let resultRecordsMax = 50_000

    func export(_ request: SimulatorRequest, _ path: [String]) throws -> SimulatorResponse {
        guard let text = path.first else {
            guard request.method == .post else { throw APIFailure.noSuchResource }
            let job = try createExport(request)
            return .json(info(job, state: "UploadComplete"))
        }
        guard let id = RecordID(text), id.prefix == RecordID.pack("750"), let job = org.exports[Int(id.ordinal)] else {
            throw APIFailure(404, "NOT_FOUND", "The requested resource does not exist")
        }
        switch (request.method, path.count) {
        case (.get, 1):
            let job = org.exports.change(job.number) { $0.polls += 1 } ?? job
            return .json(info(job, state: state(of: job)))
        case (.patch, 1):
            guard try document(request)["state"]?.text == "Aborted" else { throw BulkFormat.invalid("state") }
            let job = org.exports.change(job.number) { $0.isAborted = true } ?? job
            return .json(info(job, state: state(of: job)))
        case (.delete, 1):
            org.exports.remove(job.number)
            return .empty()
        case (.get, 2) where path[1] == "results": return try exportResults(of: job, request)
        default: throw APIFailure.noSuchResource
        }
    }

    private func createExport(_ request: SimulatorRequest) throws -> ExportJobs.Job {
        let document = try document(request)
        let operation = document["operation"]?.text ?? ""
        guard ["query", "queryAll"].contains(operation), let text = document["query"]?.text else {
            throw BulkFormat.invalid("operation or query")
        }
        let query = try SOQLParser.parse(text)
        let plan = try SOQLPlan(query, schema, includesDeleted: operation == "queryAll")
        guard !plan.isCount, query.offset == nil else {
            throw APIFailure(400, "API_ERROR", "The query is not supported by the Bulk API")
        }
        let format = try BulkFormat(document)
        let ordinals = try plan.ordinals(db)
        return org.exports.add { number in
            ExportJobs.Job(
                number: number, operation: operation, plan: plan, ordinals: ordinals, format: format, userID: userID,
                created: now)
        }
    }

    private func state(of job: ExportJobs.Job) -> String {
        if job.isAborted { return "Aborted" }
        return job.polls < org.options.jobPollsMin ? "InProgress" : "JobComplete"
    }

    /// A piece of the results; each repeats the header. The locator of the next piece is `null` after the last one.
    private func exportResults(of job: ExportJobs.Job, _ request: SimulatorRequest) throws -> SimulatorResponse {
        guard state(of: job) == "JobComplete" else {
            throw APIFailure(400, "INVALIDJOBSTATE", "The results are not available in state \(state(of: job))")
        }
        let start = request.query("locator").flatMap { $0.isEmpty ? 0 : Int($0, radix: 36) } ?? 0
        guard (0...job.ordinals.count).contains(start) else {
            throw APIFailure(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        }
        let asked = request.query("maxRecords").flatMap { Int($0) } ?? RequestHandler.resultRecordsMax
        let end = min(start + max(1, asked), job.ordinals.count)
        var text: [UInt8] = []
        let names = job.plan.columns.map { column in
            column.relationship.map { "\($0).\(column.field.name)" } ?? column.field.name
        }
        append(names, job.format, &text)
        try job.plan.rows(job.ordinals[start..<end], db) { row in
            let values = job.plan.columns.enumerated().map { index, column in
                RecordText.bulkText(row[index + 1], of: column.field, in: column.object)
            }
            append(values, job.format, &text)
        }
        return SimulatorResponse(
            headers: [
                "Content-Type": "text/csv", "Sforce-NumberOfRecords": String(end - start),
                "Sforce-Locator": end < job.ordinals.count ? String(end, radix: 36) : "null",
            ], body: .bytes(text))
    }

    private func append(_ values: [String], _ format: BulkFormat, _ text: inout [UInt8]) {
        for (index, value) in values.enumerated() {
            if index > 0 { text.append(format.delimiter) }
            // Results put every value in quotes.
            text.append(UInt8(ascii: "\""))
            for byte in value.utf8 {
                if byte == UInt8(ascii: "\"") { text.append(byte) }
                text.append(byte)
            }
            text.append(UInt8(ascii: "\""))
        }
        text += format.lineEnding
    }

    private func info(_ job: ExportJobs.Job, state: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("id", job.id.text)
        writer.member("operation", job.operation)
        writer.member("object", job.plan.object.name)
        writer.member("createdById", job.userID)
        writer.member("createdDate", DateTimeText.text(job.created))
        writer.member("systemModstamp", DateTimeText.text(now))
        writer.member("state", state)
        writer.member("concurrencyMode", "Parallel")
        writer.member("contentType", "CSV")
        writer.key("apiVersion")
        writer.raw(api.dropFirst().utf8)
        writer.member("jobType", "V2Query")
        writer.member("lineEnding", job.format.isCRLF ? "CRLF" : "LF")
        writer.member("columnDelimiter", job.format.delimiterName)
        writer.member("numberRecordsProcessed", state == "JobComplete" ? job.ordinals.count : 0)
        writer.member("retries", 0)
        writer.endObject()
        return writer.bytes
    }
}
