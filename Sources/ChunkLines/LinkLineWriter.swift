// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON

/// Writes the ready lines of links that have nothing but their two ends, byte for byte as `ReadyLine` writes them. Such
/// lines differ in three numbers, and there are millions of them: all between the numbers is prepared, and a line is put
/// together in memory of its own, so that the caller's buffer has to make room once a line and not once a part.
package struct LinkLineWriter: ~Copyable {
    /// What stands before each of the numbers and behind the last, one after the other.
    private let prepared: UnsafeMutableBufferPointer<UInt8>
    /// Where the parts end.
    private let ends: (Int, Int, Int)
    private let line: UnsafeMutableBufferPointer<UInt8>
    /// The digits of `Int.max`.
    private static let digitsMax = 19

    package init(from: ReferenceRole, to: ReferenceRole) {
        let parts = [
            Array(#"{"n":"#.utf8), Array(#","id":"","fields":{},"refs":["#.utf8) + from.head,
            Array("},".utf8) + to.head, Array("}]}".utf8),
        ]
        let all = parts.flatMap(\.self)
        prepared = .allocate(capacity: all.count)
        _ = prepared.initialize(from: all)
        ends = (parts[0].count, parts[0].count + parts[1].count, all.count - parts[3].count)
        line = .allocate(capacity: all.count + 3 * Self.digitsMax)
        line.initialize(repeating: 0)
    }

    deinit {
        prepared.deallocate()
        line.deallocate()
    }

    /// Writes the line of the link with this ordinal, from one record to another, with its line end.
    package func write(_ ordinal: Int, from: Int, to: Int, into writer: inout JSONWriter) {
        precondition(ordinal >= 0 && from >= 0 && to >= 0, "an ordinal is not negative")
        var count = 0
        put(0..<ends.0, ordinal, &count)
        put(ends.0..<ends.1, from, &count)
        put(ends.1..<ends.2, to, &count)
        put(ends.2..<prepared.count, &count)
        writer.raw(UnsafeBufferPointer(rebasing: line[..<count]))
        writer.endLine()
    }

    @inline(__always)
    private func put(_ part: Range<Int>, _ count: inout Int) {
        UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(line)[count...])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(prepared)[part]))
        count += part.count
    }

    @inline(__always)
    private func put(_ part: Range<Int>, _ number: Int, _ count: inout Int) {
        put(part, &count)
        var digits = 1
        var rest = number / 10
        while rest > 0 {
            digits += 1
            rest /= 10
        }
        rest = number
        var place = count + digits
        while place > count {
            place -= 1
            line[place] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += digits
    }
}

// Sound: both buffers have one owner, and move with it.
extension LinkLineWriter: @unchecked Sendable {}
