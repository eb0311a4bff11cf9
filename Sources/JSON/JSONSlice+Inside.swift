// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

// What expressions reach inside a record: members and elements of nested values, found without building any tree.

extension JSONSlice {
    /// The bytes of its content: without the quotes of a string, otherwise all.
    package var content: Range<Int> {
        kind == .string ? range.lowerBound + 1..<range.upperBound - 1 : range
    }

    /// The value of a member of this object; `nil` if there is none or this is no object. The last of duplicates counts.
    package func member(_ name: String, in document: UnsafeBufferPointer<UInt8>) -> JSONSlice? {
        guard kind == .object, let start = document.baseAddress else { return nil }
        let b = Bytes(start: start, count: range.upperBound)
        var cursor = MemberCursor(b, objectAt: range.lowerBound)
        var found: JSONSlice?
        while let member = cursor.next() {
            let end = JSONScanner.valueEnd(b, from: member.value)
            if cursor.isNamed(name.utf8, member) {
                found = JSONSlice(range: member.value..<end, kind: JSONSlice.kind(of: b[member.value]))
            }
            cursor.advance(to: end)
        }
        return found
    }

    /// The value of the first member of this object with the name; what comes behind it is not read.
    package func firstMember(_ name: StaticString, in document: UnsafeBufferPointer<UInt8>) -> JSONSlice? {
        guard kind == .object, let start = document.baseAddress else { return nil }
        let b = Bytes(start: start, count: range.upperBound)
        let name = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        var cursor = MemberCursor(b, objectAt: range.lowerBound)
        while let member = cursor.next() {
            let end = JSONScanner.valueEnd(b, from: member.value)
            if cursor.isNamed(name, member) {
                return JSONSlice(range: member.value..<end, kind: JSONSlice.kind(of: b[member.value]))
            }
            cursor.advance(to: end)
        }
        return nil
    }

    /// Calls `body` with the name and the value of each member of this object, in its order; nothing if it is none.
    package func forEachMember(
        in document: UnsafeBufferPointer<UInt8>,
        _ body: (_ name: UnsafeBufferPointer<UInt8>, _ value: JSONSlice) -> Void
    ) {
        guard kind == .object, let start = document.baseAddress else { return }
        let b = Bytes(start: start, count: range.upperBound)
        var cursor = MemberCursor(b, objectAt: range.lowerBound)
        while let member = cursor.next() {
            let end = JSONScanner.valueEnd(b, from: member.value)
            let value = JSONSlice(range: member.value..<end, kind: JSONSlice.kind(of: b[member.value]))
            if member.hasEscapes {
                var name: [UInt8] = []
                JSONText.appendContent(
                    Bytes(start: b.start, count: member.key.upperBound), from: member.key.lowerBound, to: &name)
                name.withUnsafeBufferPointer { body($0, value) }
            } else {
                body(UnsafeBufferPointer(rebasing: document[member.key]), value)
            }
            cursor.advance(to: end)
        }
    }

    /// The whole number that stands here, as a number or as the text of a string; `nil` for anything else.
    package func integer(in document: UnsafeBufferPointer<UInt8>) -> Int? {
        let digits = document[content]
        let isNegative = digits.first == Byte.minus
        var value = 0
        for byte in isNegative ? digits.dropFirst() : digits {
            guard case let digit = Int(byte) - Int(Byte.zero), (0...9).contains(digit) else { return nil }
            let (tens, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isTooLargeNow) = tens.addingReportingOverflow(isNegative ? -digit : digit)
            guard !isTooLarge, !isTooLargeNow else { return nil }
            value = sum
        }
        return digits.count > (isNegative ? 1 : 0) ? value : nil
    }

    /// The elements of this array; none if it is something else.
    package func elements(in document: UnsafeBufferPointer<UInt8>) -> [JSONSlice] {
        guard kind == .array, let start = document.baseAddress else { return [] }
        let b = Bytes(start: start, count: range.upperBound)
        var elements: [JSONSlice] = []
        var i = b.skippingSpace(from: range.lowerBound + 1)
        while i < b.count, b[i] != Byte.closeBracket {
            let end = JSONScanner.valueEnd(b, from: i)
            elements.append(JSONSlice(range: i..<end, kind: JSONSlice.kind(of: b[i])))
            i = b.skippingSpace(from: end)
            if i < b.count, b[i] == Byte.comma { i = b.skippingSpace(from: i + 1) }
        }
        return elements
    }
}
