// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// An expression made ready for many records: closures over raw slices, with everything constant worked out once.
struct CompiledExpression: Sendable {
    typealias Evaluate = @Sendable (RecordIndex, RecordBytes) throws(ExpressionError) -> ExpressionValue

    private let evaluate: Evaluate

    /// - Parameter vars: the pipeline's constants; the lint has made sure that those which are used exist.
    init(_ expression: RecordExpression, vars: [String: String]) {
        evaluate = Compiler(vars: vars).compile(expression.root).evaluate
    }

    func value(of index: RecordIndex, in record: RecordBytes) throws(ExpressionError) -> ExpressionValue {
        try evaluate(index, record)
    }

    func truth(of index: RecordIndex, in record: RecordBytes) throws(ExpressionError) -> Bool {
        try evaluate(index, record).truth(in: record)
    }
}

private struct Compiler {
    typealias Evaluate = CompiledExpression.Evaluate
    typealias Value = ExpressionValue

    let vars: [String: String]

    /// A node made ready; `constant` if it does not depend on the record.
    struct Part {
        var evaluate: Evaluate
        var constant: Value?

        init(constant: Value) {
            self.constant = constant
            evaluate = { _, _ throws(ExpressionError) in constant }
        }

        init(_ evaluate: @escaping Evaluate) { self.evaluate = evaluate }
    }

    func compile(_ node: RecordExpression.Node) -> Part {
        switch node {
        case .null: Part(constant: .null)
        case .bool(let value): Part(constant: .bool(value))
        case .number(let value, _): Part(constant: .number(value))
        case .text(let text): Part(constant: .text(text))
        case .variable(let name, _): Part(constant: vars[name].map { .text($0) } ?? .null)
        case .field(let name, _):
            Part { index, _ throws(ExpressionError) in index.slice(name).map { .raw($0) } ?? .null }
        case .list(let items): list(items.map(compile))
        case .not(let operand):
            folded([compile(operand)]) { values, record throws(ExpressionError) in
                .bool(!(try values[0].truth(in: record)))
            }
        case .negative(let operand, _):
            folded([compile(operand)]) { values, record throws(ExpressionError) in
                guard let number = values[0].number(in: record) else { throw ExpressionError(expected: "a number") }
                return .number(-number)
            }
        case .binary(let symbol, let left, let right, _): binary(symbol, compile(left), compile(right))
        case .conditional(let condition, let then, let otherwise):
            conditional(compile(condition), compile(then), compile(otherwise))
        case .call(.has, let arguments, _): has(arguments[0])
        case .call(let function, let arguments, _):
            folded(arguments.map(compile)) { values, record throws(ExpressionError) in
                try FunctionCall.result(of: function, values, in: record)
            }
        }
    }

    /// A node whose value depends on those of its operands only; worked out at once if they are constant.
    private func folded(
        _ operands: [Part], _ body: @escaping @Sendable ([Value], RecordBytes) throws(ExpressionError) -> Value
    ) -> Part {
        let constants = operands.compactMap(\.constant)
        let none = RecordBytes(start: nil, count: 0)
        if constants.count == operands.count, let value = try? body(constants, none) { return Part(constant: value) }
        let evaluates = operands.map(\.evaluate)
        if evaluates.count == 1 {
            let first = evaluates[0]
            return Part { index, record throws(ExpressionError) in try body([first(index, record)], record) }
        }
        return Part { index, record throws(ExpressionError) in
            var values: [Value] = []
            values.reserveCapacity(evaluates.count)
            for evaluate in evaluates { values.append(try evaluate(index, record)) }
            return try body(values, record)
        }
    }

    private func list(_ items: [Part]) -> Part {
        folded(items) { values, _ throws(ExpressionError) in .list(values) }
    }

    private func has(_ argument: RecordExpression.Node) -> Part {
        guard case .field(let name, _) = argument else { return Part(constant: .bool(false)) }
        return Part { index, _ throws(ExpressionError) in .bool(index.slice(name).map { !$0.isBlank } ?? false) }
    }

    private func conditional(_ condition: Part, _ then: Part, _ otherwise: Part) -> Part {
        let (condition, then, otherwise) = (condition.evaluate, then.evaluate, otherwise.evaluate)
        return Part { index, record throws(ExpressionError) in
            try condition(index, record).truth(in: record) ? try then(index, record) : try otherwise(index, record)
        }
    }

    /// Binary nodes call their operands directly: they are in every filter, and an array for each would cost most of it.
    private func binary(_ symbol: RecordExpression.Operator, _ left: Part, _ right: Part) -> Part {
        let (a, b) = (left.evaluate, right.evaluate)
        switch symbol {
        case .and:
            return Part { index, record throws(ExpressionError) in
                guard try a(index, record).truth(in: record) else { return .bool(false) }
                return .bool(try b(index, record).truth(in: record))
            }
        case .or:
            return Part { index, record throws(ExpressionError) in
                if try a(index, record).truth(in: record) { return .bool(true) }
                return .bool(try b(index, record).truth(in: record))
            }
        case .equal:
            return compared(a, b) { a, b, record throws(ExpressionError) in
                try ExpressionComparison.areEqual(a, b, in: record)
            }
        case .notEqual:
            return compared(a, b) { a, b, record throws(ExpressionError) in
                try !ExpressionComparison.areEqual(a, b, in: record)
            }
        case .less: return ordered(a, b) { $0 < 0 }
        case .lessOrEqual: return ordered(a, b) { $0 <= 0 }
        case .greater: return ordered(a, b) { $0 > 0 }
        case .greaterOrEqual: return ordered(a, b) { $0 >= 0 }
        case .within:
            return compared(a, b) { item, list, record throws(ExpressionError) in
                try ExpressionComparison.contains(list, item, in: record)
            }
        case .plus:
            return folded([left, right]) { values, record throws(ExpressionError) in
                if values[0].isNumber, values[1].isNumber, let x = values[0].number(in: record),
                    let y = values[1].number(in: record)
                {
                    return .number(x + y)
                }
                return .text(values[0].text(in: record) + values[1].text(in: record))
            }
        case .minus:
            return folded([left, right]) { values, record throws(ExpressionError) in
                guard let x = values[0].number(in: record), let y = values[1].number(in: record) else {
                    throw ExpressionError(expected: "a number")
                }
                return .number(x - y)
            }
        }
    }

    private func compared(
        _ a: @escaping Evaluate, _ b: @escaping Evaluate,
        _ body: @escaping @Sendable (Value, Value, RecordBytes) throws(ExpressionError) -> Bool
    ) -> Part {
        Part { index, record throws(ExpressionError) in
            .bool(try body(try a(index, record), try b(index, record), record))
        }
    }

    private func ordered(
        _ a: @escaping Evaluate, _ b: @escaping Evaluate, _ holds: @escaping @Sendable (Int) -> Bool
    ) -> Part {
        Part { index, record throws(ExpressionError) in
            let order = try ExpressionComparison.order(try a(index, record), try b(index, record), in: record)
            return .bool(order.map(holds) ?? false)
        }
    }
}
