// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Base 64 with padding (RFC 4648 §4).
///
/// Files of megabytes go through it in debug builds too, so no byte costs a search or an array of its own.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")

    /// What each of the 256 bytes stands for, 255 if it is not in the alphabet.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(value) }
        return values
    }()

    package static func encoded(_ bytes: [UInt8]) -> String {
        let alphabet = alphabet
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var place = 0
        while place < bytes.count {
            let count = min(3, bytes.count - place)
            var bits = Int(bytes[place]) << 16
            if count > 1 { bits |= Int(bytes[place + 1]) << 8 }
            if count > 2 { bits |= Int(bytes[place + 2]) }
            text.append(alphabet[bits >> 18])
            text.append(alphabet[bits >> 12 & 63])
            text.append(count > 1 ? alphabet[bits >> 6 & 63] : padding)
            text.append(count > 2 ? alphabet[bits & 63] : padding)
            place += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The padding is not looked at, wherever it stands; `nil` if anything else is not in the alphabet.
    package static func decoded(_ text: String) -> [UInt8]? {
        let values = values
        let padding = padding
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 4 * 3 + 3)
        var bits = 0
        var count = 0
        for byte in Array(text.utf8) where byte != padding {
            let value = values[Int(byte)]
            guard value < 64 else { return nil }
            bits = bits << 6 | Int(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> count))
                bits &= (1 << count) - 1
            }
        }
        return bytes
    }
}
