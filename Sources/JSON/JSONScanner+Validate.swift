// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

// The validator is one loop over the whole document: no recursion, one bit a level in `stack`, strings eight bytes at
// a time, UTF-8 checked where a byte outside ASCII turns up. Its helpers take an index and return one (see WordScan).

import MigratezModel

extension JSONScanner {
    /// Checks that the bytes are one JSON value in valid UTF-8 and within the limits.
    ///
    /// A `\u` escape of half a surrogate pair is accepted: the grammar of RFC 8259 allows it (section 8.2). A byte order
    /// mark is refused (section 8.1). Numbers may be of any size.
    package static func validate(
        _ document: UnsafeBufferPointer<UInt8>, limits: JSONLimits = .record
    ) throws(JSONFailure) {
        var marks = NoMarks()
        try validate(document, limits: limits, marking: &marks)
    }

    /// Checks the same, and tells `marks` where each value begins and ends.
    @inline(__always)
    static func validate(
        _ document: UnsafeBufferPointer<UInt8>, limits: JSONLimits, marking marks: inout some ValueMarks
    ) throws(JSONFailure) {
        guard document.count <= limits.recordBytesMax.bytes else {
            throw JSONFailure(offset: limits.recordBytesMax.bytes, reason: .tooLarge)
        }
        guard let start = document.baseAddress else { throw JSONFailure(offset: 0, reason: .empty) }
        let b = Bytes(start: start, count: document.count)
        var depth = 0
        // The innermost level is the lowest bit; 1 = object.
        var stack: UInt128 = 0
        var i = b.skippingSpace(from: 0)
        guard i < b.count else { throw JSONFailure(offset: i, reason: .empty) }

        value: while true {
            guard i < b.count else { throw JSONFailure(offset: i, reason: .truncated) }
            marks.begin(i, depth: depth)
            switch b[i] {
            case Byte.quote:
                i = try validatedStringEnd(b, contentFrom: i &+ 1)
            case Byte.openBrace:
                guard depth < limits.depthMax else { throw JSONFailure(offset: i, reason: .tooDeep) }
                i = b.skippingSpace(from: i &+ 1)
                guard i < b.count, b[i] == Byte.closeBrace else {
                    depth &+= 1
                    stack = stack &<< 1 | 1
                    i = try validatedKeyEnd(b, from: i)
                    continue value
                }
                i &+= 1
            case Byte.openBracket:
                guard depth < limits.depthMax else { throw JSONFailure(offset: i, reason: .tooDeep) }
                i = b.skippingSpace(from: i &+ 1)
                guard i < b.count, b[i] == Byte.closeBracket else {
                    depth &+= 1
                    stack = stack &<< 1
                    continue value
                }
                i &+= 1
            case UInt8(ascii: "t"):
                i = try validatedLiteralEnd(b, from: i, word: 0x6575_7274, length: 4)
            case UInt8(ascii: "n"):
                i = try validatedLiteralEnd(b, from: i, word: 0x6C6C_756E, length: 4)
            case UInt8(ascii: "f"):
                i = try validatedLiteralEnd(b, from: i &+ 1, word: 0x6573_6C61, length: 4)
            case Byte.minus, Byte.zero...UInt8(ascii: "9"):
                i = try validatedNumberEnd(b, from: i)
            default:
                throw JSONFailure(offset: i, reason: .unexpectedByte)
            }

            // A value has ended; close what ends with it.
            while true {
                marks.end(i, depth: depth)
                i = b.skippingSpace(from: i)
                if depth == 0 {
                    guard i == b.count else { throw JSONFailure(offset: i, reason: .trailingBytes) }
                    return
                }
                guard i < b.count else { throw JSONFailure(offset: i, reason: .truncated) }
                let isObject = stack & 1 == 1
                if b[i] == Byte.comma {
                    i = b.skippingSpace(from: i &+ 1)
                    if isObject { i = try validatedKeyEnd(b, from: i) }
                    continue value
                }
                guard b[i] == (isObject ? Byte.closeBrace : Byte.closeBracket) else {
                    throw JSONFailure(offset: i, reason: .unexpectedByte)
                }
                depth &-= 1
                stack = stack &>> 1
                i &+= 1
            }
        }
    }

    /// Checks a member's name, which should start at `i`, and its colon; returns where the member's value starts.
    @inline(__always)
    private static func validatedKeyEnd(_ b: Bytes, from i: Int) throws(JSONFailure) -> Int {
        guard i < b.count else { throw JSONFailure(offset: i, reason: .truncated) }
        guard b[i] == Byte.quote else { throw JSONFailure(offset: i, reason: .unexpectedByte) }
        let colon = b.skippingSpace(from: try validatedStringEnd(b, contentFrom: i &+ 1))
        guard colon < b.count else { throw JSONFailure(offset: colon, reason: .truncated) }
        guard b[colon] == Byte.colon else { throw JSONFailure(offset: colon, reason: .unexpectedByte) }
        return b.skippingSpace(from: colon &+ 1)
    }

    /// Checks the content of a string and returns the index after its closing quote.
    @inline(__always)
    private static func validatedStringEnd(_ b: Bytes, contentFrom i: Int) throws(JSONFailure) -> Int {
        var i = i
        while true {
            i = b.firstSpecial(from: i)
            guard i < b.count else { throw JSONFailure(offset: i, reason: .truncated) }
            if b[i] == Byte.quote { return i &+ 1 }
            if b[i] == Byte.backslash {
                i = try validatedEscapeEnd(b, from: i)
            } else if b[i] < 0x20 {
                throw JSONFailure(offset: i, reason: .controlCharacter)
            } else {
                i = try validatedUTF8End(b, from: i)
            }
        }
    }

    private static func validatedEscapeEnd(_ b: Bytes, from i: Int) throws(JSONFailure) -> Int {
        guard i &+ 1 < b.count else { throw JSONFailure(offset: i, reason: .truncated) }
        switch b[i &+ 1] {
        case Byte.quote, Byte.backslash, UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            return i &+ 2
        case UInt8(ascii: "u"):
            guard i &+ 6 <= b.count else { throw JSONFailure(offset: i, reason: .truncated) }
            guard hexValue(b, from: i &+ 2) != nil else { throw JSONFailure(offset: i, reason: .invalidEscape) }
            return i &+ 6
        default:
            throw JSONFailure(offset: i, reason: .invalidEscape)
        }
    }

    /// Checks literals by their last four bytes in one comparison; the caller has checked the byte before.
    @inline(__always)
    private static func validatedLiteralEnd(
        _ b: Bytes, from i: Int, word: UInt32, length: Int
    ) throws(JSONFailure) -> Int {
        guard i &+ length <= b.count else { throw JSONFailure(offset: i, reason: .truncated) }
        let found = UInt32(littleEndian: UnsafeRawPointer(b.start + i).loadUnaligned(as: UInt32.self))
        guard found == word else { throw JSONFailure(offset: i, reason: .invalidLiteral) }
        return i &+ length
    }

    /// `-? (0 | [1-9][0-9]*) (\.[0-9]+)? ([eE][+-]?[0-9]+)?`
    private static func validatedNumberEnd(_ b: Bytes, from i: Int) throws(JSONFailure) -> Int {
        let start = i
        var i = b[i] == Byte.minus ? i &+ 1 : i
        guard i < b.count, isDigit(b[i]) else { throw JSONFailure(offset: start, reason: .invalidNumber) }
        i = b[i] == Byte.zero ? i &+ 1 : digitsEnd(b, from: i)
        if i < b.count, b[i] == UInt8(ascii: ".") {
            let end = digitsEnd(b, from: i &+ 1)
            guard end > i &+ 1 else { throw JSONFailure(offset: start, reason: .invalidNumber) }
            i = end
        }
        if i < b.count, b[i] | 0x20 == UInt8(ascii: "e") {
            i &+= 1
            if i < b.count, b[i] == UInt8(ascii: "+") || b[i] == Byte.minus { i &+= 1 }
            let end = digitsEnd(b, from: i)
            guard end > i else { throw JSONFailure(offset: start, reason: .invalidNumber) }
            i = end
        }
        return i
    }

    @inline(__always)
    private static func digitsEnd(_ b: Bytes, from i: Int) -> Int {
        var i = i
        while i < b.count, isDigit(b[i]) { i &+= 1 }
        return i
    }

    @inline(__always)
    private static func isDigit(_ byte: UInt8) -> Bool { byte &- Byte.zero < 10 }

    /// The value of four hexadecimal digits at `i`, which the caller has checked to exist.
    static func hexValue(_ b: Bytes, from i: Int) -> UInt32? {
        var value: UInt32 = 0
        for k in i..<(i &+ 4) {
            let digit = b[k]
            switch digit {
            case Byte.zero...UInt8(ascii: "9"): value = value &<< 4 | UInt32(digit &- Byte.zero)
            case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
                value = value &<< 4 | UInt32((digit | 0x20) &- UInt8(ascii: "a") &+ 10)
            default: return nil
            }
        }
        return value
    }
}
