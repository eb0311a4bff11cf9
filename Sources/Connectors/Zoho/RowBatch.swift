// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// One call that writes: at most 100 rows of one module.
///
/// Workflows, approvals and blueprints are left out of it by an empty `trigger`; without it they would run.
///
/// Source: zoho.com/crm/developer, "Insert Records", "Update Records", "Insert or Update Records (Upsert)".
struct RowBatch {
    /// Rows of one call.
    static let rowsMax = 100

    enum Verb { case insert, update, upsert }

    let verb: Verb
    let rows: ArraySlice<Batch.Row>
    let schema: ObjectSchema
    /// The field that holds our key; `nil` where the module can hold none.
    let keyField: String?
    /// What each new record begins with besides.
    var opening: [JSONValue.Member] = []

    var path: String { verb == .upsert ? "/\(schema.name)/upsert" : "/\(schema.name)" }

    /// The body of the request.
    var body: [UInt8] {
        var writer = JSONWriter(capacity: rows.reduce(96) { $0 + $1.fields.count + 160 })
        writer.beginObject()
        writer.key("data")
        writer.beginArray()
        for row in rows { write(row, to: &writer) }
        writer.endArray()
        writer.key("trigger")
        writer.beginArray()
        writer.endArray()
        if verb == .upsert, let keyField {
            // Only by our key: by itself Zoho would take a contact with the same address for the same.
            writer.key("duplicate_check_fields")
            writer.beginArray()
            writer.string(keyField)
            writer.endArray()
        }
        writer.endObject()
        return writer.bytes
    }

    private func write(_ row: Batch.Row, to writer: inout JSONWriter) {
        writer.beginObject()
        if verb == .update, let id = row.targetID {
            writer.key(ZohoModule.id)
            writer.string(id)
        }
        if let keyField {
            writer.key(keyField)
            if row.keepsKey { writer.string(row.key) } else { writer.null() }
        }
        Self.writeValues(of: row, schema, to: &writer)
        for reference in row.references { write(reference, to: &writer) }
        if verb == .insert {
            for member in opening {
                writer.key(member.key)
                writer.raw(member.value.serialized())
            }
        }
        writer.endObject()
    }

    /// The row's own values as members of the object that is open.
    static func writeValues(of row: Batch.Row, _ schema: ObjectSchema, to writer: inout JSONWriter) {
        row.fields.withUnsafeBufferPointer { fields in
            var cursor = FieldCursor(fields)
            while let field = cursor.next() {
                let name = cursor.name(of: field)
                writer.key(name)
                RowValue(field.value, of: fields, as: schema.field(name)?.kind).write(to: &writer)
            }
        }
    }

    /// A link is the other record's id; a field that may lead to any module is told which one, a note's parent within, an
    /// activity's subject by a member beside it.
    private func write(_ reference: Batch.Reference, to writer: inout JSONWriter) {
        let leadsAnywhere = (schema.field(reference.field)?.refersTo.count ?? 0) > 1
        writer.key(reference.field)
        writer.beginObject()
        writer.key(ZohoModule.id)
        writer.string(reference.targetID)
        if leadsAnywhere, schema.name == ZohoModule.notes {
            writer.key("module")
            writer.beginObject()
            writer.key("api_name")
            writer.string(reference.object)
            writer.endObject()
        }
        writer.endObject()
        if leadsAnywhere, schema.name != ZohoModule.notes {
            writer.key(ZohoModule.moduleOfWhat)
            writer.string(reference.object)
        }
    }

    /// Why the row cannot be written at all. Zoho passes over fields that it does not know without a word.
    static func objection(to row: Batch.Row, _ schema: ObjectSchema) -> Rejection? {
        row.fields.withUnsafeBufferPointer { fields in
            var cursor = FieldCursor(fields)
            while let field = cursor.next() {
                let name = cursor.name(of: field)
                guard let known = schema.field(name) else {
                    return Rejection(.requestRefused, fields: [name], reason: "the module has no such field")
                }
                if field.value.kind == .object {
                    return Rejection(.wrongType, fields: [name], reason: "a field holds a value, not an object")
                }
                if known.kind == .reference, known.refersTo.count > 1, !field.value.isBlank {
                    return Rejection(
                        .wrongType, fields: [name],
                        reason: "the field may lead to several modules: fill it by a link, which tells to which")
                }
            }
            return nil
        }
    }

    // MARK: The answer

    /// What the answer says of one row.
    enum Result {
        case written(id: String, isNew: Bool)
        /// - lostSince: when an earlier call of the same row was sent, if that one was lost.
        case refused(ZohoRefusal, lostSince: Timestamp?)

        /// Whether somebody else's change kept the row out: it was not written, and may pass later.
        var isLocked: Bool {
            guard case .refused(let refusal, _) = self else { return false }
            return VendorErrorTable.zoho.rule(for: refusal.code).code == .rowLocked
        }
    }

    /// The results in the order of the rows, which is that of the answer.
    ///
    /// - Parameter creditedSince: records that were created since then count as created although the answer only found
    ///   them: an earlier call of the same rows was lost. `nil` for a first call. Clocks that differ by five minutes are
    ///   allowed for; the worst that a larger difference does is to call a record updated that was created.
    func results(of answers: [JSONValue], creditedSince: Timestamp?) throws(MigratezError) -> [Result] {
        guard answers.count == rows.count else {
            throw MigratezError(
                .brokenResponse, "\(rows.count) rows of \(schema.name) got \(answers.count) answers",
                remedy: .retry(after: nil))
        }
        return answers.map { answer in
            guard answer["status"]?.text == "success", let id = answer["details"]?["id"]?.text else {
                return .refused(ZohoRefusal(answer), lostSince: creditedSince)
            }
            let isNew = verb == .insert || answer["action"]?.text == "insert"
            return .written(id: id, isNew: isNew || isCredited(answer, creditedSince))
        }
    }

    private func isCredited(_ answer: JSONValue, _ since: Timestamp?) -> Bool {
        guard let since, let created = answer["details"]?["Created_Time"]?.text.flatMap(ZohoTime.timestamp) else {
            return false
        }
        return created >= since.advanced(by: .seconds(-300))
    }
}

/// One value of a row in the form that a field of that kind takes.
///
/// Zoho takes numbers and truth values as such and not as texts, instants with an offset, lists as arrays, and people and
/// records by an object with their id. Nothing in a field that is no text is null.
private struct RowValue {
    private let slice: JSONSlice
    private let row: UnsafeBufferPointer<UInt8>
    private let kind: FieldSchema.Kind?

    init(_ slice: JSONSlice, of row: UnsafeBufferPointer<UInt8>, as kind: FieldSchema.Kind?) {
        self.slice = slice
        self.row = row
        self.kind = kind
    }

    private var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: row[slice.range]) }
    private var text: String { JSONText.string(slice, of: row) }

    func write(to writer: inout JSONWriter) {
        switch (kind, slice.kind) {
        case (_, .null): writer.null()
        case (.text, .number), (.text, .true), (.text, .false), (.longText, .number), (.phone, .number),
            (.choice, .number):
            writer.string(bytes)
        case (.text, _), (.longText, _), (.email, _), (.phone, _), (.url, _), (nil, _): writer.raw(bytes)
        case (_, _) where slice.isBlank: writer.null()
        case (.bool, .string), (.integer, .string), (.decimal, .string): literal(to: &writer)
        case (.dateTime, .string): writer.string(ZohoTime.text(text) ?? text)
        case (.choices, .string):
            writer.beginArray()
            for choice in text.split(separator: ";") { writer.string(String(choice)) }
            writer.endArray()
        case (.reference, .string), (.reference, .number):
            writer.beginObject()
            writer.key(ZohoModule.id)
            writer.string(text)
            writer.endObject()
        default: writer.raw(bytes)
        }
    }

    /// A text that is a number or a truth value as such; any other as it stands, for Zoho to refuse.
    private func literal(to writer: inout JSONWriter) {
        let content = Array(text.utf8)
        let isLiteral = (try? JSONScanner.validate(content, limits: .record)) != nil
        if isLiteral, let first = content.first, first != UInt8(ascii: "{"), first != UInt8(ascii: "[") {
            writer.raw(content)
        } else {
            writer.raw(bytes)
        }
    }
}
