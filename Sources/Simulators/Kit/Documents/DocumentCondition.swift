// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezJSON
package import MigratezModel

/// What documents are asked for. Nothing compares with an absent member or with null; texts compare by their bytes.
package indirect enum DocumentCondition: Sendable {
    case all
    case member(String, Comparison, JSONValue)
    case isIn(String, [JSONValue])
    /// The member is absent or null.
    case isNull(String)
    case id(Comparison, Int64)
    case created(Comparison, Timestamp)
    case modified(Comparison, Timestamp)
    case and([DocumentCondition])
    case or([DocumentCondition])
    case not(DocumentCondition)

    package enum Comparison: Sendable {
        case equals, differs, less, lessOrEqual, greater, greaterOrEqual
        /// Equal, in texts without regard to the case of ASCII letters.
        case equalsIgnoringCase
        /// A text with this one in it or at its beginning, without regard to the case of ASCII letters.
        case contains, hasPrefix
    }

    /// The condition as SQL; its values are added to `arguments`.
    func sql(_ arguments: inout [DatabaseValue]) -> String {
        switch self {
        case .all: return "1"
        case .member(let name, let comparison, let value):
            arguments.append(value.databaseValue)
            return comparison.sql(DocumentSession.value(of: name))
        case .isIn(let name, let values):
            arguments += values.map(\.databaseValue)
            let places = values.map { _ in "?" }.joined(separator: ", ")
            return "\(DocumentSession.value(of: name)) IN (\(places))"
        case .isNull(let name): return "\(DocumentSession.value(of: name)) IS NULL"
        case .id(let comparison, let id):
            arguments.append(id.databaseValue)
            return comparison.sql("id")
        case .created(let comparison, let instant):
            arguments.append(instant.milliseconds.databaseValue)
            return comparison.sql("created")
        case .modified(let comparison, let instant):
            arguments.append(instant.milliseconds.databaseValue)
            return comparison.sql("modified")
        case .and(let conditions): return Self.joined(conditions, by: "AND", &arguments, ofNone: "1")
        case .or(let conditions): return Self.joined(conditions, by: "OR", &arguments, ofNone: "0")
        case .not(let condition): return "NOT COALESCE(\(condition.sql(&arguments)), 0)"
        }
    }

    private static func joined(
        _ conditions: [DocumentCondition], by word: String, _ arguments: inout [DatabaseValue], ofNone: String
    ) -> String {
        guard !conditions.isEmpty else { return ofNone }
        var parts: [String] = []
        for condition in conditions { parts.append(condition.sql(&arguments)) }
        return "(\(parts.joined(separator: " \(word) ")))"
    }
}

extension DocumentCondition.Comparison {
    fileprivate func sql(_ value: String) -> String {
        switch self {
        case .equals: "\(value) = ?"
        case .differs: "\(value) <> ?"
        case .less: "\(value) < ?"
        case .lessOrEqual: "\(value) <= ?"
        case .greater: "\(value) > ?"
        case .greaterOrEqual: "\(value) >= ?"
        case .equalsIgnoringCase: "\(value) = ? COLLATE NOCASE"
        case .contains: "INSTR(LOWER(\(value)), LOWER(?)) > 0"
        case .hasPrefix: "INSTR(LOWER(\(value)), LOWER(?)) = 1"
        }
    }
}

/// In which order documents are given; those that are alike in it by their ids.
package struct DocumentOrder: Sendable {
    let sql: String

    private init(sql: String) { self.sql = sql }

    package static let id = DocumentOrder(sql: "id")
    /// By their ids, the newest first.
    package static let newestFirst = DocumentOrder(sql: "id DESC")
    /// By the time of their last change.
    package static let modified = DocumentOrder(sql: "modified, id")

    package static func member(_ name: String, descending: Bool = false) -> DocumentOrder {
        DocumentOrder(sql: "\(DocumentSession.value(of: name))\(descending ? " DESC" : ""), id")
    }
}

extension JSONValue {
    /// The value as `json_extract` gives it (sqlite.org/json1.html): truth values are 0 and 1.
    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .bool(let value): (value ? 1 : 0).databaseValue
        case .number(let text): Int64(text)?.databaseValue ?? Double(text)?.databaseValue ?? text.databaseValue
        case .string(let text): text.databaseValue
        case .array, .object: String(decoding: serialized(), as: UTF8.self).databaseValue
        }
    }
}
