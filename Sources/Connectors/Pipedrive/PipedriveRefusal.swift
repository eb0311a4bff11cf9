// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
package import MigratezModel

/// A refusal as Pipedrive states it: `{"success":false,"error":…,"code":…}`.
package struct PipedriveRefusal: Sendable {
    package var status: Int
    /// The vendor's code, or the status where there is none.
    package var code: String
    /// Pipedrive's own words; they may quote values and must not leave the encrypted rejects.
    package var text: String
    /// What is wrong with single parameters: the names as the API has them, and the reason.
    package var problems: [(name: String, reason: String)]

    package init(status: Int, code: String, text: String) {
        (self.status, self.code, self.text) = (status, code, text)
        problems = Self.problems(in: text)
    }

    init(status: Int, body: JSONValue) {
        let code = body["code"]?.text.flatMap { Self.isWord($0) ? $0 : nil }
        let text = [body["error"]?.text, body["error_info"]?.text].compactMap(\.self).joined(separator: " ")
        self.init(status: status, code: code ?? String(status), text: text)
        problems = Self.problems(in: body["error"]?.text ?? "")
    }

    /// Whether the company's plan has no room for more.
    var isOfPlan: Bool { code.hasPrefix("feature_capping") }

    /// Whether what was sent is at fault, and not the moment, the token or the plan.
    var isAboutRow: Bool { [400, 404, 409, 410, 413, 422].contains(status) || status == 403 && !isOfPlan }

    /// The row's rejection; what is wrong with a parameter says more than that something is.
    ///
    /// - Parameter name: the field of a row that a parameter was made of.
    package func rejection(_ name: (String) -> String) -> Rejection {
        let rule = VendorErrorTable.pipedrive.rule(for: code)
        var fields: [String] = []
        for problem in problems where !fields.contains(name(problem.name)) { fields.append(name(problem.name)) }
        return Rejection(
            problems.first.map { Self.errorCode($0, rule.code) } ?? rule.code, remedy: rule.remedy, fields: fields,
            vendorCode: code, vendorText: text)
    }

    private static func errorCode(_ problem: (name: String, reason: String), _ code: ErrorCode) -> ErrorCode {
        if problem.reason.contains("is required") || problem.reason.contains("must not be empty") {
            return .requiredFieldMissing
        }
        if problem.reason.contains("characters") || problem.reason.contains("too long") { return .tooLong }
        switch problem.name {
        case "owner_id", "user_id": return .ownerUnmatched
        case "org_id", "person_id", "deal_id", "lead_id", "participants": return .parentNotLoaded
        default: return code
        }
    }

    /// Reads `Validation failed: a: reason; b: reason`. Of custom fields the reason names the key in quotes.
    private static func problems(in text: String) -> [(name: String, reason: String)] {
        let prefix = "Validation failed: "
        guard text.hasPrefix(prefix) else { return [] }
        return text.dropFirst(prefix.count).split(separator: "; ").compactMap { part in
            guard let colon = part.firstRange(of: ": ") else { return nil }
            let name = String(part[..<colon.lowerBound])
            let reason = String(part[colon.upperBound...])
            guard isWord(name) else { return nil }
            guard name == "custom_fields" else { return (name, reason) }
            return (reason.matches(of: /'([0-9a-f]{40})'/).last.map { String($0.1) } ?? name, reason)
        }
    }

    /// Names of parameters and codes; anything else is not shown.
    private static func isWord(_ text: String) -> Bool {
        text.utf8.count <= 80
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || [0x2D, 0x2E, 0x5F].contains($0)
            }
    }
}

/// A call that Pipedrive refused; the `cause` of the error.
struct PipedriveCallRefused: Error, CustomStringConvertible {
    var refusal: PipedriveRefusal

    /// Codes and names only: the text may quote values.
    var description: String {
        "status \(refusal.status): " + ([refusal.code] + refusal.problems.map(\.name)).joined(separator: ", ")
    }
}

extension MigratezError {
    /// Pipedrive's refusal that led to this error, if one did.
    var callRefused: PipedriveRefusal? { (cause as? PipedriveCallRefused)?.refusal }
}
