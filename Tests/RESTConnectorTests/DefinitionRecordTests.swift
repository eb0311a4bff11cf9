// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezRESTConnector
import MigratezTestKit
import MigratezTransport
import Testing

/// Values inside records, and what refusals mean, by definitions of vendors that nobody has.
struct `Records and refusals of a definition` {
    private static let text = #"""
        migratez_connector: 1
        name: acme
        label: Acme
        base_url: http://127.0.0.1:1
        settings: { region: { summary: "the region", required: true } }
        headers: { X-Region: "{region}" }
        auth:
          - { kind: query, name: api_key }
        limits: { requests: 1000/1s, window: { remaining: "Rate[left]", reset: "Rate[wait]" } }
        errors:
          code: error.code
          wait: error.wait
          rules:
            - { status: 429, code: burst, means: throttled }
            - { status: 429, means: quota_exhausted }
            - { status: 403, code: frozen, means: unavailable }
            - { status: 400, code: gone, means: absent }
            - { status: 422, means: refused, hint: "look at it" }
        identity: { path: /me, text: "Acme {region} {account.id}" }
        objects:
          thing:
            read: { path: /things, list: data, record: body, paging: { kind: next_link, at: next } }
            id: key.id
            by_id: { path: "/things/{id}", record: body }
            fields:
              name: text
              amount: { kind: decimal, at: money.0.amount }
              work: { kind: email, at: mails.kind=work.address }
              dotted: { kind: text, at: 'a\.b' }
              either: { kind: text, at: [first, second.0] }
            discover:
              path: /fields
              list: fields
              where: { live: "true" }
              name: "own_{id}"
              label: "{title}"
              at: "own.id={id}.value"
              kind: type
              kinds: { pick: choice }
              options: { list: options, value: id, label: text }
            links:
              thing: { at: "parents.*", id: ref, primary: main, label: as, where: { kind: child } }
        """#

    private func source(_ client: StubHTTPClient) throws -> RESTSource {
        try RESTSource(
            try DefinitionReader.read(Self.text, file: "acme.yaml").get(),
            settings: ConnectorSettings(
                texts: ["settings.region": "eu"], secrets: ["auth.key": Secret("s3cret&")]), http: client,
            clock: ManualClock(advancesBySleeping: true))
    }

    private static let thing = StreamName("thing")!

    private static func answer(_ body: String, status: Int = 200, _ headers: [HTTPHeader] = []) -> HTTPResponse {
        HTTPResponse(status: status, headers: HTTPHeaders(headers), body: Array(body.utf8))
    }

    private static let record = #"""
        {"key":{"id":"k1"},"name":"N","money":[{"amount":1.0}],"mails":[{"kind":"home","address":"h@x"},
        {"kind":"work","address":"w@x"}],"a.b":"dot","first":null,"second":["2nd"],
        "own":[{"id":6,"value":"six"},{"id":7,"value":[1, 2]}]}
        """#

    @Test func `values are lifted as their bytes are, and what is not there is absent`() async throws {
        let client = StubHTTPClient { _, _ in
            Self.answer("{\"data\":[{\"body\":\(Self.record)},{\"body\":{ }}]}")
        }
        let page = try await source(client).readPage(
            of: Self.thing, fields: ["name", "amount", "work", "dotted", "either", "own_7", "own_8"], after: nil)
        let lines = page.records.map { String(decoding: page.bytes[$0], as: UTF8.self) }
        let added = #","id":"k1","amount":1.0,"work":"w@x","dotted":"dot","either":"2nd","own_7":[1, 2]}"#
        #expect(lines == [Self.record.dropLast() + added, "{ }"])
        #expect(try source(client).layout(of: Self.thing).id == "id")
    }

    @Test func `fields are described by the account, those that count and with their choices`() async throws {
        let client = StubHTTPClient { _, _ in
            Self.answer(
                #"""
                {"fields":[{"id":7,"title":"Size","type":"pick","live":true,"options":[{"id":1,"text":"Big"}]},
                {"id":8,"title":"Old","type":"pick","live":false},{"id":9,"title":"New","type":"odd","live":true}]}
                """#)
        }
        let fields = try await source(client).discover([Self.thing])[0].fields
        #expect(fields.map(\.name) == ["id", "name", "amount", "work", "dotted", "either", "own_7", "own_9"])
        let size = try #require(fields.first { $0.name == "own_7" })
        #expect(size.label == "Size" && size.kind == .choice && size.options.map(\.label) == ["Big"])
        #expect(fields.last?.kind == .other)
    }

    @Test func `links are those of records that say so, each once`() async throws {
        let source = try source(StubHTTPClient { _, _ in Self.answer("{}") })
        let parents = #""parents":[{"ref":1,"main":true},{"ref":"2","as":"uncle"},{"ref":null},{"ref":1,"main":true}]"#
        let records = [("a", "{\"kind\":\"child\",\(parents)}"), ("b", "{\"kind\":\"root\",\(parents)}")]
        let edges = try await source.readLinks(
            from: Self.thing, to: Self.thing, of: records.map { (id: $0.0, bytes: Array($0.1.utf8)[...]) })
        #expect(edges == [Edge(from: "a", to: "1", isPrimary: true), Edge(from: "a", to: "2", label: "uncle")])
    }

    @Test func `requests carry key and headers, and no cursor carries the key`() async throws {
        let client = StubHTTPClient { request, _ in
            Self.answer("{\"data\":[],\"next\":\"\(request.url)&page=2\"}")
        }
        let page = try await source(client).readPage(of: Self.thing, fields: [], after: nil)
        let request = try #require(client.requests.first)
        #expect(request.url == "http://127.0.0.1:1/things?api_key=s3cret%26")
        #expect(request.headers.first { $0.name == "X-Region" }?.value == "eu")
        let next = try #require(page.next)
        #expect(next.text.contains("page=2") && !next.text.contains("s3cret"))
        _ = try await source(client).readPage(of: Self.thing, fields: [], after: next)
        #expect(client.requests.last?.url == "http://127.0.0.1:1/things?page=2&api_key=s3cret%26")
        #expect(
            try await source(StubHTTPClient { _, _ in Self.answer(#"{"account":{"id":7}}"#) }).identity() == "Acme eu 7"
        )
    }

    @Test(arguments: [
        (429, "burst", ErrorCode.throttled), (429, "day", .quotaExhausted), (403, "frozen", .serverFailed),
        (403, "no", .permissionMissing), (422, "x", .requestRefused), (401, "x", .credentialsRejected),
        (500, "x", .serverFailed), (400, "gone", .requestRefused),
    ]) func `refusals become our errors, without the vendor's text`(
        status: Int, code: String, wanted: ErrorCode
    ) async throws {
        let body = "{\"error\":{\"code\":\"\(code)\",\"wait\":2,\"text\":\"ada@x.test is wrong\"}}"
        let client = StubHTTPClient { _, _ in Self.answer(body, status: status) }
        do {
            _ = try await source(client).readPage(of: Self.thing, fields: [], after: nil)
            Issue.record("it was not refused")
        } catch let error as MigratezError {
            #expect(error.code == wanted, "\(error)")
            #expect(!"\(error)".contains("ada@x.test"))
            #expect((error.hint == "look at it") == (status == 422))
        }
        let isTried = wanted == .throttled || wanted == .serverFailed
        #expect(client.requests.count == (isTried ? 8 : 1))
    }

    @Test func `a record that is not there is absent, by the vendor's own code as well`() async throws {
        let client = StubHTTPClient { request, _ in
            if request.url.contains("/things/k1?") { return Self.answer("{\"body\":\(Self.record)}") }
            return request.url.contains("/things/a%2Fb?")
                ? Self.answer(#"{"error":{"code":"gone"}}"#, status: 400) : Self.answer("no", status: 404)
        }
        let page = try await source(client).readRecords(of: Self.thing, ids: ["k1", "a/b", "k3"], fields: ["amount"])
        #expect(page.records.count == 1 && page.next == nil)
        let bytes = try #require(page.records.first.map { Array(page.bytes[$0]) })
        #expect(try JSONValue(parsing: bytes)["amount"]?.text == "1.0")
    }

    @Test func `headers tell what is left for the moment`() async throws {
        let clock = ManualClock(advancesBySleeping: true)
        let client = StubHTTPClient { _, _ in
            Self.answer(#"{"data":[]}"#, [HTTPHeader("Rate", "limit=5, left=0, wait=30")])
        }
        let source = try RESTSource(
            try DefinitionReader.read(Self.text, file: "acme.yaml").get(),
            settings: ConnectorSettings(texts: ["settings.region": "eu"], secrets: ["auth.key": Secret("k")]),
            http: client, clock: clock)
        let start = clock.now
        for _ in 0..<2 { _ = try await source.readPage(of: Self.thing, fields: [], after: nil) }
        #expect(clock.now.duration(since: start) >= .seconds(30))
    }

    @Test func `settings that are missing are named`() throws {
        let definition = try DefinitionReader.read(Self.text, file: "acme.yaml").get()
        func make(_ texts: [String: String], _ secrets: [String: Secret]) throws {
            _ = try RESTSource(
                definition, settings: ConnectorSettings(texts: texts, secrets: secrets),
                http: StubHTTPClient { _, _ in Self.answer("{}") }, clock: ManualClock(advancesBySleeping: true))
        }
        #expect { try make([:], ["auth.key": Secret("k")]) } throws: {
            ($0 as? MigratezError)?.message.contains("settings.region") == true
        }
        #expect { try make(["settings.region": "eu"], [:]) } throws: {
            ($0 as? MigratezError)?.hint?.contains("auth.key") == true
        }
        #expect { try make(["settings.region": "eu", "page_size": "0"], ["auth.key": Secret("k")]) } throws: {
            ($0 as? MigratezError)?.code == .invalidSetting
        }
    }
}
