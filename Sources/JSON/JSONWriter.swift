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
    package mutating func beginArray() { begin(Byte.openBracket) }
    package mutating func endArray() { end(Byte.closeBracket) }

    /// The name of the member whose value comes next.
    package mutating func key(_ name: String) {
        string(name)
        bytes.append(Byte.colon)
        needsComma = false
    }

    package mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { string($0) }
    }

    /// A string from the bytes of its text, which must be valid UTF-8.
    package mutating func string(_ text: UnsafeBufferPointer<UInt8>) {
        beginValue()
        bytes.append(Byte.quote)
        if let start = text.baseAddress { appendEscaped(Bytes(start: start, count: text.count)) }
        bytes.append(Byte.quote)
        needsComma = true
    }

    /// Bytes that are one JSON value already, as they stand.
    package mutating func raw(_ value: UnsafeBufferPointer<UInt8>) {
        beginValue()
        bytes.append(contentsOf: value)
        needsComma = true
    }

    /// Bytes that are one JSON value already, as they stand.
    package mutating func raw(_ value: some Sequence<UInt8>) {
        beginValue()
        bytes.append(contentsOf: value)
        needsComma = true
    }

    package mutating func int(_ value: Int) { raw(String(value).utf8) }
    package mutating func bool(_ value: Bool) { raw(value ? "true".utf8 : "false".utf8) }
    package mutating func null() { raw("null".utf8) }

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

    /// Only what RFC 8259, section 7, requires is escaped: quotes, backslashes and control characters.
    private mutating func appendEscaped(_ b: Bytes) {
        var done = 0
        var i = 0
        while true {
            i = b.firstSpecial(from: i)
            if i < b.count, b[i] >= 0x80 {
                i += 1
                continue
            }
            bytes.append(contentsOf: UnsafeBufferPointer(start: b.start + done, count: i - done))
            guard i < b.count else { return }
            appendEscape(of: b[i])
            i += 1
            done = i
        }
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
