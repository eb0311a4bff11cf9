// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Writes rows, each by a request of its own, and finds out what became of each.
///
/// Pipedrive has neither batches nor upserts. A row with our key is looked up before it is written, and again when a
/// request was lost: what is there is updated, so that nothing is made twice. A row of an object that cannot hold our key
/// is created, and what became of one whose request was lost is told by what it holds: the newest id before the first
/// request is noted with the intent, and only records behind it can be ours.
struct RecordWriter: Sendable {
    /// How often a request that was lost is sent again.
    private static let repeatsMax = 5

    let connection: PipedriveConnection
    let lists: RecordLists
    let lookup: RecordLookup
    let keyField: String
    let clock: any WallClock

    func write(_ rows: [Batch.Row], _ object: PipedriveObject, intent: any WriteIntent) async throws -> [Receipt] {
        let list = try await lists.catalog.fields(of: object)
        let body = RowBody(list: list, keyCode: try keyCode(list))
        let known = try await existing(rows, object, body)
        if !object.isKeyed, rows.contains(where: { $0.targetID == nil }) {
            try await intent.note(String(try await lists.newestID(object)))
        }
        var receipts: [Receipt] = []
        for row in rows {
            try Task.checkCancellation()
            let result: Receipt.Result
            do {
                if let id = row.targetID ?? known.byKey[row.key]?.id {
                    let record = known.byKey[row.key] ?? known.byID[id] ?? FlatRecord(["id": .string(id)], list)
                    result = try await update(id, row, object, body, existing: record)
                } else {
                    result = try await create(row, object, body)
                }
            } catch let rejection as Rejection {
                result = .rejected(rejection)
            }
            receipts.append(Receipt(key: row.key, result: result))
        }
        return receipts
    }

    /// What became of rows whose write was cut off.
    func resolve(_ rows: [Batch.Row], _ object: PipedriveObject, note: String?) async throws -> [Receipt] {
        let rows = rows.filter { $0.targetID == nil }
        guard object.isKeyed else {
            // Without a note nothing was sent yet, and nothing that is there can be told to be ours.
            guard let note, !rows.isEmpty else { return [] }
            let list = try await lists.catalog.fields(of: object)
            return try await UnkeyedRecords(lists: lists, object: object)
                .made(rows, after: note, RowBody(list: list, keyCode: nil))
        }
        let found = try await lookup.keyed(object, rows.map(\.key))
        return rows.compactMap { row in
            found[row.key].map { Receipt(key: row.key, result: .created(id: $0.id)) }
        }
    }

    // MARK: One row

    private func update(
        _ id: String, _ row: Batch.Row, _ object: PipedriveObject, _ body: RowBody, existing: FlatRecord?
    ) async throws -> Receipt.Result {
        let json = try body.json(row, existing: existing)
        do {
            _ = try await connection.client.write(
                object.isFormer ? .put : .patch, connection.paths.record(object, id), json,
                object.isFormer ? .formerWrite : .write, isRepeatable: true)
            return .updated(id: id)
        } catch let error as MigratezError {
            throw Self.rejection(error, body.list) ?? error
        }
    }

    private func create(_ row: Batch.Row, _ object: PipedriveObject, _ body: RowBody) async throws -> Receipt.Result {
        let json = try body.json(row, existing: nil)
        var repeats = 0
        while true {
            do {
                let data = try await connection.client.write(
                    .post, connection.paths.list(object), json, object.isFormer ? .formerWrite : .write,
                    isRepeatable: false)
                if let id = data["id"]?.text { return .created(id: id) }
                throw MigratezError(
                    .brokenResponse, "Pipedrive's answer to a new \(object.rawValue) holds no id",
                    remedy: .retry(after: nil))
            } catch let error as MigratezError where error.leavesFateUnknown {
                guard object.isKeyed, repeats < Self.repeatsMax else { throw error }
                repeats += 1
                let milliseconds = 500 << min(repeats - 1, 6)
                try await clock.sleep(for: .milliseconds(Int.random(in: milliseconds / 2...milliseconds)))
                // The lost request may have made it.
                if let record = try await lookup.keyed(object, [row.key])[row.key] { return .created(id: record.id) }
            } catch let error as MigratezError {
                // A right that is missing for one new record is missing for all.
                guard error.callRefused?.status != 403 else { throw error }
                throw Self.rejection(error, body.list) ?? error
            }
        }
    }

    /// The row's rejection, if it is at fault.
    private static func rejection(_ error: MigratezError, _ list: FieldList) -> Rejection? {
        guard let refusal = error.callRefused, refusal.isAboutRow else { return nil }
        return refusal.rejection(list.name(ofParameter:))
    }

    // MARK: What is there

    /// Records that rows change, so far as they have to be known before.
    private func existing(
        _ rows: [Batch.Row], _ object: PipedriveObject, _ body: RowBody
    ) async throws -> (byKey: [String: FlatRecord], byID: [String: FlatRecord]) {
        let keyed = object.isKeyed ? rows.filter { $0.targetID == nil }.map(\.key) : []
        let ids = rows.filter { $0.targetID != nil && body.needsExisting($0) }.compactMap(\.targetID)
        let records = ids.isEmpty ? [] : try await lists.records(object, ids)
        return (
            try await lookup.keyed(object, keyed),
            Dictionary(records.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        )
    }

    /// - Throws: `invalidSetting` if the field that holds our key is not there (yet).
    private func keyCode(_ list: FieldList) throws(MigratezError) -> String? {
        guard list.object.isKeyed else { return nil }
        guard let field = list[keyField] else {
            throw MigratezError(
                .invalidSetting, "\(list.object.rawValue) has no field '\(keyField)' for our key",
                remedy: .fixConfiguration, hint: "a run creates it; or create a text field of that name in Pipedrive")
        }
        return field.code
    }
}
