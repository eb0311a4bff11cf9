// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

// Skipping relies on validation: it counts brackets outside strings and nothing else, which is why it is fast. For
// bytes that were not validated the answer has no meaning, but it lies within the buffer.

extension JSONScanner {
    /// The index after the value that starts at `i` in validated bytes; never beyond the buffer.
    package static func skipValue(_ document: UnsafeBufferPointer<UInt8>, from i: Int) -> Int {
        guard let start = document.baseAddress, i >= 0, i < document.count else { return document.count }
        return valueEnd(Bytes(start: start, count: document.count), from: i)
    }

    /// The same for an index that lies within the bytes.
    @inline(__always)
    static func valueEnd(_ b: Bytes, from i: Int) -> Int {
        switch b[i] {
        case Byte.quote: b.stringEnd(contentFrom: i &+ 1)
        case Byte.openBrace, Byte.openBracket: containerEnd(b, from: i)
        default: scalarEnd(b, from: i)
        }
    }

    private static func containerEnd(_ b: Bytes, from i: Int) -> Int {
        var i = i
        var depth = 0
        while i < b.count {
            let byte = b[i]
            if byte == Byte.quote {
                i = b.stringEnd(contentFrom: i &+ 1)
                continue
            }
            // `[` and `{`, `]` and `}` differ in bit 0x20 only.
            let bracket = byte | 0x20
            i &+= 1
            if bracket == Byte.openBrace {
                depth &+= 1
            } else if bracket == Byte.closeBrace {
                depth &-= 1
                if depth == 0 { return i }
            }
        }
        return b.count
    }

    /// Numbers and literals end before white space, a comma or a closing bracket.
    @inline(__always)
    private static func scalarEnd(_ b: Bytes, from i: Int) -> Int {
        var i = i &+ 1
        while i < b.count {
            let byte = b[i]
            if byte <= Byte.comma && (byte == Byte.comma || isSpace(byte)) || byte | 0x20 == Byte.closeBrace { break }
            i &+= 1
        }
        return i
    }
}
