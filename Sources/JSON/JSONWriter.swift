// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Appends compact JSON to a buffer; members appear in the order of the calls.
///
/// The caller keeps to the grammar: a key before each member's value, every begin with its end. Commas and colons are
/// put here. Reuse one writer with `removeAll` to keep its buffer.
package struct JSONWriter: Sendable {
    /// What has been written.
    package private(set) var bytes: [UInt8] = []
    /// A value has ended at this level, so that the next one needs a comma.
    private var needsComma = false

    package init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// Starts anew in the same buffer.
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    package mutating func beginObject() { begin(Byte.openBrace) }
    package mutating func endObject() { end(Byte.closeBrace) }
    /// Begins an object with bytes that are its begin up to the colon behind the name of a member whose value comes next.
    package mutating func beginObject(prepared head: [UInt8]) {
        beginValue()
        bytes.append(contentsOf: head)
        needsComma = false
    }

    /// Bytes that stand between two values: all that closes one, and all that leads to the next.
    package mutating func between(prepared part: [UInt8]) {
        bytes.append(contentsOf: part)
        needsComma = false
    }

    package mutating func beginArray() { begin(Byte.openBracket) }
    package mutating func endArray() { end(Byte.closeBracket) }

    /// The name of the member whose value comes next.
    package mutating func key(_ name: String) {
        string(name)
        bytes.append(Byte.colon)
        needsComma = false
    }

    /// The name of a member, as the bytes of `preparedKey`.
    package mutating func key(prepared key: [UInt8]) {
        let needsComma = needsComma
        key.withUnsafeBufferPointer { key in
            bytes.append(addingCapacity: key.count + 1) { output in
                if needsComma { output.append(Byte.comma) }
                output.append(copying: key)
            }
        }
        self.needsComma = false
    }

    /// A name in quotes with its colon, for names that are written many times.
    package static func preparedKey(_ name: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.key(name)
        return writer.bytes
    }

    package mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { string($0) }
    }

    /// A string from the bytes of its text, which must be valid UTF-8.
    package mutating func string(_ text: UnsafeBufferPointer<UInt8>) {
        if let start = text.baseAddress {
            let content = Bytes(start: start, count: text.count)
            let special = content.firstEscaped(from: 0)
            guard special == text.count else { return escapedString(content, from: special) }
        }
        let needsComma = needsComma
        bytes.append(addingCapacity: text.count + 3) { output in
            if needsComma { output.append(Byte.comma) }
            output.append(Byte.quote)
            output.append(copying: text)
            output.append(Byte.quote)
        }
        self.needsComma = true
    }

    /// Bytes that are one JSON value already, as they stand.
    package mutating func raw(_ value: UnsafeBufferPointer<UInt8>) {
        beginValue()
        bytes.append(contentsOf: value)
        needsComma = true
    }

    /// Bytes that are one JSON value already, as they stand.
    package mutating func raw(_ value: [UInt8]) {
        beginValue()
        bytes.append(contentsOf: value)
        needsComma = true
    }

    /// Bytes that are one JSON value already, as they stand.
    package mutating func raw(_ value: ArraySlice<UInt8>) { value.withUnsafeBufferPointer { raw($0) } }

    /// Bytes that are one JSON value already, as they stand.
    package mutating func raw(_ value: some Sequence<UInt8>) {
        beginValue()
        bytes.append(contentsOf: value)
        needsComma = true
    }

    /// The members of an object as they stand, into the object that is open. The object must be valid JSON.
    package mutating func members(of object: UnsafeBufferPointer<UInt8>) {
        guard let open = object.firstIndex(of: Byte.openBrace), let close = object.lastIndex(of: Byte.closeBrace),
            let first = object[open...].dropFirst().firstIndex(where: { !isSpace($0) }), first < close
        else { return }
        raw(UnsafeBufferPointer(rebasing: object[first..<close]))
    }

    package mutating func int(_ value: Int) {
        beginValue()
        // The longest is `Int.min`, with 20 characters.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var start = digits.count
            var rest = value.magnitude
            repeat {
                start &-= 1
                digits[start] = Byte.zero &+ UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if value < 0 {
                start &-= 1
                digits[start] = Byte.minus
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
        needsComma = true
    }

    package mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }
    package mutating func null() { literal("null") }

    /// Ends a line of NDJSON: what comes next is another document.
    package mutating func endLine() {
        bytes.append(Byte.lineFeed)
        needsComma = false
    }

    private mutating func begin(_ bracket: UInt8) {
        beginValue()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func end(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    @inline(__always)
    private mutating func beginValue() {
        if needsComma { bytes.append(Byte.comma) }
    }

    private mutating func literal(_ text: StaticString) {
        beginValue()
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
        needsComma = true
    }

    /// A string of which the byte at `special` is the first that must be escaped.
    ///
    /// Only what RFC 8259, section 7, requires is escaped: quotes, backslashes and control characters.
    private mutating func escapedString(_ b: Bytes, from special: Int) {
        beginValue()
        bytes.append(Byte.quote)
        var done = 0
        var i = special
        while i < b.count {
            bytes.append(contentsOf: UnsafeBufferPointer(start: b.start + done, count: i - done))
            appendEscape(of: b[i])
            done = i + 1
            i = b.firstEscaped(from: done)
        }
        bytes.append(contentsOf: UnsafeBufferPointer(start: b.start + done, count: b.count - done))
        bytes.append(Byte.quote)
        needsComma = true
    }

    private mutating func appendEscape(of byte: UInt8) {
        bytes.append(Byte.backslash)
        switch byte {
        case Byte.quote, Byte.backslash: bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case Byte.lineFeed: bytes.append(UInt8(ascii: "n"))
        case Byte.carriageReturn: bytes.append(UInt8(ascii: "r"))
        case Byte.tab: bytes.append(UInt8(ascii: "t"))
        default:
            let digits = Array("0123456789abcdef".utf8)
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        }
    }
}

extension OutputSpan<UInt8> {
    /// Appends the bytes; there must be room for them.
    @inline(__always)
    fileprivate mutating func append(copying bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress else { return }
        withUnsafeMutableBufferPointer { buffer, count in
            precondition(buffer.count - count >= bytes.count, "there is no room for the bytes")
            guard let start = buffer.baseAddress else { return }
            (start + count).initialize(from: source, count: bytes.count)
            count += bytes.count
        }
    }
}
