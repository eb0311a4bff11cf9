// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Splits SOQL into tokens.
struct SOQLLexer {
    enum Token: Equatable {
        /// A name or keyword, with its dots.
        case word(String)
        case text(String, pattern: String)
        /// Begins with a digit or a sign: a number, a date, or an instant.
        case literal(String)
        case symbol(String)
    }

    private let scalars: [Unicode.Scalar]
    private var position = 0

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    static func tokens(of text: String) throws(APIFailure) -> [Token] {
        var lexer = SOQLLexer(text)
        var tokens: [Token] = []
        while let token = try lexer.next() { tokens.append(token) }
        return tokens
    }

    private mutating func next() throws(APIFailure) -> Token? {
        while position < scalars.count, scalars[position].properties.isWhitespace { position += 1 }
        guard position < scalars.count else { return nil }
        let first = scalars[position]
        switch first {
        case "'": return try text()
        case "(", ")", ",", "=": return symbol(1)
        case "<", ">", "!":
            let second = position + 1 < scalars.count ? scalars[position + 1] : " "
            return symbol(second == "=" || (first == "<" && second == ">") ? 2 : 1)
        case "0"..."9", "+", "-":
            return .literal(
                run { $0.isASCII && ($0.properties.isAlphabetic || "0123456789:.+-".unicodeScalars.contains($0)) })
        default:
            guard first == "_" || first.properties.isAlphabetic else {
                throw .malformedQuery("line 1:\(position) no viable alternative at character '\(first)'")
            }
            return .word(run { $0 == "_" || $0 == "." || ("0"..."9").contains($0) || $0.properties.isAlphabetic })
        }
    }

    private mutating func symbol(_ count: Int) -> Token {
        defer { position += count }
        return .symbol(string(position..<min(position + count, scalars.count)))
    }

    private mutating func run(while condition: (Unicode.Scalar) -> Bool) -> String {
        let start = position
        position += 1
        while position < scalars.count, condition(scalars[position]) { position += 1 }
        return string(start..<position)
    }

    private func string(_ range: Range<Int>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[range])
        return String(view)
    }

    /// A string with its escapes: `\'` `\"` `\\` `\n` `\r` `\t` `\b` `\f` `\uXXXX`, and in patterns `\_` `\%`.
    private mutating func text() throws(APIFailure) -> Token {
        var text = String.UnicodeScalarView()
        var pattern = String.UnicodeScalarView()
        position += 1
        while position < scalars.count {
            let scalar = scalars[position]
            position += 1
            if scalar == "'" { return .text(String(text), pattern: String(pattern)) }
            guard scalar == "\\" else {
                text.append(scalar)
                pattern.append(scalar)
                continue
            }
            guard position < scalars.count else { break }
            let escaped = scalars[position]
            position += 1
            switch escaped {
            case "n", "N": append("\n")
            case "r", "R": append("\r")
            case "t", "T": append("\t")
            case "b", "B": append("\u{8}")
            case "f", "F": append("\u{C}")
            case "'", "\"": append(escaped)
            case "\\", "_", "%":
                text.append(escaped)
                pattern.append("\\")
                pattern.append(escaped)
            case "u":
                guard position + 4 <= scalars.count, let code = UInt32(string(position..<position + 4), radix: 16),
                    let unicode = Unicode.Scalar(code)
                else { throw .malformedQuery("line 1:\(position) illegal unicode escape") }
                position += 4
                append(unicode)
            default:
                throw .malformedQuery(
                    "Invalid string literal. Illegal character sequence '\\\(escaped)' in string literal")
            }
        }
        throw .malformedQuery("line 1:\(position) mismatched character '<EOF>' expecting '''")

        func append(_ scalar: Unicode.Scalar) {
            text.append(scalar)
            pattern.append(scalar)
        }
    }
}
