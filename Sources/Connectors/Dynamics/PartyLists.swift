// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Who takes part in activities: senders, recipients, attendees. Each is a row of a table of its own.
///
/// Source: Microsoft Learn, "ActivityParty table", `ParticipationTypeMask` and `AddressUsed`.
struct PartyLists: Sendable {
    /// The columns of an e-mail that list them, with the role that each is for.
    static let roles = ["from": 1, "to": 2, "cc": 3, "bcc": 4]
    /// The tables that somebody who takes part may be of.
    static let tables: Set = ["account", "contact", "lead"]

    let api: DynamicsAPI

    /// The addresses of activities by their roles, by the ids of the activities.
    func addresses(of ids: [String]) async throws -> [String: [Int: [String]]] {
        var found: [String: [Int: [String]]] = [:]
        try await rows(ids, select: "_activityid_value,participationtypemask,addressused", prefer: nil) { row in
            guard let id = row["_activityid_value"]?.text, let role = row["participationtypemask"]?.int,
                let address = row["addressused"]?.text, !address.isEmpty
            else { return }
            found[id, default: [:]][role, default: []].append(address)
        }
        return found
    }

    /// Those who are records of a table: activity, record, and the role in the environment's own words.
    func records(of ids: [String], in table: String) async throws -> [(activity: String, record: String, role: String?)]
    {
        let annotations = "\(RecordPages.lookupType.dropFirst()),\(LinkSurvey.formatted.dropFirst())"
        var found: [(activity: String, record: String, role: String?)] = []
        try await rows(
            ids, select: "_activityid_value,_partyid_value,participationtypemask",
            prefer: "odata.include-annotations=\"\(annotations)\""
        ) { row in
            guard let id = row["_activityid_value"]?.text, let record = row["_partyid_value"]?.text,
                row["_partyid_value" + RecordPages.lookupType]?.text == table
            else { return }
            found.append((id, record, row["participationtypemask" + LinkSurvey.formatted]?.text))
        }
        return found
    }

    private func rows(
        _ ids: [String], select: String, prefer: String?, _ row: (JSONValue) throws -> Void
    ) async throws {
        for group in ODataText.groups(ids, overhead: 500) {
            try Task.checkCancellation()
            let query = [("$select", select), ("$filter", ODataText.isIn("activityid", group))]
            try await api.rows("activityparties", query: query, prefer: prefer, row)
        }
    }

    /// One text for a list.
    static func text(_ addresses: [String]?) -> String? { addresses.map { $0.joined(separator: ";") } }

    /// The addresses of such a text.
    static func addresses(_ text: String) -> [String] {
        text.split { $0 == ";" || $0 == "," }.map { part in
            let start = part.drop { $0.isWhitespace }
            return String(start.reversed().drop { $0.isWhitespace }.reversed())
        }.filter { !$0.isEmpty }
    }
}
