// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Where the lines of a block lie, without their line ends; a last line may lack one. An empty line is none.
package struct LineRanges: Sequence, IteratorProtocol {
    private let block: [UInt8]
    private var start = 0

    package init(_ block: [UInt8]) { self.block = block }

    package mutating func next() -> Range<Int>? {
        while start < block.count {
            let from = start
            let end = block.withUnsafeBytes { bytes in
                // memchr looks at 32 bytes at a time.
                guard let base = bytes.baseAddress,
                    let found = memchr(base + from, CInt(Byte.lineFeed), bytes.count - from)
                else { return bytes.count }
                return UnsafeRawPointer(found) - base
            }
            start = end + 1
            if end > from { return from..<end }
        }
        return nil
    }
}
