// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Reads records of one table back: by id, by values, or some. Never through the search index.
struct RecordReader: Sendable {
    let api: DynamicsAPI
    let table: TableMetadata
    let keyColumn: String
    /// Which rows of the table are meant; `nil` = all.
    var filter: String?

    func read(ids: [RecordID], fields: [String]) async throws -> [ReadBack] {
        var records: [ReadBack] = []
        for group in ODataText.groups(ids.map(\.text), overhead: overhead(fields)) {
            try await rows(fields, [("$filter", ODataText.isIn(table.primaryID, group))]) { records.append($0) }
        }
        return records
    }

    func sample(fields: [String], count: Int) async throws -> [ReadBack] {
        var records: [ReadBack] = []
        try await rows(fields, [("$top", String(count))] + (filter.map { [("$filter", $0)] } ?? [])) {
            records.append($0)
        }
        return records
    }

    /// Records without our key whose fields equal one of the tuples. A tuple with an empty value matches nothing: to the
    /// platform an empty text is null, and null would match every record without a value.
    func match(fields: [String], values: [[String]], returning: [String]) async throws -> [ReadBack] {
        let columns = try fields.map { name in
            guard let column = table.column(name) else {
                throw MigratezError(
                    .requestRefused, "\(table.name) has no column \(ODataText.isName(name) ? name : "of that name")",
                    remedy: .fixConfiguration)
            }
            return column
        }
        let conditions = values.compactMap { tuple -> String? in
            var parts: [String] = []
            for (column, value) in zip(columns, tuple) {
                guard let literal = ODataText.literal(value, column.field.kind) else { return nil }
                parts.append("\(column.property) eq \(literal)")
            }
            return "(\(parts.joined(separator: " and ")))"
        }
        let unkeyed =
            (table.hasKeyColumn ? "\(keyColumn) eq null and " : "") + (filter.map { "(\($0)) and " } ?? "")
        var records: [ReadBack] = []
        for group in ODataText.groups(conditions, overhead: overhead(returning), itemsMax: Self.conditionsMax) {
            try await rows(returning, [("$filter", "\(unkeyed)(\(group.joined(separator: " or ")))")]) {
                records.append($0)
            }
        }
        return records
    }

    /// Values of a record's system columns, by id.
    func values(ids: [RecordID], columns: [String]) async throws -> [String: JSONValue] {
        var values: [String: JSONValue] = [:]
        for record in try await read(ids: ids, fields: columns) {
            values[record.id] = record.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        }
        return values
    }

    /// Conditions of one filter (Microsoft Learn, "Query data using the Web API": 500 are taken, two for each tuple).
    private static let conditionsMax = 100

    private func overhead(_ fields: [String]) -> Int {
        min(300 + fields.reduce(0) { $0 + $1.utf8.count + 10 }, ODataText.addressBytesMax / 2)
    }

    private func rows(
        _ fields: [String], _ query: [(name: String, value: String)], _ record: (ReadBack) -> Void
    ) async throws {
        let columns = fields.compactMap { name in table.column(name) }
        var select = [table.primaryID]
        if table.hasKeyColumn { select.append(keyColumn) }
        for column in columns where column.role == nil && !select.contains(column.property) {
            select.append(column.property)
        }
        var found: [JSONValue] = []
        try await api.rows(
            table.setName, query: [("$select", select.joined(separator: ","))] + query, endpointClass: "read"
        ) { found.append($0) }
        let parties =
            columns.contains { $0.role != nil }
            ? try await PartyLists(api: api).addresses(of: found.compactMap { $0[table.primaryID]?.text }) : [:]
        for row in found {
            guard let id = row[table.primaryID]?.text else { continue }
            var writer = JSONWriter()
            writer.beginObject()
            for name in fields {
                writer.key(name)
                let column = table.column(name)
                if let role = column?.role, let text = PartyLists.text(parties[id]?[role]) {
                    writer.string(text)
                } else {
                    (column.flatMap { row[$0.property] } ?? .null).write(to: &writer)
                }
            }
            writer.endObject()
            record(ReadBack(id: id, key: row[keyColumn]?.text, fields: writer.bytes))
        }
    }
}
