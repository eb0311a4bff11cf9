// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Reads `$filter` as far as the Web API is asked: comparisons, `and`, `or`, `not`, brackets, `startswith`, `contains`,
/// and the query function `In` (Microsoft Learn, "Filter rows using OData", "Query functions reference").
struct ODataFilter {
    private enum Token: Equatable {
        case word(String)
        case text(String)
        case open, close, comma, equals, openList, closeList
    }

    private let tokens: [Token]
    private var place = 0
    private let table: TableDefinition
    private let keys: KeyIndex

    private init(_ text: String, _ table: TableDefinition, _ keys: KeyIndex) throws {
        tokens = try Self.tokens(text)
        self.table = table
        self.keys = keys
    }

    /// What the records of the table must be.
    ///
    /// - Throws: `APIFailure`.
    static func condition(_ text: String, of table: TableDefinition, _ keys: KeyIndex) throws -> DocumentCondition {
        var filter = try ODataFilter(text, table, keys)
        let condition = try filter.disjunction()
        guard filter.place == filter.tokens.count else { throw APIFailure.badQuery("Syntax error in '$filter'.") }
        return condition
    }

    private mutating func disjunction() throws -> DocumentCondition {
        var parts = [try conjunction()]
        while take("or") { parts.append(try conjunction()) }
        return parts.count == 1 ? parts[0] : .or(parts)
    }

    private mutating func conjunction() throws -> DocumentCondition {
        var parts = [try term()]
        while take("and") { parts.append(try term()) }
        return parts.count == 1 ? parts[0] : .and(parts)
    }

    private mutating func term() throws -> DocumentCondition {
        if take("not") { return .not(try term()) }
        if take(.open) {
            let inner = try disjunction()
            try expect(.close)
            return inner
        }
        guard case .word(let word)? = next() else { throw APIFailure.badQuery("Syntax error in '$filter'.") }
        switch word {
        case "startswith", "contains":
            try expect(.open)
            let member = try property(nextWord()).property
            try expect(.comma)
            guard case .text(let text)? = next() else { throw APIFailure.badQuery("\(word) takes a text.") }
            try expect(.close)
            return .member(member, word == "contains" ? .contains : .hasPrefix, .string(text))
        case "Microsoft.Dynamics.CRM.In": return try isIn()
        default: return try comparison(try property(word))
        }
    }

    /// `Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=["a","b"])`
    private mutating func isIn() throws -> DocumentCondition {
        try expect(.open)
        try expect(.word("PropertyName"))
        try expect(.equals)
        guard case .text(let name)? = next() else { throw APIFailure.badQuery("PropertyName is missing.") }
        try expect(.comma)
        try expect(.word("PropertyValues"))
        try expect(.equals)
        try expect(.openList)
        var values: [String] = []
        while !take(.closeList) {
            guard case .text(let value)? = next() else { throw APIFailure.badQuery("PropertyValues is no list.") }
            values.append(value)
            if !take(.comma) {
                try expect(.closeList)
                break
            }
        }
        try expect(.close)
        // The function takes the name of a column, which for lookups is not that of the property.
        guard let column = table.column(name) ?? table.column(property: name) else { throw unknown(name) }
        if let ids = try keys.ids(table, column.name, values) {
            return .isIn(table.primaryID, ids.map { .string($0) })
        }
        return .isIn(column.property, try values.map { try Self.value($0, column) })
    }

    private mutating func comparison(_ column: ColumnDefinition) throws -> DocumentCondition {
        let operation = try nextWord()
        let literal: String
        var isText = false
        switch next() {
        case .word(let word)?: literal = word
        case .text(let text)?: (literal, isText) = (text, true)
        default: throw APIFailure.badQuery("Syntax error in '$filter'.")
        }
        if literal == "null", !isText {
            let isNull = DocumentCondition.isNull(column.property)
            switch operation {
            case "eq": return isNull
            case "ne": return .not(isNull)
            default: throw APIFailure.badQuery("null is not comparable.")
            }
        }
        if operation == "eq", let ids = try keys.ids(table, column.name, [literal]) {
            return .isIn(table.primaryID, ids.map { .string($0) })
        }
        let value = try Self.value(literal, column)
        let compared: DocumentCondition.Comparison
        switch operation {
        // Texts compare without regard to case (crm-apis: Dynamics, section 4).
        case "eq": compared = isText ? .equalsIgnoringCase : .equals
        case "ne": return .not(.member(column.property, isText ? .equalsIgnoringCase : .equals, value))
        case "gt": compared = .greater
        case "ge": compared = .greaterOrEqual
        case "lt": compared = .less
        case "le": compared = .lessOrEqual
        default: throw APIFailure.badQuery("'\(operation)' is no operator.")
        }
        return .member(column.property, compared, value)
    }

    private func property(_ name: String) throws -> ColumnDefinition {
        guard let column = table.column(property: name) else { throw unknown(name) }
        return column
    }

    private func unknown(_ name: String) -> APIFailure {
        APIFailure.badQuery(
            "Could not find a property named '\(name)' on type 'Microsoft.Dynamics.CRM.\(table.name)'.")
    }

    private static func value(_ literal: String, _ column: ColumnDefinition) throws -> JSONValue {
        switch column.kind {
        case .integer, .bigInt, .picklist, .state, .status:
            guard Int(literal) != nil else { throw mismatch(column) }
            return .number(literal)
        case .decimal, .double, .money:
            guard Double(literal) != nil else { throw mismatch(column) }
            return .number(literal)
        case .boolean:
            guard literal == "true" || literal == "false" else { throw mismatch(column) }
            return .bool(literal == "true")
        case .lookup, .owner, .uniqueIdentifier:
            guard let id = RecordID.canonical(literal) else { throw mismatch(column) }
            return .string(id)
        case .string, .memo, .entityName, .dateTime, .dateOnly, .multiPicklist, .partyList: return .string(literal)
        }
    }

    private static func mismatch(_ column: ColumnDefinition) -> APIFailure {
        APIFailure.badQuery("A binary operator with incompatible types was detected at '\(column.property)'.")
    }

    // MARK: Tokens

    private mutating func next() -> Token? {
        guard place < tokens.count else { return nil }
        place += 1
        return tokens[place - 1]
    }

    private mutating func nextWord() throws -> String {
        guard case .word(let word)? = next() else { throw APIFailure.badQuery("Syntax error in '$filter'.") }
        return word
    }

    private mutating func take(_ token: Token) -> Bool {
        guard place < tokens.count, tokens[place] == token else { return false }
        place += 1
        return true
    }

    private mutating func take(_ word: String) -> Bool { take(.word(word)) }

    private mutating func expect(_ token: Token) throws {
        guard take(token) else { throw APIFailure.badQuery("Syntax error in '$filter'.") }
    }

    private static func tokens(_ text: String) throws -> [Token] {
        var tokens: [Token] = []
        var rest = text[...]
        while let first = rest.first {
            switch first {
            case " ": rest.removeFirst()
            case "(", ")", ",", "=", "[", "]":
                rest.removeFirst()
                tokens.append(
                    ["(": .open, ")": .close, ",": .comma, "=": .equals, "[": .openList, "]": .closeList][first]
                        ?? .comma)
            case "'", "\"":
                rest.removeFirst()
                tokens.append(.text(try quoted(&rest, by: first)))
            default:
                let word = rest.prefix { !" (),=[]'\"".contains($0) }
                tokens.append(.word(String(word)))
                rest = rest.dropFirst(word.count)
            }
        }
        return tokens
    }

    /// The text up to its closing quote. A single quote within it is doubled; double quotes are those of JSON.
    private static func quoted(_ rest: inout Substring, by quote: Character) throws -> String {
        var value = ""
        while let character = rest.popFirst() {
            if character == quote {
                guard quote == "'", rest.first == quote else { return value }
                rest.removeFirst()
            } else if character == "\\", quote == "\"", let escaped = rest.popFirst() {
                value.append(escaped)
                continue
            }
            value.append(character)
        }
        throw APIFailure.badQuery("There is an unterminated string literal.")
    }
}
