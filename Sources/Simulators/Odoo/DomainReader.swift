// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// A search domain as a condition on documents.
///
/// Source: documentation, "ORM API", search domains: terms `[field, operator, value]` in prefix notation, with `&` before
/// two terms that have no operator before them. Comparisons with `=ilike` fold the case of ASCII letters only; PostgreSQL
/// folds that of others too.
struct DomainReader {
    let environment: Environment
    let model: ModelDefinition
    /// Whether a term names `active`: then archived records are not hidden.
    private(set) var namesActive = false

    init(_ environment: Environment, _ model: ModelDefinition) {
        self.environment = environment
        self.model = model
    }

    mutating func condition(_ domain: JSONValue) throws -> DocumentCondition {
        var stack: [DocumentCondition] = []
        for term in domain.elements.reversed() {
            switch term {
            case .string("&"), .string("|"):
                guard let first = stack.popLast(), let second = stack.popLast() else {
                    throw OdooFailure.value("Domain() invalid item in domain")
                }
                stack.append(term.text == "|" ? .or([first, second]) : .and([first, second]))
            case .string("!"):
                guard let first = stack.popLast() else {
                    throw OdooFailure.value("Domain() invalid item in domain")
                }
                stack.append(.not(first))
            default: stack.append(try self.term(term.elements))
            }
        }
        return stack.count == 1 ? stack[0] : .and(stack.reversed())
    }

    private mutating func term(_ parts: [JSONValue]) throws -> DocumentCondition {
        guard parts.count == 3, let name = parts[0].text, let comparison = parts[1].text else {
            throw OdooFailure.value("Domain() invalid item in domain")
        }
        if case .number = parts[0] { return parts[0] == parts[2] ? .all : .or([]) }
        let path = name.split(separator: ".", maxSplits: 1).map(String.init)
        if path.count == 2 { return try related(path[0], path[1], comparison, parts[2]) }
        guard let field = model.field(name) else {
            throw OdooFailure.value("Invalid field \(model.name).\(name) in condition (\(name), \(comparison), …)")
        }
        if name == "active" { namesActive = true }
        switch name {
        case "id": return try byID(comparison, parts[2])
        case "create_date", "write_date": return try byTime(name, comparison, parts[2])
        default: return try byValue(field, comparison, parts[2])
        }
    }

    /// A term on the records that a relation leads to.
    private func related(
        _ name: String, _ rest: String, _ comparison: String, _ value: JSONValue
    ) throws -> DocumentCondition {
        guard let relation = model.field(name)?.relation else {
            throw OdooFailure.value("Invalid field \(model.name).\(name) in condition")
        }
        let found = try environment.search(
            relation, [[.string(rest), .string(comparison), value]], hidesArchived: false)
        return .isIn(name, found.map { .number(String($0.id)) })
    }

    private func byID(_ comparison: String, _ value: JSONValue) throws -> DocumentCondition {
        let ids = (value.elements.isEmpty ? [value] : value.elements).compactMap { $0.int.map(Int64.init) }
        switch comparison {
        case "=", "in": return Self.anyOf(ids)
        case "!=", "not in": return .not(Self.anyOf(ids))
        default:
            guard let id = ids.first, let comparison = Self.comparisons[comparison] else {
                throw OdooFailure.value("Invalid operator in condition (id, \(comparison), …)")
            }
            return .id(comparison, id)
        }
    }

    /// In groups: SQLite bounds how deep an expression may be (sqlite.org/limits.html).
    private static func anyOf(_ ids: [Int64]) -> DocumentCondition {
        .or(
            stride(from: 0, to: ids.count, by: 200).map { start in
                .or(ids[start..<min(start + 200, ids.count)].map { .id(.equals, $0) })
            })
    }

    private func byTime(_ name: String, _ comparison: String, _ value: JSONValue) throws -> DocumentCondition {
        guard let instant = value.text.flatMap(InstantText.timestamp), let comparison = Self.comparisons[comparison]
        else { throw OdooFailure.value("Invalid value in condition (\(name), \(comparison), …)") }
        return name == "write_date" ? .modified(comparison, instant) : .created(comparison, instant)
    }

    private func byValue(
        _ field: FieldDefinition, _ comparison: String, _ value: JSONValue
    ) throws -> DocumentCondition {
        let name = field.name
        let isNothing = value == false || value.isNull
        switch comparison {
        case "=" where isNothing: return none(field)
        case "!=" where isNothing: return .not(none(field))
        case "=": return .member(name, .equals, value)
        case "!=": return .not(.member(name, .equals, value))
        case "in", "not in":
            let values = value.elements.filter { $0 != false }
            var condition = DocumentCondition.isIn(name, values)
            if value.elements.contains(false) { condition = .or([condition, none(field)]) }
            return comparison == "in" ? condition : .not(condition)
        case "ilike", "like": return .member(name, .contains, value)
        case "=like", "=ilike":
            return try pattern(name, value.text ?? "", foldsCase: comparison == "=ilike")
        default:
            guard let comparison = Self.comparisons[comparison] else {
                throw OdooFailure.value("Invalid operator in condition (\(name), \(comparison), …)")
            }
            return .member(name, comparison, value)
        }
    }

    private func none(_ field: FieldDefinition) -> DocumentCondition {
        field.type == .boolean
            ? .or([.isNull(field.name), .member(field.name, .equals, false)]) : .isNull(field.name)
    }

    /// A pattern without wildcards, or with one `%` at its end; others are not simulated.
    private func pattern(_ name: String, _ pattern: String, foldsCase: Bool) throws -> DocumentCondition {
        var text = ""
        var isEscaped = false
        var isOpen = false
        for (place, character) in pattern.enumerated() {
            if isEscaped || !"\\%_".contains(character) {
                text.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "%", place == pattern.count - 1 {
                isOpen = true
            } else {
                throw OdooFailure("builtins.NotImplementedError", "not simulated: wildcards inside", status: 500)
            }
        }
        guard isOpen else { return .member(name, foldsCase ? .equalsIgnoringCase : .equals, .string(text)) }
        if foldsCase { return .member(name, .hasPrefix, .string(text)) }
        return .and([
            .member(name, .greaterOrEqual, .string(text)), .member(name, .less, .string(text + "\u{10FFFF}")),
        ])
    }

    private static let comparisons: [String: DocumentCondition.Comparison] = [
        "=": .equals, "!=": .differs, ">": .greater, ">=": .greaterOrEqual, "<": .less, "<=": .lessOrEqual,
    ]
}
