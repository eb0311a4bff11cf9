// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Answers requests below `/api/data/vN/` within one transaction.
struct RequestHandler {
    let environment: Environment
    let session: DocumentSession
    let now: Timestamp
    /// `http://127.0.0.1:8080/api/data/v9.2/`
    let root: String

    var writer: RecordWriter { RecordWriter(environment: environment, session: session, now: now) }
    var keys: KeyIndex { KeyIndex(session: session) }

    /// What one request is answered; what a refused one had done is undone.
    func answer(_ request: SimulatorRequest) -> SimulatorResponse {
        do {
            return try session.savepoint { try dispatch(request) }
        } catch let failure as APIFailure {
            return failure.response
        } catch {
            return APIFailure.serverFailed.response
        }
    }

    private func dispatch(_ request: SimulatorRequest) throws -> SimulatorResponse {
        // api, data, v9.2
        let path = request.path.dropFirst(3).map(PathSegment.init)
        guard let first = path.first else { return try json(["value": .array(serviceDocument)]) }
        switch (first.name, request.method) {
        case ("$batch", .post): return try batch(request)
        case ("WhoAmI", .get): return try json(whoAmI)
        case ("RetrieveTotalRecordCount", .get): return try totals(first)
        case ("sdkmessagefilters", .get): return try messageFilters(request)
        case ("EntityDefinitions", _): return try definitions(request, path)
        case ("WinOpportunity", .post): return try closeOpportunity(request, state: 1)
        case ("LoseOpportunity", .post): return try closeOpportunity(request, state: 2)
        default: break
        }
        if path.count == 1, request.method == .post, let answer = try blocks(request, first.name) { return answer }
        if path.count == 3 { return try rawValue(request, path) }
        guard let table = environment.table(set: first.name) else { throw APIFailure.noSuchResource(first.name) }
        if path.count == 2 { return try bound(request, table, first, path[1].name) }
        guard path.count == 1 else { throw APIFailure.noSuchResource(path[1].name) }
        if let key = first.key { return try single(request, table, key) }
        switch request.method {
        case .get: return try list(request, table)
        case .post: return try create(request, table)
        default: throw APIFailure(405, "0x80060880", "The method is not allowed here.")
        }
    }

    private func bound(
        _ request: SimulatorRequest, _ table: TableDefinition, _ segment: PathSegment, _ name: String
    ) throws -> SimulatorResponse {
        switch (name, request.method, segment.key) {
        case ("$count", .get, nil):
            let count = try session.count(table.name, where: condition(request, table))
            return .text(String(min(count, 5_000)))
        case (let message, _, _)
        where message.hasSuffix("Multiple") && environment.options.tablesWithoutMultiple.contains(table.name):
            throw APIFailure.noSuchResource(message)
        case ("Microsoft.Dynamics.CRM.CreateMultiple", .post, nil): return try createMultiple(request, table)
        case ("Microsoft.Dynamics.CRM.UpdateMultiple", .post, nil): return try updateMultiple(request, table)
        case ("Microsoft.Dynamics.CRM.UpsertMultiple", .post, nil): return try upsertMultiple(request, table)
        case ("Microsoft.Dynamics.CRM.RetrieveUserPrivileges", .get, .some) where table.name == "systemuser":
            return try json(["RolePrivileges": .array(privileges)])
        default: throw APIFailure.noSuchResource(name)
        }
    }

    // MARK: Common

    func json(_ value: JSONValue, status: Int = 200) throws -> SimulatorResponse {
        var response = SimulatorResponse.json(value.serialized(), status: status)
        response.headers["Content-Type"] = "application/json; odata.metadata=minimal"
        response.headers["OData-Version"] = "4.0"
        return response
    }

    func body(_ request: SimulatorRequest) throws -> JSONValue {
        do {
            return try JSONValue(parsing: request.body)
        } catch {
            throw APIFailure(400, "0x80048d19", "The request body is no valid JSON.")
        }
    }

    func condition(_ request: SimulatorRequest, _ table: TableDefinition) throws -> DocumentCondition {
        guard let filter = request.query("$filter") else { return .all }
        return try ODataFilter.condition(filter, of: table, keys)
    }

    /// The record that an address such as `/accounts(…)` leads to.
    func find(_ path: String) throws -> (table: TableDefinition, id: String) {
        let last = path.split(separator: "/").last.map(String.init) ?? path
        let segment = PathSegment(PercentEncoding.decoded(last.utf8))
        guard let table = environment.table(set: segment.name), let key = segment.key else {
            throw APIFailure.noSuchResource(segment.name)
        }
        guard let id = try self.id(table, key) else { throw APIFailure.noSuchKey() }
        return (table, try writer.record(table, id).document[table.primaryID]?.text ?? id)
    }

    /// The id that the key of an address means, which may be that of no record; `nil` if no record has such values.
    func id(_ table: TableDefinition, _ key: String) throws -> String? {
        if let id = RecordID.canonical(key) { return id }
        let (column, value) = try alternateKey(table, key)
        return try keys.ids(table, column.name, [value])?.first
    }

    /// `new_migratezid='42'`, with quotes doubled.
    func alternateKey(_ table: TableDefinition, _ key: String) throws -> (column: ColumnDefinition, value: String) {
        let parts = key.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, parts[1].count >= 2, parts[1].first == "'", parts[1].last == "'",
            let column = table.column(String(parts[0])),
            try keys.keys(of: table).contains(where: { $0.column == column.name && $0.isActive })
        else { throw APIFailure(400, "0x80060888", "The address does not name a record by a key of \(table.name).") }
        return (column, String(parts[1].dropFirst().dropLast()).replacing("''", with: "'"))
    }

    // MARK: The environment

    private var serviceDocument: [JSONValue] {
        environment.allTables.map {
            ["name": .string($0.setName), "kind": "EntitySet", "url": .string($0.setName)]
        }
    }

    private var whoAmI: JSONValue {
        [
            "BusinessUnitId": .string(RecordID.guid(code: 10, number: 1)),
            "UserId": .string(Environment.applicationUser), "OrganizationId": .string(Environment.organizationID),
        ]
    }

    private var privileges: [JSONValue] {
        let names = environment.allTables.flatMap { table in
            ["Create", "Read", "Write", "Delete"].map { "prv\($0)\(table.privilegeName)" }
        }
        return Set(names).subtracting(environment.options.missingPrivileges).sorted().map { name in
            ["PrivilegeName": .string(name), "Depth": "Global"]
        }
    }

    /// `RetrieveTotalRecordCount(EntityNames=['contact'])`
    private func totals(_ segment: PathSegment) throws -> SimulatorResponse {
        let names = (segment.key ?? "").split(separator: "'").filter { environment.table(String($0)) != nil }
        let counts = try names.map { try session.count(String($0)) }
        return try json([
            "EntityRecordCountCollection": [
                "Count": .number(String(names.count)), "Keys": .array(names.map { .string(String($0)) }),
                "Values": .array(counts.map { .number(String($0)) }),
            ]
        ])
    }

    private func closeOpportunity(_ request: SimulatorRequest, state: Int) throws -> SimulatorResponse {
        let body = try body(request)
        guard let table = environment.table("opportunity"), let status = body["Status"]?.int,
            let path = body["OpportunityClose"]?["opportunityid@odata.bind"]?.text
        else { throw APIFailure.invalidArgument("OpportunityClose and Status are required.") }
        try writer.close(table, try find(path).id, state: state, reason: status)
        return .empty()
    }
}

/// One part of a path: a name, and what stands in brackets behind it.
struct PathSegment {
    var name: String
    var key: String?

    init(_ text: String) {
        guard let open = text.firstIndex(of: "("), text.last == ")" else {
            name = text
            return
        }
        name = String(text[..<open])
        key = String(text[text.index(after: open)...].dropLast())
    }
}
