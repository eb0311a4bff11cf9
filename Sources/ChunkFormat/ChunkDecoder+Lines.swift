// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A chunk of NDJSON, read as lines.
extension ChunkDecoder {
    /// Replaces `block` by the next whole lines, each with its line feed; false, and an empty block, after the last.
    ///
    /// A block has about 256 KiB, or one line if that is longer. The buffer is meant to be used again for each call.
    /// Throws as `nextBytes(appendingTo:)` does; `limitExceeded` for a line over the limit, and `chunkCorrupt` if the
    /// last line has no line feed: it was cut before it was sealed.
    package mutating func next(into block: inout [UInt8]) throws(MigratezError) -> Bool {
        block.removeAll(keepingCapacity: true)
        swap(&block, &carry)
        carry.removeAll(keepingCapacity: true)
        // Where the line begins that has no end yet.
        var lineStart = 0
        while block.count < Self.blockBytes || lineStart == 0 {
            let known = block.count
            guard try nextBytes(appendingTo: &block) else {
                guard lineStart == block.count else {
                    throw MigratezError(.chunkCorrupt, "the last line of a chunk is cut")
                }
                return !block.isEmpty
            }
            try findLines(in: block, from: known, lineStart: &lineStart)
        }
        carry.append(contentsOf: block[lineStart...])
        block.removeLast(block.count - lineStart)
        return true
    }

    /// Runs `body` for each remaining line, without its line feed; the pointer is valid during the call only.
    package mutating func forEachLine(
        _ body: (UnsafeBufferPointer<UInt8>) throws(MigratezError) -> Void
    ) throws(MigratezError) {
        var block: [UInt8] = []
        while try next(into: &block) {
            for line in LineRanges(block) {
                try block.span.withUnsafeBufferPointer { bytes throws(MigratezError) in
                    try body(UnsafeBufferPointer(rebasing: bytes[line]))
                }
            }
        }
    }

    /// Moves `lineStart` behind the last line feed of `block`, looking at the bytes from `known` on, and checks the
    /// length of each line on the way, and of the one that has no end yet.
    private func findLines(in block: [UInt8], from known: Int, lineStart: inout Int) throws(MigratezError) {
        var longest = 0
        block.withUnsafeBufferPointer { bytes in
            var searchStart = known
            while let end = firstLineFeed(in: bytes, from: searchStart) {
                longest = max(longest, end - lineStart)
                lineStart = end + 1
                searchStart = lineStart
            }
        }
        guard max(longest, block.count - lineStart) <= limits.recordMax.bytes else {
            throw MigratezError(.limitExceeded, "a record in a chunk is longer than \(limits.recordMax)")
        }
    }
}

func firstLineFeed(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    guard start < bytes.count, let base = bytes.baseAddress,
        let found = memchr(base + start, 0x0A, bytes.count - start)
    else { return nil }
    return UnsafeRawPointer(found) - UnsafeRawPointer(base)
}
