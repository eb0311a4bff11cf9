// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// The id of a record: the three characters that name its object, and its ordinal in the object's table.
///
/// The 15-character form is case-sensitive; the 18-character form carries the case of the first 15 in its last three,
/// so it survives systems that ignore case (crm-apis: Salesforce, section 2).
struct RecordID: Hashable, Sendable {
    /// Three ASCII characters, packed big-endian.
    let prefix: UInt32
    /// 1, 2, 3 … in order of creation; negative for an id that no record here can have.
    let ordinal: Int64

    init(prefix: String, ordinal: Int64) {
        self.init(packed: RecordID.pack(prefix), ordinal: ordinal)
    }

    init(packed prefix: UInt32, ordinal: Int64) {
        self.prefix = prefix
        self.ordinal = ordinal
    }

    /// Reads either form; `nil` if the text is no id at all.
    init?(_ text: String) {
        var characters = Array(text.utf8)
        switch characters.count {
        case 15: break
        case 18:
            guard RecordID.restoreCase(of: &characters) else { return nil }
        default: return nil
        }
        var ordinal: Int64 = 0
        for (index, character) in characters.prefix(15).enumerated() {
            guard let digit = RecordID.value(of: character) else { return nil }
            if index >= 6 { ordinal = ordinal &* 62 &+ Int64(digit) }
        }
        prefix = UInt32(characters[0]) << 16 | UInt32(characters[1]) << 8 | UInt32(characters[2])
        // An id of another organisation is well-formed and leads nowhere.
        self.ordinal = characters[3..<6].elementsEqual(RecordID.organisation) ? ordinal : -1
    }

    /// The 18-character form.
    var text: String {
        let plain = characters
        var all = plain
        for group in 0..<3 {
            var bits = 0
            for index in 0..<5 where (0x41...0x5A).contains(plain[group * 5 + index]) { bits |= 1 << index }
            all.append(RecordID.suffixDigits[bits])
        }
        return String(decoding: all, as: UTF8.self)
    }

    /// The 15-character form.
    var shortText: String { String(decoding: characters, as: UTF8.self) }

    private var characters: [UInt8] {
        var characters: [UInt8] = [UInt8(prefix >> 16 & 0xFF), UInt8(prefix >> 8 & 0xFF), UInt8(prefix & 0xFF)]
        characters.reserveCapacity(18)
        characters += RecordID.organisation
        // An id of another organisation has no number here; it is shown with zero, which no record has.
        var rest = max(ordinal, 0)
        var digits: [UInt8] = []
        for _ in 0..<9 {
            digits.append(RecordID.digits[Int(rest % 62)])
            rest /= 62
        }
        return characters + digits.reversed()
    }

    static func pack(_ prefix: String) -> UInt32 {
        prefix.utf8.prefix(3).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// What the ids of this organisation have in common; upper and lower case, so that the suffix matters.
    private static let organisation: [UInt8] = Array("Mz0".utf8)
    /// In ASCII order, so that ids sort as their ordinals do.
    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    private static let suffixDigits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".utf8)

    private static func value(of character: UInt8) -> Int? {
        switch character {
        case 0x30...0x39: Int(character) - 0x30
        case 0x41...0x5A: Int(character) - 0x41 + 10
        case 0x61...0x7A: Int(character) - 0x61 + 36
        default: nil
        }
    }

    /// Gives the first 15 characters of an 18-character id the case that the last three tell.
    private static func restoreCase(of characters: inout [UInt8]) -> Bool {
        for group in 0..<3 {
            let suffix = characters[15 + group]
            let upper = (0x61...0x7A).contains(suffix) ? suffix - 0x20 : suffix
            guard let bits = suffixDigits.firstIndex(of: upper) else { return false }
            for index in 0..<5 {
                let character = characters[group * 5 + index]
                guard (0x41...0x5A).contains(character & 0xDF), character >= 0x41 else { continue }
                characters[group * 5 + index] = bits & 1 << index != 0 ? character & 0xDF : character | 0x20
            }
        }
        return true
    }
}
