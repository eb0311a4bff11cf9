// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Builds a page of HTML in which nothing from outside can be anything but text.
///
/// Markup is `StaticString` only: it stands in this program's source. Whatever else goes in is escaped, in elements and in
/// attributes alike.
struct HTMLText: Sendable {
    private(set) var page = ""

    /// Markup of this program's own.
    mutating func markup(_ markup: StaticString) {
        markup.withUTF8Buffer { page += String(decoding: $0, as: UTF8.self) }
    }

    /// A text from anywhere.
    mutating func text(_ text: String) { page += Self.escaped(text) }

    /// A number of this program's own, such as a coordinate.
    mutating func number(_ number: Double) {
        let tenths = Int((number * 10).rounded())
        page += tenths % 10 == 0 ? "\(tenths / 10)" : "\(Double(tenths) / 10)"
    }

    /// An element whose attributes are this program's own.
    mutating func element(
        _ name: StaticString, _ attributes: StaticString = "", _ body: (inout HTMLText) -> Void
    ) {
        markup("<")
        markup(name)
        if attributes.utf8CodeUnitCount > 0 {
            markup(" ")
            markup(attributes)
        }
        markup(">")
        body(&self)
        markup("</")
        markup(name)
        markup(">")
    }

    /// An element that holds a text.
    mutating func element(_ name: StaticString, _ attributes: StaticString = "", text: String) {
        element(name, attributes) { $0.text(text) }
    }

    /// The text with everything that means something in HTML written as a reference (HTML Living Standard, 13.1.4), and
    /// without control characters, which no document may hold (13.2.3.5).
    static func escaped(_ text: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "\n", "\t": escaped.unicodeScalars.append(scalar)
            case _
            where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                || scalar.properties.isNoncharacterCodePoint:
                escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
