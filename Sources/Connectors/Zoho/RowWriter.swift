// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Writes records in calls of 100, and finds out what became of each.
///
/// What is tried again here, and why it is safe:
/// - rows that were locked: they were not written;
/// - calls that were lost, of rows that carry our key or the record's id: a second write meets the same record;
/// - calls that were refused as a whole because of something in a row: in halves, down to the row.
/// A lost call of new rows without a key is thrown: the caller asks `resolve`.
struct RowWriter: Sendable {
    /// How often a row that was locked, or a call that was lost, is sent again.
    private static let repeatsMax = 5

    let client: ZohoClient
    let schema: ObjectSchema
    /// The field that holds our key; `nil` where the module can hold none.
    let keyField: String?
    let clock: any WallClock
    /// The subforms of which a record must have a row, and the product of the row that a new record begins with.
    var required: [Subform] = []
    var placeholder: ProvisionalRow?

    /// Writes the rows; each has a receipt at the end, in no particular order.
    func write(_ rows: [Batch.Row]) async throws -> [Receipt] {
        if let keyField, schema.field(keyField)?.isUnique != true {
            throw MigratezError(
                .requestRefused, "\(schema.name) has no field '\(keyField)' whose values are unique",
                remedy: .fixConfiguration, hint: "plan the run again: it lists the field, and the run creates it")
        }
        var receipts: [Receipt] = []
        var accepted: [Batch.Row] = []
        for row in rows {
            if let rejection = RowBatch.objection(to: row, schema) {
                receipts.append(Receipt(key: row.key, result: .rejected(rejection)))
            } else {
                accepted.append(row)
            }
        }
        let new = accepted.filter { $0.targetID == nil }
        receipts += try await self.receipts(accepted.filter { $0.targetID != nil }, .update)
        guard keyField != nil else { return try await receipts + self.receipts(new, .insert) }
        if !new.isEmpty, let subform = required.first, placeholder == nil {
            throw ProvisionalRow.missing(subform)
        }
        // An upsert would put a provisional row into a record that has its own.
        if required.isEmpty, ZohoModule.takesUpsert(schema.name) {
            return try await receipts + self.receipts(new, .upsert)
        }
        return try await receipts + inserted(new)
    }

    /// Where upsert is not offered, a row is inserted, and if a record has its key already, that one is updated: Zoho names
    /// it in its refusal.
    private func inserted(_ rows: [Batch.Row]) async throws -> [Receipt] {
        var receipts: [Receipt] = []
        var present: [(row: Batch.Row, lostSince: Timestamp?)] = []
        for (row, result) in zip(rows, try await results(rows, .insert)) {
            if case .refused(let refusal, let lostSince) = result, refusal.code == "DUPLICATE_DATA",
                refusal.field == keyField, let id = refusal.duplicateID
            {
                var row = row
                row.targetID = id
                present.append((row, lostSince))
            } else {
                receipts.append(receipt(row, result))
            }
        }
        receipts += try await self.receipts(present.filter { $0.lostSince == nil }.map(\.row), .update)
        // A record that is as young as the lost call was made by it.
        let lost = present.filter { $0.lostSince != nil }
        let updates = try await results(lost.map(\.row), .update, creditedSince: lost.compactMap(\.lostSince).min())
        return receipts + zip(lost.map(\.row), updates).map(receipt)
    }

    private func receipts(_ rows: [Batch.Row], _ verb: RowBatch.Verb) async throws -> [Receipt] {
        zip(rows, try await results(rows, verb)).map(receipt)
    }

    private func receipt(_ row: Batch.Row, _ result: RowBatch.Result) -> Receipt {
        switch result {
        case .written(let id, true): Receipt(key: row.key, result: .created(id: id))
        case .written(let id, false): Receipt(key: row.key, result: .updated(id: id))
        case .refused(let refusal, _): Receipt(key: row.key, result: .rejected(refusal.rejection(schema)))
        }
    }

    /// Sends rows, and again those that were locked; the results are in the order of the rows.
    private func results(
        _ rows: [Batch.Row], _ verb: RowBatch.Verb, creditedSince: Timestamp? = nil
    ) async throws -> [RowBatch.Result] {
        var results: [RowBatch.Result] = []
        for start in stride(from: 0, to: rows.count, by: RowBatch.rowsMax) {
            try Task.checkCancellation()
            let part = rows[start..<min(start + RowBatch.rowsMax, rows.count)]
            results += try await bisect(part, verb, creditedSince)
        }
        var repeats = 0
        while repeats < Self.repeatsMax {
            let locked = results.indices.filter { results[$0].isLocked }
            if locked.isEmpty { break }
            repeats += 1
            try await pause(repeats)
            let again = locked.map { rows[$0] }
            for (place, result) in zip(locked, try await bisect(again[...], verb, creditedSince)) {
                results[place] = result
            }
        }
        return results
    }

    /// One call, or if it is refused as a whole because of something in a row, one for each half.
    private func bisect(
        _ rows: ArraySlice<Batch.Row>, _ verb: RowBatch.Verb, _ creditedSince: Timestamp?
    ) async throws -> [RowBatch.Result] {
        guard !rows.isEmpty else { return [] }
        do {
            let opening = required.compactMap { subform in
                placeholder.map { JSONValue.Member(subform.field, .array([$0.json])) }
            }
            return try await call(
                RowBatch(verb: verb, rows: rows, schema: schema, keyField: keyField, opening: opening), creditedSince)
        } catch let error as MigratezError {
            guard let refused = error.callRefused, refused.isAboutRows else { throw error }
            guard rows.count > 1 else { return [.refused(refused.refusal, lostSince: nil)] }
            let middle = rows.startIndex + (rows.count + 1) / 2
            return try await bisect(rows[..<middle], verb, creditedSince)
                + bisect(rows[middle...], verb, creditedSince)
        }
    }

    /// One call, sent again when it was lost, if that is safe.
    private func call(_ batch: RowBatch, _ creditedSince: Timestamp?) async throws -> [RowBatch.Result] {
        let body = batch.body
        let isRepeatable = batch.verb == .update || keyField != nil
        let started = clock.now
        var repeats = 0
        while true {
            do {
                // The policies below would repeat it, too, but then nobody knew what the first one created.
                let answers = try await client.write(
                    batch.verb == .update ? .put : .post, batch.path, [], body, isRepeatable: false)
                let isFirst = repeats == 0 || batch.verb == .update
                return try batch.results(of: answers, creditedSince: creditedSince ?? (isFirst ? nil : started))
            } catch let error as MigratezError where error.leavesFateUnknown {
                guard isRepeatable, repeats < Self.repeatsMax else { throw error }
                repeats += 1
                try await pause(repeats)
            }
        }
    }

    /// Waits before repeat `number` (from 1): 0.5 s doubled each time, a random part of it.
    private func pause(_ number: Int) async throws {
        let milliseconds = 500 << min(number - 1, 6)
        try await clock.sleep(for: .milliseconds(Int.random(in: milliseconds / 2...milliseconds)))
    }
}
