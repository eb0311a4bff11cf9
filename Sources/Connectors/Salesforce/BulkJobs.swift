// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezJSON
import MigratezModel
import MigratezTransport

/// The calls of Bulk API 2.0 ingest.
///
/// Source: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Ingest".
struct BulkJobs: Sendable {
    /// The three lists of a finished job.
    enum ResultList: String, Sendable, CaseIterable {
        case successful = "successfulResults"
        case failed = "failedResults"
        case unprocessed = "unprocessedrecords"
    }

    let api: SalesforceAPI
    private let watch: BulkJobWatch

    init(api: SalesforceAPI, clock: any WallClock) {
        self.api = api
        watch = BulkJobWatch(api: api, kind: .ingest, clock: clock)
    }

    /// How the job stands; `nil` if there is no such job any more.
    func status(_ job: String) async throws -> BulkJobStatus? { try await watch.status(job) }

    /// Waits until nothing more will happen to the job.
    func wait(_ job: String) async throws -> BulkJobStatus? { try await watch.wait(job) }

    /// Creates a job and returns its id; a job without rows does nothing.
    func create(_ request: CollectionRequest) async throws -> String {
        var body: [JSONValue.Member] = [
            .init("object", .string(request.object)), .init("operation", .string(request.operation.rawValue)),
            .init("contentType", "CSV"), .init("lineEnding", "LF"), .init("columnDelimiter", "COMMA"),
        ]
        if request.operation == .upsert {
            body.append(.init("externalIdFieldName", .string(request.stampField ?? "Id")))
        }
        let answer = try await api.json(
            .post, "/jobs/ingest", body: .object(body), endpointClass: "bulk", isIdempotent: true)
        guard let id = answer["id"]?.text, SalesforceID.isID(id) else {
            throw MigratezError(.brokenResponse, "a new bulk job has no id", remedy: .retry(after: nil))
        }
        return id
    }

    /// Sends the rows; a job takes one upload only, so that a failed one means a new job.
    func upload(_ table: BulkTable, to job: String) async throws {
        let upload = BulkUpload(table)
        _ = try await api.send(
            api.request(
                .put, "/jobs/ingest/\(job)/batches", contentType: "text/csv",
                body: .stream(length: table.byteCount) { upload.next() }, endpointClass: "bulk", isIdempotent: false,
                deadline: .seconds(1800)))
    }

    /// Lets the platform begin. A lost answer is settled by looking at the job.
    func start(_ job: String) async throws {
        do {
            _ = try await setState("UploadComplete", job)
        } catch let error as MigratezError where error.mayPassAnew {
            guard try await status(job)?.state == .open else { return }
            _ = try await setState("UploadComplete", job)
        }
    }

    private func setState(_ state: String, _ job: String) async throws -> JSONValue {
        try await api.json(
            .patch, "/jobs/ingest/\(job)", body: ["state": .string(state)], endpointClass: "bulk", isIdempotent: false)
    }

    /// The rows of one list of results, as they arrive.
    ///
    /// - Parameter row: gets the value of a column by its name, in lower case.
    func results(_ list: ResultList, of job: String, row: (BulkResultRow) throws -> Void) async throws {
        var parser = BulkResultParser()
        let path = "/jobs/ingest/\(job)/\(list.rawValue)" + (list == .unprocessed ? "" : "/")
        let request = api.request(
            .get, path, accept: "text/csv", endpointClass: "bulk", deadline: .seconds(1800), responseBytesMax: .GiB(1))
        var status = 0
        var refusal: [UInt8] = []
        try await api.http.stream(request) { head in
            // A repeated request begins anew.
            parser = BulkResultParser()
            status = head.status
        } chunk: { bytes in
            if (200..<300).contains(status) {
                try parser.feed(bytes, row: row)
            } else if refusal.count < 64 << 10 {
                refusal += bytes
            }
        }
        guard (200..<300).contains(status) else { throw SalesforceAPI.error(status, refusal, of: request) }
        try parser.finish(row: row)
    }

    /// Removes a job and its data from the org. A job that is still open is aborted first.
    func discard(_ job: String) async throws {
        if try await status(job)?.state.isFinal == false { _ = try await setState("Aborted", job) }
        do {
            _ = try await api.send(api.request(.delete, "/jobs/ingest/\(job)", endpointClass: "bulk"))
        } catch let error as MigratezError where error.callRefused?.status == 404 {
            return
        }
    }
}
