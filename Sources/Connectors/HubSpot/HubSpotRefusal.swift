// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
package import MigratezModel

/// A refusal as HubSpot states it, for a call or for a row of a batch:
/// `{"status":"error","category","message","context":{"objectWriteTraceId":["3"]}}`.
package struct HubSpotRefusal: Sendable {
    package var category: String
    /// HubSpot's own words; they may quote values and must not leave the encrypted rejects.
    package var text: String
    /// What is wrong with single properties: the vendor's code and the name.
    package var problems: [(code: String, property: String)]
    /// Ids that the refusal is about, by what they are: `objectWriteTraceId`, `ids`.
    var context: [String: [String]] = [:]

    init(category: String, text: String) {
        self.category = category
        self.text = text
        problems = Self.problems(in: text)
    }

    init(_ value: JSONValue) {
        self.init(category: value["category"]?.text ?? "", text: value["message"]?.text ?? "")
        for member in value["context"]?.members ?? [] {
            context[member.key] = member.value.elements.compactMap(\.text)
        }
    }

    /// The row's rejection; what is wrong with a property says more than that something is.
    package var rejection: Rejection {
        let first = problems.first
        let rule = VendorErrorTable.hubSpot.rule(for: first?.code ?? category)
        var fields: [String] = []
        for problem in problems where !fields.contains(problem.property) { fields.append(problem.property) }
        return Rejection(
            rule.code, remedy: rule.remedy, fields: fields, vendorCode: first?.code ?? category, vendorText: text)
    }

    /// Reads `…: [{"name":"phone","error":"INVALID_OPTION",…}]` and `… were not set: [hs_timestamp]` at the end of a
    /// message, the two forms in which HubSpot names properties.
    private static func problems(in text: String) -> [(code: String, property: String)] {
        guard text.last == "]", let colon = text.firstRange(of: ": [") else { return [] }
        let list = text[text.index(before: colon.upperBound)...]
        if let items = try? JSONValue(parsing: Array(list.utf8)) {
            return items.elements.compactMap { item in
                guard let code = item["error"]?.text, let name = item["name"]?.text else { return nil }
                return (code, name)
            }
        }
        guard text.contains("required properties were not set") else { return [] }
        return list.dropFirst().dropLast().split(separator: ",").map { name in
            ("REQUIRED_FIELD", String(name.drop { $0 == " " }))
        }
    }
}

/// A call that HubSpot refused as a whole; the `cause` of the error.
struct HubSpotCallRefused: Error, CustomStringConvertible {
    var status: Int
    var refusal: HubSpotRefusal

    /// Codes and names only: the text may quote values.
    var description: String {
        let problems = refusal.problems.map { "\($0.code) (\($0.property))" }
        return "status \(status): " + ([refusal.category] + problems).joined(separator: ", ")
    }

    /// Whether what was asked for is at fault, and not the moment, the token or the rights.
    var isAboutRows: Bool { [400, 404, 409, 413].contains(status) }
}

extension MigratezError {
    /// HubSpot's refusal that led to this error, if one did.
    var callRefused: HubSpotCallRefused? { cause as? HubSpotCallRefused }
}
