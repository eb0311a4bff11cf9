// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Writes rows through Bulk API 2.0 jobs, and hands on to collections what a job cannot carry or left over.
///
/// What survives a crash: the ids of the jobs are noted in the intent before any row is uploaded. A job that was not
/// started wrote nothing; one that was started tells what it did for seven days. If it was read and removed already, the
/// rows are looked up by key.
struct BulkWriter: Sendable {
    /// Fewer rows than this go by collections: a job takes at least seven calls.
    static let rowsMin = 400
    /// Uploads of one set of rows.
    static let uploadsMax = 4
    /// What a note begins with.
    static let notePrefix = "bulk2:"

    let collections: CollectionWriter
    let jobs: BulkJobs

    init(collections: CollectionWriter) {
        self.collections = collections
        jobs = BulkJobs(api: collections.api, clock: collections.clock)
    }

    /// Writes the rows; each has a receipt at the end.
    func write(_ rows: [Batch.Row], object: String, intent: any WriteIntent) async throws -> [Receipt] {
        let metadata = try await collections.catalog.metadata(of: object)
        let groups = WriteGroups(rows, metadata: metadata)
        let log = JobLog(intent)
        var receipts: [Receipt] = []
        for (operation, rows) in [
            (WriteOperation.insert, groups.inserts), (.update, groups.updates), (.upsert, groups.upserts),
        ] where !rows.isEmpty {
            let request = collections.request(object, operation, metadata)
            let carried = rows.count < Self.rowsMin ? [] : rows.filter(BulkTable.carries)
            let others = carried.isEmpty ? rows : rows.filter { !BulkTable.carries($0) }
            receipts += try await collections.write(others, object: object)
            receipts += try await write(carried, request, log)
        }
        return receipts
    }

    /// One operation: a job, a second one for rows that the first did not come to, collections for the rest.
    private func write(_ rows: [Batch.Row], _ request: CollectionRequest, _ log: JobLog) async throws -> [Receipt] {
        guard !rows.isEmpty else { return [] }
        var receipts: [Receipt] = []
        var again: [Batch.Row] = []
        var waiting = collections.settings.sortsByParent ? rows.sortedByParent() : rows
        for attempt in 1...2 where !waiting.isEmpty {
            let table = try await table(waiting, request, style: collections.settings.references)
            let answers = try await run(table, request, log)
            waiting = []
            var present: [Batch.Row] = []
            for (row, answer) in zip(table.rows, answers) {
                switch answer {
                case nil where attempt == 1: waiting.append(row)
                case nil:
                    let rejection = Rejection(.serverFailed, remedy: .retry(after: nil), vendorCode: "UNPROCESSED")
                    receipts.append(Receipt(key: row.key, result: .rejected(rejection)))
                case .refused(let refusals)?
                where request.stampField == nil && CollectionWriter.isPresentLink(refusals):
                    present.append(row)
                case .refused(let refusals)? where mayPassAlone(refusals, request): again.append(row)
                case .some(let answer): receipts.append(CollectionWriter.receipt(row, answer))
                }
            }
            receipts += try await collections.presentLinks(present, object: request.object)
        }
        // Rows that met a lock, whose parent is not known there by key, or that exist already: collections settle these
        // in small calls and know how.
        receipts += try await collections.write(again, object: request.object)
        return receipts
    }

    /// Whether the same row may be written by collections.
    private func mayPassAlone(_ refusals: [SalesforceRefusal], _ request: CollectionRequest) -> Bool {
        refusals.nameLock || refusals.contains(where: \.namesUnknownParent)
            || (request.operation == .upsert && CollectionWriter.repeatsFixedFields(refusals))
            || (request.operation == .insert && request.stampField != nil && collections.isOurDuplicate(refusals))
    }

    private func table(
        _ rows: [Batch.Row], _ request: CollectionRequest, style: SalesforceSettings.ReferenceStyle
    ) async throws -> BulkTable {
        let references = try await collections.catalog.references(
            of: rows, object: request.object, style: style, stampField: collections.settings.stampField)
        return BulkTable(rows, request, references: references)
    }

    /// One job from its creation to its removal; the answers are in the order of the table's rows.
    private func run(_ table: BulkTable, _ request: CollectionRequest, _ log: JobLog) async throws -> [RowAnswer?] {
        let job = try await upload(table, request, log)
        try await jobs.start(job)
        guard let status = try await jobs.wait(job) else {
            throw MigratezError(.brokenResponse, "bulk job \(job) is gone before its results were read")
        }
        let answers = try await answers(of: job, table)
        await remove(job)
        if status.state == .failed, answers.allSatisfy({ $0 == nil }) {
            throw Self.failure(status, job: job, object: request.object)
        }
        return answers
    }

    /// Creates a job and fills it; a job whose upload broke off is thrown away, since it takes one upload only.
    private func upload(_ table: BulkTable, _ request: CollectionRequest, _ log: JobLog) async throws -> String {
        var attempt = 1
        while true {
            let job = try await jobs.create(request)
            try await log.add(job)
            do {
                try await jobs.upload(table, to: job)
                return job
            } catch let error as MigratezError where error.mayPassAnew {
                await remove(job)
                guard attempt < Self.uploadsMax else { throw error }
                try await collections.clock.sleep(for: .seconds(1 << attempt))
                attempt += 1
            }
        }
    }

    /// Reads what the job says of each row.
    private func answers(of job: String, _ table: BulkTable) async throws -> [RowAnswer?] {
        var attempt = 1
        while true {
            var outcome = BulkOutcome(table)
            do {
                for list in [BulkJobs.ResultList.successful, .failed] {
                    try await jobs.results(list, of: job) { line in try outcome.take(line, from: list) }
                }
                return outcome.answers
            } catch let error as MigratezError where error.mayPassAnew {
                // Lists can be read any number of times; what broke off is read anew from the start.
                guard attempt < Self.uploadsMax else { throw error }
                try await collections.clock.sleep(for: .seconds(1 << attempt))
                attempt += 1
            }
        }
    }

    /// Removes a job with its data. That it may stay behind for seven days must not cost the receipts.
    private func remove(_ job: String) async {
        do { try await jobs.discard(job) } catch { return }
    }

    /// What became of rows whose write was cut off, as far as the jobs in `note` and the records there tell.
    func resolve(_ rows: [Batch.Row], object: String, note: String?) async throws -> [Receipt] {
        let metadata = try await collections.catalog.metadata(of: object)
        let groups = WriteGroups(rows, metadata: metadata)
        var receipts: [String: Receipt] = [:]
        for job in JobLog.jobs(in: note) {
            guard let status = try await jobs.status(job) else { continue }
            guard status.state != .open else {
                await remove(job)
                continue
            }
            _ = try await jobs.wait(job)
            for (operation, rows) in [
                (WriteOperation.insert, groups.inserts), (.update, groups.updates), (.upsert, groups.upserts),
            ] where !rows.isEmpty {
                try await collect(job, rows, collections.request(object, operation, metadata), &receipts)
            }
            await remove(job)
        }
        let open = rows.filter { receipts[$0.key] == nil && $0.targetID == nil }
        for receipt in try await lookUp(open, object: object, hasStamp: metadata.hasStamp) {
            receipts[receipt.key] = receipt
        }
        return rows.compactMap { receipts[$0.key] }
    }

    /// Takes from a job what it says of these rows; it may have carried other rows of the batch.
    private func collect(
        _ job: String, _ rows: [Batch.Row], _ request: CollectionRequest, _ receipts: inout [String: Receipt]
    ) async throws {
        let table = try await table(rows, request, style: collections.settings.references)
        var outcome = BulkOutcome(table)
        for list in [BulkJobs.ResultList.successful, .failed] {
            try await jobs.results(list, of: job) { line in try outcome.take(line, from: list, isPartial: true) }
        }
        for (row, answer) in zip(rows, outcome.answers) {
            switch answer {
            case nil: continue
            case .refused(let refusals)? where mayPassAlone(refusals, request): continue
            case .refused(let refusals)? where request.stampField == nil && CollectionWriter.isPresentLink(refusals):
                continue
            case .some(let answer): receipts[row.key] = CollectionWriter.receipt(row, answer)
            }
        }
    }

    /// The rows that are there, by key or by what they link.
    private func lookUp(_ rows: [Batch.Row], object: String, hasStamp: Bool) async throws -> [Receipt] {
        guard !rows.isEmpty else { return [] }
        let lookup = RecordLookup(api: collections.api, stampField: collections.settings.stampField)
        guard hasStamp else {
            return try await lookup.links(rows, object: object).map { Receipt(key: $0, result: .created(id: $1)) }
        }
        return try await lookup.stamped(rows.map(\.key), object: object).map {
            Receipt(key: $0, result: .created(id: $1.id))
        }
    }

    /// Why a whole job failed. `InvalidBatch : Field name not found : Foo__c` → our words and the field's name.
    static func failure(_ status: BulkJobStatus, job: String, object: String) -> MigratezError {
        let parts = status.errorMessage.split(separator: ":").map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        let vendorCode = parts.first.map { $0.uppercased() } ?? ""
        let isCode = vendorCode.count > 3 && vendorCode.allSatisfy { ($0 >= "A" && $0 <= "Z") || $0 == "_" }
        let rule = VendorErrorTable.salesforce.rule(for: isCode ? vendorCode : "INVALIDBATCH")
        let field = parts.dropFirst().last.flatMap { SOQL.isName($0) && !$0.contains(" ") ? $0 : nil }
        return MigratezError(
            rule.code == .ruleViolated ? .requestRefused : rule.code,
            "bulk job \(job) for \(object) failed as a whole\(isCode ? " (\(vendorCode))" : "")",
            remedy: rule.remedy == .rejectRecord || rule.isOfLock ? .fixConfiguration : rule.remedy,
            hint: field.map { "look at the field \($0) of \(object)" })
    }
}

/// The jobs of one write, noted in its intent before they are given rows.
actor JobLog {
    private let intent: any WriteIntent
    private var ids: [String] = []

    init(_ intent: any WriteIntent) { self.intent = intent }

    /// Makes the job's id durable.
    func add(_ job: String) async throws {
        ids.append(job)
        try await intent.note(BulkWriter.notePrefix + ids.joined(separator: ","))
    }

    /// The job ids in a note; none if it is not one of ours.
    static func jobs(in note: String?) -> [String] {
        guard let note, note.hasPrefix(BulkWriter.notePrefix) else { return [] }
        return note.dropFirst(BulkWriter.notePrefix.count).split(separator: ",").map(String.init)
            .filter(SalesforceID.isID)
    }
}
