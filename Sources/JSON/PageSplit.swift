// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A page of a list: where its records are, and what else the answer says, without reading the records twice.
package struct PageSplit: Sendable {
    /// The ranges of the records, which may be of any kind.
    package let elements: [Range<Int>]
    /// The array, from bracket to bracket.
    private let list: Range<Int>

    /// The elements of the array under `path` of keys in a validated document.
    ///
    /// `nil` if there is no array: an answer without its list is not an empty page. Of duplicate keys the last one
    /// counts.
    package init?(_ document: UnsafeBufferPointer<UInt8>, at path: [String]) {
        guard let start = document.baseAddress else { return nil }
        let b = Bytes(start: start, count: document.count)
        let i = b.skippingSpace(from: 0)
        guard i < b.count, let found = MigratezJSON.elements(b, from: i, path: path[...]).found else { return nil }
        (elements, list) = found
    }

    /// Checks a document as `JSONScanner.validate` does, and finds the elements of the array that is its member `name`, in
    /// one pass; `nil` if there is no array.
    package static func validating(
        _ document: UnsafeBufferPointer<UInt8>, list name: String, limits: JSONLimits
    ) throws(JSONFailure) -> PageSplit? {
        var marks = PageMarks()
        try JSONScanner.validate(document, limits: limits, marking: &marks)
        guard let start = document.baseAddress else { return nil }
        let b = Bytes(start: start, count: document.count)
        let open = b.skippingSpace(from: 0)
        guard b[open] == Byte.openBrace else { return nil }
        var list: Range<Int>?
        var members = MemberCursor(b, objectAt: open)
        for value in marks.members {
            guard let member = members.next() else { break }
            if members.isNamed(name.utf8, member) { list = value }
            members.advance(to: value.upperBound)
        }
        guard let list, b[list.lowerBound] == Byte.openBracket else { return nil }
        return PageSplit(elements: marks.elements.filter { list.contains($0.lowerBound) }, list: list)
    }

    private init(elements: [Range<Int>], list: Range<Int>) {
        self.elements = elements
        self.list = list
    }

    /// The value under `path` of keys beside the list, in the same document.
    package func member(at path: [String], in document: UnsafeBufferPointer<UInt8>) -> JSONSlice? {
        MigratezJSON.member(at: path, in: document, jumpingOver: list)
    }
}

/// Ranges of the elements of the array found under `path` of keys in a validated document (`PageSplit`).
package func elementRanges(at path: [String], in document: UnsafeBufferPointer<UInt8>) -> [Range<Int>]? {
    PageSplit(document, at: path)?.elements
}

/// The value found under `path` of keys in a validated document; of duplicate keys the last one counts.
package func member(at path: [String], in document: UnsafeBufferPointer<UInt8>) -> JSONSlice? {
    member(at: path, in: document, jumpingOver: nil)
}

/// - Parameter known: a value of which it is known where it ends.
private func member(
    at path: [String], in document: UnsafeBufferPointer<UInt8>, jumpingOver known: Range<Int>?
) -> JSONSlice? {
    guard let start = document.baseAddress else { return nil }
    let b = Bytes(start: start, count: document.count)
    var i = b.skippingSpace(from: 0)
    for key in path {
        guard i < b.count, b[i] == Byte.openBrace else { return nil }
        var found: Int?
        var members = MemberCursor(b, objectAt: i)
        while let member = members.next() {
            if members.isNamed(key.utf8, member) { found = member.value }
            if let known, known.lowerBound == member.value {
                members.advance(to: known.upperBound)
            } else {
                members.advance(to: JSONScanner.valueEnd(b, from: member.value))
            }
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
private func elements(
    _ b: Bytes, from i: Int, path: ArraySlice<String>
) -> (found: ([Range<Int>], list: Range<Int>)?, end: Int) {
    guard let key = path.first else {
        guard b[i] == Byte.openBracket else { return (nil, JSONScanner.valueEnd(b, from: i)) }
        let (ranges, end) = arrayElements(b, from: i)
        return ((ranges, i..<end), end)
    }
    guard b[i] == Byte.openBrace else { return (nil, JSONScanner.valueEnd(b, from: i)) }
    var last: ([Range<Int>], list: Range<Int>)?
    var members = MemberCursor(b, objectAt: i)
    while let member = members.next() {
        if members.isNamed(key.utf8, member) {
            let (found, end) = elements(b, from: member.value, path: path.dropFirst())
            last = found
            members.advance(to: end)
        } else {
            members.advance(to: JSONScanner.valueEnd(b, from: member.value))
        }
    }
    return (last, members.end)
}

private func arrayElements(_ b: Bytes, from i: Int) -> (ranges: [Range<Int>], end: Int) {
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
