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
        for mention in fieldMentions where !names.contains(mention.name) { names.append(mention.name) }
        return names
    }

    /// The names after `vars.` that it uses, with their offsets in the text.
    package var variables: [(name: String, offset: Int)] {
        var found: [(name: String, offset: Int)] = []
        root.forEach { node in
            if case .variable(let name) = node.form { found.append((name, node.offset)) }
        }
        return found
    }

    /// The functions that it calls, in order of appearance, each once.
    package var functions: [ExpressionFunction] {
        var names: [String] = []
        root.forEach { node in
            if case .call(let name, _) = node.form, !names.contains(name) { names.append(name) }
        }
        return names.compactMap(ExpressionFunction.named)
    }

    /// Every `field.member`, with the offset of the field.
    package var memberMentions: [(field: String, member: String, offset: Int)] {
        var found: [(field: String, member: String, offset: Int)] = []
        root.forEach { node in
            guard case .member(let base, let member) = node.form, case .field(let field) = base.form else { return }
            found.append((field, member, base.offset))
        }
        return found
    }

    /// The fields that it reads with the offsets of every mention.
    package var fieldMentions: [(name: String, offset: Int)] {
        var found: [(name: String, offset: Int)] = []
        root.forEach { node in
            if case .field(let name) = node.form { found.append((name, node.offset)) }
        }
        return found
    }
}

/// Why a text is not an expression, or one that cannot work.
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
    /// A node of the syntax tree.
    package struct Node: Sendable, Equatable {
        package let form: Form
        /// In characters from the beginning of the text; of an operator, where the operator stands.
        package let offset: Int
        /// How many nodes lie on the longest way down, this one included.
        let height: Int

        init(_ form: Form, offset: Int) {
            self.form = form
            self.offset = offset
            height = 1 + (form.children.map(\.height).max() ?? 0)
        }

        package indirect enum Form: Sendable, Equatable {
            case null
            case bool(Bool)
            case number(ExactNumber)
            case text(String)
            case list([Node])
            case field(String)
            case variable(String)
            case run(RunVariable)
            /// `address.city`, `address['city']`
            case member(Node, String)
            /// `tags[0]`
            case element(Node, Node)
            case not(Node)
            case negative(Node)
            case binary(Operator, Node, Node)
            case conditional(Node, then: Node, else: Node)
            /// A function of `ExpressionFunction.all`, by its name.
            case call(String, [Node])

            /// In the order of the text.
            var children: [Node] {
                switch self {
                case .null, .bool, .number, .text, .field, .variable, .run: []
                case .list(let items): items
                case .member(let operand, _), .not(let operand), .negative(let operand): [operand]
                case .element(let a, let b), .binary(_, let a, let b): [a, b]
                case .conditional(let condition, let then, let otherwise): [condition, then, otherwise]
                case .call(_, let arguments): arguments
                }
            }
        }

        /// Visits this node and everything below it, in the order of the text.
        func forEach(_ body: (Node) -> Void) {
            body(self)
            for child in form.children { child.forEach(body) }
        }

        /// Whether it names a field, or something inside one.
        var isPath: Bool {
            switch form {
            case .field: true
            case .member(let base, _), .element(let base, _): base.isPath
            default: false
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
        case times = "*"
        case divided = "/"
        case remainder = "%"
    }
}
