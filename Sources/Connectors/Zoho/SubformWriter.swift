// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Writes rows of a subform with the records that they belong to, and finds out what became of them.
///
/// Zoho tells no ids of new rows and meets none again by a value of its own. So the rows of a record are looked at before it is
/// written and after it, and the newest id among them is made durable first: of the rows behind it, those that hold what was
/// sent are ours. Where the subform has a field for our key, rows are told by that instead, for ever. No two calls write
/// rows at once (the route says so).
///
/// Whether a row that a request does not name stays, Zoho does not say: every request names all rows that are to stay.
struct SubformWriter: Sendable {
    private static let notePrefix = "rows"
    private static let repeatsMax = 5

    let rows: SubformRows
    let schema: ObjectSchema
    let keyField: String
    let placeholder: ProvisionalRow?
    let clock: any WallClock

    private var client: ZohoClient { rows.client }
    private var subform: Subform { rows.subform }
    private var hasKey: Bool { schema.field(keyField) != nil }

    // MARK: Writing

    func write(_ batch: [Batch.Row], intent: any WriteIntent) async throws -> [Receipt] {
        var receipts: [Receipt] = []
        var wishes: [String: [SubformWish]] = [:]
        for row in batch {
            do {
                let wish = try wish(row)
                wishes[wish.record, default: []].append(wish)
            } catch {
                receipts.append(Receipt(key: row.key, result: .rejected(error)))
            }
        }
        let held = try await rows.rows(of: wishes.keys.sorted())
        if wishes.values.contains(where: { $0.contains { $0.target == nil } }) {
            let newest = held.values.flatMap { $0 }.map(\.id.row).reduce("0") { ZohoID.isBehind($1, $0) ? $1 : $0 }
            try await intent.note("\(Self.notePrefix) \(newest)")
        }
        for (record, wishes) in wishes.sorted(by: { ZohoID.isBehind($1.key, $0.key) }) {
            try Task.checkCancellation()
            guard let held = held[record] else {
                receipts += wishes.map { $0.rejected(Rejection(.parentNotLoaded, fields: [Subform.parentField])) }
                continue
            }
            receipts += try await write(wishes, in: record, held)
        }
        return receipts
    }

    private func wish(_ row: Batch.Row) throws(Rejection) -> SubformWish {
        if let objection = RowBatch.objection(to: row, schema) { throw objection }
        let target = row.targetID.flatMap { SubformRowID($0) }
        guard row.targetID == nil || target != nil else { throw Rejection(.recordDeleted) }
        let parent = row.references.first { $0.field == Subform.parentField }?.targetID
        guard let record = target?.record ?? parent, ZohoID.isID(record) else {
            throw Rejection(
                .requiredFieldMissing, fields: [Subform.parentField],
                reason: "a row belongs to a record, and this one is linked to none")
        }
        return SubformWish(row, record: record, target: target, schema, keyField: hasKey ? keyField : nil)
    }

    /// The rows of one record. One that is refused is taken out, and the others are sent again: nothing was written.
    private func write(
        _ wishes: [SubformWish], in record: String, _ held: [SubformRows.Row]
    ) async throws -> [Receipt] {
        var receipts: [Receipt] = []
        var open: [SubformWish] = []
        for var wish in wishes {
            if wish.target == nil, hasKey {
                wish.target = held.first { $0.json[keyField]?.text == wish.row.key }?.id
            }
            if let target = wish.target, !held.contains(where: { $0.id == target }) {
                receipts.append(wish.rejected(Rejection(.recordDeleted)))
            } else {
                open.append(wish)
            }
        }
        while !open.isEmpty {
            guard let refusal = try await put(open, in: record, held) else { break }
            let kept = Self.kept(held, beside: open, placeholder).count
            if let place = refusal.place(in: subform.field), open.indices.contains(place.index - kept) {
                let wish = open.remove(at: place.index - kept)
                var own = refusal
                own.field = place.field
                receipts.append(wish.rejected(own.rejection(schema)))
            } else if open.count == 1 {
                receipts.append(open.removeFirst().rejected(refusal.rejection(schema)))
            } else {
                // It does not say which.
                for wish in open {
                    if let held = try await rows.rows(of: record) {
                        receipts += try await write([wish], in: record, held)
                    } else {
                        receipts.append(wish.rejected(Rejection(.parentNotLoaded, fields: [Subform.parentField])))
                    }
                }
                return receipts
            }
        }
        return try await receipts + written(open, in: record, held)
    }

    /// Receipts for rows that Zoho took.
    private func written(
        _ wishes: [SubformWish], in record: String, _ held: [SubformRows.Row]
    ) async throws -> [Receipt] {
        var receipts = wishes.compactMap { wish in
            wish.target.map { Receipt(key: wish.row.key, result: .updated(id: $0.text)) }
        }
        let new = wishes.filter { $0.target == nil }
        guard !new.isEmpty else { return receipts }
        let before = Set(held.map(\.id))
        let after = (try await rows.rows(of: record) ?? []).filter { !before.contains($0.id) }
        let found = SubformMatch(new, after, schema, keyField: hasKey ? keyField : nil)
        guard found.open.isEmpty else {
            throw MigratezError(
                .brokenResponse, "\(found.open.count) rows of \(subform.module) were taken and are not there",
                remedy: .retry(after: nil))
        }
        receipts += found.pairs.map { Receipt(key: $0.wish.row.key, result: .created(id: $0.row.id.text)) }
        return receipts
    }

    /// Sends the record with its rows; a record that is locked, again. A call that is lost is thrown: the caller asks `resolve`.
    ///
    /// - Returns: `nil` if Zoho took it.
    private func put(
        _ wishes: [SubformWish], in record: String, _ held: [SubformRows.Row]
    ) async throws -> ZohoRefusal? {
        let isRepeatable = wishes.allSatisfy { $0.target != nil }
        var entries = Self.kept(held, beside: wishes, placeholder).map { JSONValue(idOf: $0) }
        entries += wishes.map(\.json)
        // What the first rows take the place of.
        if wishes.contains(where: { $0.target == nil }) {
            entries += held.filter { placeholder?.isOne($0.json) == true }.map { JSONValue(deletionOf: $0) }
        }
        return try await put(entries, in: record, isRepeatable: isRepeatable)
    }

    private func put(_ entries: [JSONValue], in record: String, isRepeatable: Bool) async throws -> ZohoRefusal? {
        let body: JSONValue = [
            "data": [.object([.init(ZohoModule.id, .string(record)), .init(subform.field, .array(entries))])],
            "trigger": [],
        ]
        var repeats = 0
        while true {
            let refusal: ZohoRefusal
            do {
                let answers = try await client.write(
                    .put, "/\(subform.parent)", [], body.serialized(), isRepeatable: isRepeatable)
                guard let answer = answers.first else {
                    throw MigratezError(
                        .brokenResponse, "Zoho's answer says nothing of the record", remedy: .retry(after: nil))
                }
                if answer["status"]?.text == "success" { return nil }
                refusal = ZohoRefusal(answer)
            } catch let error as MigratezError {
                guard let refused = error.callRefused, refused.isAboutRows else { throw error }
                refusal = refused.refusal
            }
            let isLocked = VendorErrorTable.zoho.rule(for: refusal.code).code == .rowLocked
            guard isLocked, repeats < Self.repeatsMax else { return refusal }
            repeats += 1
            try await clock.sleep(for: .milliseconds(500 << repeats))
        }
    }

    /// Rows that stay as they are.
    private static func kept(
        _ held: [SubformRows.Row], beside wishes: [SubformWish], _ placeholder: ProvisionalRow?
    ) -> [SubformRows.Row] {
        let targets = Set(wishes.compactMap(\.target))
        let isReplaced = wishes.contains { $0.target == nil }
        return held.filter { row in
            !targets.contains(row.id) && !(isReplaced && placeholder?.isOne(row.json) == true)
        }
    }

    // MARK: What became of rows

    func resolve(_ batch: [Batch.Row], note: String?) async throws -> [Receipt] {
        let wishes = batch.filter { $0.targetID == nil }.compactMap { try? wish($0) }
        let mark = note.flatMap(Self.mark)
        // Without a key and a mark nothing was sent yet.
        guard !wishes.isEmpty, hasKey || mark != nil else { return [] }
        let held = try await rows.rows(of: Set(wishes.map(\.record)).sorted())
        var receipts: [Receipt] = []
        for (record, wishes) in Dictionary(grouping: wishes, by: \.record) {
            let candidates = (held[record] ?? []).filter { row in
                if hasKey { return true }
                return mark.map { ZohoID.isBehind(row.id.row, $0) } == true && placeholder?.isOne(row.json) != true
            }
            let found = SubformMatch(wishes, candidates, schema, keyField: hasKey ? keyField : nil)
            receipts += found.pairs.map { Receipt(key: $0.wish.row.key, result: .created(id: $0.row.id.text)) }
            guard !found.left.isEmpty else { continue }
            receipts += found.open.map {
                $0.rejected(
                    Rejection(
                        .duplicate, fields: [Subform.parentField],
                        reason: "the record has new rows of which none can be told to be this one"))
            }
        }
        return receipts
    }

    private static func mark(_ note: String) -> String? {
        let parts = note.split(separator: " ").map(String.init)
        return parts.count == 2 && parts[0] == notePrefix && ZohoID.isID(parts[1]) ? parts[1] : nil
    }

    // MARK: Reading and taking away

    func read(_ ids: [String], fields: [String]) async throws -> [ReadBack] {
        try await rows.rows(ids).map { readBack($0, fields) }
    }

    func sample(_ count: Int, fields: [String], parent: ObjectSchema) async throws -> [ReadBack] {
        var found: [ReadBack] = []
        var cursor: Cursor?
        repeat {
            let page = try await rows.page(after: cursor, parent)
            for range in page.records {
                let json = page.bytes[range].withUnsafeBufferPointer { JSONValue(validated: $0) }
                guard let id = json[ZohoModule.id]?.text.flatMap({ SubformRowID($0) }) else { continue }
                found.append(readBack(.init(id: id, json: json), fields))
            }
            cursor = page.next
        } while cursor != nil && found.count < count
        return Array(found.prefix(count))
    }

    private func readBack(_ row: SubformRows.Row, _ fields: [String]) -> ReadBack {
        let key = row.json[keyField]?.text.flatMap { $0.isEmpty ? nil : $0 }
        let values = fields.map { JSONValue.Member($0, row.json[$0] ?? .null) }
        return ReadBack(id: row.id.text, key: key, fields: JSONValue.object(values).serialized())
    }

    /// A record that must have a row gets the provisional one back with its last own row.
    func delete(_ ids: [String]) async throws -> [Deletion] {
        var results: [String: Deletion.Result] = [:]
        let wanted = Dictionary(grouping: Set(ids.compactMap { SubformRowID($0) }), by: \.record)
        for (record, ids) in wanted.sorted(by: { $0.key < $1.key }) {
            try Task.checkCancellation()
            let result = try await delete(Set(ids), of: record)
            for (id, result) in result { results[id.text] = result }
        }
        return ids.map { Deletion(id: $0, result: results[$0] ?? .absent) }
    }

    private func delete(_ ids: Set<SubformRowID>, of record: String) async throws -> [SubformRowID: Deletion.Result] {
        var present: Set<SubformRowID> = []
        var repeats = 0
        while true {
            let held = try await rows.rows(of: record) ?? []
            let gone = held.filter { ids.contains($0.id) }
            if repeats == 0 { present = Set(gone.map(\.id)) }
            // A call whose answer was lost deleted what is not there any more.
            guard !gone.isEmpty else { return Dictionary(uniqueKeysWithValues: present.map { ($0, .deleted) }) }
            let rest = held.filter { !ids.contains($0.id) }
            var entries = rest.map { JSONValue(idOf: $0) } + gone.map { JSONValue(deletionOf: $0) }
            if subform.isRequired, rest.isEmpty, let placeholder { entries.append(placeholder.json) }
            do {
                let refusal = try await put(entries, in: record, isRepeatable: false)
                let result = refusal.map { Deletion.Result.refused($0.rejection(schema)) } ?? .deleted
                return Dictionary(uniqueKeysWithValues: present.map { ($0, result) })
            } catch let error as MigratezError where error.leavesFateUnknown && repeats < Self.repeatsMax {
                repeats += 1
                try await clock.sleep(for: .milliseconds(500 << repeats))
            }
        }
    }
}

extension JSONValue {
    /// A row that stays as it is.
    fileprivate init(idOf row: SubformRows.Row) { self = [ZohoModule.id: .string(row.id.row)] }

    /// A row that goes.
    fileprivate init(deletionOf row: SubformRows.Row) {
        self = .object([.init(ZohoModule.id, .string(row.id.row)), .init("_delete", .null)])
    }
}
