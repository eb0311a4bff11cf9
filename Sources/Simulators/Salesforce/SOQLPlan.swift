// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

/// A query whose names are resolved, as SQL.
struct SOQLPlan: Sendable {
    /// One selected field.
    struct Column: Sendable {
        var field: FieldDefinition
        /// The relationship's name in the schema, for `Account.Name`.
        var relationship: String?
        /// The object that holds the field.
        var object: ObjectDefinition
        var sql: String
    }

    let object: ObjectDefinition
    /// Empty for `COUNT()`.
    let columns: [Column]
    let isCount: Bool
    /// `FROM … WHERE … ORDER BY … LIMIT …`
    let selection: String
    /// The joins that columns need.
    let joins: String
    let arguments: [DatabaseValue]

    /// - Parameter includesDeleted: `queryAll`, which finds what is in the recycle bin too.
    init(_ query: SOQLQuery, _ schema: OrgSchema, includesDeleted: Bool) throws(APIFailure) {
        guard let object = schema[query.object] else {
            throw APIFailure(400, "INVALID_TYPE", "sObject type '\(query.object)' is not supported.")
        }
        var builder = SOQLBuilder(object: object, schema: schema)
        let columns = try builder.columns(of: query)
        var conditions = includesDeleted ? [] : ["t.IsDeleted = 0"]
        // Old activities are for `queryAll` only (SOAP API Developer Guide, "queryAll()").
        if !includesDeleted, object.field("IsArchived") != nil { conditions.append("t.IsArchived IS NOT 1") }
        if let condition = query.condition { conditions.append(try builder.sql(condition)) }
        if object.name == "ContentDocumentLink", !SOQLPlan.isFiltered(query.condition) {
            throw .malformedQuery(
                "Implementation restriction: ContentDocumentLink requires a filter by a single Id on ContentDocumentId "
                    + "or LinkedEntityId using the equals operator or multiple Id's using the IN operator.")
        }
        var order: [String] = []
        for item in query.order {
            let column = try builder.resolve(item.path)
            order.append("\(column.sql)\(item.isDescending ? " DESC" : "") NULLS \(item.nullsLast ? "LAST" : "FIRST")")
        }
        // Without an order of its own, a query gives the same records in the same order each time.
        order.append("t.n")
        self.object = object
        self.columns = columns
        if case .count = query.selection { isCount = true } else { isCount = false }
        joins = builder.joins.map(\.sql).joined()
        selection =
            "FROM \(RecordStore.quoted(object.name)) t\(joins)"
            + (conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND "))
            + (isCount ? "" : " ORDER BY " + order.joined(separator: ", "))
            + (query.limit.map { " LIMIT \($0)" } ?? "") + (query.offset.map { " OFFSET \($0)" } ?? "")
        arguments = builder.arguments
    }

    /// The ordinals of all records that the query finds, in its order.
    func ordinals(_ db: Database) throws -> [Int64] {
        try Int64.fetchAll(db, sql: "SELECT t.n " + selection, arguments: StatementArguments(arguments))
    }

    func count(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT COUNT(*) " + selection, arguments: StatementArguments(arguments)) ?? 0
    }

    /// The selected columns of some records, in the order of `ordinals`; the first column is `n`.
    func rows(_ ordinals: ArraySlice<Int64>, _ db: Database, _ body: (Row) throws -> Void) throws {
        let list = columns.map(\.sql).joined(separator: ", ")
        let statement = try db.cachedStatement(
            sql: "SELECT t.n, \(list) FROM \(RecordStore.quoted(object.name)) t\(joins) WHERE t.n = ?")
        for ordinal in ordinals {
            if let row = try Row.fetchOne(statement, arguments: [ordinal]) { try body(row) }
        }
    }

    /// Whether records of the links between files and records are asked for by one end of the link.
    private static func isFiltered(_ condition: SOQLQuery.Condition?) -> Bool {
        let keys = ["id", "contentdocumentid", "linkedentityid"]
        switch condition {
        case .all(let conditions): return conditions.contains { isFiltered($0) }
        case .comparison(let path, "=", _): return path.relationship == nil && keys.contains(path.field.lowercased())
        case .isIn(let path, _, isNegated: false):
            return path.relationship == nil && keys.contains(path.field.lowercased())
        default: return false
        }
    }
}

/// Resolves names and collects joins and arguments while SQL is put together.
struct SOQLBuilder {
    let object: ObjectDefinition
    let schema: OrgSchema
    var joins: [(relationship: String, sql: String)] = []
    var arguments: [DatabaseValue] = []

    mutating func columns(of query: SOQLQuery) throws(APIFailure) -> [SOQLPlan.Column] {
        switch query.selection {
        case .count: return []
        case .fields(let paths):
            var columns: [SOQLPlan.Column] = []
            for path in paths { columns.append(try resolve(path)) }
            return columns
        case .group(let group):
            guard group == "STANDARD" || query.limit.map({ $0 <= 200 }) ?? false else {
                throw .malformedQuery("The SOQL FIELDS function must have a LIMIT of at most 200")
            }
            let fields = object.fields.filter {
                $0.isVisible && (group == "ALL" || $0.isCustom == (group == "CUSTOM"))
            }
            var columns: [SOQLPlan.Column] = []
            for field in fields { columns.append(try resolve(SOQLQuery.Path(field: field.name))) }
            return columns
        }
    }

    mutating func resolve(_ path: SOQLQuery.Path) throws(APIFailure) -> SOQLPlan.Column {
        guard let relationship = path.relationship, relationship.lowercased() != object.name.lowercased() else {
            guard let field = object.field(path.field) else { throw noSuchColumn(path.field, object) }
            return SOQLPlan.Column(
                field: field, relationship: nil, object: object, sql: SOQLBuilder.sql(field, in: "t"))
        }
        guard let index = object.index(ofRelationship: relationship) else {
            throw APIFailure(
                400, "INVALID_FIELD", "Didn't understand relationship '\(relationship)' in field path.")
        }
        let lookup = object.fields[index]
        guard lookup.referenceTo.count == 1, let target = schema[lookup.referenceTo[0]] else {
            throw APIFailure(
                400, "INVALID_FIELD", "the polymorphic relationship '\(relationship)' cannot be followed here")
        }
        guard let field = target.field(path.field) else { throw noSuchColumn(path.field, target) }
        let name = lookup.relationshipName ?? relationship
        let alias: String
        if let known = joins.firstIndex(where: { $0.relationship == name }) {
            alias = "r\(known)"
        } else {
            alias = "r\(joins.count)"
            joins.append(
                (
                    name,
                    " LEFT JOIN \(RecordStore.quoted(target.name)) \(alias) ON \(alias).n = ordinal(t.\(RecordStore.quoted(lookup.name)))"
                ))
        }
        return SOQLPlan.Column(field: field, relationship: name, object: target, sql: SOQLBuilder.sql(field, in: alias))
    }

    mutating func sql(_ condition: SOQLQuery.Condition) throws(APIFailure) -> String {
        switch condition {
        case .all(let conditions): return try sql(conditions, " AND ")
        case .any(let conditions): return try sql(conditions, " OR ")
        case .not(let condition): return "NOT \(try sql(condition))"
        case .comparison(let path, let sign, let literal): return try comparison(path, sign, literal)
        case .isIn(let path, let literals, let isNegated):
            let column = try resolve(path)
            for literal in literals { arguments.append(try argument(literal, column.field, path)) }
            let marks = Array(repeating: "?", count: literals.count).joined(separator: ",")
            return "\(column.sql) \(isNegated ? "NOT IN" : "IN") (\(marks))"
        }
    }

    private mutating func sql(_ conditions: [SOQLQuery.Condition], _ separator: String) throws(APIFailure) -> String {
        var parts: [String] = []
        for condition in conditions { parts.append(try sql(condition)) }
        return "(\(parts.joined(separator: separator)))"
    }

    private mutating func comparison(
        _ path: SOQLQuery.Path, _ sign: String, _ literal: SOQLQuery.Literal
    ) throws(APIFailure) -> String {
        let column = try resolve(path)
        guard column.field.kind != .base64, column.field.kind != .textarea || column.field.length <= 255 else {
            throw APIFailure(400, "INVALID_FIELD", "field '\(path.field)' can not be filtered in a query call")
        }
        if sign == "LIKE" {
            guard case .text(_, let pattern) = literal else {
                throw APIFailure(400, "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on \(path.field) field")
            }
            arguments.append(pattern.databaseValue)
            return "\(column.sql) LIKE ? ESCAPE '\\'"
        }
        arguments.append(try argument(literal, column.field, path))
        switch sign {
        // Null is a value like others to these two.
        case "=": return "\(column.sql) IS ?"
        case "!=": return "\(column.sql) IS NOT ?"
        default: return "\(column.sql) \(sign) ?"
        }
    }

    private func argument(
        _ literal: SOQLQuery.Literal, _ field: FieldDefinition, _ path: SOQLQuery.Path
    ) throws(APIFailure) -> DatabaseValue {
        switch (literal, field.kind) {
        case (.null, _): return .null
        case (.text(let text, _), .id), (.text(let text, _), .reference):
            guard let id = RecordID(text) else {
                throw APIFailure(400, "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: \(text)")
            }
            return field.kind == .id ? id.ordinal.databaseValue : id.text.databaseValue
        case (.text(let text, _), .string), (.text(let text, _), .textarea), (.text(let text, _), .picklist),
            (.text(let text, _), .multipicklist), (.text(let text, _), .email), (.text(let text, _), .phone),
            (.text(let text, _), .url), (.text(let text, _), .combobox):
            // The empty string is null (crm-apis: Salesforce, section 11).
            return text.isEmpty ? .null : text.databaseValue
        case (.bool(let value), .boolean): return value.databaseValue
        case (.number(let text), .int), (.number(let text), .double), (.number(let text), .currency),
            (.number(let text), .percent):
            return (Double(text) ?? 0).databaseValue
        case (.date(let text), .date): return text.databaseValue
        case (.dateTime(let value), .datetime): return value.databaseValue
        default:
            throw APIFailure(
                400, "INVALID_FIELD",
                "value of filter criterion for field '\(path.field)' must be of type \(field.kind.rawValue)"
                    + (field.kind == .string ? " and should be enclosed in quotes" : ""))
        }
    }

    private func noSuchColumn(_ name: String, _ object: ObjectDefinition) -> APIFailure {
        APIFailure(
            400, "INVALID_FIELD",
            "No such column '\(name)' on entity '\(object.name)'. If you are attempting to use a custom field, be sure to "
                + "append the '__c' after the custom field name.")
    }

    private static func sql(_ field: FieldDefinition, in alias: String) -> String {
        field.kind == .id ? "\(alias).n" : "\(alias).\(RecordStore.quoted(field.name))"
    }
}
