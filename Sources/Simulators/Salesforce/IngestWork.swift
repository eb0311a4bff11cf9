// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezModel

/// Works on one ingest job, in slices, so that other requests get their turn; a row that is refused concerns no other.
struct IngestWork {
    /// Rows of a slice, written in one transaction; the platform's triggers see as many.
    private static let sliceRows = 200

    private enum Column {
        case id
        case field(Int)
        case lookup(field: Int, target: ObjectDefinition, key: FieldDefinition)
    }

    private let org: Org
    private let job: IngestJob
    private let schema: OrgSchema

    init(org: Org, job: IngestJob) {
        self.org = org
        self.job = job
        schema = org.store.schema
    }

    /// Returns when the job is complete, has failed, or was aborted.
    func run() {
        defer { org.locks.release(job: job.number) }
        guard let object = schema[job.object], let upload = job.upload else { return }
        var text = CSVText(upload, delimiter: job.format.delimiter, isCRLF: job.format.isCRLF)
        let columns: [Column]
        do {
            guard let header = try text.next() else { return finish(.failed, "InvalidBatch : The upload is empty") }
            change { $0.header = header.range }
            columns = try header.values.map { try column($0, of: object) }
            try checkKey(columns, object)
        } catch {
            remember(rest: &text)
            return finish(.failed, message(for: error))
        }
        var locks = org.locks.watch(job: job.number)
        while true {
            guard org.ingest[job.number]?.state == .inProgress else { return remember(rest: &text) }
            var records: [CSVText.Record] = []
            var failure: (any Error)?
            do {
                while records.count < IngestWork.sliceRows, let record = try text.next() { records.append(record) }
            } catch {
                failure = error
            }
            if !records.isEmpty {
                guard let outcomes = write(records, columns, object, &locks) else {
                    change { $0.unprocessed += records.map(\.range) }
                    remember(rest: &text)
                    return finish(.failed, "InternalServerError : the slice could not be written")
                }
                change { job in
                    job.outcomes += outcomes
                    job.failures += outcomes.count { $0.result.failure != nil }
                }
            }
            if let failure { return finish(.failed, message(for: failure)) }
            if records.isEmpty { return finish(.jobComplete, nil) }
        }
    }

    private func write(
        _ records: [CSVText.Record], _ columns: [Column], _ object: ObjectDefinition, _ locks: inout LockWatch
    ) -> [IngestJob.Outcome]? {
        var drafts = records.map { draft($0, columns, object) }
        let key = job.operation == .upsert ? job.externalIDField.flatMap { object.index(of: $0) } : nil
        if let key { RepeatedKeys.refuse(&drafts, by: key, of: object) }
        let context = RowWriter.Context(now: org.clock.now.milliseconds, userID: job.userID)
        return try? org.store.queue.write { [locksBefore = locks] db in
            var writer = RowWriter(db, store: org.store, options: org.options, context: context, locks: locksBefore)
            var outcomes: [IngestJob.Outcome] = []
            outcomes.reserveCapacity(records.count)
            for (record, draft) in zip(records, drafts) {
                outcomes.append(
                    IngestJob.Outcome(range: record.range, result: try perform(draft, key, object, &writer)))
            }
            locks = writer.locks
            return outcomes
        }
    }

    private func perform(
        _ draft: RowDraft, _ key: Int?, _ object: ObjectDefinition, _ writer: inout RowWriter
    ) throws -> RowResult {
        do {
            switch job.operation {
            case .insert: return RowResult(id: try writer.insert(draft, into: object), isCreated: true)
            case .update: return RowResult(id: try writer.update(draft.id, with: draft, in: object))
            case .upsert:
                let (id, isCreated) = try writer.upsert(draft, by: key ?? 0, in: object)
                return RowResult(id: id, isCreated: isCreated)
            case .delete, .hardDelete:
                guard let id = draft.id else { throw RowFailure("MISSING_ARGUMENT", "Id not specified") }
                try job.operation == .delete ? writer.delete(id, of: object) : writer.deleteForGood(id, of: object)
                return RowResult(id: RecordID(id))
            }
        } catch let failure as RowFailure {
            return RowResult(id: draft.id.flatMap { RecordID($0) }, failure: failure)
        }
    }

    /// A header: a field, or `Account.Ext__c`, or `Contact:Who.Ext__c`.
    private func column(_ name: String, of object: ObjectDefinition) throws(APIFailure) -> Column {
        let unknown = BulkFormat.invalid("InvalidBatch : Field name not found : \(name)")
        if let index = object.index(of: name) { return object.fields[index].kind == .id ? .id : .field(index) }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { throw unknown }
        let ends = parts[0].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard let index = object.index(ofRelationship: ends.last ?? ""), ends.count <= 2,
            let target = RowDraft.target(of: object.fields[index], type: ends.count == 2 ? ends[0] : nil, schema),
            let key = target.field(parts[1]), key.isIDLookup
        else { throw unknown }
        return .lookup(field: index, target: target, key: key)
    }

    private func checkKey(_ columns: [Column], _ object: ObjectDefinition) throws(APIFailure) {
        let hasID = columns.contains { if case .id = $0 { true } else { false } }
        switch job.operation {
        case .insert:
            if hasID { throw BulkFormat.invalid("InvalidBatch : Id cannot be specified in an insert") }
        case .update, .delete, .hardDelete:
            if !hasID { throw BulkFormat.invalid("InvalidBatch : Field name not found : Id") }
        case .upsert:
            let key = job.externalIDField.flatMap { object.index(of: $0) }
            let hasKey = columns.contains { if case .field(let index) = $0 { index == key } else { false } }
            if !hasKey, !(hasID && key == 0) {
                throw BulkFormat.invalid("InvalidBatch : Field name not found : \(job.externalIDField ?? "")")
            }
        }
    }

    /// An empty value leaves the field as it is, `#N/A` makes it null.
    private func draft(_ record: CSVText.Record, _ columns: [Column], _ object: ObjectDefinition) -> RowDraft {
        var draft = RowDraft()
        guard record.values.count == columns.count else {
            draft.fail(RowFailure("INVALID_CSV", "the row has another number of columns than the header"))
            return draft
        }
        for (column, value) in zip(columns, record.values) where !value.isEmpty {
            switch column {
            case .id: draft.id = value
            case .field(let index):
                guard value != "#N/A" else {
                    draft.values.append((index, .null))
                    continue
                }
                if let value = converted(value, object.fields[index], &draft) { draft.values.append((index, value)) }
            case .lookup(let index, let target, let key):
                guard value != "#N/A" else {
                    draft.values.append((index, .null))
                    continue
                }
                if let value = converted(value, key, &draft) { draft.addLookup(index, target, key, value) }
            }
        }
        return draft
    }

    private func converted(_ text: String, _ field: FieldDefinition, _ draft: inout RowDraft) -> DatabaseValue? {
        switch field.converted(text) {
        case .value(let value): return value
        case .failure(let failure): draft.fail(failure)
        case .mismatch:
            draft.fail(
                RowFailure(
                    "INVALID_TYPE_ON_FIELD_IN_RECORD", "\(field.label): value not of required type: \(text)",
                    fields: [field.name]))
        }
        return nil
    }

    private func message(for error: any Error) -> String {
        switch error {
        case let failure as APIFailure: return String(failure.message.dropFirst("Invalid job: ".count))
        case CSVText.Failure.wrongLineEnding:
            return
                "LineEnding is invalid on user data. Current LineEnding setting is \(job.format.isCRLF ? "CRLF" : "LF")"
        default: return "InvalidBatch : Failed to parse CSV"
        }
    }

    /// What was not reached stays as it came.
    private func remember(rest text: inout CSVText) {
        var rest: [Range<Int>] = []
        while let record = try? text.next() { rest.append(record.range) }
        change { $0.unprocessed += rest }
    }

    private func finish(_ state: IngestJob.State, _ message: String?) {
        change { job in
            if job.state == .inProgress { job.state = state }
            job.errorMessage = message
        }
    }

    private func change(_ body: (inout IngestJob) -> Void) {
        let now = org.clock.now.milliseconds
        _ = org.ingest.change(job.number) { job in
            body(&job)
            job.modified = now
        }
    }
}
