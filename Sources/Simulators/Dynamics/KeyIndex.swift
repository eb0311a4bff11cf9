// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// The alternate keys of all tables, each of one column, with the values that records have in them.
///
/// A value that is null is not in the index, so any number of records may have none (crm-apis: Dynamics, section 10).
struct KeyIndex {
    private static let definitions = "alternate_key"
    private static let values = "alternate_key_value"

    static let objects = [
        DocumentStore.Object(definitions, unique: ["name"]),
        DocumentStore.Object(values, indexed: ["record"], unique: ["value"]),
    ]

    let session: DocumentSession

    struct Key {
        var id: Int64
        var name: String
        var column: String
        var isActive: Bool
    }

    func keys(of table: TableDefinition) throws -> [Key] {
        try session.documents(Self.definitions, where: .member("table", .equals, .string(table.name))).compactMap {
            guard let name = $0.document["name"]?.text, let column = $0.document["column"]?.text else { return nil }
            return Key(id: $0.id, name: name, column: column, isActive: ($0.document["polls"]?.int ?? 0) <= 0)
        }
    }

    /// Defines a key; its index is built while it is asked for.
    func define(
        _ name: String, of table: TableDefinition, column: ColumnDefinition, polls: Int, at now: Timestamp
    ) throws {
        let document: JSONValue = [
            "name": .string(name), "table": .string(table.name), "column": .string(column.name),
            "polls": .number(String(polls)),
        ]
        do {
            try session.insert(Self.definitions, document, at: now)
        } catch is DocumentStore.Conflict {
            throw APIFailure(400, "0x80047013", "An entity key with the name \(name) already exists.")
        }
        for record in try session.documents(table.name, where: .not(.isNull(column.property))) {
            guard let id = record.document[table.primaryID]?.text else { continue }
            try hold(record.document, of: table, id: id, at: now)
        }
    }

    /// Somebody has looked whether the indexes are ready.
    func poll(_ table: TableDefinition, at now: Timestamp) throws {
        for found in try session.documents(Self.definitions, where: .member("table", .equals, .string(table.name))) {
            guard let polls = found.document["polls"]?.int, polls > 0 else { continue }
            var document = found.document
            document.set("polls", to: .number(String(polls - 1)))
            try session.replace(Self.definitions, found.id, with: document, at: now)
        }
    }

    /// Takes over the values of a record that is new or changed.
    ///
    /// - Throws: `APIFailure` if another record has one of them.
    func hold(_ record: JSONValue, of table: TableDefinition, id: String, at now: Timestamp) throws {
        let keys = try keys(of: table)
        guard !keys.isEmpty else { return }
        try release(id)
        for key in keys {
            guard let property = table.column(key.column)?.property, let value = record[property]?.text else {
                continue
            }
            let document: JSONValue = ["value": .string(Self.text(table, key.column, value)), "record": .string(id)]
            do {
                try session.insert(Self.values, document, at: now)
            } catch is DocumentStore.Conflict {
                let label = table.column(key.column)?.label ?? key.column
                throw APIFailure(
                    412, "0x80060892",
                    "A record that has the attribute values \(label) already exists. The entity key \(key.name) "
                        + "requires that this set of attributes contains unique values. Select unique values and try again."
                )
            }
        }
    }

    /// Forgets the values of a record.
    func release(_ id: String) throws {
        for found in try session.documents(Self.values, where: .member("record", .equals, .string(id))) {
            try session.erase(Self.values, found.id)
        }
    }

    /// The ids of records that have one of the values; `nil` if the column is no key.
    func ids(_ table: TableDefinition, _ column: String, _ values: [String]) throws -> [String]? {
        guard try keys(of: table).contains(where: { $0.column == column }) else { return nil }
        let wanted = values.map { JSONValue.string(Self.text(table, column, $0)) }
        return try session.documents(Self.values, where: .isIn("value", wanted)).compactMap {
            $0.document["record"]?.text
        }
    }

    private static func text(_ table: TableDefinition, _ column: String, _ value: String) -> String {
        "\(table.name)|\(column)|\(value)"
    }
}

extension JSONValue {
    /// Puts a value in the place of the member's, or adds it; `nil` removes the member.
    mutating func set(_ key: String, to value: JSONValue?) {
        guard case .object(var members) = self else { return }
        let place = members.lastIndex { $0.key == key }
        switch (place, value) {
        case (let place?, let value?): members[place].value = value
        case (let place?, nil): members.remove(at: place)
        case (nil, let value?): members.append(Member(key, value))
        case (nil, nil): break
        }
        self = .object(members)
    }
}
