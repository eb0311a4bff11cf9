// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Ranges of the elements of the array found under `path` of keys in a validated document: splits a page into records.
///
/// `nil` if there is no array: an answer without its list is not an empty page. Of duplicate keys the last one counts.
package func elementRanges(
    at path: [String], in document: UnsafeBufferPointer<UInt8>
) -> [Range<Int>]? {
    guard let start = document.baseAddress else { return nil }
    let b = Bytes(start: start, count: document.count)
    let i = b.skippingSpace(from: 0)
    guard i < b.count else { return nil }
    return elements(b, from: i, path: path[...]).ranges
}

/// The value found under `path` of keys in a validated document; of duplicate keys the last one counts.
package func member(at path: [String], in document: UnsafeBufferPointer<UInt8>) -> JSONSlice? {
    guard let start = document.baseAddress else { return nil }
    let b = Bytes(start: start, count: document.count)
    var i = b.skippingSpace(from: 0)
    for key in path {
        guard i < b.count, b[i] == Byte.openBrace else { return nil }
        var found: Int?
        var members = MemberCursor(b, objectAt: i)
        while let member = members.next() {
            if members.isNamed(key, member) { found = member.value }
            members.advance(to: JSONScanner.valueEnd(b, from: member.value))
        }
        guard let found else { return nil }
        i = found
    }
    guard i < b.count else { return nil }
    return JSONSlice(range: i..<JSONScanner.valueEnd(b, from: i), kind: JSONSlice.kind(of: b[i]))
}

/// Appends a record of validated bytes as one NDJSON line.
///
/// The record's own bytes stay as they are, but for line breaks, which become spaces. In valid JSON they can only
/// stand between tokens, so that this changes no value.
package func appendLine(_ record: UnsafeBufferPointer<UInt8>, to lines: inout [UInt8]) {
    let start = lines.count
    lines.append(contentsOf: record)
    guard let first = record.baseAddress else { return lines.append(Byte.lineFeed) }
    // The C library's search is vectorised: it costs a tenth of a loop.
    if memchr(first, Int32(Byte.lineFeed), record.count) != nil
        || memchr(first, Int32(Byte.carriageReturn), record.count) != nil
    {
        for i in start..<lines.count where lines[i] == Byte.lineFeed || lines[i] == Byte.carriageReturn {
            lines[i] = Byte.space
        }
    }
    lines.append(Byte.lineFeed)
}

/// Walks down `path` and splits the array at its end; says where the value at `i` ends, so that no byte is read twice.
private func elements(_ b: Bytes, from i: Int, path: ArraySlice<String>) -> (ranges: [Range<Int>]?, end: Int) {
    guard let key = path.first else {
        return b[i] == Byte.openBracket ? arrayElements(b, from: i) : (nil, JSONScanner.valueEnd(b, from: i))
    }
    guard b[i] == Byte.openBrace else { return (nil, JSONScanner.valueEnd(b, from: i)) }
    var ranges: [Range<Int>]?
    var members = MemberCursor(b, objectAt: i)
    while let member = members.next() {
        if members.isNamed(key, member) {
            let found = elements(b, from: member.value, path: path.dropFirst())
            ranges = found.ranges
            members.advance(to: found.end)
        } else {
            members.advance(to: JSONScanner.valueEnd(b, from: member.value))
        }
    }
    return (ranges, members.end)
}

private func arrayElements(_ b: Bytes, from i: Int) -> (ranges: [Range<Int>]?, end: Int) {
    var ranges: [Range<Int>] = []
    var i = b.skippingSpace(from: i + 1)
    while i < b.count, b[i] != Byte.closeBracket {
        let end = JSONScanner.valueEnd(b, from: i)
        ranges.append(i..<end)
        i = b.skippingSpace(from: end)
        if i < b.count, b[i] == Byte.comma { i = b.skippingSpace(from: i + 1) }
    }
    return (ranges, min(i + 1, b.count))
}
