// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Who sent an e-mail to whom.
///
/// HubSpot takes it as a text of JSON in `hs_email_headers`, and fills `hs_email_from_email` and its like, which are
/// read-only, from that (developers.hubspot.com, "Engagements: email"). A pipeline may map these: they are put together
/// here, and read back as they were written.
enum EmailHeaders {
    static let property = "hs_email_headers"
    /// What is made of the headers; several addresses have `;` between them.
    static let parts: Set<String> = [
        "hs_email_from_email", "hs_email_from_firstname", "hs_email_from_lastname", "hs_email_to_email",
        "hs_email_cc_email", "hs_email_bcc_email",
    ]

    /// The row with its parts in one property; one that has the headers whole keeps them.
    static func folded(_ row: Batch.Row) -> Batch.Row {
        let fields = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        var members = fields.members.filter { !parts.contains($0.key) }
        guard members.count < fields.members.count else { return row }
        if fields[property]?.text?.isEmpty != false {
            members.removeAll { $0.key == property }
            members.append(.init(property, .string(text(fields))))
        }
        var row = row
        row.fields = JSONValue.object(members).serialized()
        return row
    }

    private static func text(_ fields: JSONValue) -> String {
        func list(_ name: String) -> JSONValue {
            let addresses = (fields[name]?.text ?? "").split(whereSeparator: { $0 == ";" || $0 == "," })
            return .array(
                addresses.map {
                    ["email": .string(String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()))]
                })
        }
        var from: [JSONValue.Member] = []
        for (name, key) in [("email", "email"), ("firstname", "firstName"), ("lastname", "lastName")] {
            guard let value = fields["hs_email_from_\(name)"]?.text, !value.isEmpty else { continue }
            from.append(.init(key, .string(value)))
        }
        let headers: JSONValue = [
            "from": .object(from), "to": list("hs_email_to_email"), "cc": list("hs_email_cc_email"),
            "bcc": list("hs_email_bcc_email"),
        ]
        return String(decoding: headers.serialized(), as: UTF8.self)
    }
}
