// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Splits the text of an expression into tokens.
struct ExpressionLexer {
    /// One token and where it begins, in characters.
    struct Token: Equatable {
        enum Kind: Equatable {
            case name(String)
            case number(ExactNumber, String)
            case text(String)
            /// An operator, a bracket, a comma, a dot, a question mark or a colon.
            case symbol(String)
            case end
        }

        var kind: Kind
        var offset: Int
    }

    private let characters: [Character]
    private var position = 0

    /// Longer expressions are refused: they would be read with time and memory that nobody meant to spend.
    private static let charactersMax = 4000

    init(_ text: String) throws(ExpressionFailure) {
        characters = Array(text)
        guard characters.count <= Self.charactersMax else {
            throw ExpressionFailure(
                offset: Self.charactersMax, message: "the expression is longer than \(Self.charactersMax) characters")
        }
    }

    /// All tokens, the last one `.end`.
    mutating func tokens() throws(ExpressionFailure) -> [Token] {
        var tokens: [Token] = []
        while true {
            let token = try next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private mutating func next() throws(ExpressionFailure) -> Token {
        while position < characters.count, characters[position].isWhitespace { position += 1 }
        guard position < characters.count else { return Token(kind: .end, offset: position) }
        let start = position
        let first = characters[position]
        if first == "_" || first.isLetter {
            return Token(kind: .name(take { $0 == "_" || $0.isLetter || $0.isNumber }), offset: start)
        }
        if first.isASCII, first.isNumber { return Token(kind: try number(), offset: start) }
        if first == "'" || first == "\"" { return Token(kind: .text(try text(quote: first)), offset: start) }
        let pair = String(characters[position..<min(position + 2, characters.count)])
        if ["&&", "||", "==", "!=", "<=", ">="].contains(pair) {
            position += 2
            return Token(kind: .symbol(pair), offset: start)
        }
        if "!<>+-*/%?:().,[]".contains(first) {
            position += 1
            return Token(kind: .symbol(String(first)), offset: start)
        }
        let doubled: [Character: String] = ["=": "==", "&": "&&", "|": "||"]
        throw ExpressionFailure(
            offset: start, message: "unexpected '\(first)' in the expression", suggestion: doubled[first])
    }

    private mutating func take(while isPart: (Character) -> Bool) -> String {
        let start = position
        while position < characters.count, isPart(characters[position]) { position += 1 }
        return String(characters[start..<position])
    }

    private mutating func number() throws(ExpressionFailure) -> Token.Kind {
        let start = position
        let text = take { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let value = ExactNumber(text.utf8) else {
            throw ExpressionFailure(offset: start, message: "'\(text)' is not a number")
        }
        return .number(value, text)
    }

    private mutating func text(quote: Character) throws(ExpressionFailure) -> String {
        let start = position
        position += 1
        var text = ""
        while position < characters.count {
            let character = characters[position]
            position += 1
            if character == quote { return text }
            guard character == "\\" else {
                text.append(character)
                continue
            }
            guard position < characters.count else { break }
            let escapes: [Character: Character] = ["n": "\n", "t": "\t", "\\": "\\", "'": "'", "\"": "\""]
            guard let escaped = escapes[characters[position]] else {
                throw ExpressionFailure(
                    offset: position - 1, message: "unknown escape '\\\(characters[position])' in a text")
            }
            text.append(escaped)
            position += 1
        }
        throw ExpressionFailure(offset: start, message: "the text that begins here has no closing \(quote)")
    }
}
