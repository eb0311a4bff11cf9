// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

extension ExpressionFunction {
    static let presenceFunctions: [ExpressionFunction] = [
        ExpressionFunction(
            "has", .presence, [Parameter("field", .field)], .bool,
            "Whether the record has the field, and something in it",
            example: Example("has(nickname)", "false"), .presence),
        ExpressionFunction(
            "coalesce", .presence, [.several("value", .any)], .any,
            "The first of the values that is something; those after it are not worked out",
            example: Example("coalesce('', null, 'Ada')", "Ada"), .firstPresent),
        ExpressionFunction(
            "isBlank", .presence, [Parameter("value", .any)], .bool,
            "Whether there is nothing in it but white space",
            example: Example("isBlank('  ')", "true"),
            .valuesOrNothing { arguments in .bool(TextFold.trimmed(arguments.text(0)).isEmpty) }),
    ]

    static let textFunctions: [ExpressionFunction] = [
        ExpressionFunction(
            "string", .texts, [Parameter("value", .any)], .text,
            "The value as text, so that + joins instead of adding",
            example: Example("string(1) + string(2)", "12"),
            .valuesOrNothing { arguments in .text(arguments.text(0)) }),
        ExpressionFunction(
            "concat", .texts, [.several("value", .any)], .text, "All the values in one text; nothing adds nothing",
            example: Example("concat('Ada', ' ', null, 'Lovelace')", "Ada Lovelace"),
            .valuesOrNothing { (arguments) throws(ExpressionError) in
                try FunctionArguments.bounded(arguments.values.map { $0.text(in: arguments.record) }.joined())
            }),
        ExpressionFunction(
            "lower", .texts, [Parameter("text", .text)], .text, "All letters in lower case",
            example: Example("lower('ADA@X.test')", "ada@x.test"),
            .values { arguments in .text(arguments.text(0).lowercased()) }),
        ExpressionFunction(
            "upper", .texts, [Parameter("text", .text)], .text, "All letters in upper case",
            example: Example("upper('wa')", "WA"),
            .values { arguments in .text(arguments.text(0).uppercased()) }),
        ExpressionFunction(
            "capitalize", .texts, [Parameter("text", .text)], .text,
            "The first letter of every word in upper case, the others in lower case",
            example: Example("capitalize('ADA KING-noel')", "Ada King-Noel"),
            .values { arguments in .text(TextFunctions.capitalized(arguments.text(0))) }),
        ExpressionFunction(
            "trim", .texts, [Parameter("text", .text)], .text, "Without white space at both ends",
            example: Example("trim('  Ada ')", "Ada"),
            .values { arguments in .text(TextFold.trimmed(arguments.text(0))) }),
        ExpressionFunction(
            "squeeze", .texts, [Parameter("text", .text)], .text,
            "Trimmed, and every run of white space inside one space",
            example: Example("squeeze(' 12  Main   St ')", "12 Main St"),
            .values { arguments in
                .text(arguments.text(0).split(whereSeparator: \.isWhitespace).joined(separator: " "))
            }),
        ExpressionFunction(
            "size", .texts, [Parameter("value", .any)], .number,
            "How many characters a text has, or how many elements a list",
            example: Example("size('Zoë')", "3"),
            .valuesOrNothing { arguments in
                let items = arguments.values[0].items(in: arguments.record)
                return .number(ExactNumber(items?.count ?? arguments.text(0).count))
            }),
        ExpressionFunction(
            "contains", .texts, [Parameter("text", .text), Parameter("part", .text)], .bool,
            "Whether the part occurs in the text, letter for letter",
            example: Example("contains('Director of Sales', 'Sales')", "true"),
            .valuesOrNothing { arguments in .bool(TextFunctions.matches(arguments) { $0.firstRange(of: $1) != nil }) }),
        ExpressionFunction(
            "startsWith", .texts, [Parameter("text", .text), Parameter("part", .text)], .bool,
            "Whether the text begins with the part",
            example: Example("startsWith('+49 30 1234', '+49')", "true"),
            .valuesOrNothing { arguments in .bool(TextFunctions.matches(arguments) { $0.starts(with: $1) }) }),
        ExpressionFunction(
            "endsWith", .texts, [Parameter("text", .text), Parameter("part", .text)], .bool,
            "Whether the text ends with the part",
            example: Example("endsWith('acme.test', '.test')", "true"),
            .valuesOrNothing { arguments in
                .bool(TextFunctions.matches(arguments) { $0.reversed().starts(with: $1.reversed()) })
            }),
        ExpressionFunction(
            "substring", .texts,
            [Parameter("text", .text), Parameter("start", .number), .optional("length", .number)], .text,
            "A part of the text; start counts from 0, a negative one from the end",
            example: Example("substring('2026-03-31', -2)", "31"),
            .values { (arguments) throws(ExpressionError) in
                let whole = -ExpressionValue.textBytesMax...ExpressionValue.textBytesMax
                let start = try arguments.whole(1, in: whole)
                let length = try arguments.whole(2, in: 0...whole.upperBound, otherwise: whole.upperBound)
                let text = arguments.text(0)
                return .text(String((start < 0 ? text.suffix(-start) : text.dropFirst(start)).prefix(length)))
            }),
        ExpressionFunction(
            "replace", .texts,
            [Parameter("text", .text), Parameter("old", .text), Parameter("new", .text)], .text,
            "The text with every occurrence of old replaced by new",
            example: Example("replace('a-b-c', '-', ' ')", "a b c"),
            .values { (arguments) throws(ExpressionError) in try TextFunctions.replaced(arguments) }),
        ExpressionFunction(
            "before", .texts, [Parameter("text", .text), Parameter("mark", .text)], .text,
            "What stands before the first mark; all of it if there is none",
            example: Example("before('Lovelace, Ada', ',')", "Lovelace"),
            .values { arguments in
                let (text, mark) = (arguments.text(0), arguments.text(1))
                let range = mark.isEmpty ? nil : text.firstRange(of: mark)
                return .text(range.map { String(text[..<$0.lowerBound]) } ?? text)
            }),
        ExpressionFunction(
            "after", .texts, [Parameter("text", .text), Parameter("mark", .text)], .text,
            "What stands after the first mark; nothing if there is none",
            example: Example("trim(after('Lovelace, Ada', ','))", "Ada"),
            .values { arguments in
                let (text, mark) = (arguments.text(0), arguments.text(1))
                let range = mark.isEmpty ? nil : text.firstRange(of: mark)
                return range.map { .text(String(text[$0.upperBound...])) } ?? .null
            }),
        ExpressionFunction(
            "padLeft", .texts,
            [Parameter("text", .text), Parameter("length", .number), Parameter("sign", .text)], .text,
            "The text with the sign put before it until it is that long",
            example: Example("padLeft('512', 6, '0')", "000512"),
            .values { (arguments) throws(ExpressionError) in
                let length = try arguments.whole(1, in: 0...1000)
                let text = arguments.text(0)
                guard let sign = arguments.text(2).first else { throw ExpressionError(expected: "a sign") }
                return .text(String(repeating: sign, count: max(0, length - text.count)) + text)
            }),
        ExpressionFunction(
            "digits", .texts, [Parameter("text", .text)], .text, "Only the digits 0 to 9 of the text",
            example: Example("digits('AB-12 34')", "1234"),
            .values { arguments in .text(arguments.text(0).filter { $0.isASCII && $0.isNumber }) }),
    ]
}

private enum TextFunctions {
    /// By Unicode scalars and case; nothing occurs nowhere.
    static func matches(
        _ arguments: FunctionArguments,
        _ matches: (String.UnicodeScalarView, String.UnicodeScalarView) -> Bool
    ) -> Bool {
        let part = arguments.text(1)
        return !part.isEmpty && matches(arguments.text(0).unicodeScalars, part.unicodeScalars)
    }

    static func capitalized(_ text: String) -> String {
        var output = ""
        var isStart = true
        for character in text {
            let isLetter = character.isLetter || character.isNumber || character == "'" || character == "’"
            output += isStart ? character.uppercased() : character.lowercased()
            isStart = !isLetter
        }
        return output
    }

    static func replaced(_ arguments: FunctionArguments) throws(ExpressionError) -> ExpressionValue {
        let (text, old, new) = (arguments.text(0), arguments.text(1), arguments.text(2))
        guard !old.isEmpty else { return .text(text) }
        var output = ""
        var rest = text[...]
        while let range = rest.firstRange(of: old) {
            output += rest[..<range.lowerBound]
            output += new
            rest = rest[range.upperBound...]
            guard output.utf8.count <= ExpressionValue.textBytesMax else { throw .tooLong }
        }
        return try FunctionArguments.bounded(output + rest)
    }
}
