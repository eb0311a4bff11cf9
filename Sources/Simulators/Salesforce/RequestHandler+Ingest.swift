// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Dispatch
import MigratezJSON
import MigratezSimulatorKit

/// `jobs/ingest` (crm-apis: Salesforce, section 6).
extension RequestHandler {
    /// 150 MB, counted in base64.
    private static let uploadBytesMax = 150_000_000 / 4 * 3

    func ingest(_ request: SimulatorRequest, _ path: [String]) throws -> SimulatorResponse {
        guard let text = path.first else {
            switch request.method {
            case .post: return .json(info(try createJob(request)))
            case .get: return .json(list())
            default: throw APIFailure.noSuchResource
            }
        }
        guard let id = RecordID(text), id.prefix == RecordID.pack("750"), let job = org.ingest[Int(id.ordinal)] else {
            throw APIFailure(404, "NOT_FOUND", "The requested resource does not exist")
        }
        switch (request.method, path.count, path.count > 1 ? path[1].lowercased() : "") {
        case (.get, 1, _): return .json(info(poll(job)))
        case (.patch, 1, _): return .json(info(try changeState(of: job, request)))
        case (.delete, 1, _):
            guard job.state.isFinal || job.state == .open else { throw RequestHandler.invalidState(job) }
            org.ingest.remove(job.number)
            return .empty()
        case (.put, 2, "batches"): return try upload(request, to: job)
        case (.get, 2, "successfulresults"): return try results(of: job, successful: true)
        case (.get, 2, "failedresults"): return try results(of: job, successful: false)
        case (.get, 2, "unprocessedrecords"): return try unprocessed(of: job)
        default: throw APIFailure.noSuchResource
        }
    }

    private func createJob(_ request: SimulatorRequest) throws -> IngestJob {
        let document = try document(request)
        guard let operation = document["operation"]?.text.flatMap(IngestJob.Operation.init(rawValue:)) else {
            throw BulkFormat.invalid("operation")
        }
        guard let object = document["object"]?.text.flatMap({ schema[$0] }) else {
            throw BulkFormat.invalid("object")
        }
        guard object.isBulkLoadable else {
            throw APIFailure(400, "INVALIDENTITY", "Entity '\(object.name)' is not supported by the Bulk API.")
        }
        let key = document["externalIdFieldName"]?.text
        if operation == .upsert {
            guard let key, let field = object.field(key), field.isIDLookup else {
                throw BulkFormat.invalid("externalIdFieldName")
            }
        }
        let format = try BulkFormat(document)
        return org.ingest.add { number in
            IngestJob(
                number: number, operation: operation, object: object.name, externalIDField: key, format: format,
                userID: userID, created: now, modified: now)
        }
    }

    /// One upload for each job.
    private func upload(_ request: SimulatorRequest, to job: IngestJob) throws -> SimulatorResponse {
        guard request.body.count <= RequestHandler.uploadBytesMax else {
            throw APIFailure(413, "EXCEEDED_MAX_SIZE_REQUEST", "The upload exceeds the size limit")
        }
        let isAccepted = org.ingest.change(job.number) { job in
            guard job.state == .open, job.upload == nil else { return false }
            job.upload = request.body
            return true
        }
        guard isAccepted == true else { throw RequestHandler.invalidState(job) }
        return .empty(status: 201)
    }

    private func changeState(of job: IngestJob, _ request: SimulatorRequest) throws -> IngestJob {
        let wanted = try document(request)["state"]?.text.flatMap(IngestJob.State.init(rawValue:))
        let changed = org.ingest.change(job.number) { job -> IngestJob? in
            switch (job.state, wanted) {
            case (.open, .uploadComplete): job.state = job.upload == nil ? .failed : .uploadComplete
            case (.open, .aborted), (.uploadComplete, .aborted), (.inProgress, .aborted): job.state = .aborted
            default: return nil
            }
            if job.upload == nil, job.state == .failed { job.errorMessage = "InvalidBatch : nothing was uploaded" }
            job.modified = now
            return job
        }
        guard let changed, let changed else { throw RequestHandler.invalidState(job) }
        if changed.state == .uploadComplete {
            org.background.async { [org] in
                let started = org.ingest.change(changed.number) { job -> IngestJob? in
                    guard job.state == .uploadComplete else { return nil }
                    job.state = .inProgress
                    return job
                }
                if let started, let job = started { IngestWork(org: org, job: job).run() }
            }
        }
        return changed
    }

    /// A job is not said to be complete before it was asked a few times, so that nobody gets by without asking.
    private func poll(_ job: IngestJob) -> IngestJob {
        let least = org.options.jobPollsMin
        return org.ingest.change(job.number) { job in
            guard job.state != .open else { return job }
            job.polls += 1
            var shown = job
            if job.polls < least, job.state.isFinal, job.state != .aborted { shown.state = .inProgress }
            return shown
        } ?? job
    }

    /// Results come in an order of their own, the same for the same seed.
    private func results(of job: IngestJob, successful: Bool) throws -> SimulatorResponse {
        guard job.state.isFinal else { throw RequestHandler.invalidState(job) }
        var random = SeededRandom(seed: org.options.seed ^ UInt64(job.number))
        let outcomes = job.outcomes.filter { ($0.result.failure == nil) == successful }.shuffled(using: &random)
        let delimiter = job.format.delimiter
        var text = Array("\"sf__Id\"".utf8)
        text.append(delimiter)
        text += Array((successful ? "\"sf__Created\"" : "\"sf__Error\"").utf8)
        append(job.header, of: job, to: &text)
        for outcome in outcomes {
            CSVText.append(outcome.result.id?.text ?? "", delimiter: delimiter, to: &text)
            text.append(delimiter)
            CSVText.append(
                outcome.result.failure?.bulkText ?? (outcome.result.isCreated ? "true" : "false"), delimiter: delimiter,
                to: &text)
            append(outcome.range, of: job, to: &text)
        }
        return SimulatorResponse(headers: ["Content-Type": "text/csv"], body: .bytes(text))
    }

    private func unprocessed(of job: IngestJob) throws -> SimulatorResponse {
        guard job.state.isFinal else { throw RequestHandler.invalidState(job) }
        guard let upload = job.upload else { return SimulatorResponse(headers: ["Content-Type": "text/csv"]) }
        var text: [UInt8] = []
        for range in [job.header] + job.unprocessed where !range.isEmpty {
            text += upload[range] + job.format.lineEnding
        }
        return SimulatorResponse(headers: ["Content-Type": "text/csv"], body: .bytes(text))
    }

    /// The columns of the upload as they came, after the two of the result.
    private func append(_ range: Range<Int>, of job: IngestJob, to text: inout [UInt8]) {
        if let upload = job.upload, !range.isEmpty {
            text.append(job.format.delimiter)
            text += upload[range]
        }
        text += job.format.lineEnding
    }

    private func info(_ job: IngestJob) -> [UInt8] {
        var writer = JSONWriter()
        write(job, &writer)
        return writer.bytes
    }

    private func list() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("done", true)
        writer.key("records")
        writer.beginArray()
        for job in org.ingest.all { write(job, &writer) }
        writer.endArray()
        writer.member("nextRecordsUrl", nil)
        writer.endObject()
        return writer.bytes
    }

    private func write(_ job: IngestJob, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", job.id.text)
        writer.member("operation", job.operation.rawValue)
        writer.member("object", job.object)
        writer.member("createdById", job.userID)
        writer.member("createdDate", DateTimeText.text(job.created))
        writer.member("systemModstamp", DateTimeText.text(job.modified))
        writer.member("state", job.state.rawValue)
        if let key = job.externalIDField { writer.member("externalIdFieldName", key) }
        writer.member("concurrencyMode", "Parallel")
        writer.member("contentType", "CSV")
        writer.key("apiVersion")
        writer.raw(api.dropFirst().utf8)
        writer.member("jobType", "V2Ingest")
        if job.state == .open { writer.member("contentUrl", "services/data/\(api)/jobs/ingest/\(job.id.text)/batches") }
        writer.member("lineEnding", job.format.isCRLF ? "CRLF" : "LF")
        writer.member("columnDelimiter", job.format.delimiterName)
        writer.member("retries", 0)
        writer.member("numberRecordsProcessed", job.outcomes.count)
        writer.member("numberRecordsFailed", job.failures)
        if let message = job.errorMessage { writer.member("errorMessage", message) }
        writer.endObject()
    }

    private static func invalidState(_ job: IngestJob) -> APIFailure {
        APIFailure(400, "INVALIDJOBSTATE", "The job is in state \(job.state.rawValue), which does not allow this")
    }
}
