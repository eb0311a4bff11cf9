// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezJSON
import MigratezModel

/// Finds records by our key: in the database itself, never in the search index.
struct RecordLookup: Sendable {
    let api: DynamicsAPI
    let table: TableMetadata
    let keyColumn: String

    /// A record that is there.
    struct Found: Sendable {
        var id: String
        /// 0 = open or active; `nil` for tables without states.
        var state: Int?
        var reason: Int?
    }

    /// The records that carry one of the keys, by key.
    func records(keys: [String]) async throws -> [String: Found] {
        guard table.hasKeyColumn else {
            let ids = Dictionary(keys.map { (self.id(ofKey: $0), $0) }, uniquingKeysWith: { first, _ in first })
            let found = try await records(ids: Array(ids.keys))
            return Dictionary(found.compactMap { id, record in ids[id].map { ($0, record) } }) { first, _ in first }
        }
        var found: [String: Found] = [:]
        try await rows(keyColumn, keys, keyColumn) { row, record in
            if let key = row[keyColumn]?.text { found[key] = record }
        }
        return found
    }

    /// The records with these ids that are there, by id.
    func records(ids: [String]) async throws -> [String: Found] {
        var found: [String: Found] = [:]
        try await rows(table.primaryID, ids, nil) { _, record in found[record.id] = record }
        return found
    }

    /// The id of a record in a table that takes no column of ours: a GUID made of the key (RFC 9562 §5.8, version 8).
    ///
    /// The platform lets the id of a new record be chosen (Microsoft Learn, "Create a table row using the Web API").
    func id(ofKey key: String) -> String {
        var bytes = Array(SHA256.digest(of: Array("migratez \(table.name) \(key)".utf8)).prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x80
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = Hex.encode(bytes)
        var text = ""
        for (place, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(place) { text.append("-") }
            text.append(digit)
        }
        return text
    }

    private func rows(
        _ column: String, _ values: [String], _ selected: String?, _ row: (JSONValue, Found) -> Void
    ) async throws {
        let states = ["statecode", "statuscode"].filter { table.column($0) != nil }
        let select = ([table.primaryID] + states + [selected].compactMap { $0 }).joined(separator: ",")
        for group in ODataText.groups(values, overhead: 500) {
            try Task.checkCancellation()
            let query = [("$select", select), ("$filter", ODataText.isIn(column, group))]
            try await api.rows(table.setName, query: query) { answer in
                guard let id = answer[table.primaryID]?.text else { return }
                row(
                    answer,
                    Found(id: id, state: answer["statecode"]?.int, reason: answer["statuscode"]?.int))
            }
        }
    }
}
