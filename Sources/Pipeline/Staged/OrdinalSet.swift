// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A set of ordinals: one bit each, so that it stays small for any number of records.
struct OrdinalSet {
    private var words: [UInt64] = []

    /// Whether the ordinal was not in it.
    mutating func insert(_ ordinal: Int) -> Bool {
        let (word, bit) = Self.place(of: ordinal)
        if word >= words.count { words += [UInt64](repeating: 0, count: word + 1 - words.count) }
        guard words[word] & bit == 0 else { return false }
        words[word] |= bit
        return true
    }

    func contains(_ ordinal: Int) -> Bool {
        let (word, bit) = Self.place(of: ordinal)
        return word < words.count && words[word] & bit != 0
    }

    private static func place(of ordinal: Int) -> (word: Int, bit: UInt64) {
        (ordinal >> 6, UInt64(1) << UInt64(ordinal & 63))
    }
}
