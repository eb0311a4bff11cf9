// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Numbers of lines, a bit each; no memory while there are none.
struct LineSet {
    private var words: [UInt64] = []

    var isEmpty: Bool { words.isEmpty }

    mutating func insert(_ line: Int) {
        while words.count <= line / 64 { words.append(0) }
        words[line / 64] |= 1 << UInt64(line % 64)
    }

    func contains(_ line: Int) -> Bool {
        line / 64 < words.count && words[line / 64] & 1 << UInt64(line % 64) != 0
    }
}
