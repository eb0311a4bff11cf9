// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Uploads files to the records that they belong to, and finds out what became of each.
///
/// Nothing of an attachment can hold our key or be changed. The newest id among the record's attachments is made durable
/// before an upload: of those behind it, one that this user made with the same name and size is the row's. No two uploads
/// are under way at once (the route says so).
struct AttachmentWriter: Sendable {
    private static let repeatsMax = 5
    private static let notePrefix = "attachments"

    let attachments: Attachments
    let catalog: ZohoCatalog
    let clock: any WallClock

    private var client: ZohoClient { attachments.client }

    /// What a row asks for.
    private struct Wish {
        var module: String
        var record: String
        var name: String

        init(_ row: Batch.Row) throws(Rejection) {
            let fields = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
            guard let name = fields[Attachments.name]?.text, !name.isEmpty else {
                throw Rejection(.requiredFieldMissing, fields: [Attachments.name])
            }
            guard let parent = row.references.first(where: { $0.field == Attachments.parent }) else {
                throw Rejection(
                    .requiredFieldMissing, fields: [Attachments.parent],
                    reason: "a file belongs to a record, and this one is linked to none")
            }
            (module, record, self.name) = (parent.object, parent.targetID, name)
        }
    }

    func write(_ rows: [Batch.Row], intent: any WriteIntent) async throws -> [Receipt] {
        var receipts: [Receipt] = []
        for row in rows {
            try Task.checkCancellation()
            do {
                let result: Receipt.Result
                if let id = row.targetID {
                    result = try await update(id, row)
                } else {
                    result = try await create(row, intent)
                }
                receipts.append(Receipt(key: row.key, result: result))
            } catch let rejection as Rejection {
                receipts.append(Receipt(key: row.key, result: .rejected(rejection)))
            }
        }
        return receipts
    }

    private func create(_ row: Batch.Row, _ intent: any WriteIntent) async throws -> Receipt.Result {
        let wish = try Wish(row)
        guard let content = row.content else {
            throw Rejection(.requiredFieldMissing, fields: [Attachments.content])
        }
        let newest = try await attachments.all(of: wish.module, wish.record).map(\.id.id)
            .reduce("0") { ZohoID.isBehind($1, $0) ? $1 : $0 }
        try await intent.note("\(Self.notePrefix) \(newest)")
        let upload = FormUpload(part: Attachments.content, fileName: wish.name, content: content)
        var repeats = 0
        while true {
            do {
                let answer = try await client.upload(attachments.path(wish.module, wish.record), upload).first ?? .null
                guard answer["status"]?.text == "success", let id = answer["details"]?["id"]?.text else {
                    throw rejection(ZohoRefusal(answer))
                }
                return .created(id: AttachmentID(module: wish.module, record: wish.record, id: id).text)
            } catch let error as MigratezError {
                if let refused = error.callRefused {
                    if refused.status == 413 {
                        throw Rejection(
                            .contentTooLarge, fields: [Attachments.content], vendorCode: refused.refusal.code,
                            vendorText: refused.refusal.text)
                    }
                    if refused.isAboutRows { throw rejection(refused.refusal) }
                }
                // A body that was streamed is not sent again by the policies below; here it begins anew.
                guard case .retry(let wait) = error.remedy, !error.leavesFateUnknown, repeats < Self.repeatsMax else {
                    throw error
                }
                repeats += 1
                try await clock.sleep(for: wait ?? .seconds(1 << repeats))
            }
        }
    }

    /// The record is the one thing besides the file that can be wrong.
    private func rejection(_ refusal: ZohoRefusal) -> Rejection {
        var rejection = refusal.rejection(Attachments.schema(modules: []))
        if refusal.code == "INVALID_DATA" {
            (rejection.code, rejection.fields) = (.parentNotLoaded, [Attachments.parent])
        }
        return rejection
    }

    /// An attachment cannot be changed, so what is there must be what the row says.
    private func update(_ id: String, _ row: Batch.Row) async throws -> Receipt.Result {
        guard let place = AttachmentID(id), let held = try await attachments.attachments([id]).first else {
            throw Rejection(.recordDeleted)
        }
        if let content = row.content {
            var isSame = Attachments.size(of: held.json) == content.bytes
            if isSame {
                var hash = SHA256()
                try await attachments.read(place, size: content.bytes) { hash.update($0) }
                isSame = hash.finish() == content.sha256
            }
            guard isSame else {
                throw Rejection(
                    .ruleViolated, fields: [Attachments.content],
                    reason: "Zoho does not change an attachment: delete it there, and it is uploaded anew")
            }
        }
        return .updated(id: id)
    }

    func resolve(_ rows: [Batch.Row], note: String?) async throws -> [Receipt] {
        // Without a mark nothing was sent yet.
        guard let mark = note.flatMap(Self.mark) else { return [] }
        let ownUser = try await catalog.ownUser()
        var taken: Set<AttachmentID> = []
        var receipts: [Receipt] = []
        for row in rows where row.targetID == nil {
            guard let wish = try? Wish(row), let content = row.content else { continue }
            let found = try await attachments.all(of: wish.module, wish.record).first { attachment in
                ZohoID.isBehind(attachment.id.id, mark) && !taken.contains(attachment.id)
                    && attachment.json[Attachments.name]?.text == wish.name
                    && Attachments.size(of: attachment.json) == content.bytes
                    && attachment.json["Created_By"]?.text == ownUser
            }
            guard let found else { continue }
            taken.insert(found.id)
            receipts.append(Receipt(key: row.key, result: .created(id: found.id.text)))
        }
        return receipts
    }

    func read(_ ids: [String], fields: [String]) async throws -> [ReadBack] {
        try await attachments.attachments(ids).map { attachment in
            let values = fields.map { JSONValue.Member($0, attachment.json[$0] ?? .null) }
            return ReadBack(id: attachment.id.text, key: nil, fields: JSONValue.object(values).serialized())
        }
    }

    func delete(_ ids: [String]) async throws -> [Deletion] {
        var results: [String: Deletion.Result] = [:]
        let known = Set(ids.compactMap { AttachmentID($0) })
        for (record, ids) in Dictionary(grouping: known, by: { [$0.module, $0.record] }) {
            var rest = ids[...]
            while !rest.isEmpty {
                try Task.checkCancellation()
                let group = rest.prefix(RowBatch.rowsMax)
                rest = rest.dropFirst(group.count)
                let there = try await Set(attachments.all(of: record[0], record[1], ids: group.map(\.id)).map(\.id))
                let present = group.filter(there.contains)
                guard !present.isEmpty else { continue }
                let answers = try await client.write(
                    .delete, attachments.path(record[0], record[1]),
                    [("ids", present.map(\.id).joined(separator: ","))], isRepeatable: true)
                for (id, answer) in zip(present, answers) {
                    let refusal = ZohoRefusal(answer)
                    // It was there just now: a call whose answer was lost deleted it.
                    let isGone = answer["status"]?.text == "success" || refusal.code == "INVALID_DATA"
                    results[id.text] =
                        isGone ? .deleted : .refused(refusal.rejection(Attachments.schema(modules: [])))
                }
            }
        }
        return ids.map { Deletion(id: $0, result: results[$0] ?? .absent) }
    }

    private static func mark(_ note: String) -> String? {
        let parts = note.split(separator: " ")
        return parts.count == 2 && parts[0] == notePrefix && ZohoID.isID(String(parts[1])) ? String(parts[1]) : nil
    }
}
