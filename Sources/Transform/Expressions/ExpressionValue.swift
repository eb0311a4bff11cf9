// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// What an expression has come to at some point. Untouched values of the record stay offsets into it.
enum ExpressionValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case instant(Timestamp)
    case list([ExpressionValue])
    /// A value of the record, as it stands there.
    case raw(JSONSlice)
}

/// Why an expression has no value for a record; it never holds values of the record.
struct ExpressionError: Error, Equatable {
    /// What was expected: `a number`.
    var expected: String
}

/// The bytes of the record that raw values lie in.
typealias RecordBytes = UnsafeBufferPointer<UInt8>

extension ExpressionValue {
    /// Nothing, or an empty text: a CRM makes no difference between them.
    func isBlank(in record: RecordBytes) -> Bool {
        switch self {
        case .null: true
        case .text(let text): text.isEmpty
        case .raw(let slice): slice.isBlank
        default: false
        }
    }

    /// The value as text; numbers and booleans as their own text, nothing as an empty one.
    func text(in record: RecordBytes) -> String {
        switch self {
        case .null: ""
        case .bool(let value): value ? "true" : "false"
        case .number(let value): Self.text(of: value)
        case .text(let text): text
        case .instant(let instant): instant.description
        case .list(let items): items.map { $0.text(in: record) }.joined(separator: ";")
        case .raw(let slice): slice.kind == .null ? "" : JSONText.string(slice, of: record)
        }
    }

    /// A number without a fraction is written without one.
    private static func text(of number: Double) -> String {
        number == number.rounded() && abs(number) < 9.0e15 ? String(Int64(number)) : "\(number)"
    }

    /// True or false; nothing counts as false, the texts `true` and `false` as what they say.
    func truth(in record: RecordBytes) throws(ExpressionError) -> Bool {
        switch self {
        case .null: return false
        case .bool(let value): return value
        case .raw(let slice):
            switch slice.kind {
            case .true: return true
            case .false, .null: return false
            default: break
            }
            let bytes = UnsafeBufferPointer(rebasing: record[slice.range])
            if bytes.count == 2 { return false }
            if bytes.elementsEqual("\"true\"".utf8) { return true }
            if bytes.elementsEqual("\"false\"".utf8) { return false }
        case .text(let text):
            if text == "true" { return true }
            if text == "false" || text.isEmpty { return false }
        default: break
        }
        throw ExpressionError(expected: "true or false")
    }

    /// Whether it is a number by its type, not merely a text that looks like one.
    var isNumber: Bool {
        switch self {
        case .number: true
        case .raw(let slice): slice.kind == .number
        default: false
        }
    }

    /// The number that it is or that its text says.
    func number(in record: RecordBytes) -> Double? {
        switch self {
        case .number(let value): value
        case .text(let text): Double(text)
        case .raw(let slice):
            slice.kind == .number || slice.kind == .string ? Double(JSONText.string(slice, of: record)) : nil
        default: nil
        }
    }

    /// The instant that it is or that its text says.
    func instant(in record: RecordBytes) -> Timestamp? {
        switch self {
        case .instant(let instant): return instant
        case .text(let text): return TimestampText.instant(text.utf8)
        case .number(let value): return TimestampText.instant(Self.text(of: value).utf8)
        case .raw(let slice):
            let range = slice.kind == .string ? slice.range.dropFirst().dropLast() : slice.range[...]
            return TimestampText.instant(UnsafeBufferPointer(rebasing: record[range]))
        default: return nil
        }
    }
}
