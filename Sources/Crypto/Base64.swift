// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Base64 (RFC 4648, sections 4 and 5), strict: one text for one sequence of bytes.
///
/// No white space, no characters outside the alphabet, no bits set in the unused end of the last character.
package struct Base64: Sendable {
    /// `+` and `/`, padded.
    package static let standard = Base64(alphabet: "+/", isPadded: true)
    /// `+` and `/`, no padding, as in the header of age files.
    package static let standardUnpadded = Base64(alphabet: "+/", isPadded: false)
    /// `-` and `_`, padded.
    package static let url = Base64(alphabet: "-_", isPadded: true)
    /// `-` and `_`, no padding, as in JSON Web Tokens.
    package static let urlUnpadded = Base64(alphabet: "-_", isPadded: false)

    private let characters: [UInt8]
    /// The value of each byte, 255 if it has none.
    private let values: [UInt8]
    private let isPadded: Bool

    private init(alphabet lastTwo: String, isPadded: Bool) {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        characters = Array((letters + lastTwo).utf8)
        var values = [UInt8](repeating: 255, count: 256)
        for (value, character) in characters.enumerated() { values[Int(character)] = UInt8(value) }
        self.values = values
        self.isPadded = isPadded
    }

    /// The text for `bytes`, as its ASCII bytes.
    package func encodedBytes(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var group: UInt32 = 0
        var held = 0
        for byte in bytes {
            group = group << 8 | UInt32(byte)
            held += 1
            guard held == 3 else { continue }
            for shift in [18, 12, 6, 0] as [UInt32] { text.append(characters[Int(group >> shift & 63)]) }
            group = 0
            held = 0
        }
        if held == 1 {
            text.append(characters[Int(group >> 2 & 63)])
            text.append(characters[Int(group << 4 & 63)])
        } else if held == 2 {
            text.append(characters[Int(group >> 10 & 63)])
            text.append(characters[Int(group >> 4 & 63)])
            text.append(characters[Int(group << 2 & 63)])
        }
        if isPadded { while text.count % 4 != 0 { text.append(0x3D) } }
        return text
    }

    /// The text for `bytes`.
    package func encode(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: encodedBytes(bytes), as: UTF8.self)
    }

    /// The bytes of `text`, or nil unless it is exactly what `encode` writes for them.
    package func decode(_ text: some BidirectionalCollection<UInt8>) -> [UInt8]? {
        var count = text.count
        var end = text.endIndex
        if isPadded {
            guard count % 4 == 0 else { return nil }
            var padding = 0
            while padding < 2, end > text.startIndex, text[text.index(before: end)] == 0x3D {
                end = text.index(before: end)
                padding += 1
            }
            count -= padding
        }
        guard count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count / 4 * 3 + 2)
        var group: UInt32 = 0
        var bits: UInt32 = 0
        for character in text[..<end] {
            let value = values[Int(character)]
            guard value != 255 else { return nil }
            group = group << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> bits))
            }
        }
        // What is left over must be zero, or several texts would stand for the same bytes.
        guard group & ((1 << bits) - 1) == 0 else { return nil }
        return bytes
    }

    /// The bytes of `text`, or nil unless it is exactly what `encode` writes for them.
    package func decode(_ text: String) -> [UInt8]? { decode(text.utf8) }
}
