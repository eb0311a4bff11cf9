// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Recursive descent over the tokens, loosest operator first:
/// `?:` · `||` · `&&` · `== != < <= > >= in` · `+ -` · `* / %` · `! -` · `.name [index]` · literals, names, calls,
/// brackets.
struct ExpressionParser {
    /// Nesting beyond this is refused, so that no text can exhaust the stack while it is read …
    private static let depthMax = 64
    /// … nor a tree while it is walked: long chains of operators are deep, too.
    private static let heightMax = 200

    private let tokens: [ExpressionLexer.Token]
    private var position = 0
    private var depth = 0

    init(_ text: String) throws(ExpressionFailure) {
        var lexer = try ExpressionLexer(text)
        tokens = try lexer.tokens()
    }

    typealias Node = RecordExpression.Node

    /// The whole text as one expression.
    mutating func parseAll() throws(ExpressionFailure) -> Node {
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

    /// Every node is made here, so that none is higher than the walkers can bear.
    private func node(_ form: Node.Form, at offset: Int) throws(ExpressionFailure) -> Node {
        let node = Node(form, offset: offset)
        guard node.height <= Self.heightMax else {
            throw ExpressionFailure(
                offset: offset, message: "the expression has too many operators in a row",
                suggestion: nil)
        }
        return node
    }

    private mutating func deeper() throws(ExpressionFailure) {
        depth += 1
        guard depth <= Self.depthMax else {
            throw ExpressionFailure(offset: current.offset, message: "the expression is nested too deeply")
        }
    }

    private mutating func conditional() throws(ExpressionFailure) -> Node {
        try deeper()
        defer { depth -= 1 }
        let condition = try binary(level: 0)
        let offset = current.offset
        guard accept("?") else { return condition }
        let then = try conditional()
        try expect(":")
        return try node(.conditional(condition, then: then, else: try conditional()), at: offset)
    }

    /// Operators of one level bind equally, from left to right.
    private static let levels: [[RecordExpression.Operator]] = [
        [.or], [.and], [.equal, .notEqual, .lessOrEqual, .less, .greaterOrEqual, .greater, .within], [.plus, .minus],
        [.times, .divided, .remainder],
    ]

    private mutating func binary(level: Int) throws(ExpressionFailure) -> Node {
        guard level < Self.levels.count else { return try unary() }
        var left = try binary(level: level + 1)
        while let found = acceptOperator(of: level) {
            left = try node(.binary(found.operator, left, try binary(level: level + 1)), at: found.offset)
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

    private mutating func unary() throws(ExpressionFailure) -> Node {
        try deeper()
        defer { depth -= 1 }
        let offset = current.offset
        if accept("!") { return try node(.not(try unary()), at: offset) }
        if accept("-") { return try node(.negative(try unary()), at: offset) }
        return try postfix(try primary())
    }

    /// `.name` and `[index]` after a value.
    private mutating func postfix(_ base: Node) throws(ExpressionFailure) -> Node {
        var base = base
        while true {
            let offset = current.offset
            if accept(".") {
                guard case .name(let name) = current.kind else { throw unexpected("a name") }
                position += 1
                base = try node(.member(base, name), at: offset)
            } else if accept("[") {
                let index = try conditional()
                try expect("]")
                if case .text(let name) = index.form {
                    base = try node(.member(base, name), at: offset)
                } else {
                    base = try node(.element(base, index), at: offset)
                }
            } else {
                return base
            }
        }
    }

    private mutating func primary() throws(ExpressionFailure) -> Node {
        let token = current
        switch token.kind {
        case .number(let value, _):
            position += 1
            return try node(.number(value), at: token.offset)
        case .text(let text):
            position += 1
            return try node(.text(text), at: token.offset)
        case .symbol("("):
            position += 1
            let inner = try conditional()
            try expect(")")
            return inner
        case .symbol("["):
            position += 1
            return try node(.list(try items(until: "]")), at: token.offset)
        case .name(let name):
            position += 1
            return try named(name, at: token.offset)
        case .symbol, .end:
            throw unexpected("a value")
        }
    }

    private mutating func named(_ name: String, at offset: Int) throws(ExpressionFailure) -> Node {
        switch name {
        case "true": return try node(.bool(true), at: offset)
        case "false": return try node(.bool(false), at: offset)
        case "null": return try node(.null, at: offset)
        case "in": throw ExpressionFailure(offset: offset, message: "expected a value, found 'in'")
        case "vars" where accept("."): return try variable()
        case "run" where accept("."): return try runVariable()
        case "record":
            if let field = try quotedField() { return try node(.field(field), at: offset) }
        default: break
        }
        guard accept("(") else { return try node(.field(name), at: offset) }
        guard let function = ExpressionFunction.named(name) else {
            throw ExpressionFailure(
                offset: offset, message: "unknown function '\(name)'",
                suggestion: closest(to: name, among: ExpressionFunction.all.map(\.name)))
        }
        let arguments = try items(until: ")")
        try check(function, arguments, at: offset)
        return try node(.call(function.name, arguments), at: offset)
    }

    private mutating func variable() throws(ExpressionFailure) -> Node {
        let member = current
        guard case .name(let name) = member.kind else { throw unexpected("a name") }
        position += 1
        return try node(.variable(name), at: member.offset)
    }

    private mutating func runVariable() throws(ExpressionFailure) -> Node {
        let member = current
        guard case .name(let name) = member.kind else { throw unexpected("a name") }
        guard let variable = RunVariable(rawValue: name) else {
            throw ExpressionFailure(
                offset: member.offset, message: "unknown variable 'run.\(name)'",
                suggestion: closest(to: name, among: RunVariable.allCases.map(\.rawValue)))
        }
        position += 1
        return try node(.run(variable), at: member.offset)
    }

    /// `['Name of a field']` after `record`, for names that are not words.
    private mutating func quotedField() throws(ExpressionFailure) -> String? {
        guard current.kind == .symbol("["), case .text(let name) = tokens[position + 1].kind,
            tokens[position + 2].kind == .symbol("]")
        else { return nil }
        position += 3
        return name
    }

    private mutating func items(until close: String) throws(ExpressionFailure) -> [Node] {
        if accept(close) { return [] }
        var items = [try conditional()]
        while accept(",") { items.append(try conditional()) }
        try expect(close)
        return items
    }

    private func check(
        _ function: ExpressionFunction, _ arguments: [Node], at offset: Int
    ) throws(ExpressionFailure) {
        let range = function.argumentCount
        guard range.contains(arguments.count) else {
            let wanted = range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
            throw ExpressionFailure(
                offset: offset,
                message:
                    "\(function.name)() takes \(wanted) argument\(wanted == "1" ? "" : "s"), not \(arguments.count)"
            )
        }
        guard case .presence = function.work else { return }
        guard arguments[0].isPath else {
            throw ExpressionFailure(offset: offset, message: "\(function.name)() takes the name of a field")
        }
    }
}
