// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Where the lines of a block lie, without their line feeds. A block is whole lines, as a chunk's reader gives it.
package struct LineRanges: Sequence, IteratorProtocol {
    private let block: [UInt8]
    private var start = 0

    package init(_ block: [UInt8]) { self.block = block }

    package mutating func next() -> Range<Int>? {
        let from = start
        guard let end = block.withUnsafeBufferPointer({ firstLineFeed(in: $0, from: from) }) else { return nil }
        start = end + 1
        return from..<end
    }
}
