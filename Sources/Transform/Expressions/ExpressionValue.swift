// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// What an expression has come to at some point. Untouched values of the record stay offsets into it.
enum ExpressionValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(ExactNumber)
    case text(String)
    case instant(Timestamp)
    case list([ExpressionValue])
    /// A value of the record, as it stands there.
    case raw(JSONSlice)
    /// A time zone, looked up once when the expression was made ready.
    case zone(ZoneRules)
    /// The form of a date, read once when the expression was made ready.
    case pattern(DatePattern)
}

/// Why an expression has no value for a record; it never holds values of the record.
package struct ExpressionError: Error, Equatable, CustomStringConvertible {
    /// `expected a number`, `division by zero`.
    package var reason: String
    /// The function that found no way, if it was one.
    package var function: String?

    init(_ reason: String) { self.reason = reason }
    init(expected: String) { reason = "expected \(expected)" }

    static let tooLarge = ExpressionError("the number needs more than 34 digits")
    static let tooLong = ExpressionError("the text would be longer than 16 MiB")

    /// `expected a number in round()`
    package var description: String { function.map { "\(reason) in \($0)()" } ?? reason }
}

/// The bytes of the record that raw values lie in.
typealias RecordBytes = UnsafeBufferPointer<UInt8>

extension ExpressionValue {
    /// The longest text that an expression may make, in UTF-8 bytes: no record may be larger.
    static let textBytesMax = 16 << 20

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
        case .null, .zone, .pattern: ""
        case .bool(let value): value ? "true" : "false"
        case .number(let value): value.description
        case .text(let text): text
        case .instant(let instant): instant.description
        case .list(let items): items.map { $0.text(in: record) }.joined(separator: ";")
        case .raw(let slice): slice.kind == .null ? "" : JSONText.string(slice, of: record)
        }
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
            if bytes.count == 2, slice.kind == .string { return false }
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
    func number(in record: RecordBytes) -> ExactNumber? {
        switch self {
        case .number(let value): return value
        case .text(let text): return ExactNumber(text.utf8)
        case .raw(let slice):
            switch slice.kind {
            case .number: return ExactNumber(UnsafeBufferPointer(rebasing: record[slice.range]))
            // Escapes stand for characters that no number has.
            case .string: return ExactNumber(UnsafeBufferPointer(rebasing: record[slice.content]))
            default: return nil
            }
        default: return nil
        }
    }

    /// The instant that it is or that its text says.
    func instant(in record: RecordBytes) -> Timestamp? {
        reading(in: record)?.instant(in: nil)
    }

    /// The instant as it is written, with what it says about its zone.
    func reading(in record: RecordBytes) -> TimestampText.Reading? {
        switch self {
        case .instant(let instant): return TimestampText.Reading(milliseconds: instant.milliseconds, form: .instant)
        case .text(let text): return TimestampText.reading(text.utf8)
        case .number(let value): return TimestampText.reading(value.description.utf8)
        case .raw(let slice):
            guard slice.kind == .string || slice.kind == .number else { return nil }
            return TimestampText.reading(UnsafeBufferPointer(rebasing: record[slice.content]))
        default: return nil
        }
    }

    /// The elements, if it is a list of the expression or of the record.
    func items(in record: RecordBytes) -> [ExpressionValue]? {
        switch self {
        case .list(let items): items
        case .raw(let slice) where slice.kind == .array: slice.elements(in: record).map { .raw($0) }
        default: nil
        }
    }
}
