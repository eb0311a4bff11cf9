// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Jobs that write the rows of a CSV.
///
/// Source: zoho.com/crm/developer, "Upload a zip file", "Create Bulk Write Job", "Get Bulk Write Job Details" and "Download
/// Bulk Write Result"; zoho/crm-oas, `v8.0/bulk_write.json`.
struct BulkWriteJobs: Sendable {
    private static let attemptsMax = 5
    private static let textBytesMax = 1 << 30

    /// How a job has ended.
    struct End: Sendable {
        var hasFailed: Bool
        /// Where its results are; `nil` = it has none.
        var place: String?
        /// Zoho's code for why a part of it was passed over.
        var code: String?
    }

    let calls: BulkCalls
    let catalog: ZohoCatalog
    let watch: JobWatch
    let clock: any WallClock

    /// Sends the archive and gives the id of the file that it has become. One whose answer was lost does nothing, so it is
    /// simply sent again.
    func upload(_ content: RowContent, _ module: String) async throws -> String {
        let upload = FormUpload(part: "file", fileName: "\(module).zip", content: content)
        let organisation = try await catalog.organisation()
        let answer = try await repeating { try await calls.upload(upload, organisation: organisation) }
        guard let id = answer["details"]?["file_id"]?.text, !id.isEmpty else {
            throw MigratezError(
                .brokenResponse, "the file with rows of \(module) has no id", remedy: .retry(after: nil))
        }
        return id
    }

    /// Begins a job and returns its id.
    ///
    /// - Throws: an error that leaves the fate unknown if the job may be under way all the same.
    func create(_ sheet: BulkSheet, file: String) async throws -> String {
        let resource: JSONValue = [
            "type": "data", "module": ["api_name": .string(sheet.schema.name)], "file_id": .string(file),
            "find_by": .string(sheet.findBy), "field_mappings": sheet.mappings,
        ]
        let body: JSONValue = [
            "operation": sheet.isUpdate ? "update" : "upsert", "ignore_empty": false, "character_encoding": "UTF-8",
            "resource": .array([resource]),
        ]
        let answer = try await calls.post("/write", body, isRepeatable: false)
        guard let id = answer["details"]?["id"]?.text, ZohoID.isID(id) else {
            throw MigratezError(
                .brokenResponse, "a new bulk write of \(sheet.schema.name) has no id", remedy: .retry(after: nil))
        }
        return id
    }

    /// Waits until the job has ended.
    ///
    /// - Returns: `nil` if there is no such job any more.
    func end(of job: String, _ module: String) async throws -> End? {
        do {
            return try await watch.wait("bulk write \(job) of \(module)") { try await look(job) }
        } catch let error as MigratezError where BulkReadJobs.isGone(error) {
            return nil
        }
    }

    private func look(_ job: String) async throws -> End? {
        let described = try await calls.get("/write/\(job)")
        guard let status = described["status"]?.text else {
            throw MigratezError(.brokenResponse, "bulk write \(job) tells no status", remedy: .retry(after: nil))
        }
        // Both spellings of the same are in the documentation.
        guard !["ADDED", "QUEUED", "IN PROGRESS", "INPROGRESS"].contains(status) else { return nil }
        return End(
            hasFailed: status != "COMPLETED", place: described["result"]?["download_url"]?.text,
            code: described["resource"]?[0]?["code"]?.text)
    }

    /// The rows of a result.
    func results(_ end: End, of job: String, row: (BulkResultRow) throws -> Void) async throws {
        guard let place = end.place else { return }
        try await repeating {
            let zip = try ZipReader("the result of bulk write \(job)", bytesMax: Self.textBytesMax)
            var parser = BulkResultParser(job)
            // Nothing is believed before all of it has come.
            var rows: [BulkResultRow] = []
            try await calls.download(place) { bytes in
                try zip.feed(bytes) { try parser.feed($0) { rows.append($0) } }
            }
            try zip.finish()
            try parser.finish { rows.append($0) }
            for found in rows { try row(found) }
        }
    }

    /// What may be done from its beginning any number of times.
    private func repeating<Value>(_ body: () async throws -> Value) async throws -> Value {
        var attempt = 1
        while true {
            do {
                return try await body()
            } catch let error as MigratezError where error.mayPassAnew && attempt < Self.attemptsMax {
                guard case .retry(let wait) = error.remedy else { throw error }
                try await clock.sleep(for: wait ?? .seconds(1 << attempt))
                attempt += 1
            }
        }
    }
}

/// One row of a result: the first columns as they were sent, and what became of it.
struct BulkResultRow {
    enum Status: String { case added = "ADDED", updated = "UPDATED", skipped = "SKIPPED", unprocessed = "UNPROCESSED" }

    var cells: [String: String]

    var status: Status? { cells["STATUS"].flatMap(Status.init) }
    var id: String? { cells["RECORD_ID"].flatMap { ZohoID.isID($0) ? $0 : nil } }

    /// Why the row was passed over: `CODE-Column,Column:CODE-Column`, of which the first code counts.
    var refusal: ZohoRefusal? {
        guard let first = cells["ERRORS"]?.split(separator: ":").first else { return nil }
        let parts = first.split(separator: "-", maxSplits: 1).map(String.init)
        guard let code = parts.first, !code.isEmpty else { return nil }
        // A link's column is named after the field and what it is found by.
        let field = parts.count == 2 ? parts[1].split { $0 == "," || $0 == "." }.first.map(String.init) : nil
        return ZohoRefusal(code: code, field: field)
    }
}

/// Reads a result as it arrives: a line of names, then one line for each row, in no particular order.
private struct BulkResultParser {
    private let job: String
    private var reader = CSVReader(CSVDialect())
    private var row = CSVRow()
    private var names: [String] = []

    init(_ job: String) { self.job = job }

    mutating func feed(_ bytes: [UInt8], row body: (BulkResultRow) -> Void) throws(MigratezError) {
        reader.feed(bytes)
        try drain(body)
    }

    mutating func finish(row body: (BulkResultRow) -> Void) throws(MigratezError) {
        reader.finish()
        try drain(body)
    }

    private mutating func drain(_ body: (BulkResultRow) -> Void) throws(MigratezError) {
        while reader.next(&row) {
            if row.isBlank { continue }
            guard row.problem == nil, names.isEmpty || names.count == row.count else {
                throw MigratezError(
                    .brokenResponse, "the result of bulk write \(job) is not CSV", remedy: .retry(after: nil))
            }
            if names.isEmpty {
                names = row.texts
            } else {
                body(BulkResultRow(cells: Dictionary(zip(names, row.texts), uniquingKeysWith: { first, _ in first })))
            }
        }
    }
}
