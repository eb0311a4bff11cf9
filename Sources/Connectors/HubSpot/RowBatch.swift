// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// One batch call: at most 100 rows of one object, all created or updated by our key, or all updated by their ids.
///
/// Source: developers.hubspot.com, "CRM objects", batch upsert and batch update; "Error handling", multi-status errors:
/// rows fail one by one only if each input has an `objectWriteTraceId` of its own, by which answers name it.
struct RowBatch {
    enum Verb: String { case upsert, update }

    let verb: Verb
    let rows: ArraySlice<Batch.Row>
    let keyProperty: String

    /// The body of the request.
    var body: [UInt8] {
        var writer = JSONWriter(capacity: rows.reduce(64) { $0 + $1.fields.count + 200 })
        writer.beginObject()
        writer.key("inputs")
        writer.beginArray()
        for (number, row) in rows.enumerated() {
            writer.beginObject()
            writer.key("id")
            switch verb {
            case .upsert:
                writer.string(row.key)
                writer.key("idProperty")
                writer.string(keyProperty)
            case .update: writer.string(row.targetID ?? "")
            }
            writer.key("objectWriteTraceId")
            writer.string(String(number))
            writer.key("properties")
            writer.beginObject()
            writer.key(keyProperty)
            writer.string(row.keepsKey ? row.key : "")
            for reference in row.references {
                writer.key(reference.field)
                writer.string(reference.targetID)
            }
            Self.write(row.fields, to: &writer)
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// Why the row cannot be written at all: a property holds a text.
    static func objection(to row: Batch.Row) -> Rejection? {
        row.fields.withUnsafeBufferPointer { fields in
            var cursor = FieldCursor(fields)
            while let field = cursor.next() {
                if field.value.kind == .object {
                    return Rejection(
                        .wrongType, fields: [cursor.name(of: field)], reason: "a property holds a text, not an object")
                }
            }
            return nil
        }
    }

    /// The members of a row as property values: texts as they stand, numbers and truth values as texts, several values
    /// with `;` between them, and the empty text, which clears a property, for null.
    private static func write(_ fields: [UInt8], to writer: inout JSONWriter) {
        fields.withUnsafeBufferPointer { fields in
            var cursor = FieldCursor(fields)
            while let field = cursor.next() {
                writer.key(cursor.name(of: field))
                let bytes = UnsafeBufferPointer(rebasing: fields[field.value.range])
                switch field.value.kind {
                case .string: writer.raw(bytes)
                case .null: writer.string("")
                case .number, .true, .false: writer.string(bytes)
                case .array, .object:
                    let values = JSONValue(validated: bytes).elements.compactMap(\.text)
                    writer.string(values.joined(separator: ";"))
                }
            }
        }
    }

    // MARK: The answer

    /// What the answer says of each row.
    struct Outcome {
        var receipts: [Receipt] = []
        /// Rows of which the answer says nothing that can be told to be theirs.
        var open: [Batch.Row] = []
        /// Refusals that name no row.
        var refusals: [HubSpotRefusal] = []
    }

    /// - Parameter creditsSince: records that were created since then count as created although the answer only found
    ///   them: an earlier call of the same rows was lost. `nil` for a first call.
    func outcome(of answer: JSONValue, creditsSince: Timestamp?) -> Outcome {
        var outcome = Outcome()
        var results: [Int: Receipt.Result] = [:]
        let numbers = rowNumbers
        for result in answer["results"]?.elements ?? [] {
            guard let id = result["id"]?.text else { continue }
            let names = [
                result["objectWriteTraceId"]?.text, result["properties"]?[keyProperty]?.text.map { "key " + $0 },
                "id " + id,
            ]
            guard let number = names.compactMap({ $0 }).lazy.compactMap({ numbers[$0] }).first else { continue }
            let isNew = result["new"]?.bool == true || isCredited(result, number, since: creditsSince)
            results[number] = isNew ? .created(id: id) : .updated(id: id)
        }
        for error in answer["errors"]?.elements ?? [] {
            let refusal = HubSpotRefusal(error)
            let traced = refusal.context["objectWriteTraceId"] ?? []
            let named = (refusal.context["ids"] ?? []) + (refusal.context["id"] ?? [])
            let found = (traced + named.flatMap { ["id " + $0, "key " + $0] }).compactMap { numbers[$0] }
            for number in found where results[number] == nil { results[number] = .rejected(refusal.rejection) }
            if found.isEmpty { outcome.refusals.append(refusal) }
        }
        for (number, row) in rows.enumerated() {
            if let result = results[number] {
                outcome.receipts.append(Receipt(key: row.key, result: result))
            } else {
                outcome.open.append(row)
            }
        }
        return outcome
    }

    /// The rows' numbers by everything that an answer may call them.
    private var rowNumbers: [String: Int] {
        var numbers: [String: Int] = [:]
        for (number, row) in rows.enumerated() {
            numbers[String(number)] = number
            numbers["key " + row.key] = number
            if let id = row.targetID { numbers["id " + id] = number }
        }
        return numbers
    }

    /// Allows for clocks that differ by five minutes; the worst that a larger difference does is to call a record updated
    /// that was created.
    private func isCredited(_ result: JSONValue, _ number: Int, since: Timestamp?) -> Bool {
        guard let since, verb == .upsert,
            let created = result["createdAt"]?.text.flatMap(InstantText.timestamp)
        else { return false }
        return created >= since.advanced(by: .seconds(-300))
    }
}
