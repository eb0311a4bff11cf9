// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Writes rows by bulk jobs, and hands on to calls what a job cannot carry, is not worth one, or left over.
///
/// A job meets a record by our key or by its id, so that a second one does no harm: one whose answer was lost is begun again.
/// What it finds then, and what was made since the first one was sent, counts as created. The ids of jobs are noted before
/// they are waited for: after a crash a job tells what it did for a day. Then, and where a crash came before its id was known,
/// the records are looked up by key.
struct BulkWriter: Sendable {
    private static let notePrefix = "bulk"
    /// Jobs that are begun for the same rows because the answer was lost.
    private static let attemptsMax = 4
    /// Codes for what may pass, or be settled, by a call of its own.
    private static let passing: Set = ["CANNOT_PROCESS", "RECORD_LOCKED", "LIMIT_EXCEEDED", "INTERNAL_ERROR"]

    let calls: RowWriter
    let jobs: BulkWriteJobs
    let reader: RecordReader
    /// Fewer rows of one shape than this go by calls.
    let rowsMin: Int

    private var schema: ObjectSchema { calls.schema }
    private var clock: any WallClock { calls.clock }

    /// Writes the rows; each has a receipt at the end, in no particular order.
    func write(_ rows: [Batch.Row], intent: any WriteIntent) async throws -> [Receipt] {
        guard let keyField = calls.keyField, schema.field(keyField)?.isUnique == true else {
            // It says what is missing.
            return try await calls.write(rows)
        }
        var others: [Batch.Row] = []
        var shapes: [[String]: [Batch.Row]] = [:]
        for row in rows {
            guard RowBatch.objection(to: row, schema) == nil, BulkSheet.carries(row, schema) else {
                others.append(row)
                continue
            }
            shapes[[row.targetID == nil ? "" : ZohoModule.id] + BulkSheet.fields(of: row), default: []].append(row)
        }
        var receipts: [Receipt] = []
        var noted: [String] = []
        for (_, rows) in shapes.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            guard rows.count >= rowsMin else {
                others += rows
                continue
            }
            var rest = rows[...]
            while !rest.isEmpty {
                try Task.checkCancellation()
                let part = BulkSheet(rest.prefix(BulkSheet.rowsMax), schema, keyField: keyField)
                let (content, count) = try part.archive()
                let sheet = BulkSheet(rest.prefix(count), schema, keyField: keyField)
                rest = rest.dropFirst(count)
                let (found, again) = try await run(sheet, content, &noted, intent)
                receipts += found
                others += again
            }
        }
        return try await receipts + calls.write(others)
    }

    /// One job from the upload to its results.
    ///
    /// - Returns: receipts, and the rows that are to be written by calls.
    private func run(
        _ sheet: BulkSheet, _ content: RowContent, _ noted: inout [String], _ intent: any WriteIntent
    ) async throws -> (receipts: [Receipt], again: [Batch.Row]) {
        let file = try await jobs.upload(content, schema.name)
        let started = clock.now
        var attempt = 1
        var job: String?
        while job == nil {
            do {
                job = try await jobs.create(sheet, file: file)
            } catch let error as MigratezError where error.leavesFateUnknown && attempt < Self.attemptsMax {
                try await clock.sleep(for: .seconds(1 << attempt))
                attempt += 1
            }
        }
        guard let job else { return ([], Array(sheet.rows)) }
        noted.append(job)
        try await intent.note(([Self.notePrefix] + noted).joined(separator: " "))
        guard let end = try await jobs.end(of: job, schema.name) else {
            throw MigratezError(
                .brokenResponse, "bulk write \(job) of \(schema.name) is gone before its results were read",
                remedy: .retry(after: nil))
        }
        if end.hasFailed, end.place == nil { throw failure(job, end) }
        var outcome = BulkOutcome(sheet.rows, schema, sheet.keyField, passing: Self.passing)
        try await jobs.results(end, of: job) { try outcome.take($0) }
        let again = sheet.rows.filter { outcome.receipts[$0.key] == nil }
        guard attempt > 1 else { return (Array(outcome.receipts.values), again) }
        // The rows that go by calls meet what the lost job made as well.
        let receipts = try await Array(outcome.receipts.values) + calls.write(again)
        return (try await credited(receipts, sheet, since: started), [])
    }

    private func failure(_ job: String, _ end: BulkWriteJobs.End) -> MigratezError {
        let code = end.code.flatMap { VendorErrorTable.zoho.known($0)?.vendorCode }
        return MigratezError(
            .requestRefused, "bulk write \(job) of \(schema.name) failed as a whole" + (code.map { " (\($0))" } ?? ""),
            remedy: .fixConfiguration, hint: "look at it in Zoho's import history, or load with load.api: records")
    }

    /// Records that were met and had been made since then count as created: an earlier job of the same rows was lost. Clocks
    /// that differ by five minutes are allowed for.
    private func credited(_ receipts: [Receipt], _ sheet: BulkSheet, since: Timestamp) async throws -> [Receipt] {
        guard !sheet.isUpdate, let text = ZohoTime.text(since.advanced(by: .seconds(-300)).description) else {
            return receipts
        }
        let made = try await reader.ids(of: schema.name, madeSince: text)
        return receipts.map { receipt in
            guard case .updated(let id) = receipt.result, made.contains(id) else { return receipt }
            return Receipt(key: receipt.key, result: .created(id: id))
        }
    }

    // MARK: After a crash

    /// Whether a note is of jobs.
    static func isNote(_ note: String?) -> Bool { note?.hasPrefix(notePrefix + " ") == true }

    /// What became of rows whose write was cut off, as far as the jobs in the note and the records there tell.
    func resolve(_ rows: [Batch.Row], note: String?) async throws -> [Receipt] {
        var outcome = BulkOutcome(rows[...], schema, calls.keyField ?? "", passing: Self.passing, isPartial: true)
        for job in (note ?? "").split(separator: " ").dropFirst().map(String.init) where ZohoID.isID(job) {
            guard let end = try await jobs.end(of: job, schema.name) else { continue }
            do {
                try await jobs.results(end, of: job) { try outcome.take($0) }
            } catch let error as MigratezError where BulkReadJobs.isGone(error) {
                // The results are kept for a day; the records tell the rest.
            }
        }
        let open = rows.filter { outcome.receipts[$0.key] == nil && $0.targetID == nil }.map(\.key)
        let ids = try await reader.ids(ofKeys: open, in: schema.name)
        return Array(outcome.receipts.values)
            + open.compactMap { key in ids[key].map { Receipt(key: key, result: .created(id: $0)) } }
    }
}

/// What a job did, joined to the rows by our key.
private struct BulkOutcome {
    private let rows: [String: Batch.Row]
    private let schema: ObjectSchema
    private let keyField: String
    private let passing: Set<String>
    private let isPartial: Bool
    /// By key; a row without one was not come to, or may be settled by a call.
    private(set) var receipts: [String: Receipt] = [:]

    /// - Parameter isPartial: the job may have carried rows that are not among these.
    init(
        _ rows: ArraySlice<Batch.Row>, _ schema: ObjectSchema, _ keyField: String, passing: Set<String>,
        isPartial: Bool = false
    ) {
        self.rows = Dictionary(rows.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
        self.schema = schema
        self.keyField = keyField
        self.passing = passing
        self.isPartial = isPartial
    }

    mutating func take(_ found: BulkResultRow) throws(MigratezError) {
        guard let key = found.cells[keyField], let row = rows[key] else {
            if isPartial { return }
            throw MigratezError(
                .brokenResponse, "a bulk write of \(schema.name) tells of a row that it was not given", remedy: .stop)
        }
        switch found.status {
        case .added?:
            guard let id = found.id else { return }
            receipts[key] = Receipt(key: key, result: .created(id: id))
        case .updated?:
            guard let id = found.id ?? row.targetID else { return }
            receipts[key] = Receipt(key: key, result: .updated(id: id))
        case .skipped?:
            // Of two jobs for the same rows, one may have been the first to make a record.
            guard let refusal = found.refusal, !passing.contains(refusal.code),
                refusal.code != "DUPLICATE_DATA" || refusal.field != keyField
            else { return }
            receipts[key] = Receipt(key: key, result: .rejected(rejection(refusal, row)))
        case .unprocessed?, nil: return
        }
    }

    /// A result names code and column only: what is too long is told by the row.
    private func rejection(_ refusal: ZohoRefusal, _ row: Batch.Row) -> Rejection {
        var rejection = refusal.rejection(schema)
        if refusal.code == "RESOURCE_NOT_FOUND" { rejection.code = .recordDeleted }
        guard let name = refusal.field, let lengthMax = schema.field(name)?.lengthMax else { return rejection }
        let value = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }[name]?.text ?? ""
        if refusal.code == "INVALID_DATA", value.count > lengthMax { rejection.code = .tooLong }
        return rejection
    }
}
