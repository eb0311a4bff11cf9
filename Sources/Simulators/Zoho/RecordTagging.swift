// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Tags of records: given to and taken from up to 500 records a call.
///
/// Source: zoho/crm-oas, `v8.0/tags.json`; zoho.com/crm/developer, "Add Tags to Records". A tag in the JSON of a record that is
/// written is passed over, since the documentation does not say what it does to those that are there.
struct RecordTagging {
    static let field = "Tag"
    private static let recordsMax = 500
    private static let lengthMax = 25
    /// The most tags of one record.
    private static let tagsMax = 10

    let table: RecordTable
    let now: Timestamp

    /// - Parameter removes: takes the tags away.
    func change(_ body: JSONValue, removes: Bool) throws -> SimulatorResponse {
        let names = body["tags"]?.elements.compactMap { $0["name"]?.text } ?? []
        guard !names.isEmpty, names.count == body["tags"]?.elements.count else {
            throw ZohoFailure(400, "MANDATORY_NOT_FOUND", "required field not found", [.init("api_name", "tags")])
        }
        guard names.allSatisfy({ (1...Self.lengthMax).contains($0.count) }) else {
            throw ZohoFailure(
                400, "INVALID_DATA", "invalid data", [.init("api_name", "name"), .init("maximum_length", 25)])
        }
        let ids = body["ids"]?.elements.compactMap(\.text) ?? []
        guard (1...Self.recordsMax).contains(ids.count) else {
            throw ZohoFailure(400, "LIMIT_EXCEEDED", "one to 500 records are tagged at once")
        }
        let overwrites = body["over_write"]?.bool == true
        var answers: [JSONValue] = []
        var failed = 0
        for id in ids {
            do {
                answers.append(try change(id, names, removes: removes, overwrites: overwrites))
            } catch let failure as RowFailure {
                failed += 1
                answers.append(failure.json)
            }
        }
        return RecordWriting.answer(answers, failed: failed, good: 200)
    }

    private func change(_ id: String, _ names: [String], removes: Bool, overwrites: Bool) throws -> JSONValue {
        guard let record = try table.record(id) else {
            throw RowFailure("INVALID_DATA", "the id given seems to be invalid", [.init("id", .string(id))])
        }
        var held = overwrites ? [] : record.document[Self.field]?.elements.compactMap(\.text) ?? []
        held.removeAll(where: names.contains)
        if !removes { held += names }
        guard held.count <= Self.tagsMax else {
            throw RowFailure("LIMIT_EXCEEDED", "a record has at most ten tags", [.init("id", .string(id))])
        }
        let members = record.document.members.filter { $0.key != Self.field }
        let document = JSONValue.object(members + [.init(Self.field, .array(held.map { .string($0) }))])
        try table.replace(record.id, with: document, at: now)
        return [
            "code": "SUCCESS", "status": "success", "message": "tags updated successfully",
            "details": ["id": .string(id), "tags": Self.shown(document)],
        ]
    }

    /// The tags of a record as lists show them.
    static func shown(_ document: JSONValue) -> JSONValue {
        .array(
            (document[field]?.elements ?? []).map { name in
                let number = (name.text ?? "").utf8.reduce(7) { ($0 &* 31 &+ Int64($1)) & 0xFFFF_FFFF }
                return [
                    "name": name, "id": .string(String(554_023_000_930_000_001 + number)), "color_code": .null,
                ]
            })
    }
}
