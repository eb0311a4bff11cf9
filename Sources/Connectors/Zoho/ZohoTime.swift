// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// Instants as Zoho takes and shows them: `2026-01-01T10:00:00+05:30`, whole seconds and always with an offset
/// (zoho.com/crm/developer, "Field types": DateTime).
enum ZohoTime {
    /// An instant or a day in ISO 8601 in that form, fractions of a second cut off; `nil` if it is neither.
    static func text(_ text: String) -> String? {
        guard !isDay(text) else { return text + "T00:00:00+00:00" }
        guard text.utf8.count >= 20, isDay(String(text.prefix(10))) else { return nil }
        let clock = text.dropFirst(10).prefix(9)
        var zone = text.dropFirst(19)
        if zone.first == "." { zone = zone.dropFirst().drop { $0.isASCII && $0.isNumber } }
        guard clock.first == "T" || clock.first == " ", clock.dropFirst().count == 8, let offset = offset(zone) else {
            return nil
        }
        return "\(text.prefix(10))T\(clock.dropFirst())\(offset)"
    }

    /// The instant of a text in that form; `nil` if it is none.
    static func timestamp(_ text: String) -> Timestamp? {
        self.text(text).flatMap { InstantText.moment($0) }
    }

    /// `Z`, `+0530` and `+05:30` as `+00:00`, `+05:30`.
    private static func offset(_ zone: Substring) -> String? {
        if zone == "Z" || zone == "z" { return "+00:00" }
        let digits = zone.dropFirst().filter { $0 != ":" }
        guard zone.first == "+" || zone.first == "-", digits.utf8.count == 4, digits.allSatisfy(\.isNumber) else {
            return nil
        }
        return "\(zone.prefix(1))\(digits.prefix(2)):\(digits.suffix(2))"
    }

    private static func isDay(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return text.utf8.count == 10 && parts.count == 3 && parts.map(\.count) == [4, 2, 2]
            && parts.allSatisfy { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
    }
}
