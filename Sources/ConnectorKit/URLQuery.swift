// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Percent-encodes queries, forms and segments of paths.
package enum URLQuery {
    /// `a=1&b=x%2Cy`: everything but the unreserved characters of RFC 3986 is encoded, and commas are left as they are
    /// where `keepsCommas`, because lists of names are long.
    package static func encoded(_ items: [(name: String, value: String)], keepsCommas: Bool = false) -> String {
        items.map { "\(escaped($0.name))=\(escaped($0.value, keepsCommas: keepsCommas))" }.joined(separator: "&")
    }

    /// A name, a value, or one segment of a path: a slash in it is none.
    package static func escaped(_ text: String, keepsCommas: Bool = false) -> String {
        let isKept = { (byte: UInt8) in isUnreserved(byte) || keepsCommas && byte == UInt8(ascii: ",") }
        if text.utf8.allSatisfy(isKept) { return text }
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if isKept(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
        default: false
        }
    }
}
