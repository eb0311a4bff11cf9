// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
import MigratezModel
import MigratezTransform

/// Whether a destination holds what was sent to it, given the liberties that destinations take with the form of values.
package enum FieldComparison {
    /// - Parameters:
    ///   - sent: the value in the ready chunk.
    ///   - held: the value read back; `nil` or null = none.
    package static func agree(_ sent: JSONValue, _ held: JSONValue?) -> Bool {
        let held = held ?? .null
        if sent == held { return true }
        let (sentText, heldText) = (text(sent), text(held))
        if sentText == heldText { return true }
        // 1.0 and 1, or "12" and 12; but a text such as 01234 is no number, and no digit may be lost.
        if let a = DecimalNumber(sentText), let b = DecimalNumber(heldText) { return a == b }
        // The same instant in another notation or zone. Two whole numbers are no instants, whatever else they may be.
        if !isWhole(sentText) || !isWhole(heldText), let a = TimestampText.instant(sentText.utf8),
            let b = TimestampText.instant(heldText.utf8)
        {
            return a == b
        }
        return trimmed(sentText) == trimmed(heldText)
    }

    /// A form of the value that is the same for values which agree; `nil` for one that is blank.
    ///
    /// Only a whole number is taken for a number here, where `agree` takes one beside an instant for an instant. Looks at
    /// the first bytes before it tries to read a number or an instant: it is called for every field of every record.
    package static func canonical(_ value: JSONValue) -> String? {
        let text = text(value)
        let bytes = text.utf8
        guard let first = bytes.first, let last = bytes.last else { return nil }
        if first == UInt8(ascii: "-") || isDigit(first) {
            if let number = DecimalNumber(text) {
                let digits = String(decoding: number.digits.map { $0 + 0x30 }, as: UTF8.self)
                return "number \(number.isNegative ? "-" : "")\(digits)e\(number.exponent)"
            }
            if !isWhole(text), let instant = TimestampText.instant(bytes) { return "instant \(instant.milliseconds)" }
        }
        let isPlain = { (byte: UInt8) in byte > 0x20 && byte < 0x7F }
        if isPlain(first), isPlain(last), !bytes.contains(UInt8(ascii: "\r")) { return "text " + text }
        let trimmed = trimmed(text)
        return trimmed.isEmpty ? nil : "text " + trimmed
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    /// Null and the empty text are the same everywhere.
    static func text(_ value: JSONValue) -> String {
        if value.isNull { return "" }
        if let bool = value.bool { return bool ? "true" : "false" }
        return value.text ?? String(decoding: value.serialized(), as: UTF8.self)
    }

    private static func isWhole(_ text: String) -> Bool { text.utf8.allSatisfy(isDigit) }

    /// CRMs cut white space at both ends, and write line ends in their own way.
    private static func trimmed(_ text: String) -> String {
        let lines = text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
        let isSpace: (Character) -> Bool = { $0.isWhitespace }
        return String(lines.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
