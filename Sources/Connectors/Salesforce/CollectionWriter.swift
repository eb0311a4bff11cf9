// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Writes rows through sObject Collections, 200 a call, and finds out what became of each.
///
/// What is tried again here, and why it is safe:
/// - rows that met a lock: they were not written;
/// - calls that were lost or failed over there, of rows that carry our key: a second write meets the same record;
/// - calls that were refused as a whole because of something in a row: in halves, down to the row.
/// A lost call of rows without a key is thrown: the caller asks `resolve`.
struct CollectionWriter: Sendable {
    /// How often a row that met a lock, or a call that was lost, is sent again.
    static let repeatsMax = 5

    let api: SalesforceAPI
    let settings: SalesforceSettings
    let catalog: SchemaCatalog
    let clock: any WallClock

    /// Writes the rows, each in the way that fits it: by id where that is known, by key where the object holds one.
    func write(_ rows: [Batch.Row], object: String) async throws -> [Receipt] {
        let metadata = try await catalog.metadata(of: object)
        var groups = WriteGroups(settings.sortsByParent ? rows.sortedByParent() : rows, metadata: metadata)
        guard metadata.hasStamp else {
            return try await receipts(groups.updates, request(object, .update, metadata))
                + links(groups.inserts, request(object, .insert, metadata))
        }
        var receipts: [Receipt] = []
        if !groups.inserts.isEmpty {
            // Audit fields are taken on insert only. A row that is there already is updated without them, if it can be.
            var present: [Batch.Row] = []
            let answers = try await send(groups.inserts, request(object, .insert, metadata))
            for (row, answer) in zip(groups.inserts, answers) {
                if case .refused(let refusals) = answer, isOurDuplicate(refusals) {
                    present.append(row)
                } else {
                    receipts.append(Self.receipt(row, answer))
                }
            }
            if metadata.isFrozen {
                receipts += try await presentRecords(present, object: object)
            } else {
                groups.upserts += present
            }
        }
        if !groups.updates.isEmpty {
            receipts += try await self.receipts(groups.updates, request(object, .update, metadata))
        }
        let written = try await upsert(groups.upserts, object, metadata)
        return receipts.isEmpty ? written : receipts + written
    }

    /// Writes rows in one way, and says what became of each.
    func receipts(_ rows: [Batch.Row], _ request: CollectionRequest) async throws -> [Receipt] {
        Self.receipts(rows, try await send(rows, request))
    }

    /// What became of each row, in their order.
    private static func receipts(_ rows: [Batch.Row], _ answers: [RowAnswer]) -> [Receipt] {
        rows.indices.map { receipt(rows[$0], answers[$0]) }
    }

    /// Writes rows by their key. One that is there already and repeats what can be set on creation only (the ends of a
    /// link) is refused for that, and then updated without.
    private func upsert(_ rows: [Batch.Row], _ object: String, _ metadata: ObjectMetadata) async throws -> [Receipt] {
        let answers = try await send(rows, request(object, .upsert, metadata))
        guard answers.contains(where: \.repeatsFixedFields) else { return Self.receipts(rows, answers) }
        var receipts: [Receipt] = []
        var repeated: [(row: Batch.Row, answer: RowAnswer)] = []
        for (row, answer) in zip(rows, answers) {
            if answer.repeatsFixedFields {
                repeated.append((row, answer))
            } else {
                receipts.append(Self.receipt(row, answer))
            }
        }
        let found = try await RecordLookup(api: api, stampField: settings.stampField)
            .stamped(repeated.map(\.row.key), object: object)
        var updates: [Batch.Row] = []
        for (row, answer) in repeated {
            guard let record = found[row.key] else {
                receipts.append(Self.receipt(row, answer))
                continue
            }
            var row = row
            row.targetID = record.id
            updates.append(row)
        }
        let groups = WriteGroups(updates, metadata: metadata)
        return try await receipts + self.receipts(groups.updates, request(object, .update, metadata))
    }

    /// Whether fields were refused that can be set on creation only.
    static func repeatsFixedFields(_ refusals: [SalesforceRefusal]) -> Bool {
        refusals.contains { $0.vendorCode == "INVALID_FIELD_FOR_INSERT_UPDATE" }
    }

    /// Writes rows of an object that can hold no key: one that is there already counts as updated.
    private func links(_ rows: [Batch.Row], _ request: CollectionRequest) async throws -> [Receipt] {
        var receipts: [Receipt] = []
        var present: [Batch.Row] = []
        for (row, answer) in zip(rows, try await send(rows, request)) {
            if case .refused(let refusals) = answer, Self.isPresentLink(refusals) {
                present.append(row)
            } else {
                receipts.append(Self.receipt(row, answer))
            }
        }
        return try await receipts + presentLinks(present, object: request.object)
    }

    /// Receipts for records that the platform says are there already, and that stay as they are.
    private func presentRecords(_ rows: [Batch.Row], object: String) async throws -> [Receipt] {
        guard !rows.isEmpty else { return [] }
        let found = try await RecordLookup(api: api, stampField: settings.stampField)
            .stamped(rows.map(\.key), object: object)
        return rows.map { row in
            guard let record = found[row.key] else {
                return Receipt(key: row.key, result: .rejected(Rejection(.duplicate, vendorCode: "DUPLICATE_VALUE")))
            }
            return Receipt(key: row.key, result: .updated(id: record.id))
        }
    }

    /// Receipts for links that the platform says are there already.
    func presentLinks(_ rows: [Batch.Row], object: String) async throws -> [Receipt] {
        guard !rows.isEmpty else { return [] }
        let lookup = RecordLookup(api: api, stampField: settings.stampField)
        let ids = try await lookup.links(rows, object: object)
        return rows.map { row in
            guard let id = ids[row.key] else {
                return Receipt(key: row.key, result: .rejected(Rejection(.duplicate, vendorCode: "DUPLICATE_VALUE")))
            }
            return Receipt(key: row.key, result: .updated(id: id))
        }
    }

    func request(_ object: String, _ operation: WriteOperation, _ metadata: ObjectMetadata) -> CollectionRequest {
        CollectionRequest(
            object: object, operation: operation, stampField: metadata.hasStamp ? settings.stampField : nil,
            leavesOut: metadata.leftOut(of: operation))
    }

    /// Sends rows in calls of at most 200, and again those that a lock kept out; the answers are in the order of the rows.
    func send(_ rows: [Batch.Row], _ request: CollectionRequest) async throws -> [RowAnswer] {
        var answers = try await answers(to: rows, request)
        var repeats = 0
        while repeats < Self.repeatsMax {
            let locked = answers.indices.filter { answers[$0].isLocked }
            if locked.isEmpty { break }
            // Children of one parent travel together now, so that they stop being in each other's way.
            repeats += 1
            try await pause(repeats)
            let order = locked.sorted { (rows[$0].parent, $0) < (rows[$1].parent, $1) }
            for (index, answer) in zip(order, try await self.answers(to: order.map { rows[$0] }, request)) {
                answers[index] = answer
            }
        }
        return answers
    }

    private func answers(to rows: [Batch.Row], _ request: CollectionRequest) async throws -> [RowAnswer] {
        let slices = Self.slices(rows, bytesMax: settings.collectionBytesMax)
        if slices.count == 1 {
            try Task.checkCancellation()
            return try await answers(to: slices[0], request)
        }
        var answers: [RowAnswer] = []
        answers.reserveCapacity(rows.count)
        for slice in slices {
            try Task.checkCancellation()
            answers += try await self.answers(to: slice, request)
        }
        return answers
    }

    /// One slice: by the parents' keys first; rows whose parent has no such key there go again with its id.
    private func answers(to rows: ArraySlice<Batch.Row>, _ request: CollectionRequest) async throws -> [RowAnswer] {
        var answers = try await bisect(rows, request, settings.references)
        guard settings.references == .externalID else { return answers }
        let orphans = answers.indices.filter { index in
            guard case .refused(let refusals) = answers[index], refusals.contains(where: \.namesUnknownParent) else {
                return false
            }
            let references = rows[rows.startIndex + index].references
            return !references.isEmpty && references.allSatisfy { !$0.targetID.isEmpty }
        }
        let again = orphans.map { rows[rows.startIndex + $0] }
        for (index, answer) in zip(orphans, try await bisect(again[...], request, .id)) { answers[index] = answer }
        return answers
    }

    /// A call that is refused because of what one row holds is cut in halves until that row stands alone.
    private func bisect(
        _ rows: ArraySlice<Batch.Row>, _ request: CollectionRequest, _ style: SalesforceSettings.ReferenceStyle
    ) async throws -> [RowAnswer] {
        guard !rows.isEmpty else { return [] }
        do {
            return try await call(rows, request, style)
        } catch let error as MigratezError {
            guard let refused = error.callRefused, [400, 413].contains(refused.status) else { throw error }
            let refusals =
                refused.refusals.isEmpty
                ? [SalesforceRefusal(vendorCode: "EXCEEDED_MAX_SIZE_REQUEST", text: "")] : refused.refusals
            let rule = refusals[0].rule
            if rule.isOfLock { return rows.map { _ in .refused(refusals) } }
            guard rule.remedy == .rejectRecord else { throw error }
            if rows.count == 1 { return [.refused(refusals)] }
            let middle = rows.startIndex + rows.count / 2
            return try await bisect(rows[..<middle], request, style) + bisect(rows[middle...], request, style)
        }
    }

    /// One call, sent again when it was lost, if the rows carry what makes that safe.
    private func call(
        _ rows: ArraySlice<Batch.Row>, _ request: CollectionRequest, _ style: SalesforceSettings.ReferenceStyle
    ) async throws -> [RowAnswer] {
        let (isPatch, path) = request.target
        let references = try await referenceWriter(rows, object: request.object, style: style)
        let body = request.body(rows, references: references)
        let isRepeatable = request.operation == .update || request.stampField != nil
        let started = clock.now
        var repeats = 0
        while true {
            do {
                let answers = try await answers(
                    to: api.request(
                        isPatch ? .patch : .post, path, contentType: "application/json", body: .bytes(body),
                        endpointClass: "collections", isIdempotent: request.operation == .update),
                    operation: request.operation)
                guard answers.count == rows.count else {
                    throw MigratezError(
                        .brokenResponse, "\(rows.count) rows of \(request.object) got \(answers.count) answers",
                        remedy: .retry(after: nil))
                }
                guard repeats > 0, let stampField = request.stampField else { return answers }
                return try await credited(answers, rows, object: request.object, stampField: stampField, since: started)
            } catch let error as MigratezError where error.leavesFateUnknown {
                guard isRepeatable, repeats < Self.repeatsMax else { throw error }
                repeats += 1
                try await pause(repeats)
            }
        }
    }

    private func answers(to call: HTTPRequest, operation: WriteOperation) async throws -> [RowAnswer] {
        let response = try await api.send(call)
        do {
            return try RowAnswer.list(response.body, operation: operation)
        } catch {
            throw SalesforceAPI.broken(error, call)
        }
    }

    /// After a lost call: records that it created are reported as created, although the call that got through only
    /// found them.
    ///
    /// Created 'since' allows for clocks that differ by five minutes; the worst that a larger difference does is to
    /// call a record updated that was created.
    private func credited(
        _ answers: [RowAnswer], _ rows: ArraySlice<Batch.Row>, object: String, stampField: String, since: Timestamp
    ) async throws -> [RowAnswer] {
        let unclear = zip(rows, answers).filter { row, answer in
            switch answer {
            case .created: false
            case .updated: row.targetID == nil
            case .refused(let refusals): isOurDuplicate(refusals)
            }
        }.map(\.0.key)
        guard !unclear.isEmpty else { return answers }
        let found = try await RecordLookup(api: api, stampField: stampField).stamped(unclear, object: object)
        return zip(rows, answers).map { row, answer in
            guard let record = found[row.key], let created = record.created,
                created >= since.advanced(by: .seconds(-300))
            else { return answer }
            if case .created = answer { return answer }
            return .created(id: record.id)
        }
    }

    /// How the references of each row are written; asks for the parents' descriptions where they are not known yet.
    private func referenceWriter(
        _ rows: ArraySlice<Batch.Row>, object: String, style: SalesforceSettings.ReferenceStyle
    ) async throws -> (Batch.Row) -> [RowReference] {
        try await catalog.references(of: rows, object: object, style: style, stampField: settings.stampField)
    }

    /// Waits before repeat `number` (from 1): 0.5 s doubled each time, a random part of it.
    func pause(_ number: Int) async throws {
        let milliseconds = 500 << min(number - 1, 6)
        try await clock.sleep(for: .milliseconds(Int.random(in: milliseconds / 2...milliseconds)))
    }

    /// Whether a row with our key is there already.
    func isOurDuplicate(_ refusals: [SalesforceRefusal]) -> Bool {
        refusals.contains { $0.vendorCode == "DUPLICATE_VALUE" && $0.text.contains(settings.stampField) }
    }

    /// Whether the link that the row describes is there already.
    static func isPresentLink(_ refusals: [SalesforceRefusal]) -> Bool {
        refusals.contains { $0.vendorCode == "DUPLICATE_VALUE" || $0.text.contains("already linked") }
    }

    static func receipt(_ row: Batch.Row, _ answer: RowAnswer) -> Receipt {
        switch answer {
        case .created(let id): Receipt(key: row.key, result: .created(id: id))
        case .updated(let id): Receipt(key: row.key, result: .updated(id: id))
        case .refused(let refusals): Receipt(key: row.key, result: .rejected(SalesforceRefusal.rejection(refusals)))
        }
    }

    /// Rows cut into calls by count and by bytes.
    static func slices(_ rows: [Batch.Row], bytesMax: Int) -> [ArraySlice<Batch.Row>] {
        var slices: [ArraySlice<Batch.Row>] = []
        var start = rows.startIndex
        var bytes = 0
        for index in rows.indices {
            let rowBytes = rows[index].fields.count
            let isFull = index - start == CollectionRequest.recordsMax || bytes + rowBytes > bytesMax
            if index > start, isFull {
                slices.append(rows[start..<index])
                start = index
                bytes = 0
            }
            bytes += rowBytes
        }
        if start < rows.endIndex { slices.append(rows[start...]) }
        return slices
    }
}
