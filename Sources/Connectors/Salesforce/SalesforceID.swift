// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// The two spellings of a Salesforce id.
///
/// 15 characters are case-sensitive; 18 add a suffix that tells the case of the others, so that they can be compared
/// without regard to case. Salesforce accepts both and mixes them, so we always keep 18.
package enum SalesforceID {
    /// The 18-character spelling of a 15-character id; any other text comes back as it is.
    package static func canonical(_ id: String) -> String {
        guard id.utf8.count == 15, id.utf8.allSatisfy(isAlphanumeric) else { return id }
        var short = id
        // Written in place: each row that a load writes has an answer with an id.
        return short.withUTF8 { characters in
            String(unsafeUninitializedCapacity: 18) { text in
                for (place, character) in characters.enumerated() { text[place] = character }
                for block in 0..<3 { text[15 + block] = suffix(of: characters[(block * 5)..<(block * 5 + 5)]) }
                return 18
            }
        }
    }

    /// One bit for each of five characters, the first the lowest: set if it is a capital letter. The suffix is the
    /// character with that number among A to Z and 0 to 5.
    private static func suffix(of characters: Slice<UnsafeBufferPointer<UInt8>>) -> UInt8 {
        var bits: UInt8 = 0
        for (place, character) in characters.enumerated() where (0x41...0x5A).contains(character) {
            bits |= 1 << UInt8(place)
        }
        return bits < 26 ? UInt8(ascii: "A") + bits : UInt8(ascii: "0") + bits - 26
    }

    /// Whether the text has the form of an id of either spelling.
    package static func isID(_ text: String) -> Bool {
        (text.utf8.count == 15 || text.utf8.count == 18) && text.utf8.allSatisfy(isAlphanumeric)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
    }
}
