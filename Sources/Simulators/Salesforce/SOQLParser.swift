// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Reads the part of SOQL that clients need for moving data:
///
/// `SELECT fields | COUNT() | FIELDS(…) FROM object [WHERE condition] [ORDER BY …] [LIMIT n] [OFFSET n]`
///
/// No subqueries, no aggregates besides `COUNT()`, no GROUP BY, no TYPEOF, no date functions; one relationship deep.
struct SOQLParser {
    private let tokens: [SOQLLexer.Token]
    private var position = 0

    private init(_ tokens: [SOQLLexer.Token]) { self.tokens = tokens }

    static func parse(_ text: String) throws(APIFailure) -> SOQLQuery {
        var parser = SOQLParser(try SOQLLexer.tokens(of: text))
        return try parser.query()
    }

    private mutating func query() throws(APIFailure) -> SOQLQuery {
        try expect("SELECT")
        let selection = try selection()
        try expect("FROM")
        var query = SOQLQuery(selection: selection, object: try word())
        if take("WHERE") { query.condition = try condition() }
        if take("ORDER") {
            try expect("BY")
            repeat { query.order.append(try order()) } while takeSymbol(",")
        }
        if take("LIMIT") { query.limit = try count() }
        if take("OFFSET") {
            query.offset = try count()
            // crm-apis: Salesforce, section 4.
            if query.offset ?? 0 > 2000 {
                throw APIFailure(400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
            }
        }
        guard position == tokens.count else { throw unexpected() }
        return query
    }

    private mutating func selection() throws(APIFailure) -> SOQLQuery.Selection {
        if take("COUNT") {
            try expectSymbol("(")
            try expectSymbol(")")
            return .count
        }
        if take("FIELDS") {
            try expectSymbol("(")
            let group = try word().uppercased()
            try expectSymbol(")")
            guard ["ALL", "STANDARD", "CUSTOM"].contains(group) else { throw unexpected() }
            return .group(group)
        }
        var fields: [SOQLQuery.Path] = []
        repeat { fields.append(try path()) } while takeSymbol(",")
        return .fields(fields)
    }

    private mutating func path() throws(APIFailure) -> SOQLQuery.Path {
        let parts = try word().split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1: return SOQLQuery.Path(field: parts[0])
        case 2: return SOQLQuery.Path(relationship: parts[0], field: parts[1])
        default: throw .malformedQuery("only one relationship can be followed here: \(parts.joined(separator: "."))")
        }
    }

    /// AND and OR do not mix without parentheses.
    private mutating func condition() throws(APIFailure) -> SOQLQuery.Condition {
        let first = try term()
        var terms = [first]
        if isNext("AND") {
            while take("AND") { terms.append(try term()) }
            if isNext("OR") { throw unexpected() }
            return .all(terms)
        }
        while take("OR") { terms.append(try term()) }
        if isNext("AND") { throw unexpected() }
        return terms.count == 1 ? first : .any(terms)
    }

    private mutating func term() throws(APIFailure) -> SOQLQuery.Condition {
        if take("NOT") { return .not(try term()) }
        if takeSymbol("(") {
            let inner = try condition()
            try expectSymbol(")")
            return inner
        }
        let path = try path()
        if take("IN") { return .isIn(path, try list(), isNegated: false) }
        if take("NOT") {
            try expect("IN")
            return .isIn(path, try list(), isNegated: true)
        }
        if take("LIKE") { return .comparison(path, "LIKE", try literal()) }
        guard position < tokens.count, case .symbol(let symbol) = tokens[position],
            ["=", "!=", "<>", "<", ">", "<=", ">="].contains(symbol)
        else { throw unexpected() }
        position += 1
        return .comparison(path, symbol == "<>" ? "!=" : symbol, try literal())
    }

    private mutating func list() throws(APIFailure) -> [SOQLQuery.Literal] {
        try expectSymbol("(")
        var literals: [SOQLQuery.Literal] = []
        repeat { literals.append(try literal()) } while takeSymbol(",")
        try expectSymbol(")")
        return literals
    }

    private mutating func literal() throws(APIFailure) -> SOQLQuery.Literal {
        guard position < tokens.count else { throw unexpected() }
        defer { position += 1 }
        switch tokens[position] {
        case .text(let text, let pattern): return .text(text, pattern: pattern)
        case .word(let word):
            switch word.lowercased() {
            case "true": return .bool(true)
            case "false": return .bool(false)
            case "null": return .null
            default: throw unexpected()
            }
        case .literal(let literal):
            if DateTimeText.isDate(literal) { return .date(literal) }
            if let instant = DateTimeText.milliseconds(literal) { return .dateTime(instant) }
            guard Double(literal) != nil else { throw unexpected() }
            return .number(literal)
        case .symbol: throw unexpected()
        }
    }

    private mutating func order() throws(APIFailure) -> SOQLQuery.Order {
        var order = SOQLQuery.Order(path: try path(), isDescending: false, nullsLast: false)
        if !take("ASC") { order.isDescending = take("DESC") }
        if take("NULLS") {
            if take("LAST") { order.nullsLast = true } else { try expect("FIRST") }
        }
        return order
    }

    private mutating func count() throws(APIFailure) -> Int {
        guard position < tokens.count, case .literal(let text) = tokens[position], let value = Int(text), value >= 0
        else {
            throw unexpected()
        }
        position += 1
        return value
    }

    private mutating func word() throws(APIFailure) -> String {
        guard position < tokens.count, case .word(let word) = tokens[position] else { throw unexpected() }
        position += 1
        return word
    }

    private func isNext(_ keyword: String) -> Bool {
        guard position < tokens.count, case .word(let word) = tokens[position] else { return false }
        return word.uppercased() == keyword
    }

    private mutating func take(_ keyword: String) -> Bool {
        guard isNext(keyword) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ keyword: String) throws(APIFailure) {
        guard take(keyword) else { throw unexpected() }
    }

    private mutating func takeSymbol(_ symbol: String) -> Bool {
        guard position < tokens.count, tokens[position] == .symbol(symbol) else { return false }
        position += 1
        return true
    }

    private mutating func expectSymbol(_ symbol: String) throws(APIFailure) {
        guard takeSymbol(symbol) else { throw unexpected() }
    }

    private func unexpected() -> APIFailure {
        guard position < tokens.count else { return .malformedQuery("unexpected token: '<EOF>'") }
        let text =
            switch tokens[position] {
            case .word(let text), .literal(let text), .symbol(let text), .text(let text, _): text
            }
        return .malformedQuery("unexpected token: '\(text)'")
    }
}
