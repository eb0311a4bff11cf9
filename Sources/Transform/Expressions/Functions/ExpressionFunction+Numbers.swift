// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

extension ExpressionFunction {
    static let numberFunctions: [ExpressionFunction] = [
        ExpressionFunction(
            "number", .numbers, [Parameter("value", .any)], .number, "The number that a text says, such as -12.50",
            example: Example("number('12.50') + 1", "13.5"),
            .values { (arguments) throws(ExpressionError) in .number(try arguments.number(0)) }),
        ExpressionFunction(
            "parseNumber", .numbers, [Parameter("text", .text), .optional("point", .text, words: [".", ","])], .number,
            "The number in a text with separators, spaces or a currency; point is '.' or ','",
            example: Example("parseNumber('1.234,50 €', ',')", "1234.5"),
            .values { (arguments) throws(ExpressionError) in
                let point = arguments.isGiven(1) ? arguments.text(1) : "."
                guard point == "." || point == "," else { throw ExpressionError(expected: "'.' or ','") }
                guard let number = NumberFunctions.number(in: arguments.text(0), point: point) else {
                    throw ExpressionError(expected: "a number")
                }
                return .number(number)
            }),
        ExpressionFunction(
            "round", .numbers, [Parameter("number", .number), .optional("places", .number)], .number,
            "The nearest number with so many digits behind the point; a half goes away from zero",
            example: Example("round(2.675, 2)", "2.68"),
            .values { (arguments) throws(ExpressionError) in try NumberFunctions.rounded(arguments, .nearest) }),
        ExpressionFunction(
            "floor", .numbers, [Parameter("number", .number), .optional("places", .number)], .number,
            "The next number down with so many digits behind the point",
            example: Example("floor(-2.5)", "-3"),
            .values { (arguments) throws(ExpressionError) in try NumberFunctions.rounded(arguments, .down) }),
        ExpressionFunction(
            "ceil", .numbers, [Parameter("number", .number), .optional("places", .number)], .number,
            "The next number up with so many digits behind the point",
            example: Example("ceil(2.1)", "3"),
            .values { (arguments) throws(ExpressionError) in try NumberFunctions.rounded(arguments, .up) }),
        ExpressionFunction(
            "abs", .numbers, [Parameter("number", .number)], .number, "The number without its sign",
            example: Example("abs(-12.5)", "12.5"),
            .values { (arguments) throws(ExpressionError) in .number(try arguments.number(0).magnitude) }),
        ExpressionFunction(
            "min", .numbers, [.several("number", .number)], .number,
            "The least of the numbers, leaving out what is nothing",
            example: Example("min(3, null, 1.5)", "1.5"),
            .valuesOrNothing { (arguments) throws(ExpressionError) in try NumberFunctions.best(arguments) { $0 < $1 } }),
        ExpressionFunction(
            "max", .numbers, [.several("number", .number)], .number,
            "The greatest of the numbers, leaving out what is nothing",
            example: Example("max(amount, 0)", "0"),
            .valuesOrNothing { (arguments) throws(ExpressionError) in try NumberFunctions.best(arguments) { $0 > $1 } }),
    ]
}

private enum NumberFunctions {
    static func rounded(
        _ arguments: FunctionArguments, _ rounding: ExactNumber.Rounding
    ) throws(ExpressionError) -> ExpressionValue {
        let places = try arguments.whole(1, in: -20...20, otherwise: 0)
        return try FunctionArguments.bounded(try arguments.number(0).rounded(to: places, rounding))
    }

    static func best(
        _ arguments: FunctionArguments, _ isBetter: (ExactNumber, ExactNumber) -> Bool
    ) throws(ExpressionError) -> ExpressionValue {
        var best: ExactNumber?
        for number in arguments.values.indices where !arguments.values[number].isBlank(in: arguments.record) {
            let value = try arguments.number(number)
            if best.map({ isBetter(value, $0) }) ?? true { best = value }
        }
        return best.map { .number($0) } ?? .null
    }

    /// Letters and signs of currencies may stand around the number, separators inside it.
    static func number(in text: String, point: String) -> ExactNumber? {
        let isAround = { (character: Character) in
            character.isLetter || character.isWhitespace || character.isCurrencySymbol
        }
        var isNegative = false
        var rest = text[...].drop(while: isAround)
        if rest.first == "-" || rest.first == "−" {
            isNegative = true
            rest = rest.dropFirst()
        }
        rest = rest.drop(while: isAround)
        while let last = rest.last, isAround(last) { rest = rest.dropLast() }
        let separators: Set<Character> =
            point == "."
            ? [",", " ", "'", "’", "\u{A0}", "\u{202F}"]
            : [".", " ", "'", "’", "\u{A0}", "\u{202F}"]
        var plain = isNegative ? "-" : ""
        var hasPoint = false
        for character in rest {
            if character == Character(point), !hasPoint {
                hasPoint = true
                plain += "."
            } else if character.isASCII, character.isNumber {
                plain.append(character)
            } else if hasPoint || !separators.contains(character) {
                return nil
            }
        }
        return ExactNumber(plain.utf8)
    }
}
