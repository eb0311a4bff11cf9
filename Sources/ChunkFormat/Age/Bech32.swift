// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Bech32 (BIP 173) without its limit of 90 characters, as age uses it for keys.
enum Bech32 {
    private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)
    private static let checksumCharacters = 6

    /// The text for `bytes`, in lower case.
    static func encode(prefix: String, _ bytes: [UInt8]) -> String {
        let prefixBytes = Array(prefix.utf8)
        let values = regrouped(bytes, from: 8, to: 5, padding: true) ?? []
        let checksum = polymod(expanded(prefixBytes) + values + [UInt8](repeating: 0, count: checksumCharacters)) ^ 1
        let checksumValues = (0..<checksumCharacters).map { i in UInt8(checksum >> UInt32(5 * (5 - i)) & 31) }
        let data = (values + checksumValues).map { alphabet[Int($0)] }
        return String(decoding: prefixBytes + [0x31] + data, as: UTF8.self)
    }

    /// Prefix, in the case that it has in `text`, and bytes; nil if the text is malformed or its checksum is wrong.
    static func decode(_ text: String) -> (prefix: String, bytes: [UInt8])? {
        let characters = Array(text.utf8)
        let hasLower = characters.contains { (0x61...0x7A).contains($0) }
        let hasUpper = characters.contains { (0x41...0x5A).contains($0) }
        guard !(hasLower && hasUpper), let separator = characters.lastIndex(of: 0x31), separator > 0,
            characters.count - separator > checksumCharacters,
            characters.allSatisfy({ (33...126).contains($0) })
        else { return nil }
        let lowered = characters.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        var values: [UInt8] = []
        for character in lowered[(separator + 1)...] {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            values.append(UInt8(value))
        }
        guard polymod(expanded(Array(lowered[..<separator])) + values) == 1,
            let bytes = regrouped(Array(values.dropLast(checksumCharacters)), from: 5, to: 8, padding: false)
        else { return nil }
        return (String(decoding: characters[..<separator], as: UTF8.self), bytes)
    }

    private static func expanded(_ prefix: [UInt8]) -> [UInt8] { prefix.map { $0 >> 5 } + [0] + prefix.map { $0 & 31 } }

    private static func polymod(_ values: [UInt8]) -> UInt32 {
        let generators: [UInt32] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3]
        var checksum: UInt32 = 1
        for value in values {
            let top = checksum >> 25
            checksum = (checksum & 0x1FF_FFFF) << 5 ^ UInt32(value)
            for (i, generator) in generators.enumerated() where top >> UInt32(i) & 1 == 1 { checksum ^= generator }
        }
        return checksum
    }

    /// Bits in groups of another size; nil if bits are left over that are more than padding, or not zero.
    private static func regrouped(_ values: [UInt8], from: UInt32, to: UInt32, padding: Bool) -> [UInt8]? {
        var result: [UInt8] = []
        var held: UInt32 = 0
        var bits: UInt32 = 0
        let mask: UInt32 = (1 << to) - 1
        for value in values {
            held = (held << from | UInt32(value)) & 0xFFFF
            bits += from
            while bits >= to {
                bits -= to
                result.append(UInt8(held >> bits & mask))
            }
        }
        if padding {
            if bits > 0 { result.append(UInt8(held << (to - bits) & mask)) }
        } else if bits >= from || held << (to - bits) & mask != 0 {
            return nil
        }
        return result
    }
}
