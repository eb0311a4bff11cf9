// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezPipedriveSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

@Suite struct PipedriveSimulatorTests {
    private static func ask(
        _ simulator: PipedriveSimulator, _ method: SimulatorRequest.Method, _ target: String, _ body: JSONValue? = nil,
        _ headers: SimulatorHeaders = ["x-api-token": "token"]
    ) async throws -> (status: Int, answer: JSONValue, headers: SimulatorHeaders) {
        let response = await simulator.respond(
            to: SimulatorRequest(method: method, target: target, headers: headers, body: body?.serialized() ?? []))
        guard case .bytes(let bytes) = response.body else { return (response.status, .null, response.headers) }
        return (response.status, try JSONValue(parsing: bytes), response.headers)
    }

    @Test func `a lead is about somebody, holds fields of deals beside its own, and its value has a currency`()
        async throws
    {
        let simulator = try PipedriveSimulator(SyntheticCRM(seed: 3, counts: .init(contacts: 5)))
        let person = try #require(try simulator.records(of: "persons").first?.id)
        let field = try await Self.ask(
            simulator, .post, "/api/v2/dealFields",
            ["field_name": "Note", "field_type": "set", "options": [["label": "A"]]])
        let code = try #require(field.answer["data"]?["field_code"]?.text)
        func create(_ members: [JSONValue.Member]) async throws -> (status: Int, answer: JSONValue) {
            let answer = try await Self.ask(
                simulator, .post, "/api/v1/leads", .object([.init("title", "L")] + members))
            return (answer.status, answer.answer)
        }
        let about = JSONValue.Member("person_id", .number(String(person)))
        #expect(try await create([]).status == 400)
        #expect(try await create([.init("person_id", 999_999)]).status == 400)
        #expect(try await create([about, .init("value", ["amount": 5])]).status == 400)
        #expect(try await create([about, .init(code, [1])]).status == 400)
        #expect(try await create([about, .init("unknown", 1)]).status == 400)
        let made = try await create([about, .init("value", ["amount": 5, "currency": "EUR"]), .init(code, "1,2")])
        let id = try #require(made.answer["data"]?["id"]?.text)
        #expect(made.status == 201 && id.count == 36 && made.answer["data"]?[code]?.text == "1,2")
        #expect(made.answer["data"]?["add_time"]?.text?.hasSuffix(".000Z") == true)
        let path = "/api/v1/leads/\(id)"
        #expect(try await Self.ask(simulator, .patch, path, ["is_archived": true]).status == 200)
        #expect(try await Self.ask(simulator, .get, "/api/v1/leads").answer["data"] == .null)
        #expect(try await Self.ask(simulator, .get, "/api/v1/leads/archived").answer["data"]?.elements.count == 1)
        #expect(try await Self.ask(simulator, .patch, path, ["person_id": .null]).status == 400)
        #expect(try await Self.ask(simulator, .delete, path).status == 200)
        #expect(try await Self.ask(simulator, .get, path).status == 404)
    }

    @Test func `products of deals are listed by deals, and are of products that are there`() async throws {
        let crm = SyntheticCRM(seed: 3, counts: .init(deals: 20, products: 5, lineItems: 40))
        let simulator = try PipedriveSimulator(crm)
        let lines = try simulator.records(of: "deal_products")
        let deal = try #require(lines.first?.fields["deal_id"]?.text)
        let product = try #require(lines.first?.fields["product_id"])
        #expect(try await Self.ask(simulator, .get, "/api/v2/deals/products").status == 400)
        let listed = try await Self.ask(simulator, .get, "/api/v2/deals/products?deal_ids=\(deal)&limit=500")
        #expect(listed.answer["data"]?.elements.count == lines.count { $0.fields["deal_id"]?.text == deal })
        let path = "/api/v2/deals/\(deal)/products"
        #expect(try await Self.ask(simulator, .post, path, ["product_id": product, "quantity": 2]).status == 400)
        #expect(
            try await Self.ask(
                simulator, .post, path, ["product_id": 999_999, "quantity": 2, "item_price": 1]
            ).status == 400)
        let made = try await Self.ask(
            simulator, .post, path, ["product_id": product, "quantity": 2, "item_price": 10, "discount": 50])
        let line = try #require(made.answer["data"]?["id"]?.text)
        #expect(made.status == 200 && made.answer["data"]?["sum"]?.text == "10")
        #expect(made.answer["data"]?["name"]?.text?.isEmpty == false)
        let amount: JSONValue = ["discount": 3, "discount_type": "amount"]
        #expect(
            try await Self.ask(simulator, .patch, "\(path)/\(line)", amount).answer["data"]?["sum"]?.text == "17")
        #expect(try await Self.ask(simulator, .delete, "\(path)/\(line)").status == 200)
        #expect(try await Self.ask(simulator, .delete, "\(path)/\(line)").status == 404)
        #expect(try await Self.ask(simulator, .get, "/api/v2/deals/999999/products").status == 404)
    }

    @Test func `a list goes on at its cursor and ends without one`() async throws {
        let simulator = try PipedriveSimulator(SyntheticCRM(seed: 3, counts: .init(contacts: 120)))
        var ids: [Int] = []
        var target = "/api/v2/persons?limit=50"
        var pages = 0
        repeat {
            let answer = try await Self.ask(simulator, .get, target).answer
            ids += answer["data"]?.elements.compactMap { $0["id"]?.int } ?? []
            pages += 1
            guard let next = answer["additional_data"]?["next_cursor"]?.text else { break }
            target = "/api/v2/persons?limit=50&cursor=\(next)"
        } while pages < 10
        #expect(pages == 3)
        #expect(ids == ids.sorted() && Set(ids).count == ids.count)
        #expect(ids.count == (try simulator.count(of: "persons")))
        #expect(try await Self.ask(simulator, .get, "/api/v2/persons?limit=501").status == 400)
    }

    @Test func `what changed since a time is told, and a fraction of a second is refused`() async throws {
        let clock = ManualClock(start: Timestamp(milliseconds: 1_800_000_000_000))
        let simulator = try PipedriveSimulator(
            SyntheticCRM(seed: 3, counts: .init(contacts: 20)), options: PipedriveOptions(clock: clock))
        let made = try await Self.ask(simulator, .post, "/api/v2/persons", ["name": "New"]).answer
        let since = String(clock.now.description.prefix(19)) + "Z"
        let list = try await Self.ask(simulator, .get, "/api/v2/persons?updated_since=\(since)").answer
        #expect(list["data"]?.elements.map { $0["id"] } == [made["data"]?["id"]])
        let refused = try await Self.ask(simulator, .get, "/api/v2/persons?updated_since=2026-01-01T00:00:00.000Z")
        #expect(refused.status == 400)
        #expect(refused.answer["code"]?.text == "ERR_SCHEMA_VALIDATION_FAILED")
    }

    @Test func `search is blind to what was written just now, a list is not`() async throws {
        let clock = ManualClock(start: Timestamp(milliseconds: 1_800_000_000_000))
        let simulator = try PipedriveSimulator(
            SyntheticCRM(seed: 3, counts: .init()), options: PipedriveOptions(searchLag: .seconds(30), clock: clock))
        _ = try await Self.ask(simulator, .post, "/api/v2/persons", ["name": "Ada"])
        let search = "/api/v2/persons/search?term=ada&exact_match=true"
        #expect(try await Self.ask(simulator, .get, search).answer["data"]?["items"]?.elements.count == 0)
        #expect(try await Self.ask(simulator, .get, "/api/v2/persons").answer["data"]?.elements.count == 1)
        clock.advance(by: .seconds(31))
        #expect(try await Self.ask(simulator, .get, search).answer["data"]?["items"]?.elements.count == 1)
    }

    @Test func `the window and the day are told apart by the room that is left`() async throws {
        let clock = ManualClock(start: Timestamp(milliseconds: 1_800_000_000_000))
        let simulator = try PipedriveSimulator(
            SyntheticCRM(seed: 3, counts: .init()),
            options: PipedriveOptions(burst: .init(requests: 3), dailyTokens: 45, clock: clock))
        for remaining in [2, 1, 0] {
            let answer = try await Self.ask(simulator, .get, "/api/v2/persons")
            #expect(answer.status == 200)
            #expect(answer.headers["x-ratelimit-remaining"] == String(remaining))
        }
        let full = try await Self.ask(simulator, .get, "/api/v2/persons")
        #expect(full.status == 429 && full.headers["x-ratelimit-remaining"] == "0")
        clock.advance(by: .seconds(3))
        #expect(try await Self.ask(simulator, .get, "/api/v2/persons").status == 200)
        let used = try await Self.ask(simulator, .get, "/api/v2/persons")
        #expect(used.status == 429 && used.headers["x-ratelimit-remaining"] == "1")
        #expect(used.answer["errorCode"]?.int == 429)
        // The next day (UTC).
        clock.advance(by: .seconds(86_400))
        #expect(try await Self.ask(simulator, .get, "/api/v2/persons").status == 200)
    }

    @Test func `an access token ends`() async throws {
        let clock = ManualClock(start: Timestamp(milliseconds: 1_800_000_000_000))
        let simulator = try PipedriveSimulator(
            SyntheticCRM(seed: 3, counts: .init()), options: PipedriveOptions(tokens: [], clock: clock))
        let response = await simulator.respond(
            to: SimulatorRequest(
                method: .post, target: "/oauth/token", headers: ["Authorization": "Basic YTpi"],
                body: Array("grant_type=refresh_token&refresh_token=r".utf8)))
        guard case .bytes(let bytes) = response.body else { return }
        let token = try #require(try JSONValue(parsing: bytes)["access_token"]?.text)
        let headers: SimulatorHeaders = ["Authorization": "Bearer \(token)"]
        #expect(try await Self.ask(simulator, .get, "/api/v1/users/me", nil, headers).status == 200)
        #expect(try await Self.ask(simulator, .get, "/api/v1/users/me").status == 401)
        clock.advance(by: .seconds(3_600))
        #expect(try await Self.ask(simulator, .get, "/api/v1/users/me", nil, headers).status == 401)
    }

    @Test func `everything that is wrong with a body is told at once`() async throws {
        let simulator = try PipedriveSimulator(SyntheticCRM(seed: 3, counts: .init()))
        let refused = try await Self.ask(
            simulator, .post, "/api/v2/deals", ["value": "much", "nosuch": 1, "custom_fields": ["ab": 1]])
        #expect(refused.status == 400)
        let text = refused.answer["error"]?.text ?? ""
        for part in [
            "value: Expected 'number'", "nosuch: Parameter 'nosuch' is not allowed for this request",
            "custom_fields: Unknown key 'ab'", "title: Parameter 'title' is required",
        ] {
            #expect(text.contains(part), "\(text)")
        }
    }

    @Test func `a company goes on with its database`() async throws {
        try await withTemporaryFolder { folder in
            let options = PipedriveOptions(database: "\(folder)/company.sqlite")
            let crm = SyntheticCRM(seed: 3, counts: .init(contacts: 10, deals: 5))
            let first = try PipedriveSimulator(crm, options: options)
            _ = try await Self.ask(first, .post, "/api/v2/persons", ["name": "New"])
            let second = try PipedriveSimulator(crm, options: options)
            #expect(try second.count(of: "persons") == (try first.count(of: "persons")))
        }
    }
}
