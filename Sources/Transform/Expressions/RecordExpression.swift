// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// An expression of the pipeline file, parsed: `createdate >= timestamp(vars.cutoff) && !archived`.
package struct RecordExpression: Sendable, Equatable {
    /// As it was written.
    package let source: String
    package let root: Node

    /// Reads an expression.
    ///
    /// - Throws: where in the text it is wrong, and what was expected there.
    package init(parsing source: String) throws(ExpressionFailure) {
        var parser = try ExpressionParser(source)
        root = try parser.parseAll()
        self.source = source
    }

    /// The names of the source's fields that it reads, in order of appearance, each once.
    package var fieldNames: [String] {
        var names: [String] = []
        root.forEach { node in
            if case .field(let name, _) = node, !names.contains(name) { names.append(name) }
        }
        return names
    }

    /// The names after `vars.` that it uses, with their offsets in the text.
    package var variables: [(name: String, offset: Int)] {
        var found: [(name: String, offset: Int)] = []
        root.forEach { node in
            if case .variable(let name, let offset) = node { found.append((name, offset)) }
        }
        return found
    }

    /// The fields that it reads with the offsets of every mention.
    package var fieldMentions: [(name: String, offset: Int)] {
        var found: [(name: String, offset: Int)] = []
        root.forEach { node in
            if case .field(let name, let offset) = node { found.append((name, offset)) }
        }
        return found
    }
}

/// Why a text is not an expression.
package struct ExpressionFailure: Error, Sendable, Equatable {
    /// In characters from the beginning of the text.
    package var offset: Int
    /// What is wrong, lower case, no full stop.
    package var message: String
    /// What may have been meant.
    package var suggestion: String?

    package init(offset: Int, message: String, suggestion: String? = nil) {
        self.offset = offset
        self.message = message
        self.suggestion = suggestion
    }
}

extension RecordExpression {
    /// The syntax tree. Offsets are in characters from the beginning of the text.
    package indirect enum Node: Sendable, Equatable {
        case null
        case bool(Bool)
        /// A number with its own text.
        case number(Double, String)
        case text(String)
        case list([Node])
        case field(String, offset: Int)
        case variable(String, offset: Int)
        case not(Node)
        case negative(Node, offset: Int)
        case binary(Operator, Node, Node, offset: Int)
        case conditional(Node, then: Node, else: Node)
        case call(Function, [Node], offset: Int)

        /// Visits this node and everything below it, in the order of the text.
        package func forEach(_ body: (Node) -> Void) {
            body(self)
            switch self {
            case .null, .bool, .number, .text, .field, .variable: break
            case .list(let items): for item in items { item.forEach(body) }
            case .not(let operand), .negative(let operand, _): operand.forEach(body)
            case .binary(_, let left, let right, _):
                left.forEach(body)
                right.forEach(body)
            case .conditional(let condition, let then, let otherwise):
                condition.forEach(body)
                then.forEach(body)
                otherwise.forEach(body)
            case .call(_, let arguments, _): for argument in arguments { argument.forEach(body) }
            }
        }
    }

    /// What stands between two operands.
    package enum Operator: String, Sendable, Equatable, CaseIterable {
        case or = "||"
        case and = "&&"
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case within = "in"
        case plus = "+"
        case minus = "-"
    }

    /// What may be called; the raw value is the name in the text.
    package enum Function: String, Sendable, Equatable, CaseIterable {
        case has, timestamp, date, lower, upper, trim, emailLocal, emailDomain, coalesce, concat, contains, startsWith
        case endsWith, size, string, number

        /// How many arguments it takes.
        package var arguments: ClosedRange<Int> {
            switch self {
            case .coalesce, .concat: 1...16
            case .contains, .startsWith, .endsWith: 2...2
            default: 1...1
            }
        }
    }
}
