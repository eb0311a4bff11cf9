// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// E-mails, and the people that they have to do with.
///
/// Source: Object Reference, "EmailMessage" (one that is no draft is not changed any more) and "EmailMessageRelation".
enum EmailMessage {
    static let object = "EmailMessage"
    static let relation = "EmailMessageRelation"
    private static let typeField = "RelationType"

    /// The rows of relations with the type that the platform demands: whoever an incoming e-mail is related to wrote it,
    /// and others got it, unless the pipeline says otherwise.
    static func withTypes(_ rows: [Batch.Row], _ api: SalesforceAPI) async throws -> [Batch.Row] {
        let name = [Array(typeField.utf8)]
        let emails = Set(rows.filter { !$0.sets(anyOf: name) }.compactMap(email(of:))).sorted()
        guard !emails.isEmpty else { return rows }
        var incoming: Set<String> = []
        let head = "SELECT Id FROM \(object) WHERE Incoming = true AND Id IN "
        for group in SOQL.groups(emails.map(SOQL.literal), overhead: PercentEncoding.length(head) + 400) {
            try await api.query(head + SOQL.list(group)) { record in
                if let id = record["Id"]?.text { incoming.insert(SalesforceID.canonical(id)) }
            }
        }
        return rows.map { row in
            guard !row.sets(anyOf: name) else { return row }
            let type = email(of: row).map(incoming.contains) == true ? "FromAddress" : "ToAddress"
            return row.adding(typeField, type)
        }
    }

    private static func email(of row: Batch.Row) -> String? {
        row.references.first { $0.field == "EmailMessageId" }.map { SalesforceID.canonical($0.targetID) }
    }
}

extension Batch.Row {
    /// The row with one more field.
    func adding(_ name: String, _ text: String) -> Batch.Row {
        guard let brace = fields.lastIndex(of: UInt8(ascii: "}")) else { return self }
        let isEmpty = !fields.contains(UInt8(ascii: "\""))
        var row = self
        row.fields.replaceSubrange(
            brace...,
            with: Array("\(isEmpty ? "" : ",")\"\(name)\":".utf8) + JSONValue.string(text).serialized() + [0x7D])
        return row
    }
}
