// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Looks for what cannot work in an expression, before there is any record: values of types that do not go together,
/// texts that are not what is needed, and parts that fail for every record.
///
/// A text may turn out to be a number or a date, because most CRMs send both as texts; only what can never work is
/// reported.
package struct ExpressionCheck {
    /// What is known of a field of the source; `nil` = nothing.
    private let field: (String) -> FieldSchema?
    private let vars: [String: String]
    private var failures: [ExpressionFailure] = []

    private init(vars: [String: String], field: @escaping (String) -> FieldSchema?) {
        self.vars = vars
        self.field = field
    }

    /// What the whole expression has to give.
    package enum Purpose: Sendable {
        /// True or false.
        case filter
        case value
    }

    /// Everything that cannot work, in the order of the text.
    package static func failures(
        in expression: RecordExpression, for purpose: Purpose, vars: [String: String],
        field: @escaping (String) -> FieldSchema? = { _ in nil }
    ) -> [ExpressionFailure] {
        var check = ExpressionCheck(vars: vars, field: field)
        let root = check.part(expression.root)
        if purpose == .filter { check.expect(root, .bool, at: expression.root.offset, of: "where") }
        return check.failures.sorted { $0.offset < $1.offset }
    }

    /// The type of the whole expression, as far as it is known.
    package static func type(
        of expression: RecordExpression, vars: [String: String], field: @escaping (String) -> FieldSchema?
    ) -> ExpressionType {
        var check = ExpressionCheck(vars: vars, field: field)
        return check.part(expression.root).type
    }

    /// What is known of a part of the expression.
    private struct Part {
        var type: ExpressionType
        /// Its value, if it is the same for every record.
        var constant: ExpressionValue?
        /// How it is called in messages: a field's name, or what stands in the file.
        var name: String?
        /// The field that it is.
        var schema: FieldSchema?

        /// `amount (a number)`, or `a number` if it is worked out.
        var description: String { name.map { "\($0) (\(type.noun))" } ?? type.noun }

        /// The text of the file that it is.
        var text: String? {
            guard type == .text, let constant else { return nil }
            return constant.text(in: ExpressionCompiler.noRecord)
        }
    }

    private mutating func report(_ offset: Int, _ message: String, suggestion: String? = nil) {
        failures.append(ExpressionFailure(offset: offset, message: message, suggestion: suggestion))
    }

    // MARK: Parts

    private mutating func part(_ node: RecordExpression.Node) -> Part {
        switch node.form {
        case .null: return Part(type: .any, constant: .null, name: "null")
        case .bool(let value): return Part(type: .bool, constant: .bool(value), name: "\(value)")
        case .number(let value): return Part(type: .number, constant: .number(value), name: value.description)
        case .text(let text): return Part(type: .text, constant: .text(text), name: "'\(text)'")
        case .variable(let name):
            return Part(
                type: vars[name] == nil ? .any : .text, constant: vars[name].map { .text($0) }, name: "vars.\(name)")
        case .run(let variable): return Part(type: .text, name: "run.\(variable.rawValue)")
        case .field(let name):
            let schema = field(name)
            return Part(type: schema.map { Self.type(of: $0.kind) } ?? .any, name: name, schema: schema)
        case .list(let items):
            for item in items { _ = part(item) }
            return Part(type: .list, constant: constant(node))
        case .member(let base, let name):
            let inner = part(base)
            if inner.type != .any, inner.type != .text {
                report(node.offset, "\(inner.description) has no '\(name)'")
            }
            return Part(type: .any, name: name)
        case .element(let base, let index):
            let inner = part(base)
            let place = part(index)
            if ![.any, .list, .text].contains(inner.type) {
                report(node.offset, "\(inner.description) has no elements")
            }
            if inner.type == .list { expect(place, .number, at: index.offset, of: "[ ]") }
            return Part(type: .any)
        case .not(let operand):
            expect(part(operand), .bool, at: operand.offset, of: "!")
            return Part(type: .bool, constant: constant(node))
        case .negative(let operand):
            expect(part(operand), .number, at: operand.offset, of: "-")
            return worked(node, .number)
        case .binary(let symbol, let left, let right): return binary(node, symbol, left, right)
        case .conditional(let condition, let then, let otherwise):
            expect(part(condition), .bool, at: condition.offset, of: "?")
            let a = part(then)
            let b = part(otherwise)
            return Part(type: a.type == b.type ? a.type : .any)
        case .call(let name, let arguments): return call(node, name, arguments)
        }
    }

    private static func type(of kind: FieldSchema.Kind) -> ExpressionType {
        switch kind {
        case .bool: .bool
        case .integer, .decimal: .number
        case .date, .dateTime: .date
        case .other, .binary: .any
        case .text, .longText, .email, .phone, .url, .time, .choice, .choices, .reference, .id: .text
        }
    }

    private func constant(_ node: RecordExpression.Node) -> ExpressionValue? {
        ExpressionCompiler(vars: vars, run: nil).compile(node).constant
    }

    /// A part that is worked out of others; if those are all of the file, it must come out.
    private mutating func worked(_ node: RecordExpression.Node, _ type: ExpressionType) -> Part {
        guard isConstant(node), failures.allSatisfy({ $0.offset < node.firstOffset || $0.offset > node.lastOffset })
        else {
            return Part(type: type)
        }
        let compiled = ExpressionCompiler(vars: vars, run: nil).compile(node)
        if let constant = compiled.constant { return Part(type: type, constant: constant) }
        do {
            _ = try compiled.evaluate(RecordIndex(fields: nil), ExpressionCompiler.noRecord)
        } catch {
            report(node.offset, "this has no value for any record: \(error)")
        }
        return Part(type: type)
    }

    private func isConstant(_ node: RecordExpression.Node) -> Bool {
        var isConstant = true
        node.forEach { node in
            switch node.form {
            case .field, .run: isConstant = false
            case .variable(let name): if vars[name] == nil { isConstant = false }
            default: break
            }
        }
        return isConstant
    }

    // MARK: Operators

    private mutating func binary(
        _ node: RecordExpression.Node, _ symbol: RecordExpression.Operator, _ left: RecordExpression.Node,
        _ right: RecordExpression.Node
    ) -> Part {
        let a = part(left)
        let b = part(right)
        switch symbol {
        case .and, .or:
            expect(a, .bool, at: left.offset, of: symbol.rawValue)
            expect(b, .bool, at: right.offset, of: symbol.rawValue)
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            compare(a, b, left, right, symbol, at: node.offset)
        case .within:
            if ![.any, .list, .text].contains(b.type) {
                report(node.offset, "'in' needs a list or a text of choices, not \(b.description)")
            } else if case .list(let items) = right.form {
                for item in items { compare(a, part(item), left, item, .equal, at: item.offset) }
            }
        case .plus: return sum(node, a, b)
        case .minus, .times, .divided, .remainder:
            if symbol == .minus, a.type == .date || b.type == .date {
                report(node.offset, "'-' does not work with dates", suggestion: Self.call(insteadOf: a, minus: b))
                return Part(type: .number)
            }
            expect(a, .number, at: left.offset, of: symbol.rawValue)
            expect(b, .number, at: right.offset, of: symbol.rawValue)
            return worked(node, .number)
        }
        return Part(type: .bool, constant: constant(node))
    }

    private mutating func sum(_ node: RecordExpression.Node, _ a: Part, _ b: Part) -> Part {
        let types = [a.type, b.type]
        if types == [.date, .number] || types == [.number, .date] {
            let (date, number) = a.type == .date ? (a, b) : (b, a)
            report(
                node.offset, "'+' does not add \(number.description) to a date",
                suggestion: Self.call("addDays", [date.name, number.name]))
        } else if let wrong = [a, b].first(where: { $0.type == .list || $0.type == .bool }) {
            report(
                node.offset, "'+' does not work with \(wrong.description)",
                suggestion: wrong.type == .list ? nil : Self.call("string", [wrong.name]))
        } else if types == [.number, .number], a.schema != nil || b.schema != nil {
            reportLetters(of: a, b, "+", "joins", at: node.offset)
        }
        if types == [.number, .number] { return worked(node, .number) }
        return Part(type: types.contains(.text) ? .text : .any, constant: constant(node))
    }

    private static func call(insteadOf a: Part, minus b: Part) -> String? {
        a.type == b.type
            ? call("daysBetween", [b.name, a.name]) : call("addDays", [a.name, b.name.map { "-\($0)" }])
    }

    /// A call that does what was meant, if its arguments can be named.
    private static func call(_ function: String, _ arguments: [String?]) -> String? {
        let names = arguments.compactMap(\.self)
        return names.count == arguments.count ? "\(function)(\(names.joined(separator: ", ")))" : nil
    }

    // MARK: What goes together

    /// - Parameter place: what needs it, for the message.
    private mutating func expect(_ part: Part, _ type: ExpressionType, at offset: Int, of place: String) {
        if part.type == .any || part.type == type || part.constant == .null { return }
        if part.type == .text, type != .list {
            guard let text = part.text, !Self.reads(text, as: type) else { return }
            return report(offset, "\(place) needs \(type.description), not \(part.description)")
        }
        report(offset, "\(place) needs \(type.description), not \(part.description)")
    }

    private static func reads(_ text: String, as type: ExpressionType) -> Bool {
        switch type {
        case .bool: text == "true" || text == "false" || text.isEmpty
        case .number: text.isEmpty || ExactNumber(text.utf8) != nil
        case .date: text.isEmpty || TimestampText.instant(text.utf8) != nil
        default: true
        }
    }

    private mutating func compare(
        _ a: Part, _ b: Part, _ left: RecordExpression.Node, _ right: RecordExpression.Node,
        _ symbol: RecordExpression.Operator, at offset: Int
    ) {
        if a.constant == .null || b.constant == .null { return }
        compareChoice(a, b, at: right.offset)
        compareChoice(b, a, at: left.offset)
        switch (a.type, b.type) {
        case (.any, _), (_, .any), (.text, .text): return
        case (.list, _), (_, .list):
            // Two lists are equal if their texts are.
            if a.type == b.type, symbol == .equal || symbol == .notEqual { return }
            let suggestion = b.type == .list && symbol == .equal ? "in" : nil
            report(offset, "a list cannot be compared with '\(symbol.rawValue)'", suggestion: suggestion)
        case (.text, let type): compare(a, with: b, type, at: left.offset, symbol)
        case (let type, .text): compare(b, with: a, type, at: right.offset, symbol)
        case (let x, let y):
            guard x != y else {
                let isEquality = symbol == .equal || symbol == .notEqual
                guard isEquality, x == .number || x == .date, a.schema != nil, b.schema != nil else { return }
                return reportLetters(of: a, b, symbol.rawValue, "compares", at: offset)
            }
            let suggestion = x == .date ? Self.date(from: b) : y == .date ? Self.date(from: a) : nil
            report(
                x == .date ? right.offset : y == .date ? left.offset : offset,
                "\(a.description) cannot be compared with \(b.description)",
                suggestion: suggestion)
        }
    }

    /// Most CRMs send numbers and dates as texts, which are joined, and equal, as texts: `12.5` is not `12.50`.
    private mutating func reportLetters(of a: Part, _ b: Part, _ symbol: String, _ verb: String, at offset: Int) {
        let sides = [a, b].compactMap { part in
            part.schema == nil ? part.name : Self.call(part.type == .date ? "timestamp" : "number", [part.name])
        }
        let names = [a, b].compactMap { $0.schema?.name }.joined(separator: " and ")
        report(
            offset, "'\(symbol)' \(verb) \(names) letter by letter, as the source sends texts",
            suggestion: sides.count == 2 ? "\(sides[0]) \(symbol) \(sides[1])" : nil)
    }

    /// A text of the file is compared with something that it is not.
    private mutating func compare(
        _ part: Part, with other: Part, _ type: ExpressionType, at offset: Int, _ symbol: RecordExpression.Operator
    ) {
        guard let text = part.text, !Self.reads(text, as: type) else { return }
        let isEquality = symbol == .equal || symbol == .notEqual
        // A field of numbers may hold texts in one record or another; a text that is none is simply not equal.
        if type == .number, isEquality, other.constant == nil, other.schema == nil { return }
        report(offset, "\(other.description) cannot be compared with '\(text)'")
    }

    /// A choice is compared with a text that is none of its values.
    private mutating func compareChoice(_ field: Part, _ value: Part, at offset: Int) {
        guard let schema = field.schema, schema.kind == .choice, !schema.options.isEmpty, let text = value.text,
            !text.isEmpty, !schema.options.contains(where: { $0.value == text })
        else { return }
        report(
            offset, "'\(text)' is not a value of \(schema.name)",
            suggestion: closest(to: text, among: schema.options.map(\.value))
                ?? schema.options.first { $0.label == text }?.value)
    }

    /// What was probably meant by a number beside a date: a year, or milliseconds since 1970.
    private static func date(from part: Part) -> String? {
        guard case .number(let number) = part.constant, let whole = number.int else { return nil }
        return (1900...2100).contains(whole) ? "timestamp('\(whole)-01-01')" : "timestamp(\(whole))"
    }

    // MARK: Functions

    private mutating func call(
        _ node: RecordExpression.Node, _ name: String, _ arguments: [RecordExpression.Node]
    ) -> Part {
        guard let function = ExpressionFunction.named(name) else { return Part(type: .any) }
        var types: Set<ExpressionType> = []
        for (number, argument) in arguments.enumerated() {
            let part = part(argument)
            types.insert(part.type)
            check(part, as: function.parameter(number), of: function, at: argument.offset)
        }
        var result = function.result
        if function.name == "coalesce", types.count == 1, let only = types.first { result = only }
        if case .presence = function.work { return Part(type: .bool) }
        return worked(node, result)
    }

    private mutating func check(
        _ part: Part, as parameter: ExpressionFunction.Parameter, of function: ExpressionFunction, at offset: Int
    ) {
        let place = "\(function.name)()"
        switch parameter.type {
        case .any, .field: break
        case .text:
            // Everything has a text; a list is not one by itself.
            if part.type == .list { report(offset, "\(place) needs a text, not \(part.description)") }
        case .date:
            // Milliseconds since 1970 are a date, too.
            if part.type == .bool || part.type == .list {
                report(offset, "\(place) needs a date, not \(part.description)")
            } else if let text = part.text, !Self.reads(text, as: .date) {
                report(offset, "\(place) needs a date, not \(part.description)")
            }
        case .bool, .number, .list: expect(part, parameter.type, at: offset, of: place)
        case .zone, .pattern: checkName(part, parameter.type, place, at: offset)
        }
        if !parameter.words.isEmpty, let text = part.text, !parameter.words.contains(text) {
            report(
                offset, "\(place) knows \(parameter.words.map { "'\($0)'" }.joined(separator: ", ")), not '\(text)'",
                suggestion: closest(to: text, among: parameter.words))
        }
    }

    /// The name of a zone or the form of a date: the same for every record, and one that exists.
    private mutating func checkName(_ part: Part, _ type: ExpressionType, _ place: String, at offset: Int) {
        guard let text = part.text else {
            return report(offset, "\(place) needs \(type.description) here, the same for every record")
        }
        if type == .zone, ZoneRules.named(text) == nil {
            let names = ZoneRules.names.sorted()
            let city = names.first { $0.split(separator: "/").last.map(String.init) == text }
            report(
                offset, "there is no time zone '\(text)'",
                suggestion: city ?? closest(to: text, among: names))
        } else if type == .pattern, DatePattern(text) == nil {
            report(
                offset,
                "'\(text)' is not the form of a date: it may have yyyy yy MMMM MMM MM M dd d EEEE EEE HH H hh h mm "
                    + "ss SSS a, and text in quotes")
        }
    }
}

extension RecordExpression.Node {
    fileprivate var firstOffset: Int { min(offset, form.children.map(\.firstOffset).min() ?? offset) }
    fileprivate var lastOffset: Int { max(offset, form.children.map(\.lastOffset).max() ?? offset) }
}
