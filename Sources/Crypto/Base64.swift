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
        bytes.withContiguousStorageIfAvailable(encoded) ?? Array(bytes).withUnsafeBufferPointer(encoded)
    }

    // Contents of files pass here, and other modules call these: as generic functions they would not be specialised there,
    // and take twenty times as long.

    private func encoded(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        let rest = bytes.count % 3
        let length = bytes.count / 3 * 4 + (rest == 0 ? 0 : isPadded ? 4 : rest + 1)
        return characters.withUnsafeBufferPointer { characters in
            [UInt8](unsafeUninitializedCapacity: length) { text, count in
                var place = 0
                for start in stride(from: 0, to: bytes.count - rest, by: 3) {
                    let group =
                        UInt32(bytes[start]) << 16 | UInt32(bytes[start + 1]) << 8 | UInt32(bytes[start + 2])
                    text[place] = characters[Int(group >> 18)]
                    text[place + 1] = characters[Int(group >> 12 & 63)]
                    text[place + 2] = characters[Int(group >> 6 & 63)]
                    text[place + 3] = characters[Int(group & 63)]
                    place += 4
                }
                if rest > 0 {
                    let second = rest == 2 ? UInt32(bytes[bytes.count - 1]) : 0
                    let group = UInt32(bytes[bytes.count - rest]) << 16 | second << 8
                    for number in 0...rest { text[place + number] = characters[Int(group >> (18 - 6 * number) & 63)] }
                    for number in rest + 1..<4 where isPadded { text[place + number] = 0x3D }
                }
                count = length
            }
        }
    }

    /// The text for `bytes`.
    package func encode(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: encodedBytes(bytes), as: UTF8.self)
    }

    /// The bytes of `text`, or nil unless it is exactly what `encode` writes for them.
    package func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        text.withContiguousStorageIfAvailable(decoded) ?? Array(text).withUnsafeBufferPointer(decoded)
    }

    private func decoded(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        var end = text.count
        if isPadded {
            guard end % 4 == 0 else { return nil }
            while end > 0, text.count - end < 2, text[end - 1] == 0x3D { end -= 1 }
        }
        guard end % 4 != 1 else { return nil }
        return values.withUnsafeBufferPointer { values in
            var isValid = true
            let bytes = [UInt8](unsafeUninitializedCapacity: end / 4 * 3 + 2) { bytes, count in
                var group: UInt32 = 0
                var bits: UInt32 = 0
                for place in 0..<end {
                    let value = values[Int(text[place])]
                    guard value != 255 else {
                        isValid = false
                        return
                    }
                    group = group << 6 | UInt32(value)
                    bits += 6
                    if bits >= 8 {
                        bits -= 8
                        bytes[count] = UInt8(truncatingIfNeeded: group >> bits)
                        count += 1
                    }
                }
                // What is left over must be zero, or several texts would stand for the same bytes.
                isValid = group & ((1 << bits) - 1) == 0
            }
            return isValid ? bytes : nil
        }
    }

    /// The bytes of `text`, or nil unless it is exactly what `encode` writes for them.
    package func decode(_ text: String) -> [UInt8]? { decode(text.utf8) }
}
