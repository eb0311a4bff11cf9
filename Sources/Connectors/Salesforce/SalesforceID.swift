// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// The two spellings of a Salesforce id.
///
/// 15 characters are case-sensitive; 18 add a suffix that tells the case of the others, so that they can be compared
/// without regard to case. Salesforce accepts both and mixes them, so we always keep 18.
package enum SalesforceID {
    /// The 18-character spelling of a 15-character id; any other text comes back as it is.
    package static func canonical(_ id: String) -> String {
        guard id.utf8.count == 15 else { return id }
        let characters = Array(id.utf8)
        guard characters.allSatisfy(isAlphanumeric) else { return id }
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".utf8)
        var suffix: [UInt8] = []
        for block in 0..<3 {
            // One bit for each of five characters, the first the lowest: set if it is a capital letter.
            var bits = 0
            for place in 0..<5 where (0x41...0x5A).contains(characters[block * 5 + place]) { bits |= 1 << place }
            suffix.append(alphabet[bits])
        }
        return id + String(decoding: suffix, as: UTF8.self)
    }

    /// Whether the text has the form of an id of either spelling.
    package static func isID(_ text: String) -> Bool {
        (text.utf8.count == 15 || text.utf8.count == 18) && text.utf8.allSatisfy(isAlphanumeric)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
    }
}
