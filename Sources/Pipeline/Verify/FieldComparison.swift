// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezTransform

/// Whether a destination holds what was sent to it, given the liberties that destinations take with the form of values.
enum FieldComparison {
    /// - Parameters:
    ///   - sent: the value in the ready chunk.
    ///   - held: the value read back; `nil` or null = none.
    static func agree(_ sent: JSONValue, _ held: JSONValue?) -> Bool {
        let held = held ?? .null
        if sent == held { return true }
        let (sentText, heldText) = (text(sent), text(held))
        if sentText == heldText { return true }
        // 1.0 and 1, or "12" and 12.
        if let a = Double(sentText), let b = Double(heldText) { return a == b }
        // The same instant in another notation or zone.
        if let a = TimestampText.instant(sentText.utf8), let b = TimestampText.instant(heldText.utf8) { return a == b }
        return trimmed(sentText) == trimmed(heldText)
    }

    /// Null and the empty text are the same everywhere.
    private static func text(_ value: JSONValue) -> String {
        if value.isNull { return "" }
        if let bool = value.bool { return bool ? "true" : "false" }
        return value.text ?? String(decoding: value.serialized(), as: UTF8.self)
    }

    /// CRMs cut white space at both ends, and write line ends in their own way.
    private static func trimmed(_ text: String) -> String {
        let lines = text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
        let isSpace: (Character) -> Bool = { $0.isWhitespace }
        return String(lines.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
