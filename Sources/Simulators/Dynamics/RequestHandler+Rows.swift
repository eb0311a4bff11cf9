// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Records: lists, single ones, and many at once (crm-apis: Dynamics, sections 4 and 5).
extension RequestHandler {
    // MARK: Reading

    func list(_ request: SimulatorRequest, _ table: TableDefinition) throws -> SimulatorResponse {
        if let apply = request.query("$apply") { return try aggregate(apply, table) }
        let preferences = Preferences(request)
        var view = try RecordView(
            table, select: request.query("$select"), annotations: preferences["odata.include-annotations"])
        view.nameOf = { name, id in
            guard let target = environment.table(name) else { return nil }
            return (try? writer.record(target, id))?.document[target.primaryName]?.text
        }
        view.documentBody = documentBody
        let condition = try condition(request, table)
        let token = try request.query("$skiptoken").map(SkipToken.init)
        let top = try request.query("$top").map { text in
            guard let top = Int(text), top > 0 else { throw APIFailure.badQuery("'$top' is a positive number.") }
            return top
        }
        let order = try order(request, table)
        let asked = preferences["odata.maxpagesize"].flatMap(Int.init) ?? environment.options.pageRowsMax
        let limit = top ?? max(1, min(asked, environment.options.pageRowsMax))
        var filter = condition
        if let token, order == nil { filter = .and([condition, .id(.greater, token.last)]) }
        // One more than fits shows whether there is another page.
        var records = try session.documents(
            table.name, where: filter, order: order ?? .id, offset: order == nil ? 0 : token?.offset ?? 0,
            limit: limit + 1)
        let hasMore = records.count > limit && top == nil
        records = Array(records.prefix(limit))
        var members: [JSONValue.Member] = [.init("@odata.context", .string("\(root)$metadata#\(table.setName)"))]
        if request.query("$count") == "true" {
            let count = try session.count(table.name, where: condition)
            members.append(.init("@odata.count", .number(String(min(count, 5_000)))))
        }
        members.append(.init("value", .array(records.map(view.json))))
        if hasMore, let last = records.last {
            let next = SkipToken(last: last.id, offset: (token?.offset ?? 0) + records.count)
            members.append(.init("@odata.nextLink", .string(link(request, table, next))))
        }
        var response = try json(.object(members))
        if let size = preferences["odata.maxpagesize"] {
            response.headers["Preference-Applied"] = "odata.maxpagesize=\(size)"
        }
        return response
    }

    private func documentBody(of record: StoredDocument) -> JSONValue {
        ((try? bodies.text(of: record)) ?? nil).map { .string($0) } ?? .null
    }

    private func order(_ request: SimulatorRequest, _ table: TableDefinition) throws -> DocumentOrder? {
        guard let text = request.query("$orderby"), let first = text.split(separator: ",").first else { return nil }
        let words = first.split(separator: " ")
        guard let column = words.first.flatMap({ table.column(property: String($0)) }) else {
            throw APIFailure.badQuery("'$orderby' names no property.")
        }
        return .member(column.property, descending: words.dropFirst().first == "desc")
    }

    /// The same query with the place where it goes on.
    private func link(_ request: SimulatorRequest, _ table: TableDefinition, _ token: SkipToken) -> String {
        let items = request.query.filter { $0.name != "$skiptoken" } + [("$skiptoken", token.text)]
        return root + table.setName + "?"
            + items.map { "\($0.name)=\(PercentEncoding.encoded($0.value))" }.joined(separator: "&")
    }

    /// `aggregate($count as n)`, or `filter(…)/aggregate($count as n)`.
    private func aggregate(_ text: String, _ table: TableDefinition) throws -> SimulatorResponse {
        var filter = DocumentCondition.all
        var rest = text[...]
        if rest.hasPrefix("filter("), let end = rest.firstRange(of: ")/aggregate(") {
            let inner = rest[rest.index(rest.startIndex, offsetBy: 7)..<end.lowerBound]
            filter = try ODataFilter.condition(String(inner), of: table, keys)
            rest = rest[rest.index(end.lowerBound, offsetBy: 2)...]
        }
        guard rest.hasPrefix("aggregate($count as "), rest.last == ")" else {
            throw APIFailure.badQuery("This '$apply' is not understood here.")
        }
        let count = try session.count(table.name, where: filter)
        guard count <= environment.options.aggregateRowsMax else {
            throw APIFailure(
                400, "0x8004e023", "The maximum record limit is exceeded. Reduce the number of records.")
        }
        let name = String(rest.dropFirst("aggregate($count as ".count).dropLast())
        return try json(["value": [.object([.init(name, .number(String(count)))])]])
    }

    // MARK: One record

    func single(_ request: SimulatorRequest, _ table: TableDefinition, _ key: String) throws -> SimulatorResponse {
        switch request.method {
        case .get:
            guard let id = try id(table, key) else { throw APIFailure.noSuchKey() }
            var view = try RecordView(
                table, select: request.query("$select"),
                annotations: Preferences(request)["odata.include-annotations"])
            view.documentBody = documentBody
            return try json(view.json(try writer.record(table, id)))
        case .patch: return try upsert(request, table, key)
        case .delete:
            guard let id = try id(table, key) else { throw APIFailure.noSuchKey() }
            try writer.delete(table, id)
            return .empty()
        default: throw APIFailure(405, "0x80060880", "The method is not allowed here.")
        }
    }

    func create(_ request: SimulatorRequest, _ table: TableDefinition) throws -> SimulatorResponse {
        let draft = try RecordDraft(try body(request), of: table, isNew: true, find: find)
        return try written(try writer.create(draft), table, request, status: 201)
    }

    private func upsert(
        _ request: SimulatorRequest, _ table: TableDefinition, _ key: String
    ) throws -> SimulatorResponse {
        let body = try body(request)
        let known = try id(table, key)
        let isThere =
            try known.map { id in
                try session.count(table.name, where: .member(table.primaryID, .equals, .string(id))) > 0
            } ?? false
        if isThere, request.headers["If-None-Match"] == "*" {
            throw APIFailure(412, "0x80040237", "A record with matching key values already exists.")
        }
        if let known, isThere {
            try writer.update(try RecordDraft(body, of: table, isNew: false, find: find), id: known)
            return try written(known, table, request, status: 200)
        }
        if request.headers["If-Match"] == "*" { throw APIFailure.noSuchRecord(table.name, known ?? key) }
        let draft = try RecordDraft(body, of: table, isNew: true, find: find)
        let id: String
        if let known {
            id = try writer.create(draft, id: known)
        } else {
            let (column, value) = try alternateKey(table, key)
            id = try writer.create(draft, keyValues: [(column.property, .string(value))])
        }
        return try written(id, table, request, status: 201)
    }

    /// 204 with the address of the record, or the record itself for whoever prefers that.
    private func written(
        _ id: String, _ table: TableDefinition, _ request: SimulatorRequest, status: Int
    ) throws -> SimulatorResponse {
        let address = "\(root)\(table.setName)(\(id))"
        var response: SimulatorResponse
        if Preferences(request).all.contains(where: { $0.name == "return" && $0.value == "representation" }) {
            let view = try RecordView(table, select: request.query("$select"), annotations: nil)
            response = try json(view.json(try writer.record(table, id)), status: status)
        } else {
            response = .empty()
            response.headers["OData-Version"] = "4.0"
        }
        response.headers["OData-EntityId"] = address
        return response
    }

    // MARK: Many records, all or none

    func createMultiple(_ request: SimulatorRequest, _ table: TableDefinition) throws -> SimulatorResponse {
        let ids = try targets(request).map { target in
            try writer.create(try RecordDraft(target, of: table, isNew: true, find: find))
        }
        return try json(["Ids": .array(ids.map { .string($0) })])
    }

    func updateMultiple(_ request: SimulatorRequest, _ table: TableDefinition) throws -> SimulatorResponse {
        for target in try targets(request) {
            let key = target[table.primaryID]?.text ?? Self.key(in: target)
            guard let key, let id = try id(table, key) else {
                throw APIFailure.invalidArgument("The id of a target is missing.")
            }
            try writer.update(try RecordDraft(target, of: table, isNew: false, find: find), id: id)
        }
        return .empty()
    }

    func upsertMultiple(_ request: SimulatorRequest, _ table: TableDefinition) throws -> SimulatorResponse {
        for target in try targets(request) {
            guard let key = target[table.primaryID]?.text ?? Self.key(in: target) else {
                throw APIFailure.invalidArgument("A target names no record.")
            }
            if let id = try id(table, key),
                try session.count(
                    table.name, where: .member(table.primaryID, .equals, .string(id))) > 0
            {
                try writer.update(try RecordDraft(target, of: table, isNew: false, find: find), id: id)
                continue
            }
            let draft = try RecordDraft(target, of: table, isNew: true, find: find)
            if let id = RecordID.canonical(key) {
                _ = try writer.create(draft, id: id)
            } else {
                let (column, value) = try alternateKey(table, key)
                _ = try writer.create(draft, keyValues: [(column.property, .string(value))])
            }
        }
        return .empty()
    }

    private func targets(_ request: SimulatorRequest) throws -> [JSONValue] {
        guard case .array(let targets)? = try body(request)["Targets"], !targets.isEmpty else {
            throw APIFailure.invalidArgument("Targets is missing or empty.")
        }
        guard targets.allSatisfy({ $0["@odata.type"]?.text != nil }) else {
            throw APIFailure(400, "0x80048d19", "A target has no type annotation.")
        }
        return targets
    }

    /// The key in `"@odata.id": "contacts(new_migratezid='42')"`.
    private static func key(in target: JSONValue) -> String? {
        target["@odata.id"]?.text.flatMap { PathSegment(PercentEncoding.decoded($0.utf8)).key }
    }
}

/// Where a page begins, in the form of the platform's paging cookie.
struct SkipToken {
    var last: Int64
    var offset: Int

    init(last: Int64, offset: Int) {
        self.last = last
        self.offset = offset
    }

    init(_ text: String) throws {
        let numbers = text.split { !$0.isNumber }.compactMap { Int64($0) }
        guard text.hasPrefix("<cookie "), numbers.count == 2 else {
            throw APIFailure(400, "0x80060888", "The skip token is malformed.")
        }
        last = numbers[0]
        offset = Int(numbers[1])
    }

    var text: String { "<cookie last=\"\(last)\" rows=\"\(offset)\" />" }
}

/// `Prefer: odata.maxpagesize=10,odata.include-annotations="*"` (RFC 7240).
struct Preferences {
    private(set) var all: [(name: String, value: String)] = []

    init(_ request: SimulatorRequest) {
        for field in request.headers.fields where field.name.lowercased() == "prefer" {
            var isQuoted = false
            let parts = field.value.split { character in
                if character == "\"" { isQuoted.toggle() }
                return character == "," && !isQuoted
            }
            for part in parts {
                let sides = part.split(separator: "=", maxSplits: 1)
                guard let name = sides.first else { continue }
                let value = sides.count == 2 ? sides[1].filter { $0 != "\"" } : ""
                all.append((name.filter { $0 != " " }, value))
            }
        }
    }

    subscript(name: String) -> String? { all.first { $0.name == name }?.value }
}
