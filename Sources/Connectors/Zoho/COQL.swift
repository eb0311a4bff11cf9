// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Writes queries in COQL.
///
/// Source: zoho.com/crm/developer, "Query API: Overview" and "Limitations"; Zoho's "Kaizen 171: FAQs on COQL API" for
/// quotes and reserved words.
enum COQL {
    /// Records of one answer, values that a criterion lists, criteria of a query, and columns.
    static let recordsMax = 2_000
    static let valuesMax = 100
    static let criteriaMax = 25
    static let columnsMax = 500

    /// A value in quotes; a quote within is written twice.
    static func literal(_ text: String) -> String { "'\(text.replacing("'", with: "''"))'" }

    static func list(_ texts: some Sequence<String>) -> String {
        "(\(texts.map(literal).joined(separator: ",")))"
    }

    /// A name of a field as a column; words that the language has a use for stand in quotes.
    static func column(_ name: String) -> String {
        reserved.contains(name.lowercased()) ? "'\(name)'" : name
    }

    /// Several criteria, in pairs: more than two in one pair of brackets are refused.
    static func joined(_ criteria: [String], by word: String) -> String {
        switch criteria.count {
        case 0: ""
        case 1: criteria[0]
        default:
            "(\(joined(Array(criteria.prefix(criteria.count / 2)), by: word)) \(word) "
                + "\(joined(Array(criteria.dropFirst(criteria.count / 2)), by: word)))"
        }
    }

    /// Whether it can stand in a query as the name of a field or module.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == UInt8(ascii: "_")
            }
    }

    /// Groups of at most so many values as one criterion may list.
    static func groups(_ texts: [String]) -> [ArraySlice<String>] {
        stride(from: 0, to: texts.count, by: valuesMax).map { texts[$0..<min($0 + valuesMax, texts.count)] }
    }

    private static let reserved: Set = [
        "select", "from", "where", "and", "or", "not", "in", "is", "null", "like", "between", "order", "group", "by",
        "limit", "offset", "asc", "desc", "count", "sum", "min", "max", "avg", "external", "as", "on", "join",
    ]
}
