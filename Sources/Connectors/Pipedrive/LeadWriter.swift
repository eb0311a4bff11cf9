// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport
import Synchronization

/// Writes leads, each by a request of its own. They carry our key in the custom field that deals have for it.
///
/// The lists are read once, and 64 bits of each key remembered; each further look reads what was made since. A lead whose
/// answer was lost is looked up in the same way before it is sent again.
final class LeadWriter: Sendable {
    /// How often a request that was lost is sent again.
    private static let repeatsMax = 5

    private struct Index {
        var ids: [Int: [String]] = [:]
        /// The time of creation of the newest lead that was seen, as the service writes it.
        var newest: String?
    }

    private let connection: PipedriveConnection
    private let lists: LeadLists
    private let keyField: String
    private let clock: any WallClock
    private let index = Mutex(Index())

    init(connection: PipedriveConnection, lists: LeadLists, keyField: String, clock: any WallClock) {
        (self.connection, self.lists, self.keyField, self.clock) = (connection, lists, keyField, clock)
    }

    func write(_ rows: [Batch.Row]) async throws -> [Receipt] {
        let fields = try await lists.fields()
        let key = try key(fields)
        let known = try await keyed(rows.filter { $0.targetID == nil }.map(\.key))
        var receipts: [Receipt] = []
        for row in rows {
            try Task.checkCancellation()
            let result: Receipt.Result
            do {
                if let id = row.targetID {
                    let existing = fields.needsExisting(row) ? try await lists.leads([id]).first?.json : nil
                    result = try await update(id, row, fields, key, existing ?? .object([]))
                } else if let lead = known[row.key] {
                    result = try await update(lead.id, row, fields, key, lead.json)
                } else {
                    result = try await create(row, fields, key)
                }
            } catch let rejection as Rejection {
                result = .rejected(rejection)
            }
            receipts.append(Receipt(key: row.key, result: result))
        }
        return receipts
    }

    func resolve(_ rows: [Batch.Row]) async throws -> [Receipt] {
        let rows = rows.filter { $0.targetID == nil }
        let found = try await keyed(rows.map(\.key))
        return rows.compactMap { row in
            found[row.key].map { Receipt(key: row.key, result: .created(id: $0.id)) }
        }
    }

    func delete(_ ids: [String]) async throws -> [Deletion] {
        let there = Set(try await lists.leads(ids).map(\.id))
        return try await connection.client.delete(ids) { id in
            there.contains(id) ? (connection.paths.lead(id), .formerDelete) : nil
        }
    }

    /// How many leads carry a key that begins so.
    func count(keyPrefix: String) async throws -> Int {
        guard let code = try await lists.fields()[keyField]?.code else { return 0 }
        var count = 0
        try await lists.newer(than: nil) { if $0[code]?.text?.hasPrefix(keyPrefix) == true { count += 1 } }
        return count
    }

    // MARK: One row

    private func update(
        _ id: String, _ row: Batch.Row, _ fields: LeadFields, _ key: PipedriveField, _ existing: JSONValue
    ) async throws -> Receipt.Result {
        let body = try fields.body(row, keyField: key, existing: existing)
        do {
            _ = try await connection.client.write(
                .patch, connection.paths.lead(id), body, .formerWrite, isRepeatable: true)
            return .updated(id: id)
        } catch let error as MigratezError {
            throw Self.rejection(error, fields) ?? error
        }
    }

    /// A lead begins among those that are worked on; one that is to be archived is archived when it is there.
    private func create(
        _ row: Batch.Row, _ fields: LeadFields, _ key: PipedriveField
    ) async throws -> Receipt.Result {
        let id = try await made(row, fields, key)
        let values = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        guard let value = values["is_archived"], let field = fields["is_archived"],
            try FieldValue.encoded(value, field, isFormer: true).bool == true
        else { return .created(id: id) }
        do {
            _ = try await connection.client.write(
                .patch, connection.paths.lead(id), ["is_archived": true], .formerWrite, isRepeatable: true)
        } catch let error as MigratezError {
            throw Self.rejection(error, fields) ?? error
        }
        return .created(id: id)
    }

    private func made(_ row: Batch.Row, _ fields: LeadFields, _ key: PipedriveField) async throws -> String {
        let body = try fields.body(row, keyField: key, existing: nil)
        var repeats = 0
        while true {
            do {
                let data = try await connection.client.write(
                    .post, connection.paths.leads, body, .formerWrite, isRepeatable: false)
                if let id = data["id"]?.text { return id }
                throw MigratezError(
                    .brokenResponse, "Pipedrive's answer to a new lead holds no id", remedy: .retry(after: nil))
            } catch let error as MigratezError where error.leavesFateUnknown {
                guard repeats < Self.repeatsMax else { throw error }
                repeats += 1
                let milliseconds = 500 << min(repeats - 1, 6)
                try await clock.sleep(for: .milliseconds(Int.random(in: milliseconds / 2...milliseconds)))
                // The lost request may have made it.
                if let lead = try await keyed([row.key])[row.key] { return lead.id }
            } catch let error as MigratezError {
                // A right that is missing for one new record is missing for all.
                guard error.callRefused?.status != 403 else { throw error }
                throw Self.rejection(error, fields) ?? error
            }
        }
    }

    /// The row's rejection, if it is at fault.
    private static func rejection(_ error: MigratezError, _ fields: LeadFields) -> Rejection? {
        guard let refusal = error.callRefused, refusal.isAboutRow else { return nil }
        return refusal.rejection(fields.name(ofParameter:))
    }

    // MARK: What is there

    /// Leads that carry these keys, by key.
    private func keyed(_ keys: [String]) async throws -> [String: (id: String, json: JSONValue)] {
        guard !keys.isEmpty, let code = try await lists.fields()[keyField]?.code else { return [:] }
        let since = index.withLock { $0.newest }
        var found: [(key: Int, id: String, time: String)] = []
        try await lists.newer(than: since) { lead in
            guard let id = lead["id"]?.text else { return }
            found.append((lead[code]?.text?.hashValue ?? 0, id, lead["add_time"]?.text ?? ""))
        }
        let candidates = index.withLock { index in
            for (key, id, time) in found {
                if index.ids[key]?.contains(id) != true { index.ids[key, default: []].append(id) }
                if time > index.newest ?? "" { index.newest = time }
            }
            return keys.flatMap { index.ids[$0.hashValue] ?? [] }
        }
        let wanted = Set(keys)
        var leads: [String: (id: String, json: JSONValue)] = [:]
        for lead in try await lists.leads(candidates) {
            guard let key = lead.json[keyField]?.text, wanted.contains(key), leads[key] == nil else { continue }
            leads[key] = lead
        }
        return leads
    }

    /// - Throws: `invalidSetting` if the field that holds our key is not there (yet).
    private func key(_ fields: LeadFields) throws(MigratezError) -> PipedriveField {
        guard let field = fields[keyField], field.isCustom else {
            throw MigratezError(
                .invalidSetting, "lead has no field '\(keyField)' for our key", remedy: .fixConfiguration,
                hint: "a run creates it among the fields of deals, which leads share")
        }
        return field
    }
}
