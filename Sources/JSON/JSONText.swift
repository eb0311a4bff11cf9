// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Decodes the text of JSON strings.
package enum JSONText {
    /// Appends the decoded text of a value of validated bytes.
    ///
    /// Strings lose quotes and escapes; half a surrogate pair becomes U+FFFD. Anything else is appended as it stands.
    package static func append(
        _ slice: JSONSlice, of document: UnsafeBufferPointer<UInt8>, to text: inout [UInt8]
    ) {
        guard slice.kind == .string else {
            text.append(contentsOf: document[slice.range])
            return
        }
        guard let start = document.baseAddress else { return }
        let b = Bytes(start: start, count: slice.range.upperBound - 1)
        appendContent(b, from: slice.range.lowerBound + 1, to: &text)
    }

    /// The bytes of the text of a value, where they stand in the document as they are: nothing in them is escaped.
    package static func unescaped(
        _ slice: JSONSlice, of document: UnsafeBufferPointer<UInt8>
    ) -> UnsafeBufferPointer<UInt8>? {
        let content = UnsafeBufferPointer(rebasing: document[slice.content])
        guard slice.kind == .string, let start = content.baseAddress else { return content }
        let b = Bytes(start: start, count: content.count)
        return b.firstQuoteOrBackslash(from: 0) == b.count ? content : nil
    }

    /// The decoded text of a value of validated bytes, as a `String`.
    package static func string(_ slice: JSONSlice, of document: UnsafeBufferPointer<UInt8>) -> String {
        let raw = slice.kind == .string ? slice.range.dropFirst().dropLast() : slice.range
        let bytes = UnsafeBufferPointer(rebasing: document[raw])
        guard slice.kind == .string, let start = bytes.baseAddress else {
            return String(decoding: bytes, as: UTF8.self)
        }
        let b = Bytes(start: start, count: bytes.count)
        guard b.firstQuoteOrBackslash(from: 0) < b.count else { return String(decoding: bytes, as: UTF8.self) }
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        appendContent(b, from: 0, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Runs `body` with the UTF-8 bytes of the text of a value, which are copied only if something in it is escaped.
    package static func withText<R>(
        _ slice: JSONSlice, of document: UnsafeBufferPointer<UInt8>, _ body: (UnsafeRawBufferPointer) throws -> R
    ) rethrows -> R {
        if let content = unescaped(slice, of: document) { return try body(UnsafeRawBufferPointer(content)) }
        var text: [UInt8] = []
        append(slice, of: document, to: &text)
        return try text.withUnsafeBytes { try body($0) }
    }

    /// Decodes from `i` to the end of `b`, which are the bytes between two quotes.
    static func appendContent(_ b: Bytes, from i: Int, to text: inout [UInt8]) {
        var i = i
        while i < b.count {
            let next = b.firstQuoteOrBackslash(from: i)
            text.append(contentsOf: UnsafeBufferPointer(start: b.start + i, count: next - i))
            guard next + 1 < b.count else { return }
            i = appendEscape(b, from: next, to: &text)
        }
    }

    /// Decodes the escape at `i` and returns the index after it.
    private static func appendEscape(_ b: Bytes, from i: Int, to text: inout [UInt8]) -> Int {
        switch b[i + 1] {
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): return appendUnicodeEscape(b, from: i, to: &text)
        default: text.append(b[i + 1])
        }
        return i + 2
    }

    private static func appendUnicodeEscape(_ b: Bytes, from i: Int, to text: inout [UInt8]) -> Int {
        guard let unit = codeUnit(b, at: i) else { return b.count }
        if unit & 0xFC00 == 0xD800, let low = codeUnit(b, at: i + 6), low & 0xFC00 == 0xDC00 {
            append(scalar: 0x1_0000 + (unit & 0x3FF) << 10 + low & 0x3FF, to: &text)
            return i + 12
        }
        append(scalar: unit, to: &text)
        return i + 6
    }

    /// The code unit of the escape `\uXXXX` at `i`, if there is one.
    private static func codeUnit(_ b: Bytes, at i: Int) -> UInt32? {
        guard i + 6 <= b.count, b[i] == Byte.backslash, b[i + 1] == UInt8(ascii: "u") else { return nil }
        return JSONScanner.hexValue(b, from: i + 2)
    }

    private static func append(scalar: UInt32, to text: inout [UInt8]) {
        let scalar = Unicode.Scalar(scalar) ?? "\u{FFFD}"
        text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
}
