// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Writes records in batches of 100, and finds out what became of each.
///
/// A call that was lost is sent again: rows carry our key or the record's id, so that a second write meets the same
/// record. A call that is refused as a whole because of something in a row is cut in halves, down to the row.
struct RowWriter: Sendable {
    /// How often a call that was lost is sent again.
    private static let repeatsMax = 5

    let connection: HubSpotConnection
    let keyProperty: String
    let clock: any WallClock

    /// Writes the rows; each has a receipt at the end, in no particular order.
    func write(_ rows: [Batch.Row], object: HubSpotObject) async throws -> [Receipt] {
        let field = rows.lazy.flatMap(\.references).map(\.field)
            .first { !object.hasProduct || $0 != HubSpotObject.productProperty }
        if let field {
            throw MigratezError(
                .notSupported,
                "'\(object.type)' has no field '\(field)' that refers to another record",
                remedy: .fixConfiguration,
                hint: "links are written by themselves: name an object such as contact_to_company in 'as:'")
        }
        var receipts: [Receipt] = []
        var accepted: [Batch.Row] = []
        for row in rows {
            if let rejection = RowBatch.objection(to: row) {
                receipts.append(Receipt(key: row.key, result: .rejected(rejection)))
            } else {
                accepted.append(row)
            }
        }
        for (verb, rows) in [
            (RowBatch.Verb.update, accepted.filter { $0.targetID != nil }),
            (.upsert, accepted.filter { $0.targetID == nil }),
        ] {
            var rest = rows[...]
            while !rest.isEmpty {
                try Task.checkCancellation()
                let group = rest.prefix(HubSpotLimits.batchRecordsMax)
                rest = rest.dropFirst(group.count)
                receipts += try await bisect(group, verb, object)
            }
        }
        return receipts
    }

    /// What became of rows whose write was cut off: those whose key the account holds were written.
    func resolve(_ rows: [Batch.Row], object: HubSpotObject) async throws -> [Receipt] {
        let keys = rows.filter { $0.targetID == nil }.map(\.key)
        return try await BatchRead(connection)
            .records(keys, [keyProperty], of: object, by: keyProperty)
            .compactMap { record in
                guard let id = record["id"]?.text, let key = record["properties"]?[keyProperty]?.text else {
                    return nil
                }
                return Receipt(key: key, result: .created(id: id))
            }
    }

    /// One call, or if it is refused as a whole because of something in a row, one for each half.
    private func bisect(
        _ rows: ArraySlice<Batch.Row>, _ verb: RowBatch.Verb, _ object: HubSpotObject
    ) async throws -> [Receipt] {
        guard let first = rows.first else { return [] }
        do {
            let outcome = try await call(RowBatch(verb: verb, rows: rows, keyProperty: keyProperty), object)
            guard !outcome.open.isEmpty else { return outcome.receipts }
            guard let refusal = outcome.refusals.first else {
                throw MigratezError(
                    .brokenResponse, "\(outcome.open.count) rows of \(object.type) got no answer",
                    remedy: .retry(after: nil))
            }
            // Refusals that name no row: alone, a row is the one that is meant.
            if rows.count == 1 { return [Receipt(key: first.key, result: .rejected(refusal.rejection))] }
            return try await outcome.receipts + halves(outcome.open[...], verb, object)
        } catch let error as MigratezError {
            guard let refused = error.callRefused, refused.isAboutRows else { throw error }
            guard rows.count > 1 else {
                return [Receipt(key: first.key, result: .rejected(refused.refusal.rejection))]
            }
            return try await halves(rows, verb, object)
        }
    }

    private func halves(
        _ rows: ArraySlice<Batch.Row>, _ verb: RowBatch.Verb, _ object: HubSpotObject
    ) async throws -> [Receipt] {
        let middle = rows.startIndex + (rows.count + 1) / 2
        return try await bisect(rows[..<middle], verb, object) + bisect(rows[middle...], verb, object)
    }

    /// One call, sent again when it was lost.
    private func call(_ batch: RowBatch, _ object: HubSpotObject) async throws -> RowBatch.Outcome {
        let path = connection.paths.batchWrite(object.type, batch.verb.rawValue)
        let body = batch.body
        let started = clock.now
        var repeats = 0
        while true {
            do {
                // The policies below would repeat it, too, but then nobody knew what the first one created.
                let answer = try await connection.client.write(
                    .post, path, body, class: "batch", isRepeatable: false)
                return batch.outcome(of: answer, creditsSince: repeats > 0 ? started : nil)
            } catch let error as MigratezError where error.leavesFateUnknown {
                guard repeats < Self.repeatsMax else { throw error }
                repeats += 1
                let milliseconds = 500 << min(repeats - 1, 6)
                try await clock.sleep(for: .milliseconds(Int.random(in: milliseconds / 2...milliseconds)))
            }
        }
    }
}
