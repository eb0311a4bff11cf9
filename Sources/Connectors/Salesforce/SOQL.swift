// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Text of queries, escaped so that no value can change their meaning.
///
/// Source: SOQL and SOSL Reference, "Quoted String Escape Sequences" and "LIKE".
package enum SOQL {
    /// A quoted string literal.
    package static func literal(_ text: String) -> String {
        "'" + escaped(text) + "'"
    }

    /// A quoted pattern that matches texts which begin with `prefix`: its own `%` and `_` stand for themselves.
    package static func pattern(prefix: String) -> String {
        var pattern = ""
        for scalar in escaped(prefix).unicodeScalars {
            if scalar == "%" || scalar == "_" { pattern.unicodeScalars.append("\\") }
            pattern.unicodeScalars.append(scalar)
        }
        return "'" + pattern + "%'"
    }

    /// The text with the characters escaped that end a literal or begin an escape.
    private static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count + 2)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "'": result += "\\'"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{8}": result += "\\b"
            case "\u{C}": result += "\\f"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// `(a,b,c)`, the right side of `IN`.
    static func list(_ literals: some Sequence<String>) -> String {
        "(" + literals.joined(separator: ",") + ")"
    }

    /// Whether the text may stand as the name of an object or field, also across one relationship (`Account.Name`).
    package static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.first != "." && text.last != "."
            && text.utf8.allSatisfy { byte in
                (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || (byte >= 0x30 && byte <= 0x39) || byte == 0x5F
                    || byte == 0x2E
            }
    }

    /// Splits literals into groups of which each fits into one URL when it is percent-encoded.
    ///
    /// A GET address may have about 16,000 characters (crm-apis, general knowledge of the platform); the budget stays
    /// well below, since proxies cut earlier.
    ///
    /// - Parameters:
    ///   - overhead: encoded length of the rest of the query.
    ///   - joinLength: encoded length of what stands between two literals.
    package static func groups(
        _ literals: [String], overhead: Int, joinLength: Int = 3, budget: Int = 12_000
    ) -> [ArraySlice<String>] {
        var groups: [ArraySlice<String>] = []
        var start = literals.startIndex
        var length = overhead
        for index in literals.indices {
            let cost = PercentEncoding.length(literals[index]) + joinLength
            if index > start, length + cost > budget {
                groups.append(literals[start..<index])
                start = index
                length = overhead
            }
            length += cost
        }
        if start < literals.endIndex { groups.append(literals[start...]) }
        return groups
    }
}

/// RFC 3986 percent-encoding of everything but unreserved characters.
package enum PercentEncoding {
    /// The text as it may stand in a path segment, a query value or a form.
    package static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count * 2)
        for byte in text.utf8 {
            if isUnreserved(byte) {
                bytes.append(byte)
            } else {
                bytes.append(UInt8(ascii: "%"))
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The length of `encode(text)` in bytes.
    package static func length(_ text: String) -> Int {
        text.utf8.reduce(0) { $0 + (isUnreserved($1) ? 1 : 3) }
    }

    /// RFC 3986 §2.3.
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
        default: false
        }
    }
}
