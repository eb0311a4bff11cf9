// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Writes rows that name tags: the records first, then what they are tagged with.
///
/// A note says that tags are to come. So after a crash in between, a record whose tags are others than its row's counts as not
/// written: it is met by its key, and tagged then.
struct TaggedRows {
    private static let note = "tags"

    private let tags: RecordTags
    private let schema: ObjectSchema
    /// The rows without their tags.
    private var plain: [Batch.Row] = []
    /// What rows that name any, or none at all, are to be tagged with, by key.
    private var wanted: [String: [String]] = [:]
    private var refused: [Receipt] = []

    init(_ rows: [Batch.Row], _ schema: ObjectSchema, _ client: ZohoClient) {
        self.schema = schema
        tags = RecordTags(client: client, module: schema.name)
        guard schema.field(RecordTags.field) != nil else {
            plain = rows
            return
        }
        for row in rows { take(row) }
    }

    private mutating func take(_ row: Batch.Row) {
        guard let (rest, value) = Self.split(row.fields) else {
            plain.append(row)
            return
        }
        var names: [String] = []
        for name in value.elements.isEmpty ? Self.parts(value.text ?? "") : value.elements.compactMap(\.text)
        where !name.isEmpty && !names.contains(name) { names.append(name) }
        guard names.allSatisfy({ $0.count <= RecordTags.lengthMax }) else {
            let rejection = Rejection(
                .tooLong, fields: [RecordTags.field], reason: "a tag has at most \(RecordTags.lengthMax) characters")
            refused.append(Receipt(key: row.key, result: .rejected(rejection)))
            return
        }
        var row = row
        row.fields = rest
        plain.append(row)
        wanted[row.key] = names
    }

    private static func parts(_ text: String) -> [String] { text.split(separator: ";").map(String.init) }

    /// The object without its tags, and these; `nil` if it says nothing of them.
    private static func split(_ fields: [UInt8]) -> (rest: [UInt8], tags: JSONValue)? {
        fields.withUnsafeBufferPointer { bytes in
            var cursor = FieldCursor(bytes)
            var writer = JSONWriter(capacity: bytes.count)
            var tags: JSONValue?
            writer.beginObject()
            while let field = cursor.next() {
                let name = cursor.name(of: field)
                let value = UnsafeBufferPointer(rebasing: bytes[field.value.range])
                if name == RecordTags.field {
                    tags = JSONValue(validated: value)
                } else {
                    writer.key(name)
                    writer.raw(value)
                }
            }
            writer.endObject()
            return tags.map { (writer.bytes, $0) }
        }
    }

    /// - Parameter body: writes rows without tags.
    func write(
        _ intent: any WriteIntent, body: ([Batch.Row]) async throws -> [Receipt]
    ) async throws -> [Receipt] {
        guard !wanted.isEmpty else { return try await body(plain) + refused }
        try await intent.note(Self.note)
        let receipts = try await body(plain)
        var ids: [String: [String]] = [:]
        for receipt in receipts {
            guard let names = wanted[receipt.key] else { continue }
            switch receipt.result {
            // A new record has no tags that would have to be taken away.
            case .created(let id): if !names.isEmpty { ids[id] = names }
            case .updated(let id): ids[id] = names
            case .rejected: continue
            }
        }
        let failures = try await tags.set(ids)
        return receipts.map { receipt in
            guard let id = Self.id(receipt), let failure = failures[id] else { return receipt }
            var rejection = failure.rejection(schema)
            rejection.fields = [RecordTags.field]
            return Receipt(key: receipt.key, result: .rejected(rejection))
        } + refused
    }

    /// - Parameter body: finds out what became of the rows themselves.
    func resolve(note: String?, body: ([Batch.Row]) async throws -> [Receipt]) async throws -> [Receipt] {
        let receipts = try await body(plain)
        // Without a note nothing was sent yet: what is found was there before.
        guard note != nil, !wanted.isEmpty else { return receipts }
        let ids = receipts.filter { wanted[$0.key] != nil }.compactMap(Self.id)
        let held = try await tags.tags(of: ids)
        return receipts.filter { receipt in
            guard let names = wanted[receipt.key], let id = Self.id(receipt) else { return true }
            return Set(names) == Set(held[id] ?? [])
        }
    }

    private static func id(_ receipt: Receipt) -> String? {
        switch receipt.result {
        case .created(let id), .updated(let id): id
        case .rejected: nil
        }
    }
}
