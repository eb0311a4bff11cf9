// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// An expression made ready for many records: closures over raw slices, with everything constant worked out once.
struct CompiledExpression: Sendable {
    typealias Evaluate = @Sendable (borrowing RecordIndex, RecordBytes) throws(ExpressionError) -> ExpressionValue

    private let evaluate: Evaluate

    /// - Parameters:
    ///   - vars: the pipeline's constants; the lint has made sure that those which are used exist.
    init(_ expression: RecordExpression, vars: [String: String], run: RunVariables) {
        evaluate = ExpressionCompiler(vars: vars, run: run).compile(expression.root).evaluate
    }

    func value(of index: borrowing RecordIndex, in record: RecordBytes) throws(ExpressionError) -> ExpressionValue {
        try evaluate(index, record)
    }

    func truth(of index: borrowing RecordIndex, in record: RecordBytes) throws(ExpressionError) -> Bool {
        try evaluate(index, record).truth(in: record)
    }
}

/// Makes closures of a syntax tree. What does not depend on the record is worked out here; if that fails, it fails for
/// every record, and the lint has said so.
struct ExpressionCompiler {
    typealias Evaluate = CompiledExpression.Evaluate
    typealias Value = ExpressionValue

    let vars: [String: String]
    let run: RunVariables?

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

    static var noRecord: RecordBytes { RecordBytes(start: nil, count: 0) }

    func compile(_ node: RecordExpression.Node) -> Part {
        switch node.form {
        case .null: Part(constant: .null)
        case .bool(let value): Part(constant: .bool(value))
        case .number(let value): Part(constant: .number(value))
        case .text(let text): Part(constant: .text(text))
        case .variable(let name): Part(constant: vars[name].map { .text($0) } ?? .null)
        case .run(let variable): Part(constant: run.map { .text($0[variable]) } ?? .null)
        case .field(let name):
            Part { index, _ throws(ExpressionError) in index.slice(name).map { .raw($0) } ?? .null }
        case .list(let items): folded(items.map(compile)) { values, _ throws(ExpressionError) in .list(values) }
        case .member(let base, let name): member(compile(base), name)
        case .element(let base, let index): element(compile(base), compile(index))
        case .not(let operand):
            unary(compile(operand)) { value, record throws(ExpressionError) in .bool(!(try value.truth(in: record))) }
        case .negative(let operand):
            unary(compile(operand)) { value, record throws(ExpressionError) in
                if value.isBlank(in: record) { return .null }
                guard let number = value.number(in: record) else { throw ExpressionError(expected: "a number") }
                return .number(number.negated)
            }
        case .binary(let symbol, let left, let right): binary(symbol, compile(left), compile(right))
        case .conditional(let condition, let then, let otherwise):
            conditional(compile(condition), compile(then), compile(otherwise))
        case .call(let name, let arguments): call(name, arguments)
        }
    }

    // MARK: Constants

    /// A node whose value depends on those of its operands only; worked out at once if they are constant.
    private func folded(
        _ operands: [Part], _ body: @escaping @Sendable ([Value], RecordBytes) throws(ExpressionError) -> Value
    ) -> Part {
        let constants = operands.compactMap(\.constant)
        if constants.count == operands.count, let value = try? body(constants, Self.noRecord) {
            return Part(constant: value)
        }
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

    /// The same for one operand, without an array.
    private func unary(
        _ operand: Part, _ body: @escaping @Sendable (Value, RecordBytes) throws(ExpressionError) -> Value
    ) -> Part {
        if let constant = operand.constant, let value = try? body(constant, Self.noRecord) {
            return Part(constant: value)
        }
        let evaluate = operand.evaluate
        return Part { index, record throws(ExpressionError) in try body(try evaluate(index, record), record) }
    }

    /// The same for two: binary nodes are in every filter, and an array for each would cost most of it.
    private func combined(
        _ left: Part, _ right: Part,
        _ body: @escaping @Sendable (Value, Value, RecordBytes) throws(ExpressionError) -> Value
    ) -> Part {
        if let a = left.constant, let b = right.constant, let value = try? body(a, b, Self.noRecord) {
            return Part(constant: value)
        }
        let (a, b) = (left.evaluate, right.evaluate)
        return Part { index, record throws(ExpressionError) in
            try body(try a(index, record), try b(index, record), record)
        }
    }

    // MARK: Inside a record

    private func member(_ base: Part, _ name: String) -> Part {
        unary(base) { value, record throws(ExpressionError) in
            guard case .raw(let slice) = value, slice.kind == .object else {
                guard value.isBlank(in: record) else { throw ExpressionError("there is no '\(name)' in a value") }
                return .null
            }
            return slice.member(name, in: record).map { .raw($0) } ?? .null
        }
    }

    /// Counted from 0, negative ones from the end; what is not there is nothing.
    private func element(_ base: Part, _ index: Part) -> Part {
        combined(base, index) { value, index, record throws(ExpressionError) in
            if value.isBlank(in: record) || index.isBlank(in: record) { return .null }
            if case .raw(let slice) = value, slice.kind == .object {
                return slice.member(index.text(in: record), in: record).map { .raw($0) } ?? .null
            }
            guard let items = value.items(in: record) else { throw ExpressionError(expected: "a list") }
            guard let number = index.number(in: record)?.int else { throw ExpressionError(expected: "a whole number") }
            let place = number < 0 ? items.count + max(number, -items.count - 1) : number
            return items.indices.contains(place) ? items[place] : .null
        }
    }

    // MARK: Operators

    private func conditional(_ condition: Part, _ then: Part, _ otherwise: Part) -> Part {
        if let constant = condition.constant, let truth = try? constant.truth(in: Self.noRecord) {
            return truth ? then : otherwise
        }
        let (condition, then, otherwise) = (condition.evaluate, then.evaluate, otherwise.evaluate)
        return Part { index, record throws(ExpressionError) in
            try condition(index, record).truth(in: record) ? try then(index, record) : try otherwise(index, record)
        }
    }

    private func binary(_ symbol: RecordExpression.Operator, _ left: Part, _ right: Part) -> Part {
        switch symbol {
        case .and, .or: return junction(left, right, stopsAt: symbol == .or)
        case .equal:
            return combined(left, right) { a, b, record throws(ExpressionError) in
                .bool(try ExpressionComparison.areEqual(a, b, in: record))
            }
        case .notEqual:
            return combined(left, right) { a, b, record throws(ExpressionError) in
                .bool(!(try ExpressionComparison.areEqual(a, b, in: record)))
            }
        case .less: return ordered(left, right) { $0 < 0 }
        case .lessOrEqual: return ordered(left, right) { $0 <= 0 }
        case .greater: return ordered(left, right) { $0 > 0 }
        case .greaterOrEqual: return ordered(left, right) { $0 >= 0 }
        case .within:
            return combined(left, right) { item, list, record throws(ExpressionError) in
                .bool(try ExpressionComparison.contains(list, item, in: record))
            }
        case .plus:
            return combined(left, right) { a, b, record throws(ExpressionError) in
                try ExpressionArithmetic.sum(a, b, in: record)
            }
        case .minus, .times, .divided, .remainder:
            return combined(left, right) { a, b, record throws(ExpressionError) in
                try ExpressionArithmetic.result(of: symbol, a, b, in: record)
            }
        }
    }

    /// `&&` and `||`: the right side is not worked out if the left one decides.
    private func junction(_ left: Part, _ right: Part, stopsAt decisive: Bool) -> Part {
        let (a, b) = (left.evaluate, right.evaluate)
        let evaluate: Evaluate = { index, record throws(ExpressionError) in
            if try a(index, record).truth(in: record) == decisive { return .bool(decisive) }
            return .bool(try b(index, record).truth(in: record))
        }
        return Part(evaluate)
    }

    private func ordered(_ left: Part, _ right: Part, _ holds: @escaping @Sendable (Int) -> Bool) -> Part {
        combined(left, right) { a, b, record throws(ExpressionError) in
            .bool(try ExpressionComparison.order(a, b, in: record).map(holds) ?? false)
        }
    }

    // MARK: Functions

    private func call(_ name: String, _ arguments: [RecordExpression.Node]) -> Part {
        guard let function = ExpressionFunction.named(name) else {
            preconditionFailure("the parser makes calls of functions in the table only")
        }
        switch function.work {
        case .presence:
            if case .field(let field) = arguments[0].form {
                return Part { index, _ throws(ExpressionError) in .bool(index.slice(field).map { !$0.isBlank } ?? false)
                }
            }
            return unary(compile(arguments[0])) { value, record throws(ExpressionError) in
                .bool(!value.isBlank(in: record))
            }
        case .firstPresent:
            let evaluates = arguments.map { compile($0).evaluate }
            return Part { index, record throws(ExpressionError) in
                for evaluate in evaluates {
                    let value = try evaluate(index, record)
                    if !value.isBlank(in: record) { return value }
                }
                return .null
            }
        case .values(let body):
            return call(function, arguments, body) { number, value, record in
                let type = function.parameter(number).type
                return (number == 0 || type == .number || type == .date) && value.isBlank(in: record)
            }
        case .valuesOrNothing(let body): return call(function, arguments, body) { _, _, _ in false }
        }
    }

    /// - Parameter isNothing: whether an argument makes the result nothing.
    private func call(
        _ function: ExpressionFunction, _ arguments: [RecordExpression.Node], _ body: @escaping ExpressionFunction.Body,
        isNothing: @escaping @Sendable (Int, Value, RecordBytes) -> Bool
    ) -> Part {
        let name = function.name
        let parts = arguments.enumerated().map { number, node in
            prepared(compile(node), as: function.parameter(number).type)
        }
        return folded(parts) { values, record throws(ExpressionError) in
            for (number, value) in values.enumerated() where isNothing(number, value, record) { return .null }
            do throws(ExpressionError) {
                return try body(FunctionArguments(values: values, record: record))
            } catch {
                throw error.in(name)
            }
        }
    }

    /// Names of zones and forms of dates are looked up here, once.
    private func prepared(_ part: Part, as type: ExpressionType) -> Part {
        guard type == .zone || type == .pattern else { return part }
        if case .text(let text) = part.constant {
            if type == .zone, let rules = ZoneRules.named(text) { return Part(constant: .zone(rules)) }
            if type == .pattern, let pattern = DatePattern(text) { return Part(constant: .pattern(pattern)) }
        }
        return Part { _, _ throws(ExpressionError) in throw ExpressionError(expected: type.description) }
    }
}

extension ExpressionError {
    /// The same error with the function in which it came up.
    fileprivate func `in`(_ function: String) -> ExpressionError {
        var error = self
        error.function = error.function ?? function
        return error
    }
}
