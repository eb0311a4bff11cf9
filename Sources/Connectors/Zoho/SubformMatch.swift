// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// A row that is to be written to a subform, understood.
struct SubformWish: Sendable {
    var row: Batch.Row
    var record: String
    /// The row that it is, if there is one already.
    var target: SubformRowID?
    /// As it is sent, but for the id.
    private let values: [JSONValue.Member]

    init(_ row: Batch.Row, record: String, target: SubformRowID?, _ schema: ObjectSchema, keyField: String?) {
        self.row = row
        self.record = record
        self.target = target
        var writer = JSONWriter(capacity: row.fields.count + 160)
        writer.beginObject()
        RowBatch.writeValues(of: row, schema, to: &writer)
        for reference in row.references {
            writer.key(reference.field)
            writer.beginObject()
            writer.key(ZohoModule.id)
            writer.string(reference.targetID)
            writer.endObject()
        }
        if let keyField {
            writer.key(keyField)
            if row.keepsKey { writer.string(row.key) } else { writer.null() }
        }
        writer.endObject()
        values = writer.bytes.withUnsafeBufferPointer { JSONValue(validated: $0) }.members
            .filter { $0.key != Subform.parentField }
    }

    var json: JSONValue {
        .object((target.map { [.init(ZohoModule.id, .string($0.row))] } ?? []) + values)
    }

    func rejected(_ rejection: Rejection) -> Receipt { Receipt(key: row.key, result: .rejected(rejection)) }

    /// Whether the row holds what was sent. Numbers are compared as such; nothing and an empty text are the same.
    func isHeld(by row: JSONValue, _ schema: ObjectSchema) -> Bool {
        values.allSatisfy { sent in
            let (mine, held) = (FlatRecords.flat(sent.value), row[sent.key] ?? .null)
            switch schema.field(sent.key)?.kind {
            case .integer, .decimal: return mine.text.flatMap(Double.init) == held.text.flatMap(Double.init)
            case .dateTime: return mine.text.flatMap(ZohoTime.timestamp) == held.text.flatMap(ZohoTime.timestamp)
            case .text, .longText: return Self.trimmed(mine) == Self.trimmed(held)
            default: return (mine.text ?? "") == (held.text ?? "") && mine.bool == held.bool
            }
        }
    }

    private static func trimmed(_ value: JSONValue) -> String {
        let start = (value.text ?? "").drop(while: \.isWhitespace)
        return String(String(start.reversed().drop(while: \.isWhitespace)).reversed())
    }

    /// What a row is of: the records that it refers to.
    func isOfTheSame(as row: JSONValue) -> Bool {
        self.row.references.filter { $0.field != Subform.parentField }.allSatisfy {
            row[$0.field]?.text == $0.targetID
        }
    }
}

/// Which rows of a record are the ones that were to be written.
///
/// By our key if rows hold it. Else by what they hold, those that hold the same in their order; where Zoho changed values on
/// the way (it rounds prices), those that are left go together in their order if they are as many and of the same products.
struct SubformMatch {
    private(set) var pairs: [(wish: SubformWish, row: SubformRows.Row)] = []
    /// Wishes without a row, and rows without a wish.
    private(set) var open: [SubformWish] = []
    private(set) var left: [SubformRows.Row]

    init(_ wishes: [SubformWish], _ rows: [SubformRows.Row], _ schema: ObjectSchema, keyField: String?) {
        if let keyField {
            left = []
            for wish in wishes {
                if let row = rows.first(where: { $0.json[keyField]?.text == wish.row.key }) {
                    pairs.append((wish, row))
                } else {
                    open.append(wish)
                }
            }
            return
        }
        left = rows.sorted { ZohoID.isBehind($1.id.row, $0.id.row) }
        for wish in wishes {
            if let place = left.firstIndex(where: { wish.isHeld(by: $0.json, schema) }) {
                pairs.append((wish, left.remove(at: place)))
            } else {
                open.append(wish)
            }
        }
        guard open.count == left.count, zip(open, left).allSatisfy({ $0.isOfTheSame(as: $1.json) }) else { return }
        pairs += zip(open, left).map { ($0, $1) }
        (open, left) = ([], [])
    }
}
