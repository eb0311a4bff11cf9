// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Cuts what a tap writes into lines, in memory that depends on the longest allowed line only.
struct OutputLines: Sendable {
    struct Line {
        /// Without its line break; empty if it was too long.
        var bytes: ArraySlice<UInt8>
        /// From 1.
        var number: Int
        var isTooLong = false
    }

    /// A record that is longer cannot be staged.
    static let lineBytesMax = 17 << 20

    private var buffer: [UInt8] = []
    /// What of the buffer was given out, and what of it was searched for a line break.
    private var taken = 0
    private var searched = 0
    private var number = 0
    /// Whether the buffer is inside a line that is too long.
    private var isSkipping = false

    mutating func append(_ bytes: [UInt8]) {
        buffer.removeSubrange(..<taken)
        searched -= taken
        taken = 0
        buffer += bytes
    }

    /// The next whole line; `nil` if more must be appended first.
    mutating func next() -> Line? {
        guard let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
            searched = buffer.count
            if buffer.count - taken > Self.lineBytesMax {
                isSkipping = true
                buffer.removeAll()
                (taken, searched) = (0, 0)
            }
            return nil
        }
        searched = end + 1
        return take(until: end, next: end + 1)
    }

    /// What stands after the last line break, when nothing follows any more.
    mutating func last() -> Line? {
        taken < buffer.count || isSkipping ? take(until: buffer.count, next: buffer.count) : nil
    }

    private mutating func take(until end: Int, next: Int) -> Line {
        defer { taken = next }
        number += 1
        guard !isSkipping else {
            isSkipping = false
            return Line(bytes: [], number: number, isTooLong: true)
        }
        return Line(bytes: buffer[taken..<end], number: number)
    }
}
