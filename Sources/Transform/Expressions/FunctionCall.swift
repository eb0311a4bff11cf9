// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// What each function of the expression language gives. Nothing in, nothing out, unless said otherwise.
enum FunctionCall {
    typealias Value = ExpressionValue

    static func result(
        of function: RecordExpression.Function, _ arguments: [Value], in record: RecordBytes
    ) throws(ExpressionError) -> Value {
        let first = arguments[0]
        switch function {
        case .has:
            return .bool(!first.isBlank(in: record))
        case .coalesce:
            // The first that is something.
            return arguments.first { !$0.isBlank(in: record) } ?? .null
        case .concat:
            return .text(arguments.map { $0.text(in: record) }.joined())
        case .contains, .startsWith, .endsWith:
            // By Unicode scalars and case; nothing contains nothing.
            return .bool(matches(function, first.text(in: record), arguments[1].text(in: record)))
        case .size:
            if case .list(let items) = first { return .number(Double(items.count)) }
            return .number(Double(first.text(in: record).count))
        case .string:
            return .text(first.text(in: record))
        default: break
        }
        if first.isBlank(in: record) { return .null }
        switch function {
        case .timestamp:
            guard let instant = first.instant(in: record) else { throw ExpressionError(expected: "a point in time") }
            return .instant(instant)
        case .date:
            guard let instant = first.instant(in: record) else { throw ExpressionError(expected: "a day") }
            return .text(String(instant.description.prefix(10)))
        case .number:
            guard let number = first.number(in: record) else { throw ExpressionError(expected: "a number") }
            return .number(number)
        case .lower: return .text(first.text(in: record).lowercased())
        case .upper: return .text(first.text(in: record).uppercased())
        case .trim: return .text(TextFold.trimmed(first.text(in: record)))
        case .emailLocal: return addressPart(first.text(in: record)) { $0.local }
        case .emailDomain: return addressPart(first.text(in: record)) { $0.domain }
        default: return .null
        }
    }

    private static func matches(_ function: RecordExpression.Function, _ text: String, _ part: String) -> Bool {
        guard !part.isEmpty else { return false }
        let text = text.unicodeScalars
        let part = part.unicodeScalars
        switch function {
        case .startsWith: return text.starts(with: part)
        case .endsWith: return text.reversed().starts(with: part.reversed())
        default: return text.firstRange(of: part) != nil
        }
    }

    /// Both parts in lower case; nothing if it is not an address.
    private static func addressPart(
        _ text: String, _ part: ((local: Substring, domain: Substring)) -> Substring
    ) -> Value {
        let address = TextFold.trimmed(text).lowercased()
        guard let at = address.lastIndex(of: "@") else { return .null }
        let piece = part((address[..<at], address[address.index(after: at)...]))
        return piece.isEmpty ? .null : .text(String(piece))
    }
}
