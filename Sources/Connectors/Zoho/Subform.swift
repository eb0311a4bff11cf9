// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Rows within records, such as the lines of a quote (`Quoted_Items`), as an object of their own.
///
/// Zoho describes a subform like a module and gives its rows ids, but rows are seen with the record that they belong to, and
/// written with it only. So a row's id here names that record as well.
///
/// Source: zoho.com/crm/developer, "Subform API", "Insert Subform Data", "Update Subform Data", "Delete Subform Data", "Modules
/// metadata" (`generated_type`, `parent_module`); zoho/crm-oas, `v8.0/fields.json` (`subform`).
struct Subform: Sendable, Hashable {
    /// The field of a row that leads to its record.
    static let parentField = "Parent_Id"

    /// The module that describes the rows, and the object's name.
    var module: String
    /// The module whose records have the rows, and its field for them.
    var parent: String
    var field: String
    /// Whether a record must have a row.
    var isRequired: Bool

    /// - Parameter field: as the fields API describes it; `nil` unless it is a subform.
    init?(field: JSONValue, of parent: String) {
        guard field["data_type"]?.text == "subform", let name = field["api_name"]?.text else { return nil }
        self.parent = parent
        self.field = name
        module = field["subform"]?["module"]?.text ?? field["associated_module"]?["module"]?.text ?? name
        isRequired = field["system_mandatory"]?.bool == true
    }

    /// Adds to the fields of a row what every row has: an id, and its record, which never changes.
    static func complete(_ fields: inout [FieldSchema], of parent: String) {
        fields.removeAll { $0.name == parentField || $0.name == ZohoModule.id }
        fields.append(
            FieldSchema(
                name: ZohoModule.id, label: "Record Id", kind: .id, isCreateable: false, isUpdateable: false,
                isUnique: true))
        fields.append(
            FieldSchema(
                name: parentField, label: "Record", kind: .reference, isRequired: true, isUpdateable: false,
                refersTo: [parent]))
    }
}

/// The id of a row: `554…:554…`, its record's and its own.
struct SubformRowID: Hashable, Sendable {
    var record: String
    var row: String

    init(record: String, row: String) { (self.record, self.row) = (record, row) }

    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, parts.allSatisfy(ZohoID.isID) else { return nil }
        self.init(record: parts[0], row: parts[1])
    }

    var text: String { "\(record):\(row)" }
}

/// Reads the rows of a subform, a request for each record.
struct SubformRows: Sendable {
    /// Fewer than the ten heavy calls at once that Zoho allows.
    static let recordsAtOnce = 4
    /// Records whose rows are on one page.
    private static let pageRecords = 100
    private static let prefix = "subform"

    let client: ZohoClient
    let subform: Subform

    /// One row, a flat record with our id for it.
    struct Row: Sendable {
        var id: SubformRowID
        var json: JSONValue
    }

    /// The rows of a record in their order; `nil` if there is no such record.
    func rows(of record: String) async throws -> [Row]? {
        let answer: JSONValue
        do {
            answer = try await client.value("/\(subform.parent)/\(record)", class: "record")
        } catch let error as MigratezError where error.callRefused?.refusal.code == "INVALID_DATA" {
            return nil
        }
        guard let held = answer["data"]?[0] else { return nil }
        return (held[subform.field]?.elements ?? []).compactMap { row in
            guard let id = row[ZohoModule.id]?.text else { return nil }
            return self.row(row, SubformRowID(record: record, row: id))
        }
    }

    private func row(_ row: JSONValue, _ id: SubformRowID) -> Row {
        let own: Set = [ZohoModule.id, Subform.parentField]
        var members = row.members.filter { !own.contains($0.key) }.map {
            JSONValue.Member($0.key, FlatRecords.flat($0.value))
        }
        members.append(.init(Subform.parentField, .string(id.record)))
        members.append(.init(ZohoModule.id, .string(id.text)))
        return Row(id: id, json: .object(members))
    }

    /// The rows of several records, by record; one that is not there is absent.
    func rows(of records: [String]) async throws -> [String: [Row]] {
        try await withThrowingTaskGroup(of: (String, [Row]?).self) { group in
            var waiting = records.filter(ZohoID.isID)[...]
            var found: [String: [Row]] = [:]
            func addNext() {
                guard let record = waiting.popFirst() else { return }
                group.addTask { (record, try await rows(of: record)) }
            }
            for _ in 0..<Self.recordsAtOnce { addNext() }
            while let (record, rows) = try await group.next() {
                found[record] = rows
                addNext()
            }
            return found
        }
    }

    /// Rows by our ids; one that is not there is absent.
    func rows(_ ids: [String]) async throws -> [Row] {
        let wanted = Set(ids.compactMap { SubformRowID($0) })
        let records = Set(wanted.map(\.record)).sorted()
        let found = try await rows(of: records)
        return records.flatMap { found[$0] ?? [] }.filter { wanted.contains($0.id) }
    }

    /// The rows of the next hundred records, in the order of the records' ids.
    ///
    /// - Parameter schema: that of the module that has the rows.
    func page(after cursor: Cursor?, _ schema: ObjectSchema) async throws -> Page {
        var last: String?
        if let cursor {
            let parts = cursor.text.split(separator: " ", maxSplits: 1).map(String.init)
            guard parts.count == 2, parts[0] == Self.prefix, case .query(let id) = try ZohoPlace(Cursor(parts[1]))
            else {
                throw MigratezError(.internalError, "this is not a place among the rows of \(subform.module)")
            }
            last = id
        }
        let parents = try await QueryPages(client, schema, fields: []).page(after: last, limit: Self.pageRecords)
        let ids = parents.records.compactMap { range in
            parents.bytes[range].withUnsafeBufferPointer { bytes in
                member(at: [ZohoModule.id], in: bytes).map { JSONText.string($0, of: bytes) }
            }
        }
        let found = try await rows(of: ids)
        var page = Page(rows: ids.flatMap { found[$0] ?? [] })
        page.next = parents.next.map { Cursor("\(Self.prefix) \($0.text)") }
        return page
    }
}

extension Page {
    init(rows: [SubformRows.Row]) {
        self.init(bytes: [], records: [], next: nil)
        for row in rows {
            let start = bytes.count
            bytes += row.json.serialized()
            records.append(start..<bytes.count)
        }
    }
}
