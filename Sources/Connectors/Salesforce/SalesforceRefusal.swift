// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel

/// One error as Salesforce states it, for a row or for a call.
///
/// Calls answer `[{"message","errorCode","fields"}]`, rows of a collection the same with `statusCode`, rows of a bulk
/// job one text `CODE:message:fields--`.
package struct SalesforceRefusal: Sendable, Equatable {
    package var vendorCode: String
    /// Salesforce's own words; they may quote values and must not leave the encrypted rejects.
    package var text: String
    package var fields: [String]

    package init(vendorCode: String, text: String, fields: [String] = []) {
        self.vendorCode = vendorCode
        self.text = text
        self.fields = fields
    }

    /// What the table says about it.
    package var rule: VendorErrorRule { VendorErrorTable.salesforce.rule(for: vendorCode) }

    /// Several errors of one row as one rejection; the first gives the code.
    package static func rejection(_ refusals: [SalesforceRefusal]) -> Rejection {
        guard let first = refusals.first else { return Rejection(.ruleViolated) }
        var fields: [String] = []
        for field in refusals.flatMap(\.fields) where !fields.contains(field) { fields.append(field) }
        let text =
            refusals.count == 1 ? first.text : refusals.map { "\($0.vendorCode): \($0.text)" }.joined(separator: "; ")
        // A missing parent comes as INVALID_FIELD when it was named by our key; that says more than 'refused'.
        let code = first.namesUnknownParent ? ErrorCode.parentNotLoaded : first.rule.code
        return Rejection(
            code, remedy: first.rule.remedy, fields: fields, vendorCode: first.vendorCode, vendorText: text)
    }

    /// Whether a parent that the row named by our key does not exist there.
    var namesUnknownParent: Bool {
        (vendorCode == "INVALID_FIELD" || vendorCode == "INVALID_CROSS_REFERENCE_KEY")
            && text.contains("oreign key external ID")
    }

    /// The errors of a call's or a row's answer: an array of objects, or one object.
    static func list(_ value: JSONValue) -> [SalesforceRefusal] {
        let elements = value.elements.isEmpty && value["message"] != nil ? [value] : value.elements
        return elements.map { error in
            SalesforceRefusal(
                vendorCode: error["statusCode"]?.text ?? error["errorCode"]?.text ?? "UNKNOWN_EXCEPTION",
                text: error["message"]?.text ?? "",
                fields: error["fields"]?.elements.compactMap(\.text) ?? [])
        }
    }

    /// The errors in a cell `sf__Error`: `CODE:message:field field --`, several one after the other.
    package static func list(bulkCell text: String) -> [SalesforceRefusal] {
        var refusals: [SalesforceRefusal] = []
        for part in splitAtCodes(text) {
            guard let colon = part.firstIndex(of: ":") else {
                refusals.append(SalesforceRefusal(vendorCode: String(part), text: ""))
                continue
            }
            var message = part[part.index(after: colon)...]
            while message.last == " " || message.last == "\n" { message = message.dropLast() }
            if message.hasSuffix("--") { message = message.dropLast(2) }
            var fields: [String] = []
            if let last = message.lastIndex(of: ":") {
                let names = message[message.index(after: last)...].split { $0 == " " || $0 == "," }.map(String.init)
                if names.allSatisfy(SOQL.isName) {
                    fields = names
                    message = message[..<last]
                }
            }
            refusals.append(
                SalesforceRefusal(vendorCode: String(part[..<colon]), text: String(message), fields: fields))
        }
        return refusals
    }

    /// Errors follow each other after `--` with a code in capitals; anything else belongs to the message before.
    private static func splitAtCodes(_ text: String) -> [Substring] {
        var parts: [Substring] = []
        var start = text.startIndex
        var index = text.startIndex
        while let dashes = text[index...].firstRange(of: "--") {
            index = dashes.upperBound
            let rest = text[index...].drop { $0 == " " || $0 == ";" }
            let code = rest.prefix { ($0 >= "A" && $0 <= "Z") || $0 == "_" }
            guard code.count > 2, rest.dropFirst(code.count).first == ":" else { continue }
            parts.append(text[start..<index])
            start = rest.startIndex
            index = rest.startIndex
        }
        if start < text.endIndex { parts.append(text[start...]) }
        return parts
    }
}

extension [SalesforceRefusal] {
    /// Whether a lock kept the row out.
    var nameLock: Bool { contains { $0.rule.isOfLock } }
}
