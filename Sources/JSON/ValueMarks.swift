// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Is told by the validator where each value begins and ends; `depth` is the number of arrays and objects around it.
///
/// The validator is compiled for each kind of marks, so that those which note nothing cost nothing.
protocol ValueMarks {
    mutating func begin(_ i: Int, depth: Int)
    mutating func end(_ i: Int, depth: Int)
}

struct NoMarks: ValueMarks {
    @inline(__always)
    mutating func begin(_ i: Int, depth: Int) {}

    @inline(__always)
    mutating func end(_ i: Int, depth: Int) {}
}

/// Notes the values in the document's own object or array, and the values in those.
struct PageMarks: ValueMarks {
    private(set) var members: [Range<Int>] = []
    private(set) var elements: [Range<Int>] = []
    private var member = 0
    private var element = 0

    @inline(__always)
    mutating func begin(_ i: Int, depth: Int) {
        if depth == 2 { element = i } else if depth == 1 { member = i }
    }

    @inline(__always)
    mutating func end(_ i: Int, depth: Int) {
        if depth == 2 { elements.append(element..<i) } else if depth == 1 { members.append(member..<i) }
    }
}
