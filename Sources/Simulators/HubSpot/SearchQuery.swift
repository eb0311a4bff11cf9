// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSyntheticCRM

/// A search as it is asked for: filters in groups (any group, all filters within), one sort.
struct SearchQuery: Sendable {
    struct Filter: Sendable {
        var property: String
        var comparison: Operator
        var isNumeric: Bool
        var value: String
        var highValue: String
        var values: Set<String>
    }

    enum Operator: String, Sendable {
        case equal = "EQ", notEqual = "NEQ", less = "LT", lessOrEqual = "LTE", greater = "GT", greaterOrEqual = "GTE"
        case between = "BETWEEN", isIn = "IN", notIn = "NOT_IN", has = "HAS_PROPERTY", hasNot = "NOT_HAS_PROPERTY"
        case containsToken = "CONTAINS_TOKEN", containsNotToken = "NOT_CONTAINS_TOKEN"
    }

    struct Sort: Sendable {
        var property: String
        var isDescending: Bool
        var isNumeric: Bool
    }

    var groups: [[Filter]]
    var sort: Sort?
    /// Free text, searched in a few properties.
    var text: String

    /// - Throws: if it asks for more than HubSpot allows: 5 groups of 6 filters, 18 in all, one sort.
    init(_ body: JSONValue, _ definitions: [PropertyDefinition]) throws(HubSpotFailure) {
        let types = Dictionary(definitions.map { ($0.name, $0.type) }, uniquingKeysWith: { $1 })
        func isNumeric(_ property: String) -> Bool { ["number", "date", "datetime"].contains(types[property]) }
        groups = []
        for group in body["filterGroups"]?.elements ?? [] {
            var filters: [Filter] = []
            for filter in group["filters"]?.elements ?? [] {
                guard let property = filter["propertyName"]?.text, types[property] != nil else {
                    throw .invalid("There was a problem with the request: a filter names an unknown property")
                }
                guard let comparison = filter["operator"]?.text.flatMap(Operator.init) else {
                    throw .invalid("There was a problem with the request: a filter has an unknown operator")
                }
                filters.append(
                    Filter(
                        property: property, comparison: comparison, isNumeric: isNumeric(property),
                        value: filter["value"]?.text ?? "", highValue: filter["highValue"]?.text ?? "",
                        values: Set(filter["values"]?.elements.compactMap { $0.text?.lowercased() } ?? [])))
            }
            groups.append(filters)
        }
        guard groups.count <= 5, groups.allSatisfy({ $0.count <= 6 }), groups.reduce(0, { $0 + $1.count }) <= 18 else {
            throw .invalid("There was a problem with the request: too many filters")
        }
        let sorts = body["sorts"]?.elements ?? []
        guard sorts.count <= 1 else { throw .invalid("There was a problem with the request: only one sort is allowed") }
        if let first = sorts.first {
            guard let property = first["propertyName"]?.text ?? first.text, types[property] != nil else {
                throw .invalid("There was a problem with the request: the sort names an unknown property")
            }
            sort = Sort(
                property: property, isDescending: first["direction"]?.text == "DESCENDING",
                isNumeric: isNumeric(property))
        }
        text = body["query"]?.text?.lowercased() ?? ""
    }

    func matches(_ record: RecordView) -> Bool {
        if !text.isEmpty {
            let searched = ["email", "firstname", "lastname", "name", "domain", "dealname"]
            guard searched.contains(where: { record[$0]?.lowercased().contains(text) == true }) else { return false }
        }
        return groups.isEmpty || groups.contains { $0.allSatisfy { $0.matches(record[$0.property]) } }
    }

    /// Numbers and dates as numbers; `nil` for what is neither.
    static func number(_ text: String) -> Double? {
        Double(text) ?? DateText.parsed(text).map { Double($0.milliseconds) }
    }
}

extension SearchQuery.Filter {
    func matches(_ found: String?) -> Bool {
        let found = found.flatMap { $0.isEmpty ? nil : $0 }
        switch comparison {
        case .has: return found != nil
        case .hasNot: return found == nil
        case .notEqual: return found.map { compare($0, value) != 0 } ?? true
        case .notIn: return found.map { !values.contains($0.lowercased()) } ?? true
        case .containsNotToken: return found.map { !hasToken($0) } ?? true
        case .equal: return found.map { compare($0, value) == 0 } ?? false
        case .less: return found.flatMap { compare($0, value) }.map { $0 < 0 } ?? false
        case .lessOrEqual: return found.flatMap { compare($0, value) }.map { $0 <= 0 } ?? false
        case .greater: return found.flatMap { compare($0, value) }.map { $0 > 0 } ?? false
        case .greaterOrEqual: return found.flatMap { compare($0, value) }.map { $0 >= 0 } ?? false
        case .between:
            guard let found, let low = compare(found, value), let high = compare(found, highValue) else { return false }
            return low >= 0 && high <= 0
        case .isIn: return found.map { values.contains($0.lowercased()) } ?? false
        case .containsToken: return found.map { hasToken($0) } ?? false
        }
    }

    /// Negative, zero or positive; `nil` if the two cannot be compared.
    private func compare(_ found: String, _ wanted: String) -> Int? {
        if isNumeric {
            guard let a = SearchQuery.number(found), let b = SearchQuery.number(wanted) else { return nil }
            return a < b ? -1 : a > b ? 1 : 0
        }
        let (a, b) = (found.lowercased(), wanted.lowercased())
        return a < b ? -1 : a > b ? 1 : 0
    }

    /// A whole word, or the beginning or end of one where there is a `*`.
    private func hasToken(_ found: String) -> Bool {
        var token = Substring(value.lowercased())
        let (hasHead, hasTail) = (token.hasPrefix("*"), token.hasSuffix("*"))
        token = token.drop { $0 == "*" }
        while token.hasSuffix("*") { token.removeLast() }
        return found.lowercased().split { !$0.isLetter && !$0.isNumber }.contains { word in
            switch (hasHead, hasTail) {
            case (true, true): word.contains(token)
            case (true, false): word.hasSuffix(token)
            case (false, true): word.hasPrefix(token)
            case (false, false): word == token
            }
        }
    }
}
