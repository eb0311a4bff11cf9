// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Recursive descent over the tokens, loosest operator first:
/// `?:` · `||` · `&&` · `== != < <= > >= in` · `+ -` · `! -` · literals, names, calls, brackets.
struct ExpressionParser {
    /// Nesting beyond this is refused, so that no text can exhaust the stack.
    private static let depthMax = 64

    private let tokens: [ExpressionLexer.Token]
    private var position = 0
    private var depth = 0

    init(_ text: String) throws(ExpressionFailure) {
        var lexer = ExpressionLexer(text)
        tokens = try lexer.tokens()
    }

    /// The whole text as one expression.
    mutating func parseAll() throws(ExpressionFailure) -> RecordExpression.Node {
        guard tokens[0].kind != .end else { throw ExpressionFailure(offset: 0, message: "the expression is empty") }
        let node = try conditional()
        guard current.kind == .end else { throw unexpected("an operator or the end") }
        return node
    }

    private var current: ExpressionLexer.Token { tokens[position] }

    private mutating func accept(_ symbol: String) -> Bool {
        guard current.kind == .symbol(symbol) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ symbol: String) throws(ExpressionFailure) {
        guard accept(symbol) else { throw unexpected("'\(symbol)'") }
    }

    private func unexpected(_ expected: String) -> ExpressionFailure {
        let found =
            switch current.kind {
            case .name(let name): "'\(name)'"
            case .number(_, let text): "'\(text)'"
            case .text: "a text"
            case .symbol(let symbol): "'\(symbol)'"
            case .end: "the end of the expression"
            }
        return ExpressionFailure(offset: current.offset, message: "expected \(expected), found \(found)")
    }

    private mutating func conditional() throws(ExpressionFailure) -> RecordExpression.Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else {
            throw ExpressionFailure(offset: current.offset, message: "the expression is nested too deeply")
        }
        let condition = try binary(level: 0)
        guard accept("?") else { return condition }
        let then = try conditional()
        try expect(":")
        return .conditional(condition, then: then, else: try conditional())
    }

    /// Operators of one level bind equally, from left to right.
    private static let levels: [[RecordExpression.Operator]] = [
        [.or], [.and], [.equal, .notEqual, .lessOrEqual, .less, .greaterOrEqual, .greater, .within], [.plus, .minus],
    ]

    private mutating func binary(level: Int) throws(ExpressionFailure) -> RecordExpression.Node {
        guard level < Self.levels.count else { return try unary() }
        var left = try binary(level: level + 1)
        while let found = acceptOperator(of: level) {
            left = .binary(found.operator, left, try binary(level: level + 1), offset: found.offset)
        }
        return left
    }

    private mutating func acceptOperator(of level: Int) -> (operator: RecordExpression.Operator, offset: Int)? {
        let text: String
        switch current.kind {
        case .symbol(let symbol): text = symbol
        case .name(let name): text = name
        default: return nil
        }
        guard let found = Self.levels[level].first(where: { $0.rawValue == text }) else { return nil }
        defer { position += 1 }
        return (found, current.offset)
    }

    private mutating func unary() throws(ExpressionFailure) -> RecordExpression.Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else {
            throw ExpressionFailure(offset: current.offset, message: "the expression is nested too deeply")
        }
        let offset = current.offset
        if accept("!") { return .not(try unary()) }
        if accept("-") { return .negative(try unary(), offset: offset) }
        return try primary()
    }

    private mutating func primary() throws(ExpressionFailure) -> RecordExpression.Node {
        let token = current
        switch token.kind {
        case .number(let value, let text):
            position += 1
            return .number(value, text)
        case .text(let text):
            position += 1
            return .text(text)
        case .symbol("("):
            position += 1
            let node = try conditional()
            try expect(")")
            return node
        case .symbol("["):
            position += 1
            return .list(try items(until: "]"))
        case .name(let name):
            position += 1
            return try named(name, at: token.offset)
        case .symbol, .end:
            throw unexpected("a value")
        }
    }

    private mutating func named(_ name: String, at offset: Int) throws(ExpressionFailure) -> RecordExpression.Node {
        switch name {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        case "in": throw ExpressionFailure(offset: offset, message: "expected a value, found 'in'")
        default: break
        }
        if accept("(") {
            guard let function = RecordExpression.Function(rawValue: name) else {
                throw ExpressionFailure(
                    offset: offset, message: "unknown function '\(name)'",
                    suggestion: closest(to: name, among: RecordExpression.Function.allCases.map(\.rawValue)))
            }
            let arguments = try items(until: ")")
            try check(function, arguments, at: offset)
            return .call(function, arguments, offset: offset)
        }
        guard accept(".") else { return .field(name, offset: offset) }
        let member = current
        guard case .name(let rest) = member.kind else { throw unexpected("a name") }
        guard name == "vars" else {
            throw ExpressionFailure(
                offset: offset,
                message: "'\(name)' has no members; a field is written by its name alone, a variable as vars.\(rest)")
        }
        position += 1
        return .variable(rest, offset: member.offset)
    }

    private mutating func items(until close: String) throws(ExpressionFailure) -> [RecordExpression.Node] {
        if accept(close) { return [] }
        var items = [try conditional()]
        while accept(",") { items.append(try conditional()) }
        try expect(close)
        return items
    }

    private func check(
        _ function: RecordExpression.Function, _ arguments: [RecordExpression.Node], at offset: Int
    ) throws(ExpressionFailure) {
        let range = function.arguments
        guard range.contains(arguments.count) else {
            let wanted = range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
            throw ExpressionFailure(
                offset: offset,
                message:
                    "\(function.rawValue)() takes \(wanted) argument\(wanted == "1" ? "" : "s"), not \(arguments.count)"
            )
        }
        if function == .has, case .field = arguments[0] { return }
        if function == .has {
            throw ExpressionFailure(offset: offset, message: "has() takes the name of a field")
        }
    }
}
