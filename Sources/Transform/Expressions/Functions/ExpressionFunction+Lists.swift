// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

extension ExpressionFunction {
    static let listFunctions: [ExpressionFunction] = [
        ExpressionFunction(
            "split", .lists, [Parameter("text", .text), Parameter("mark", .text)], .list,
            "The parts of a text between the marks, each trimmed",
            example: Example("split('red; green', ';')[1]", "green"),
            .values { (arguments) throws(ExpressionError) in
                let (text, mark) = (arguments.text(0), arguments.text(1))
                guard !mark.isEmpty else { return .list([.text(text)]) }
                var parts: [ExpressionValue] = []
                var rest = text[...]
                while let range = rest.firstRange(of: mark) {
                    parts.append(.text(TextFold.trimmed(String(rest[..<range.lowerBound]))))
                    rest = rest[range.upperBound...]
                    guard parts.count < FunctionArguments.itemsMax else {
                        throw ExpressionError("the list would be longer than 10,000")
                    }
                }
                return .list(parts + [.text(TextFold.trimmed(String(rest)))])
            }),
        ExpressionFunction(
            "join", .lists, [Parameter("list", .list), Parameter("mark", .text)], .text,
            "The elements of a list in one text with the mark between them, leaving out empty ones",
            example: Example("join(['a', '', 'b'], ', ')", "a, b"),
            .values { (arguments) throws(ExpressionError) in
                let texts = try arguments.items(0).map { $0.text(in: arguments.record) }.filter { !$0.isEmpty }
                return try FunctionArguments.bounded(texts.joined(separator: arguments.text(1)))
            }),
        ExpressionFunction(
            "first", .lists, [Parameter("list", .list)], .any, "The first element of a list; nothing if it is empty",
            example: Example("first(split('a;b', ';'))", "a"),
            .values { (arguments) throws(ExpressionError) in try arguments.items(0).first ?? .null }),
        ExpressionFunction(
            "last", .lists, [Parameter("list", .list)], .any, "The last element of a list; nothing if it is empty",
            example: Example("last(split('Ada King Lovelace', ' '))", "Lovelace"),
            .values { (arguments) throws(ExpressionError) in try arguments.items(0).last ?? .null }),
        ExpressionFunction(
            "distinct", .lists, [Parameter("list", .list)], .list,
            "The elements of a list, equal ones once, in the order of their first",
            example: Example("join(distinct(['b', 'a', 'b']), ';')", "b;a"),
            .values { (arguments) throws(ExpressionError) in
                var seen: Set<String> = []
                return .list(try arguments.items(0).filter { seen.insert($0.text(in: arguments.record)).inserted })
            }),
    ]
}
