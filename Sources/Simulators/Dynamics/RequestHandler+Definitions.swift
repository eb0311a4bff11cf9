// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Definitions of tables, columns, relationships and keys (crm-apis: Dynamics, section 3).
extension RequestHandler {
    func definitions(_ request: SimulatorRequest, _ path: [PathSegment]) throws -> SimulatorResponse {
        guard let key = path[0].key else {
            guard request.method == .get else { throw APIFailure(405, "0x80060880", "Not here.") }
            let found = environment.allTables.map(\.metadata).filter { MetadataQuery.matches($0, request) }
            return try json(["value": .array(found.map { MetadataQuery.selected($0, request) })])
        }
        let table = try table(key)
        guard path.count > 1 else {
            var answer = MetadataQuery.selected(table.metadata, request)
            for name in MetadataQuery.expanded(request) {
                answer.set(name, to: .array(try part(name, of: table)))
            }
            return try json(answer)
        }
        switch (path[1].name, request.method) {
        case ("Attributes", .get): return try columns(request, path, table)
        case ("Attributes", .post):
            guard table.takesColumns else {
                throw APIFailure(403, "0x80048306", "Columns cannot be created in the table \(table.name).")
            }
            try environment.add(try body(request), to: table, session, at: now)
            return created("EntityDefinitions(\(key))/Attributes")
        case ("Keys", .post): return try defineKey(request, table, key)
        case ("Keys", .get):
            try keys.poll(table, at: now)
            return try json(["value": .array(try part("Keys", of: table))])
        case (let name, .get):
            let found = try part(name, of: table).map { MetadataQuery.selected($0, request) }
            return try json(["value": .array(found)])
        default: throw APIFailure.noSuchResource(path[1].name)
        }
    }

    /// A table by `LogicalName='contact'` or by the id of its definition.
    private func table(_ key: String) throws -> TableDefinition {
        let name = key.split(separator: "'").dropFirst().first.map(String.init)
        let found =
            key.hasPrefix("LogicalName=")
            ? name.flatMap { environment.table($0) }
            : environment.allTables.first { MetadataID.table($0.code) == key.lowercased() }
        guard let found else {
            throw APIFailure(404, "0x80060888", "Could not find an entity with the name '\(name ?? key)'.")
        }
        return found
    }

    private func columns(
        _ request: SimulatorRequest, _ path: [PathSegment], _ table: TableDefinition
    ) throws -> SimulatorResponse {
        if path[1].key?.hasPrefix("LogicalName=") == true {
            let name = path[1].key?.split(separator: "'").dropFirst().first.map(String.init) ?? ""
            guard let column = table.column(name) else {
                throw APIFailure(404, "0x80060888", "Could not find an attribute with the name '\(name)'.")
            }
            return try json(MetadataQuery.selected(column.metadata(in: table), request))
        }
        guard path.count > 2 else {
            let found = table.columns.map { $0.metadata(in: table) }.filter { MetadataQuery.matches($0, request) }
            return try json(["value": .array(found.map { MetadataQuery.selected($0, request) })])
        }
        let type = path[2].name.split(separator: ".").last.map(String.init) ?? ""
        let found = table.columns.filter { $0.typeName.metadata == type && !$0.choices.isEmpty }
        return try json(["value": .array(found.map(\.optionSet))])
    }

    private func part(_ name: String, of table: TableDefinition) throws -> [JSONValue] {
        switch name {
        case "Attributes": return table.columns.map { $0.metadata(in: table) }
        case "ManyToOneRelationships": return table.manyToOne
        case "OneToManyRelationships":
            return environment.allTables.flatMap(\.manyToOne).filter { $0["ReferencedEntity"]?.text == table.name }
        case "ManyToManyRelationships": return []
        case "Keys":
            return try keys.keys(of: table).map { key in
                [
                    "MetadataId": .string(RecordID.guid(code: 0xE1, number: key.id)),
                    "SchemaName": .string(key.name), "LogicalName": .string(key.name.lowercased()),
                    "KeyAttributes": [.string(key.column)],
                    "EntityKeyIndexStatus": .string(key.isActive ? "Active" : "Pending"),
                ]
            }
        default: throw APIFailure.noSuchResource(name)
        }
    }

    private func defineKey(
        _ request: SimulatorRequest, _ table: TableDefinition, _ key: String
    ) throws -> SimulatorResponse {
        let body = try body(request)
        guard let name = body["SchemaName"]?.text, case .array(let columns)? = body["KeyAttributes"],
            columns.count == 1,
            let column = columns[0].text.flatMap({ table.column($0) })
        else { throw APIFailure.invalidArgument("A key here is of one column that exists.") }
        try keys.define(name, of: table, column: column, polls: environment.options.keyPollsMin, at: now)
        return created("EntityDefinitions(\(key))/Keys")
    }

    /// The tables that messages for many rows are there for (Microsoft Learn, "Use bulk operation messages"): a filter for
    /// each pair, found by the name of the table and those of messages.
    func messageFilters(_ request: SimulatorRequest) throws -> SimulatorResponse {
        func names(_ property: String) -> [String] {
            (request.query("$filter") ?? "").split(separator: "\(property) eq '", omittingEmptySubsequences: false)
                .dropFirst()
                .compactMap { $0.split(separator: "'", maxSplits: 1).first.map(String.init) }
        }
        guard let name = names("primaryobjecttypecode").first else {
            throw APIFailure.badQuery("Only the messages of one table can be asked for here.")
        }
        let isThere = environment.table(name) != nil && !environment.options.tablesWithoutMultiple.contains(name)
        let messages = ["CreateMultiple", "UpdateMultiple", "UpsertMultiple"].filter(
            names("sdkmessageid/name").contains)
        return try json([
            "value": .array(
                (isThere ? messages : []).map { message in
                    ["primaryobjecttypecode": .string(name), "sdkmessageid": ["name": .string(message)]]
                })
        ])
    }

    private func created(_ path: String) -> SimulatorResponse {
        var response = SimulatorResponse.empty()
        response.headers["OData-EntityId"] = "\(root)\(path)(\(RecordID.guid(code: 0xE2, number: now.milliseconds)))"
        return response
    }
}

/// `$select`, `$filter` and `$expand` of definitions, as far as they are asked for.
enum MetadataQuery {
    static func selected(_ definition: JSONValue, _ request: SimulatorRequest) -> JSONValue {
        guard let select = request.query("$select") else { return definition }
        let names = select.split(separator: ",").map { $0.filter { $0 != " " } }
        return .object(
            definition.members.filter { names.contains($0.key) || $0.key == "MetadataId" || $0.key.hasPrefix("@") })
    }

    /// `LogicalName eq 'contact' and IsPrivate eq false`
    static func matches(_ definition: JSONValue, _ request: SimulatorRequest) -> Bool {
        guard let filter = request.query("$filter") else { return true }
        return filter.split(separator: " and ").allSatisfy { part in
            let words = part.split(separator: " eq ")
            guard words.count == 2, let value = definition[String(words[0])] else { return false }
            let wanted = words[1].filter { $0 != "'" }
            return value.bool.map { String($0) == wanted } ?? (value.text == wanted)
        }
    }

    /// The names of `$expand=Keys($select=SchemaName),ManyToOneRelationships`.
    static func expanded(_ request: SimulatorRequest) -> [String] {
        var depth = 0
        return (request.query("$expand") ?? "").split { character in
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            return character == "," && depth == 0
        }.map { String($0.prefix { $0 != "(" }) }
    }
}
