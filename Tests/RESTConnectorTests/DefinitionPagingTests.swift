// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezRESTConnector
import MigratezTestKit
import MigratezTransport
import Testing

/// Every kind of paging, against a vendor that nobody has: the definition alone makes the connector.
struct `Pages of a definition` {
    /// A definition of one object whose list has the paging that is given.
    private func definition(_ paging: String, query: String = "", list: String = "items") -> String {
        """
        migratez_connector: 1
        name: acme
        label: Acme
        base_url: http://127.0.0.1:1/api
        auth: { kind: header, name: X-Key }
        identity: { path: /me, text: "Acme {id}" }
        objects:
          thing:
            read:
              path: /things
              query: { size: "{page_size}", \(query) }
              list: \(list)
              paging: { \(paging) }
            by_id: { path: "/things/{id}" }
            fields: { name: text }
        """
    }

    private func source(
        _ text: String, _ client: StubHTTPClient, _ settings: [String: String] = [:]
    ) throws -> RESTSource {
        try RESTSource(
            try DefinitionReader.read(text, file: "acme.yaml").get(),
            settings: ConnectorSettings(texts: settings, secrets: ["auth.key": Secret("k")]), http: client,
            clock: ManualClock(advancesBySleeping: true))
    }

    private let thing = StreamName("thing")!

    private func ids(_ source: RESTSource) async throws -> [String] {
        var ids: [String] = []
        var cursor: Cursor?
        for _ in 0..<50 {
            let page = try await source.readPage(of: thing, fields: ["name"], after: cursor)
            for range in page.records { ids.append(try JSONValue(parsing: Array(page.bytes[range]))["id"]?.text ?? "") }
            cursor = page.next
            if cursor == nil { return ids }
        }
        throw MigratezError(.cursorLoop, "the list has no end")
    }

    /// The items of a query.
    private static func query(_ request: HTTPRequest) -> [String: String] {
        let query = request.url.split(separator: "?").dropFirst().first ?? ""
        return Dictionary(
            query.split(separator: "&").map { item in
                let parts = item.split(separator: "=", omittingEmptySubsequences: false)
                return (String(parts[0]), String(parts.dropFirst().first ?? "").replacing("%3A", with: ":"))
            }, uniquingKeysWith: { $1 })
    }

    /// Records `lower` to `upper`, of 7.
    private static func items(_ lower: Int, _ count: Int) -> String {
        let upper = min(7, lower + count - 1)
        guard lower <= upper else { return "[]" }
        return "[" + (lower...upper).map { "{\"id\":\($0)}" }.joined(separator: ",") + "]"
    }

    private static let seven = (1...7).map(String.init)

    @Test func `are numbered, and a short one is the last`() async throws {
        let client = StubHTTPClient { request, _ in
            let page = Int(Self.query(request)["page"] ?? "") ?? 0
            return HTTPResponse(status: 200, body: Array("{\"items\":\(Self.items(page * 3 + 1, 3))}".utf8))
        }
        let source = try source(
            definition("kind: page, first: 0", query: "page: \"{page}\""), client, ["page_size": "3"])
        #expect(try await ids(source) == Self.seven)
        #expect(client.requests.count == 3)
    }

    @Test func `are counted by the service`() async throws {
        let client = StubHTTPClient { request, _ in
            let page = Int(Self.query(request)["page"] ?? "") ?? 1
            // The first page is short: not what ends the list.
            let items = page == 1 ? Self.items(1, 1) : Self.items(page * 3 - 4, 3)
            return HTTPResponse(status: 200, body: Array("{\"items\":\(items),\"meta\":{\"pages\":3}}".utf8))
        }
        let source = try source(
            definition("kind: page, page_size: 3, pages: meta.pages", query: "page: \"{page}\""), client)
        #expect(try await ids(source) == Self.seven)
    }

    @Test func `begin at an offset, as long as there are more`() async throws {
        let client = StubHTTPClient { request, _ in
            let offset = Int(Self.query(request)["skip"] ?? "") ?? 0
            let body = "{\"items\":\(Self.items(offset + 1, 2)),\"more\":\(offset + 2 < 7)}"
            return HTTPResponse(status: 200, body: Array(body.utf8))
        }
        let source = try source(
            definition("kind: offset, page_size: 2, more: more", query: "skip: \"{offset}\""), client)
        #expect(try await ids(source) == Self.seven)
    }

    @Test func `follow a cursor, which the first request does not have`() async throws {
        let client = StubHTTPClient { request, _ in
            let cursor = Self.query(request)["cursor"]
            let start = cursor.flatMap { Int($0.dropFirst(2)) } ?? 1
            let next = start + 3 > 7 ? "null" : "\"c:\(start + 3)\""
            let body = "{\"items\":\(Self.items(start, 3)),\"next\":\(next)}"
            return HTTPResponse(status: 200, body: Array(body.utf8))
        }
        let source = try source(
            definition("kind: cursor, page_size: 3, at: next", query: "cursor: \"{cursor}\""), client)
        #expect(try await ids(source) == Self.seven)
        #expect(client.requests.map { Self.query($0)["cursor"] } == [nil, "c:4", "c:7"])
    }

    @Test func `follow addresses in the answer, but not away from the service`() async throws {
        func client(_ host: String) -> StubHTTPClient {
            StubHTTPClient { request, _ in
                let start = Int(Self.query(request)["from"] ?? "") ?? 1
                let next = start + 3 > 7 ? "" : ",\"next\":\"\(host)/api/things?from=\(start + 3)\""
                return HTTPResponse(status: 200, body: Array("{\"items\":\(Self.items(start, 3))\(next)}".utf8))
            }
        }
        let text = definition("kind: next_link, page_size: 3, at: next")
        #expect(try await ids(try source(text, client("http://127.0.0.1:1"))) == Self.seven)
        #expect(try await ids(try source(text, client(""))) == Self.seven)
        for host in ["https://evil.example", "http://127.0.0.1:2", "//evil.example"] {
            await #expect { try await ids(try source(text, client(host))) } throws: {
                ($0 as? MigratezError)?.code == .brokenResponse
            }
        }
    }

    @Test func `follow the header Link`() async throws {
        let client = StubHTTPClient { request, _ in
            let start = Int(Self.query(request)["from"] ?? "") ?? 1
            var headers = HTTPHeaders()
            if start + 3 <= 7 {
                let address = "http://127.0.0.1:1/api/things?from="
                headers.append(
                    HTTPHeader("Link", "<\(address)1>; rel=\"first\", <\(address)\(start + 3)>; rel=\"next\""))
            }
            return HTTPResponse(status: 200, headers: headers, body: Array(Self.items(start, 3).utf8))
        }
        let source = try source(definition("kind: link_header, page_size: 3", list: "."), client)
        #expect(try await ids(source) == Self.seven)
    }

    /// Seven records made in four seconds, two or more of them in one.
    private static let seconds = [10, 10, 20, 20, 20, 30, 40]

    private static func made(since second: Int, _ count: Int) -> String {
        let found = zip(1...7, seconds).filter { $0.1 >= second }.prefix(count)
        return "{\"items\":[" + found.map { "{\"id\":\($0.0),\"at\":\($0.1)}" }.joined(separator: ",") + "]}"
    }

    private func keyset(_ size: Int) -> String {
        definition("kind: keyset, page_size: \(size), window: { field: at, start: 0 }", query: "since: \"{after}\"")
    }

    @Test func `begin behind the last value, and what has that value comes once`() async throws {
        let client = StubHTTPClient { request, _ in
            let since = Int(Self.query(request)["since"] ?? "") ?? -1
            return HTTPResponse(status: 200, body: Array(Self.made(since: since, 4).utf8))
        }
        #expect(try await ids(try source(keyset(4), client)) == Self.seven)
        #expect(client.requests.map { Self.query($0)["since"] } == ["0", "20", "30"])
    }

    @Test func `are refused where a page of records has one value`() async throws {
        let client = StubHTTPClient { request, _ in
            let since = Int(Self.query(request)["since"] ?? "") ?? -1
            return HTTPResponse(status: 200, body: Array(Self.made(since: since, 2).utf8))
        }
        await #expect { try await ids(try source(keyset(2), client)) } throws: {
            ($0 as? MigratezError)?.code == .notSupported
        }
    }

    @Test func `are refused where the list is not in the order that windows need`() async throws {
        let client = StubHTTPClient { _, _ in
            HTTPResponse(status: 200, body: Array("{\"items\":[{\"id\":1,\"at\":20},{\"id\":2,\"at\":10}]}".utf8))
        }
        await #expect { try await ids(try source(keyset(2), client)) } throws: {
            ($0 as? MigratezError)?.message.contains("not in order") == true
        }
    }

    @Test func `that lead in a circle are noticed`() async throws {
        let client = StubHTTPClient { _, _ in
            HTTPResponse(status: 200, body: Array("{\"items\":[{\"id\":1}],\"next\":\"same\"}".utf8))
        }
        let source = try source(definition("kind: cursor, at: next", query: "cursor: \"{cursor}\""), client)
        await #expect { try await ids(source) } throws: { ($0 as? MigratezError)?.code == .cursorLoop }
    }

    @Test func `without their list are no empty pages, and what is no record is set aside`() async throws {
        let source = try source(
            definition("kind: none"),
            StubHTTPClient { _, _ in HTTPResponse(status: 200, body: Array("{\"things\":[]}".utf8)) })
        await #expect { try await source.readPage(of: thing, fields: [], after: nil) } throws: {
            ($0 as? MigratezError)?.code == .brokenResponse
        }
        let other = try self.source(
            definition("kind: none"),
            StubHTTPClient { _, _ in HTTPResponse(status: 200, body: Array("{\"items\":[7,{\"id\":1}]}".utf8)) })
        let page = try await other.readPage(of: thing, fields: [], after: nil)
        #expect(page.records.count == 1 && page.malformed.map(\.locator) == ["item 1 of a page"])
    }
}
