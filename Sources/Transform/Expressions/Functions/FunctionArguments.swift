// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// The arguments of one call for one record, read as what a function needs.
struct FunctionArguments {
    let values: [ExpressionValue]
    let record: RecordBytes

    /// The longest list that an expression may make.
    static let itemsMax = 10_000

    func isGiven(_ number: Int) -> Bool { number < values.count }

    /// Nothing and what is not given are an empty text.
    func text(_ number: Int) -> String { isGiven(number) ? values[number].text(in: record) : "" }

    func number(_ number: Int) throws(ExpressionError) -> ExactNumber {
        guard let value = values[number].number(in: record) else { throw ExpressionError(expected: "a number") }
        return value
    }

    /// A number without a fraction from a range; `otherwise` if it is not given.
    func whole(_ number: Int, in range: ClosedRange<Int>, otherwise: Int? = nil) throws(ExpressionError) -> Int {
        if let otherwise, !isGiven(number) { return otherwise }
        guard let value = values[number].number(in: record)?.int, range.contains(value) else {
            throw ExpressionError(expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func reading(_ number: Int) throws(ExpressionError) -> TimestampText.Reading {
        guard let reading = values[number].reading(in: record) else { throw ExpressionError(expected: "a date") }
        return reading
    }

    /// The date of argument 0 by the clocks of the zone in argument `zone`, in milliseconds since 1970.
    func local(zone: Int) throws(ExpressionError) -> Int64 { try local(0, zone: zone) }

    func local(_ number: Int, zone: Int) throws(ExpressionError) -> Int64 {
        let reading = try reading(number)
        guard reading.form == .instant, let rules = self.zone(zone) else { return reading.milliseconds }
        return reading.milliseconds + rules.offset(at: reading.milliseconds)
    }

    func zone(_ number: Int) -> ZoneRules? {
        guard isGiven(number), case .zone(let rules) = values[number] else { return nil }
        return rules
    }

    func pattern(_ number: Int) throws(ExpressionError) -> DatePattern {
        guard case .pattern(let pattern) = values[number] else {
            throw ExpressionError(expected: ExpressionType.pattern.description)
        }
        return pattern
    }

    func items(_ number: Int) throws(ExpressionError) -> [ExpressionValue] {
        guard let items = values[number].items(in: record) else { throw ExpressionError(expected: "a list") }
        return items
    }

    /// A text of the size that a record can have.
    static func bounded(_ text: String) throws(ExpressionError) -> ExpressionValue {
        guard text.utf8.count <= ExpressionValue.textBytesMax else { throw .tooLong }
        return .text(text)
    }

    /// A number with few enough digits.
    static func bounded(_ number: ExactNumber?) throws(ExpressionError) -> ExpressionValue {
        guard let number else { throw .tooLarge }
        return .number(number)
    }
}
