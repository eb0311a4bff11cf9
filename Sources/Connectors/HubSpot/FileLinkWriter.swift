// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Hangs files on records: `file_to_contact`, `file_to_note`.
///
/// On an activity a file hangs by its id in the activity's own property. On anything else it hangs by the note that carries
/// it (`FileCarriers`), which is linked with the record; the ids of such links are made of the file's and the record's.
struct FileLinkWriter: Sendable {
    let connection: HubSpotConnection
    let object: LinkObject
    let carriers: FileCarriers
    /// The links of the notes that carry the files; `nil` if the other end is an activity itself.
    let notes: LinkWriter?

    // MARK: Writing

    func write(_ rows: [Batch.Row]) async throws -> [Receipt] {
        guard let notes else { return try await attach(rows) }
        let ids = try await carriers.ids(of: rows.compactMap { Self.pair($0)?.from })
        let sent = rows.map { row in Self.pair(row).map { Self.row(row, $0, note: ids[$0.from]) } ?? row }
        return try await notes.write(sent).map { receipt in named(receipt, rows) }
    }

    func resolve(_ rows: [Batch.Row]) async throws -> [Receipt] {
        guard let notes else {
            let wishes = rows.compactMap { row in Self.pair(row).map { (row, $0) } }
            let held = try await held(wishes.map(\.1.to))
            return wishes.compactMap { row, pair in
                guard held[pair.to]?.contains(pair.from) == true else { return nil }
                return Receipt(key: row.key, result: .created(id: LinkID(from: pair.from, to: pair.to).text))
            }
        }
        let known = try await carriers.notes(of: rows.compactMap { Self.pair($0)?.from })
        let sent = rows.compactMap { row -> Batch.Row? in
            guard let pair = Self.pair(row), let note = known[pair.from]?["id"]?.text else { return nil }
            return Self.row(row, pair, note: note)
        }
        return try await notes.resolve(sent).map { receipt in named(receipt, rows) }
    }

    /// Several files of one activity are put there together.
    private func attach(_ rows: [Batch.Row]) async throws -> [Receipt] {
        var receipts: [Receipt] = []
        var wishes: [(row: Batch.Row, pair: LinkPair)] = []
        for row in rows {
            if let pair = Self.pair(row) {
                wishes.append((row, pair))
            } else {
                receipts.append(
                    Receipt(
                        key: row.key,
                        result: .rejected(
                            Rejection(.parentNotLoaded, fields: [LinkObject.fromField, LinkObject.toField]))))
            }
        }
        let before = try await held(wishes.map(\.pair.to))
        var after = before
        for (_, pair) in wishes where after[pair.to]?.contains(pair.from) == false {
            after[pair.to]?.append(pair.from)
        }
        try await set(after.filter { before[$0.key] != $0.value })
        for (row, pair) in wishes {
            let id = LinkID(from: pair.from, to: pair.to).text
            guard let there = before[pair.to] else {
                receipts.append(
                    Receipt(
                        key: row.key,
                        result: .rejected(Rejection(.parentNotLoaded, fields: [LinkObject.toField]))))
                continue
            }
            receipts.append(
                Receipt(key: row.key, result: there.contains(pair.from) ? .updated(id: id) : .created(id: id)))
        }
        return receipts
    }

    /// The files of each activity that exists.
    private func held(_ activities: [String]) async throws -> [String: [String]] {
        let records = try await BatchRead(connection)
            .records(Set(activities).sorted(), [HubSpotAttachments.property], of: object.to)
        var held: [String: [String]] = [:]
        for record in records {
            guard let id = record["id"]?.text else { continue }
            held[id] = HubSpotAttachments.ids(record["properties"]?[HubSpotAttachments.property]?.text)
        }
        return held
    }

    /// Says the same however often it is said.
    private func set(_ files: [String: [String]]) async throws {
        var rest = files.sorted { $0.key < $1.key }[...]
        while !rest.isEmpty {
            let group = rest.prefix(HubSpotLimits.batchRecordsMax)
            rest = rest.dropFirst(group.count)
            let inputs = group.map { activity, ids -> JSONValue in
                [
                    "id": .string(activity),
                    "properties": .object([
                        .init(HubSpotAttachments.property, .string(ids.joined(separator: ";")))
                    ]),
                ]
            }
            let answer = try await connection.client.write(
                .post, connection.paths.batchWrite(object.to.type, "update"),
                JSONValue.object([.init("inputs", .array(inputs))]).serialized(), class: "batch", isRepeatable: true)
            if let refusal = answer["errors"]?.elements.first {
                throw MigratezError(
                    .serverFailed, "HubSpot refuses files of \(object.to.type): \(HubSpotRefusal(refusal).category)",
                    remedy: .retry(after: nil))
            }
        }
    }

    // MARK: Reading and taking back

    func read(_ ids: [String], fields: [String]) async throws -> [ReadBack] {
        let pairs = ids.compactMap { text in LinkID(text).map { (text: text, pair: $0.pair) } }
        let there = try await existing(pairs.map(\.pair))
        return pairs.compactMap { text, pair in
            guard there.contains(pair) else { return nil }
            var writer = JSONWriter()
            writer.beginObject()
            for field in fields {
                writer.key(field)
                switch field {
                case LinkObject.fromField: writer.string(pair.from)
                case LinkObject.toField: writer.string(pair.to)
                default: writer.null()
                }
            }
            writer.endObject()
            return ReadBack(id: text, key: nil, fields: writer.bytes)
        }
    }

    func delete(_ ids: [String]) async throws -> [Deletion] {
        let pairs = ids.map { LinkID($0)?.pair }
        let there = try await existing(pairs.compactMap(\.self))
        if let notes {
            let known = try await carriers.notes(of: there.map(\.from))
            _ = try await notes.delete(
                there.compactMap { pair in
                    known[pair.from]?["id"]?.text.map { LinkID(from: $0, to: pair.to).text }
                })
        } else {
            var held = try await held(there.map(\.to))
            for pair in there { held[pair.to]?.removeAll { $0 == pair.from } }
            try await set(held)
        }
        return zip(ids, pairs).map { id, pair in
            Deletion(id: id, result: pair.map(there.contains) == true ? .deleted : .absent)
        }
    }

    private func existing(_ pairs: [LinkPair]) async throws -> Set<LinkPair> {
        guard let notes else {
            let held = try await held(pairs.map(\.to))
            return Set(pairs.filter { held[$0.to]?.contains($0.from) == true })
        }
        let known = try await carriers.notes(of: pairs.map(\.from)).compactMapValues { $0["id"]?.text }
        let linked = pairs.compactMap { pair in known[pair.from].map { (pair, LinkID(from: $0, to: pair.to).text) } }
        let found = Set(try await notes.read(linked.map(\.1), fields: []).map(\.id))
        return Set(linked.filter { found.contains($0.1) }.map(\.0))
    }

    // MARK: Parts

    /// The file and the record of a row.
    private static func pair(_ row: Batch.Row) -> LinkPair? {
        func end(_ name: String) -> String? { row.references.first { $0.field == name }?.targetID }
        let known = row.targetID.flatMap { LinkID($0) }
        guard let from = known?.from ?? end(LinkObject.fromField), let to = known?.to ?? end(LinkObject.toField),
            Int(from) != nil, Int(to) != nil
        else { return nil }
        return LinkPair(from: from, to: to)
    }

    /// The row as one of the note's links.
    private static func row(_ row: Batch.Row, _ pair: LinkPair, note: String?) -> Batch.Row {
        Batch.Row(
            key: row.key, fields: Array("{}".utf8),
            references: [
                .init(field: LinkObject.fromField, object: "note", key: row.key, targetID: note ?? ""),
                .init(field: LinkObject.toField, object: "", key: row.key, targetID: pair.to),
            ])
    }

    /// The receipt with the id that is made of the file's.
    private func named(_ receipt: Receipt, _ rows: [Batch.Row]) -> Receipt {
        guard let pair = rows.first(where: { $0.key == receipt.key }).flatMap(Self.pair) else { return receipt }
        let id = LinkID(from: pair.from, to: pair.to).text
        return switch receipt.result {
        case .created: Receipt(key: receipt.key, result: .created(id: id))
        case .updated: Receipt(key: receipt.key, result: .updated(id: id))
        case .rejected: receipt
        }
    }
}
