// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezRESTConnector
import MigratezTestKit
import MigratezTransport
import Synchronization
import Testing

/// Writing by a definition, against a vendor that nobody has: the definition alone makes the connector.
struct `Writing by a definition` {
    /// Rows go in batches of three, each answer tells rows by their numbers, refusals stand in a list of their own.
    private static let definition = """
        migratez_connector: 1
        name: acme
        label: Acme
        base_url: http://127.0.0.1:1/api
        auth: { kind: header, name: X-Key }
        errors:
          code: error.code
          text: error.message
          field: error.field
          rules:
            - { code: TAKEN, means: duplicate }
            - { code: EMPTY, means: required }
        identity: { path: /me, text: "Acme {id}" }
        objects:
          thing:
            read: { path: /things, list: items }
            by_id: { path: "/things/{id}" }
            fields:
              name: { kind: text, at: title }
              size: { kind: decimal, at: box.size }
              made: dateTime
            write:
              record: { title: "{name}", box: { unit: cm, size: "{size}" } }
              others: extra
              key: our_key
              find: { path: /things, query: { keys: "{keys}" }, batch: 50, list: items }
              create:
                path: /things/batch
                body: { things: "{rows}" }
                batch:
                  rows: 3
                  row: { thing: "{record}" }
                  results: done
                  failures: failed
                  number: row
                  id: thing.id
                  code: error.code
                  text: error.message
                  field: error.field
              update: { method: PATCH, path: "/things/{id}", body: "{record}" }
              delete: { path: "/things/{id}" }
        """

    /// A vendor that keeps what it is sent.
    private final class Vendor: Sendable {
        struct State {
            var things: [(id: String, json: JSONValue)] = []
            var bodies: [String] = []
            var lostAnswers = 0
        }

        let state = Mutex(State())

        func answer(_ request: HTTPRequest) throws -> HTTPResponse {
            let path = request.url.replacing("http://127.0.0.1:1/api", with: "")
            var body = JSONValue.null
            if case .bytes(let bytes) = request.body { body = try JSONValue(parsing: bytes) }
            return try state.withLock { state in
                switch (request.method, path) {
                case (.get, _) where path.hasPrefix("/things?"):
                    let items = state.things.map { thing -> JSONValue in
                        .object([.init("id", .string(thing.id))] + thing.json.members)
                    }
                    // Whatever is asked for: looking through it is the connector's affair.
                    return Self.json(["items": .array(items)])
                case (.post, "/things/batch"):
                    state.bodies.append(String(decoding: body.serialized(), as: UTF8.self))
                    let things = body["things"]?.elements ?? []
                    guard things.allSatisfy({ $0["thing"]?["title"]?.text != "poison" }) else {
                        return Self.json(["error": ["code": "EMPTY", "message": "no 'x'", "field": "box"]], 422)
                    }
                    var (done, failed): ([JSONValue], [JSONValue]) = ([], [])
                    for (row, thing) in things.enumerated() {
                        guard let json = thing["thing"], json["title"]?.text != "taken" else {
                            failed.append(
                                [
                                    "row": .number(String(row)),
                                    "error": ["code": "TAKEN", "message": "it is", "field": "title"],
                                ])
                            continue
                        }
                        let id = "t\(state.things.count + 1)"
                        // Shown in an order of its own.
                        done.insert(["row": .number(String(row)), "thing": ["id": .string(id)]], at: 0)
                        let key = json["extra"]?["our_key"] ?? .null
                        state.things.append((id, .object(json.members + [.init("our_key", key)])))
                    }
                    if state.lostAnswers > 0 {
                        state.lostAnswers -= 1
                        throw MigratezError(.timedOut, "lost", remedy: .retry(after: nil))
                    }
                    return Self.json(["done": .array(done), "failed": .array(failed)])
                case (.patch, _):
                    state.bodies.append("\(path) " + String(decoding: body.serialized(), as: UTF8.self))
                    return Self.json(.null)
                default: return HTTPResponse(status: 404)
                }
            }
        }

        private static func json(_ value: JSONValue, _ status: Int = 200) -> HTTPResponse {
            HTTPResponse(status: status, body: value.serialized())
        }
    }

    private func destination(_ vendor: Vendor) throws -> RESTDestination {
        try RESTDestination(
            try DefinitionReader.read(Self.definition, file: "acme.yaml").get(),
            settings: ConnectorSettings(secrets: ["auth.key": Secret("k")]),
            http: StubHTTPClient { request, _ in try vendor.answer(request) },
            clock: ManualClock(advancesBySleeping: true))
    }

    private func write(_ destination: RESTDestination, _ rows: [Batch.Row]) async throws -> [String: Receipt.Result] {
        let route = destination.route(for: "thing", expectedRows: rows.count)
        let receipts = try await destination.write(
            Batch(object: "thing", rows: rows), by: route, intent: KeptIntent())
        #expect(receipts.count == rows.count)
        return Dictionary(receipts.map { ($0.key, $0.result) }, uniquingKeysWith: { $1 })
    }

    private func row(_ key: String, _ fields: String) -> Batch.Row { Batch.Row(key: key, fields: Array(fields.utf8)) }

    @Test func `goes in batches, and each row has its own answer`() async throws {
        let vendor = Vendor()
        let destination = try destination(vendor)
        let route = destination.route(for: "thing", expectedRows: 5)
        #expect(route.name == "batch" && route.recordsMax == 3)
        let results = try await write(
            destination,
            [
                row("a", #"{"name":"A","size":2.50,"custom":"x"}"#), row("b", #"{"name":"taken"}"#),
                row("c", #"{"name":"C","size":null}"#), row("d", #"{"name":"D"}"#),
            ])
        #expect(results["a"] == .created(id: "t1") && results["c"] == .created(id: "t2"))
        #expect(results["d"] == .created(id: "t3"))
        guard case .rejected(let rejection)? = results["b"] else {
            Issue.record("\(results)")
            return
        }
        #expect(rejection.code == .duplicate && rejection.fields == ["name"] && rejection.vendorText == "it is")
        let first = vendor.state.withLock { $0.bodies.first }
        #expect(
            first
                == #"{"things":[{"thing":{"title":"A","box":{"unit":"cm","size":2.50},"extra":{"custom":"x","our_key":"a"}}},"#
                + #"{"thing":{"title":"taken","extra":{"our_key":"b"}}},"#
                + #"{"thing":{"title":"C","box":null,"extra":{"our_key":"c"}}}]}"#)
        let again = try await write(destination, [row("a", #"{"name":"Anew"}"#)])
        #expect(again["a"] == .updated(id: "t1"))
        let last = vendor.state.withLock { $0.bodies.last }
        #expect(last == #"/things/t1 {"title":"Anew","extra":{"our_key":"a"}}"#)
    }

    @Test func `a batch that is refused as a whole is cut down to the row`() async throws {
        let vendor = Vendor()
        let results = try await write(
            try destination(vendor),
            [row("a", #"{"name":"A"}"#), row("b", #"{"name":"poison"}"#), row("c", #"{"name":"C"}"#)])
        guard case .rejected(let rejection)? = results["b"], case .created? = results["a"],
            case .created? = results["c"]
        else {
            Issue.record("\(results)")
            return
        }
        #expect(rejection.code == .requiredFieldMissing && rejection.fields == ["size"])
        #expect(rejection.vendorCode == "EMPTY" && rejection.vendorText == "no 'x'")
    }

    @Test func `what a lost batch created is looked up and not made again`() async throws {
        let vendor = Vendor()
        vendor.state.withLock { $0.lostAnswers = 1 }
        let destination = try destination(vendor)
        let results = try await write(destination, [row("a", #"{"name":"A"}"#), row("b", #"{"name":"taken"}"#)])
        #expect(results["a"] == .created(id: "t1"))
        guard case .rejected? = results["b"] else {
            Issue.record("\(results)")
            return
        }
        #expect(vendor.state.withLock { $0.things.count } == 1)
        let found = try await destination.resolve(
            Batch(object: "thing", rows: [row("a", "{}"), row("z", "{}")]),
            by: destination.route(for: "thing", expectedRows: 2), note: nil)
        #expect(found == [Receipt(key: "a", result: .created(id: "t1"))])
    }

    @Test func `a field without a place is refused, and the key is asked for where nothing creates it`() async throws {
        let destination = try destination(Vendor())
        let results = try await write(destination, [row("a", #"{"name":"A","made":"2026-01-01"}"#)])
        guard case .rejected(let rejection)? = results["a"] else {
            Issue.record("\(results)")
            return
        }
        #expect(rejection.code == .permissionMissing && rejection.fields == ["made"])
        let schema = try await destination.discover(["thing"])[0]
        #expect(schema.field("name")?.isCreateable == true && schema.field("made")?.isCreateable == false)
        let needed = destination.requirements(of: schema)
        #expect(needed.map(\.field.name) == ["our_key"])
        let error = await #expect(throws: MigratezError.self) { try await destination.prepare(needed) }
        #expect(error?.hint?.contains("create a text field of that name in Acme") == true)
    }

    /// What stands in place of what, and what is found.
    private static let wrong: [(old: String, new: String, line: Int, column: Int, words: String)] = [
        ("key: our_key", "kee: our_key", 25, 7, "Did you mean 'key'?"),
        ("\"{name}\"", "\"{nmae}\"", 23, 15, "Did you mean 'name'?"),
        ("others: extra", "others: 0", 24, 15, "must be a path of names only"),
        ("      others: extra\n", "", 24, 12, "our key would not be written"),
        ("keys: \"{keys}\"", "keys: all", 26, 13, "no part of the request holds {keys}"),
        ("\"{rows}\"", "\"{rosw}\"", 29, 15, "Did you mean 'rows'?"),
        ("rows: 3", "rows: 1", 31, 17, "must be a number of at least 2"),
        ("row: { thing: \"{record}\" }", "row: { thing: \"{key}\" }", 32, 16, "no part of a row holds {record}"),
        ("          number: row\n", "", 31, 11, "which row an element of the answer is about"),
        ("number: row", "number: row\n          key: k", 35, 19, "either by our key or by their number"),
        ("\"/things/{id}\", body", "\"/things\", body", 40, 15, "no part of the request holds {id}"),
        ("method: PATCH", "method: PATHC", 40, 25, "Did you mean 'PATCH'?"),
        ("means: duplicate", "means: duplicated", 11, 29, "Did you mean 'duplicate'?"),
    ]

    @Test(arguments: wrong.indices)
    func `mistakes are found with line and column`(number: Int) throws {
        let mistake = Self.wrong[number]
        let text = Self.definition.replacing(mistake.old, with: mistake.new, maxReplacements: 1)
        try #require(text != Self.definition)
        let reading = DefinitionReader.read(text, file: "acme.yaml")
        #expect(reading.definition == nil)
        let found = reading.diagnostics.map { "\($0)" }
        #expect(
            reading.diagnostics.contains {
                $0.position.line == mistake.line && $0.position.column == mistake.column
                    && "\($0)".contains(mistake.words)
            }, "\(found)")
    }

    @Test func `a new definition shows the section, and it is right once it is uncommented`() throws {
        let text = try ShippedDefinitions.template(named: "mine")
        #expect(text.contains("# write:"))
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let start = try #require(lines.firstIndex { $0.hasPrefix("    # write:") })
        let end = try #require(lines[start...].firstIndex { $0 == "    #" })
        let bare = lines[start..<end].map { "    " + $0.dropFirst(6) }
        let whole = (lines[..<start] + bare).joined(separator: "\n") + "\n"
        let reading = DefinitionReader.read(whole, file: "mine.yaml")
        #expect(reading.diagnostics.isEmpty, "\(reading.diagnostics)")
        #expect(reading.definition?.destinationCapabilities?.upsertKey == "migratez_id")
    }
}
