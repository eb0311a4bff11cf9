// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation

/// Forms of text in which it is compared or tidied.
enum TextFold {
    /// Without white space and invisible marks (zero-width space, BOM) at both ends.
    static func trimmed(_ text: String) -> String {
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !isSpace($0) }),
            let last = scalars.lastIndex(where: { !isSpace($0) })
        else { return "" }
        if first == scalars.startIndex, scalars.index(after: last) == scalars.endIndex { return text }
        return String(scalars[first...last])
    }

    /// Compatibility-composed (NFKC), case folded, white space collapsed: `Ｍüller  GmbH ` and `müller gmbh` are one.
    static func folded(_ text: String) -> String {
        if let ascii = foldedASCII(text) { return ascii }
        let compatible = text.precomposedStringWithCompatibilityMapping.lowercased()
        var folded = String.UnicodeScalarView()
        var needsSpace = false
        for scalar in compatible.unicodeScalars {
            if isSpace(scalar) {
                needsSpace = !folded.isEmpty
                continue
            }
            if needsSpace { folded.append(" ") }
            needsSpace = false
            // Lower-casing leaves ß; folding makes it ss, as an upper-cased copy of the name has it (Unicode 5.18).
            if scalar == "ß" { folded.append(contentsOf: "ss".unicodeScalars) } else { folded.append(scalar) }
        }
        return String(folded).precomposedStringWithCompatibilityMapping
    }

    /// The same for text that is nothing but ASCII, without asking Unicode; `nil` if it is not.
    private static func foldedASCII(_ text: String) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var needsSpace = false
        for byte in text.utf8 {
            guard byte < 0x80 else { return nil }
            if byte == 0x20 || (0x09...0x0D).contains(byte) {
                needsSpace = !bytes.isEmpty
                continue
            }
            if needsSpace { bytes.append(0x20) }
            needsSpace = false
            bytes.append(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || scalar == "\u{200B}" || scalar == "\u{FEFF}" || scalar == "\u{2060}"
    }
}
