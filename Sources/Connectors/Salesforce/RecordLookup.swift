// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Finds records by our key, or by what they link: in the database itself, never in the search index.
struct RecordLookup: Sendable {
    let api: SalesforceAPI
    let stampField: String

    /// A record that carries one of our keys.
    struct Stamped: Sendable {
        var id: String
        /// For `ContentVersion`: the document that people see.
        var documentID: String?
        /// When the platform created it, by its own clock.
        var created: Timestamp?
    }

    /// The records of `object` that carry one of the keys, by key.
    func stamped(_ keys: [String], object: String) async throws -> [String: Stamped] {
        var found: [String: Stamped] = [:]
        let isDocument = object == ContentNote.storageObject
        let head =
            "SELECT Id,CreatedDate,\(stampField)\(isDocument ? ",ContentDocumentId" : "") FROM \(object) "
            + "WHERE \(stampField) IN "
        for group in SOQL.groups(keys.map(SOQL.literal), overhead: PercentEncoding.length(head) + 400) {
            try await api.query(head + SOQL.list(group)) { record in
                guard let key = record[stampField]?.text, let id = record["Id"]?.text else { return }
                found[key] = Stamped(
                    id: SalesforceID.canonical(id),
                    documentID: record["ContentDocumentId"]?.text.map(SalesforceID.canonical),
                    created: record["CreatedDate"]?.text.flatMap(InstantText.timestamp))
            }
        }
        return found
    }

    /// The ids of link records, by key of the row that describes the same link.
    ///
    /// Objects that can hold no key of ours are links, and a link is known by what it connects. All rows must have the
    /// same reference fields.
    func links(_ rows: [Batch.Row], object: String) async throws -> [String: String] {
        let fields = rows.first?.references.map(\.field).sorted() ?? []
        guard !fields.isEmpty, rows.allSatisfy({ $0.references.map(\.field).sorted() == fields }) else {
            throw MigratezError(
                .notSupported, "\(object) can hold no key of ours and its rows do not name what they link",
                remedy: .fixConfiguration)
        }
        // ContentDocumentLink must be filtered by one of its ends; a document has few links, an account may have many.
        let filter = fields.contains("ContentDocumentId") ? "ContentDocumentId" : fields[0]
        var rowsByLink: [[String]: [String]] = [:]
        for row in rows { rowsByLink[Self.ends(row, fields), default: []].append(row.key) }
        let ids = Set(rows.flatMap(\.references).filter { $0.field == filter }.map(\.targetID)).sorted()
        let head = "SELECT Id,\(fields.joined(separator: ",")) FROM \(object) WHERE \(filter) IN "
        var found: [String: String] = [:]
        for group in SOQL.groups(ids.map(SOQL.literal), overhead: PercentEncoding.length(head) + 400) {
            try await api.query(head + SOQL.list(group)) { record in
                let ends = fields.map { SalesforceID.canonical(record[$0]?.text ?? "") }
                guard let id = record["Id"]?.text else { return }
                for key in rowsByLink[ends] ?? [] { found[key] = SalesforceID.canonical(id) }
            }
        }
        return found
    }

    /// What the row links, in the order of `fields`.
    static func ends(_ row: Batch.Row, _ fields: [String]) -> [String] {
        fields.map { field in
            SalesforceID.canonical(row.references.first { $0.field == field }?.targetID ?? "")
        }
    }
}
