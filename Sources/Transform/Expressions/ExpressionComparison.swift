// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// How two values are compared, by what they are:
/// - nothing and an empty text are equal, and neither less nor greater than anything;
/// - if one side is an instant, the other is read as one;
/// - if one side is a truth value, the other is read as one;
/// - if one side is a number, the other is read as one; when ordering, two texts that are both numbers are, too, and two
///   texts that are both dates are ordered as dates;
/// - everything else is compared as text, when ordering by Unicode scalars.
enum ExpressionComparison {
    static func areEqual(
        _ a: ExpressionValue, _ b: ExpressionValue, in record: RecordBytes
    ) throws(ExpressionError) -> Bool {
        if let isEqual = quickly(a, b, in: record) { return isEqual }
        let aIsBlank = a.isBlank(in: record)
        let bIsBlank = b.isBlank(in: record)
        if aIsBlank || bIsBlank { return aIsBlank && bIsBlank }
        if a.isInstant || b.isInstant { return try order(a, b, in: record) == 0 }
        if a.isTruth || b.isTruth { return try a.truth(in: record) == b.truth(in: record) }
        if a.isNumber || b.isNumber, let x = a.number(in: record), let y = b.number(in: record) { return x == y }
        return a.text(in: record) == b.text(in: record)
    }

    /// The most frequent comparison, a field of the record with a text of the file, byte by byte: `nil` if more than
    /// that is needed to tell (escapes, or letters that can be written in more than one way).
    private static func quickly(_ a: ExpressionValue, _ b: ExpressionValue, in record: RecordBytes) -> Bool? {
        guard case .raw(let slice) = a, case .text(let text) = b, slice.kind == .string else { return nil }
        let bytes = UnsafeBufferPointer(rebasing: record[slice.content])
        var isPlain = true
        for byte in bytes where byte >= 0x80 || byte == UInt8(ascii: "\\") {
            isPlain = false
            break
        }
        guard isPlain else { return nil }
        if text.utf8.count == bytes.count, bytes.elementsEqual(text.utf8) { return true }
        return text.utf8.allSatisfy { $0 < 0x80 } ? false : nil
    }

    /// Below, at or above zero as `a` is less than, equal to or greater than `b`; `nil` if one of them is nothing.
    static func order(
        _ a: ExpressionValue, _ b: ExpressionValue, in record: RecordBytes
    ) throws(ExpressionError) -> Int? {
        if a.isBlank(in: record) || b.isBlank(in: record) { return nil }
        if a.isInstant || b.isInstant {
            guard let x = a.instant(in: record), let y = b.instant(in: record) else {
                throw ExpressionError(expected: "a date")
            }
            return x < y ? -1 : x == y ? 0 : 1
        }
        if let x = a.number(in: record), let y = b.number(in: record) { return x < y ? -1 : x == y ? 0 : 1 }
        if a.isNumber || b.isNumber { throw ExpressionError(expected: "a number") }
        if let x = a.instant(in: record), let y = b.instant(in: record) { return x < y ? -1 : x == y ? 0 : 1 }
        let x = a.text(in: record)
        let y = b.text(in: record)
        if x == y { return 0 }
        return x.unicodeScalars.lexicographicallyPrecedes(y.unicodeScalars) ? -1 : 1
    }

    /// Whether `item` is one of a list, or one of the parts of a text separated by `;` (as multiple choices are).
    static func contains(
        _ list: ExpressionValue, _ item: ExpressionValue, in record: RecordBytes
    ) throws(ExpressionError) -> Bool {
        if let items = list.items(in: record) {
            for candidate in items where try areEqual(item, candidate, in: record) { return true }
            return false
        }
        let wanted = item.text(in: record)
        return list.text(in: record).split(separator: ";").contains { TextFold.trimmed(String($0)) == wanted }
    }
}

extension ExpressionValue {
    fileprivate var isInstant: Bool {
        if case .instant = self { true } else { false }
    }

    fileprivate var isTruth: Bool {
        switch self {
        case .bool: true
        case .raw(let slice): slice.kind == .true || slice.kind == .false
        default: false
        }
    }
}
