// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

// UTF-8 is checked within the string scan, only where a byte outside ASCII stands: a pass of its own over pages that
// are nearly all ASCII costs as much as the whole grammar.

extension JSONScanner {
    /// Checks the run of bytes outside ASCII that starts at `i` and returns the index after it.
    ///
    /// The Unicode Standard 16.0, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
    static func validatedUTF8End(_ b: Bytes, from i: Int) throws(JSONFailure) -> Int {
        var i = i
        while i < b.count, b[i] >= 0x80 {
            let length = utf8SequenceLength(b, from: i)
            guard length > 0 else { throw JSONFailure(offset: i, reason: .invalidUTF8) }
            i &+= length
        }
        return i
    }

    /// The length of the well-formed sequence of two to four bytes at `i`; 0 if there is none.
    static func utf8SequenceLength(_ b: Bytes, from i: Int) -> Int {
        let first = b[i]
        let left = b.count &- i
        switch first {
        case 0xC2...0xDF:
            return left >= 2 && isContinuation(b[i &+ 1]) ? 2 : 0
        case 0xE0...0xEF:
            guard left >= 3, isContinuation(b[i &+ 1]), isContinuation(b[i &+ 2]) else { return 0 }
            if first == 0xE0, b[i &+ 1] < 0xA0 { return 0 }
            if first == 0xED, b[i &+ 1] > 0x9F { return 0 }
            return 3
        case 0xF0...0xF4:
            guard left >= 4, isContinuation(b[i &+ 1]), isContinuation(b[i &+ 2]), isContinuation(b[i &+ 3]) else {
                return 0
            }
            if first == 0xF0, b[i &+ 1] < 0x90 { return 0 }
            if first == 0xF4, b[i &+ 1] > 0x8F { return 0 }
            return 4
        default:
            return 0
        }
    }

    @inline(__always)
    private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
}
