// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezZohoSimulator
import Testing

/// Rows within records of the simulated organisation: what the vendor's pages on subforms say.
@Suite struct `Zoho simulator's subforms` {
    private struct Scene {
        let simulator: ZohoSimulator

        init(_ counts: SyntheticCRM.Counts? = nil) throws {
            var options = ZohoOptions()
            options.clock = ManualClock()
            options.otherTokens = ["token"]
            simulator = try ZohoSimulator(counts.map { SyntheticCRM(seed: 5, counts: $0) }, options: options)
        }

        func ask(
            _ method: SimulatorRequest.Method, _ target: String, _ body: JSONValue? = nil
        ) async throws -> (status: Int, body: JSONValue) {
            let response = await simulator.respond(
                to: SimulatorRequest(
                    method: method, target: "/crm/v8" + target,
                    headers: ["Authorization": "Zoho-oauthtoken token"], body: body?.serialized() ?? []))
            guard case .bytes(let bytes) = response.body, !bytes.isEmpty else { return (response.status, .null) }
            return (response.status, try JSONValue(parsing: bytes))
        }

        func make(_ module: String, _ fields: JSONValue) async throws -> String {
            try #require(
                try await ask(.post, "/\(module)", ["data": [fields]]).body["data"]?[0]?["details"]?["id"]?.text)
        }

        func put(_ quote: String, _ rows: JSONValue) async throws -> JSONValue {
            let body: JSONValue = ["data": [["id": .string(quote), "Quoted_Items": rows]]]
            return try #require(try await ask(.put, "/Quotes", body).body["data"]?[0])
        }

        func rows(_ quote: String) async throws -> [JSONValue] {
            try await ask(.get, "/Quotes/\(quote)").body["data"]?[0]?["Quoted_Items"]?.elements ?? []
        }
    }

    @Test func `a subform is described as a module with a parent`() async throws {
        let scene = try Scene()
        let modules = try await scene.ask(.get, "/settings/modules").body["modules"]?.elements ?? []
        let items = try #require(modules.first { $0["api_name"] == "Quoted_Items" })
        #expect(items["generated_type"] == "subform" && items["parent_module"]?["api_name"] == "Quotes")
        let fields = try await scene.ask(.get, "/settings/fields?module=Quotes").body["fields"]?.elements ?? []
        let field = try #require(fields.first { $0["api_name"] == "Quoted_Items" })
        #expect(field["data_type"] == "subform" && field["system_mandatory"] == true)
        #expect(field["subform"]?["module"] == "Quoted_Items")
        let own = try await scene.ask(.get, "/settings/fields?module=Quoted_Items").body["fields"]?.elements ?? []
        #expect(own.contains { $0["api_name"] == "Product_Name" && $0["lookup"]?["module"]?["api_name"] == "Products" })
    }

    @Test func `rows come with the single record and in a list of their own, and by no query`() async throws {
        let scene = try Scene(.init(deals: 30, products: 6, lineItems: 40))
        let stored = try scene.simulator.records(of: "Quoted_Items")
        #expect(stored.count > 10)
        let listed = try await scene.ask(.get, "/Quoted_Items?fields=Quantity,Parent_Id").body["data"]?.elements ?? []
        #expect(listed.count == stored.count && listed.allSatisfy { $0["Parent_Id"]?["id"]?.text != nil })
        let quote = try #require(stored.values.first?["Parent_Id"]?.text)
        let rows = try await scene.rows(quote)
        #expect(!rows.isEmpty && rows.allSatisfy { $0["Product_Name"]?["name"]?.text != nil })
        let list = try await scene.ask(.get, "/Quotes?fields=Subject,Quoted_Items").body["data"]?.elements ?? []
        #expect(!list.isEmpty && list.allSatisfy { $0["Quoted_Items"] == nil })
        for query in [
            "select Quoted_Items from Quotes where id is not null", "select id from Quoted_Items where id is not null",
        ] {
            #expect(try await scene.ask(.post, "/coql", ["select_query": .string(query)]).status == 400)
        }
    }

    @Test func `a quote must have a line, and keeps the rows that a request names`() async throws {
        let scene = try Scene()
        let product = try await scene.make("Products", ["Product_Name": "Plan", "Unit_Price": .number("9.5")])
        let bare = try await scene.ask(.post, "/Quotes", ["data": [["Subject": "Bare"]]]).body["data"]?[0]
        #expect(bare?["code"] == "MANDATORY_NOT_FOUND" && bare?["details"]?["api_name"] == "Quoted_Items")
        func line(_ quantity: Int) -> JSONValue {
            ["Product_Name": ["id": .string(product)], "Quantity": .number(String(quantity))]
        }
        let quote = try await scene.make("Quotes", ["Subject": "One", "Quoted_Items": [line(1), line(2)]])
        var rows = try await scene.rows(quote)
        #expect(rows.map { $0["Quantity"]?.text } == ["1", "2"] && rows.allSatisfy { $0["List_Price"]?.text == "9.5" })
        #expect(rows.allSatisfy { $0["Parent_Id"]?["id"]?.text == quote })
        let ids = rows.compactMap { $0["id"]?.text }
        // One is changed, one is new, and one that is not named goes.
        let changed: JSONValue = ["id": .string(ids[0]), "Quantity": 5]
        #expect(try await scene.put(quote, [changed, line(3)])["code"] == "SUCCESS")
        rows = try await scene.rows(quote)
        #expect(rows.map { $0["Quantity"]?.text } == ["5", "3"] && rows[0]["id"]?.text == ids[0])
        let removed: JSONValue = .object([.init("id", .string(ids[0])), .init("_delete", .null)])
        #expect(try await scene.put(quote, [removed, ["id": rows[1]["id"] ?? .null]])["code"] == "SUCCESS")
        #expect(try await scene.rows(quote).count == 1)
        #expect(try await scene.put(quote, [])["code"] == "MANDATORY_NOT_FOUND")
        #expect(try await scene.rows(quote).count == 1)
        // A change that does not speak of them leaves them.
        let plain: JSONValue = ["data": [["id": .string(quote), "Subject": "Two"]]]
        #expect(try await scene.ask(.put, "/Quotes", plain).status == 200)
        #expect(try await scene.rows(quote).count == 1)
        #expect(try await scene.ask(.delete, "/Quotes?ids=\(quote)").status == 200)
        #expect(try scene.simulator.count(of: "Quoted_Items") == 0)
    }

    @Test func `what is wrong with a row is said with its place`() async throws {
        let scene = try Scene()
        let product = try await scene.make("Products", ["Product_Name": "Plan"])
        let line: JSONValue = ["Product_Name": ["id": .string(product)], "Quantity": 1]
        let quote = try await scene.make("Quotes", ["Subject": "One", "Quoted_Items": [line]])
        let cases: [(row: JSONValue, code: String, path: String)] = [
            (["Quantity": 1], "MANDATORY_NOT_FOUND", "Product_Name"),
            (["Product_Name": ["id": .string(product)], "Quantity": "many"], "INVALID_DATA", "Quantity"),
            (["Product_Name": ["id": "1"], "Quantity": 1], "INVALID_DATA", "Product_Name.id"),
            (["id": "1", "Quantity": 1], "INVALID_DATA", "id"),
        ]
        for (row, code, path) in cases {
            let answer = try await scene.put(quote, [line, row])
            #expect(answer["code"]?.text == code)
            #expect(answer["details"]?["json_path"]?.text == "$.data[0].Quoted_Items[1].\(path)")
        }
        #expect(try await scene.rows(quote).count == 1)
        let many = JSONValue.array([JSONValue](repeating: line, count: 101))
        #expect(try await scene.put(quote, many)["details"]?["maximum_length"]?.int == 100)
        let direct = try await scene.ask(.post, "/Quoted_Items", ["data": [line]])
        #expect(direct.body["code"] == "INVALID_MODULE")
    }
}
