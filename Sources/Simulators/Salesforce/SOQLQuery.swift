// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A SOQL query, as it was understood; names are not resolved yet.
struct SOQLQuery: Sendable {
    /// `Name`, or one relationship and a field: `Account.Name`.
    struct Path: Sendable {
        var relationship: String?
        var field: String
    }

    enum Selection: Sendable {
        case fields([Path])
        /// `COUNT()`
        case count
        /// `FIELDS(ALL)`, `FIELDS(STANDARD)`, `FIELDS(CUSTOM)`
        case group(String)
    }

    enum Literal: Sendable {
        /// The text, and the same as a pattern of LIKE, in which `\` escapes.
        case text(String, pattern: String)
        case number(String)
        case bool(Bool)
        case date(String)
        /// Milliseconds since the epoch.
        case dateTime(Int64)
        case null
    }

    indirect enum Condition: Sendable {
        case all([Condition])
        case any([Condition])
        case not(Condition)
        /// `=`, `!=`, `<`, `>`, `<=`, `>=` or `LIKE`
        case comparison(Path, String, Literal)
        case isIn(Path, [Literal], isNegated: Bool)
    }

    struct Order: Sendable {
        var path: Path
        var isDescending: Bool
        var nullsLast: Bool
    }

    var selection: Selection
    var object: String
    var condition: Condition?
    var order: [Order] = []
    var limit: Int?
    var offset: Int?
}
