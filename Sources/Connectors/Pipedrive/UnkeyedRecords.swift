// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// Tells records that cannot hold our key by what they hold.
struct UnkeyedRecords: Sendable {
    let lists: RecordLists
    let object: PipedriveObject

    /// Receipts for those rows of which a record is there that is newer than `id` and holds what the row says. A record
    /// counts for one row.
    func made(_ rows: [Batch.Row], after id: String, _ body: RowBody) async throws -> [Receipt] {
        guard let last = Int(id) else { throw MigratezError(.internalError, "'\(id)' is no id of Pipedrive's") }
        var open = try await lists.newer(object, than: last).map { (id: $0.id, traits: Traits($0, object)) }
        var receipts: [Receipt] = []
        // What says most has the choice first.
        for (row, traits) in traits(of: rows, body).sorted(by: { $0.1.count > $1.1.count }) {
            guard let place = open.firstIndex(where: { traits.areIn($0.traits) }) else { continue }
            receipts.append(Receipt(key: row.key, result: .created(id: open.remove(at: place).id)))
        }
        return receipts
    }

    /// Without rows that cannot be written at all: they were not.
    private func traits(of rows: [Batch.Row], _ body: RowBody) -> [(Batch.Row, Traits)] {
        rows.compactMap { row in
            guard let json = try? body.json(row, existing: nil),
                let record = FlatRecord(.object(json.members + [.init("id", "0")]), body.list)
            else { return nil }
            return (row, Traits(record, object))
        }
    }
}

/// What a record is known by: its links, and its texts without markup and spaces, which the service may tidy up.
private struct Traits {
    private var values: [String: String] = [:]

    init(_ record: FlatRecord, _ object: PipedriveObject) {
        let primary = record["participants"]?.elements.first { $0["primary"]?.bool == true }
        values["person_id"] = primary?["person_id"]?.text ?? record["person_id"]?.text
        for name in ["deal_id", "org_id"] { values[name] = record[name]?.text }
        for name in object == .note ? ["content"] : ["subject", "type", "due_date", "note"] {
            values[name] = record[name]?.text.map(Self.bare)
        }
    }

    var count: Int { values.count }

    /// Whether the other one has all of these; what was not sent, the service may have filled in.
    func areIn(_ other: Traits) -> Bool { values.allSatisfy { other.values[$0.key] == $0.value } }

    private static func bare(_ text: String) -> String {
        var isMarkup = false
        return String(
            text.filter { character in
                if character == "<" { isMarkup = true }
                defer { if character == ">" { isMarkup = false } }
                return !isMarkup && (character.isLetter || character.isNumber)
            })
    }
}
