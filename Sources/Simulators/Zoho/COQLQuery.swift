// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// A query in COQL, understood.
///
/// Source: zoho.com/crm/developer, "Query API: Overview" and "Limitations". Joins, groups and functions other than
/// `COUNT(id)` are not simulated.
struct COQLQuery {
    /// Names of fields; `COUNT(id)` stands alone.
    var columns: [String] = []
    var module = ""
    var condition: Condition
    var order: (field: String, isDescending: Bool)?
    var limit = 200
    var offset = 0

    var isCount: Bool { columns == [Self.count] }
    static let count = "COUNT(id)"

    indirect enum Condition {
        case comparison(field: String, Comparison)
        case both(Condition, Condition)
        case either(Condition, Condition)
    }

    enum Comparison {
        /// `=`, `!=`, `<`, `<=`, `>`, `>=`
        case compare(String, Value)
        case among([Value], isNegated: Bool)
        case like(String)
        case null(isNegated: Bool)
    }

    enum Value: Equatable {
        case text(String)
        /// A number, `true` or `false`, as it was written.
        case plain(String)
    }
}

/// Reads COQL.
struct COQLParser {
    private var tokens: [Token] = []
    private var position = 0
    private var criteria = 0

    private enum Token: Equatable {
        case word(String)
        case text(String)
        case sign(String)
    }

    /// - Throws: `SYNTAX_ERROR` or `LIMIT_EXCEEDED`.
    static func query(_ text: String) throws(ZohoFailure) -> COQLQuery {
        var parser = COQLParser()
        parser.tokens = try Self.tokens(text)
        return try parser.query()
    }

    private mutating func query() throws(ZohoFailure) -> COQLQuery {
        try expect("select")
        var columns: [String] = []
        repeat { columns.append(try column()) } while accept(sign: ",")
        try expect("from")
        let module = try name()
        // Without a condition nothing is answered.
        try expect("where")
        var query = COQLQuery(columns: columns, module: module, condition: try condition())
        if accept(word: "order") {
            try expect("by")
            let field = try name()
            let isDescending = accept(word: "desc")
            if !isDescending { _ = accept(word: "asc") }
            query.order = (field, isDescending)
        }
        if accept(word: "limit") {
            query.limit = try number()
            if accept(sign: ",") { (query.offset, query.limit) = (query.limit, try number()) }
        }
        if accept(word: "offset") { query.offset = try number() }
        guard position == tokens.count else { throw syntaxError() }
        guard columns.count <= 500, (1...2_000).contains(query.limit), query.offset <= 100_000, criteria <= 25 else {
            throw ZohoFailure(400, "LIMIT_EXCEEDED", "the query asks for more than is allowed")
        }
        return query
    }

    private mutating func column() throws(ZohoFailure) -> String {
        guard accept(word: "count") else { return try name() }
        guard accept(sign: "("), try name() == "id", accept(sign: ")") else { throw syntaxError() }
        return COQLQuery.count
    }

    /// One criterion, or two that are joined; more than two must be put in pairs by brackets.
    private mutating func condition() throws(ZohoFailure) -> COQLQuery.Condition {
        let first = try criterion()
        if accept(word: "and") { return .both(first, try criterion()) }
        if accept(word: "or") { return .either(first, try criterion()) }
        return first
    }

    private mutating func criterion() throws(ZohoFailure) -> COQLQuery.Condition {
        if accept(sign: "(") {
            let inner = try condition()
            guard accept(sign: ")") else { throw syntaxError() }
            return inner
        }
        criteria += 1
        return .comparison(field: try name(), try comparison())
    }

    private mutating func comparison() throws(ZohoFailure) -> COQLQuery.Comparison {
        if accept(word: "is") {
            let isNegated = accept(word: "not")
            try expect("null")
            return .null(isNegated: isNegated)
        }
        let isNegated = accept(word: "not")
        if accept(word: "in") {
            guard accept(sign: "(") else { throw syntaxError() }
            var values: [COQLQuery.Value] = []
            repeat { values.append(try value()) } while accept(sign: ",")
            guard accept(sign: ")") else { throw syntaxError() }
            guard values.count <= 100 else {
                throw ZohoFailure(400, "LIMIT_EXCEEDED", "more than 100 values are listed")
            }
            return .among(values, isNegated: isNegated)
        }
        if !isNegated, accept(word: "like") {
            guard case .text(let pattern) = try value() else { throw syntaxError() }
            return .like(pattern)
        }
        for sign in ["!=", "<=", ">=", "=", "<", ">"] where !isNegated && accept(sign: sign) {
            return .compare(sign, try value())
        }
        throw syntaxError()
    }

    // MARK: Tokens

    private mutating func value() throws(ZohoFailure) -> COQLQuery.Value {
        guard position < tokens.count else { throw syntaxError() }
        defer { position += 1 }
        switch tokens[position] {
        case .text(let text): return .text(text)
        case .word(let word): return .plain(word)
        case .sign: throw syntaxError()
        }
    }

    /// A name stands as it is, or in quotes.
    private mutating func name() throws(ZohoFailure) -> String {
        switch try value() {
        case .text(let text), .plain(let text): return text
        }
    }

    private mutating func number() throws(ZohoFailure) -> Int {
        guard case .plain(let text) = try value(), let number = Int(text), number >= 0 else { throw syntaxError() }
        return number
    }

    private mutating func accept(word: String) -> Bool {
        guard position < tokens.count, case .word(let found) = tokens[position], found.lowercased() == word else {
            return false
        }
        position += 1
        return true
    }

    private mutating func accept(sign: String) -> Bool {
        guard position < tokens.count, tokens[position] == .sign(sign) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ word: String) throws(ZohoFailure) {
        guard accept(word: word) else { throw syntaxError(near: word) }
    }

    private func syntaxError(near clause: String = "select") -> ZohoFailure {
        ZohoFailure(
            400, "SYNTAX_ERROR", "error occurred while parsing the query", [.init("near", .string(clause))])
    }

    /// A quote within quotes is written twice.
    private static func tokens(_ text: String) throws(ZohoFailure) -> [Token] {
        var tokens: [Token] = []
        var rest = Array(text.unicodeScalars)[...]
        while let scalar = rest.first {
            switch scalar {
            case " ", "\n", "\t", "\r": rest.removeFirst()
            case "'", "\"":
                rest.removeFirst()
                var content = String.UnicodeScalarView()
                while true {
                    guard let next = rest.popFirst() else {
                        throw ZohoFailure(400, "SYNTAX_ERROR", "a quote is not closed")
                    }
                    if next == scalar {
                        guard rest.first == scalar else { break }
                        rest.removeFirst()
                    }
                    content.append(next)
                }
                tokens.append(.text(String(content)))
            case "(", ")", ",": tokens.append(.sign(String(rest.removeFirst())))
            case "=", "<", ">", "!":
                var sign = String(rest.removeFirst())
                if rest.first == "=" { sign += String(rest.removeFirst()) }
                tokens.append(.sign(sign))
            default:
                let word = rest.prefix { !" \n\t\r'\"(),=<>!".unicodeScalars.contains($0) }
                rest = rest.dropFirst(word.count)
                tokens.append(.word(String(String.UnicodeScalarView(word))))
            }
        }
        return tokens
    }
}
