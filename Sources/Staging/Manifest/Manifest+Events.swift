// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

/// Something that happened in the run and is worth telling.
package struct RunEvent: Sendable, Hashable {
    package var id: Int64
    package var time: Timestamp
    /// What: `chunk`, `issue`, `pause`.
    package var name: String
    package var stream: StreamName?
    package var code: String?
    /// Ids, counts and names, never values: a JSON object of what `addEvent` was given as fields.
    package var detail: String?
}

/// One detail of an event: an id, a count or a name, never a value of a record.
package enum EventValue: Sendable {
    case text(String?)
    case number(Int?)
    case decimal(Double)
    case list([String])
}

extension ManifestView {
    /// Up to `limit` events after the one with the id `previous`, oldest first.
    package func events(after previous: Int64 = 0, limit: Int) throws -> [RunEvent] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT events.id, time, events.name, streams.name AS stream, code, detail
                FROM events LEFT JOIN streams ON streams.number = events.stream
                WHERE events.id > ? ORDER BY events.id LIMIT ?
                """, arguments: [previous, limit]
        ).map { row in
            let stream: String? = row["stream"]
            return RunEvent(
                id: row["id"], time: Timestamp(milliseconds: row["time"]), name: row["name"],
                stream: stream.flatMap { StreamName($0) }, code: row["code"], detail: row["detail"])
        }
    }

    /// The id of the newest event; 0 if there is none.
    package func lastEventID() throws -> Int64 { try Int64.fetchOne(database, sql: "SELECT max(id) FROM events") ?? 0 }
}

extension ManifestTransaction {
    /// Adds an event. `detail` holds ids, counts and names, never values.
    package func addEvent(
        _ name: String, stream: StreamName? = nil, code: ErrorCode? = nil, detail: String? = nil
    ) throws {
        let streamNumber = try stream.map { try number(of: $0) }
        try execute(
            "INSERT INTO events (time, name, stream, code, detail) VALUES (?, ?, ?, ?, ?)",
            [now.milliseconds, name, streamNumber, code?.description, detail])
    }

    /// Adds an event with details by name, which SQLite writes as a JSON object. Details that are nil are left out.
    ///
    /// The events are the log of the run: they are durable with what they tell of, and other processes read them while
    /// the run goes on.
    package func addEvent(
        _ name: String, stream: StreamName? = nil, code: String? = nil,
        fields: KeyValuePairs<String, EventValue>
    ) throws {
        var members: [String] = []
        var arguments: [(any DatabaseValueConvertible)?] = [
            now.milliseconds, name, try stream.map { try number(of: $0) }, code,
        ]
        for (key, value) in fields {
            switch value {
            case .text(nil), .number(nil): continue
            case .text(let text):
                members.append("?, ?")
                arguments += [key, text]
            case .number(let number):
                members.append("?, ?")
                arguments += [key, number]
            case .decimal(let number):
                members.append("?, ?")
                arguments += [key, number]
            case .list(let items):
                members.append("?, json_array(\(items.map { _ in "?" }.joined(separator: ", ")))")
                arguments.append(key)
                arguments += items
            }
        }
        try execute(
            """
            INSERT INTO events (time, name, stream, code, detail)
            VALUES (?, ?, ?, ?, json_object(\(members.joined(separator: ", "))))
            """, StatementArguments(arguments))
    }
}
