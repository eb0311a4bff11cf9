// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezZohoSimulator
import Testing

/// The simulated organisation's bulk interface by itself: what the vendor's documentation says of it.
@Suite struct `Zoho simulator's bulk jobs` {
    private let clock = ManualClock()

    private func simulator(_ change: (inout ZohoOptions) -> Void = { _ in }) throws -> ZohoSimulator {
        var options = ZohoOptions()
        options.clock = clock
        options.otherTokens = ["token"]
        change(&options)
        return try ZohoSimulator(SyntheticCRM(seed: 5, counts: .init(contacts: 60, notes: 10)), options: options)
    }

    private func ask(
        _ simulator: ZohoSimulator, _ method: SimulatorRequest.Method, _ target: String, _ body: JSONValue? = nil
    ) async throws -> (status: Int, body: JSONValue, bytes: [UInt8]) {
        let response = await simulator.respond(
            to: SimulatorRequest(
                method: method, target: target, headers: ["Authorization": "Zoho-oauthtoken token"],
                body: body?.serialized() ?? []))
        guard case .bytes(let bytes) = response.body else { return (response.status, .null, []) }
        return (response.status, (try? JSONValue(parsing: bytes)) ?? .null, bytes)
    }

    private func export(_ simulator: ZohoSimulator, page: Int = 1) async throws -> String {
        let query: JSONValue = [
            "module": ["api_name": "Contacts"], "fields": ["Last_Name"], "page": .number(String(page)),
        ]
        let answer = try await ask(simulator, .post, "/crm/bulk/v8/read", ["query": query])
        #expect(answer.status == 201 && answer.body["data"]?[0]?["code"] == "ADDED_SUCCESSFULLY")
        return try #require(answer.body["data"]?[0]?["details"]?["id"]?.text)
    }

    @Test func `an export takes its time, and is kept for a day`() async throws {
        let simulator = try simulator()
        let id = try await export(simulator)
        var states: [String] = []
        for _ in 0..<4 {
            states += [try await ask(simulator, .get, "/crm/bulk/v8/read/\(id)").body["data"]?[0]?["state"]?.text ?? ""]
            clock.advance(by: .seconds(2))
        }
        #expect(states == ["ADDED", "QUEUED", "IN PROGRESS", "COMPLETED"])
        let result = try await ask(simulator, .get, "/crm/bulk/v8/read/\(id)").body["data"]?[0]?["result"]
        #expect(result?["count"]?.int == (try simulator.count(of: "Contacts")) && result?["more_records"] == false)
        let place = try #require(result?["download_url"]?.text)
        let archive = try await ask(simulator, .get, place)
        #expect(archive.status == 200 && archive.bytes.starts(with: [0x50, 0x4B, 3, 4]))
        clock.advance(by: .seconds(86_400))
        #expect(try await ask(simulator, .get, place).body["code"] == "RESOURCE_NOT_FOUND")
        #expect(try await ask(simulator, .get, "/crm/bulk/v8/read/\(id)").status == 404)
    }

    @Test func `ten results are given out in a minute`() async throws {
        let simulator = try simulator()
        let id = try await export(simulator)
        let place = "/crm/bulk/v8/read/\(id)/result"
        #expect(try await ask(simulator, .get, place).status == 400)
        clock.advance(by: .seconds(10))
        for _ in 0..<10 { #expect(try await ask(simulator, .get, place).status == 200) }
        let refused = try await ask(simulator, .get, place)
        #expect(refused.status == 429 && refused.body["code"] == "TOO_MANY_REQUESTS")
        clock.advance(by: .seconds(60))
        #expect(try await ask(simulator, .get, place).status == 200)
    }

    @Test(arguments: [
        ("Notes", "Note_Title", 1, "MODULE_NOT_SUPPORTED"), ("Nowhere", "Name", 1, "MODULE_NOT_AVAILABLE"),
        ("Contacts", "Nothing", 1, "FIELD_NOT_AVAILABLE"), ("Contacts", "Email", 51, "PAGE_RANGE_EXCEEDED"),
    ])
    func `exports are refused as documented`(
        _ module: String, _ field: String, _ page: Int, _ code: String
    ) async throws {
        let query: JSONValue = [
            "module": ["api_name": .string(module)], "fields": [.string(field)], "page": .number(String(page)),
        ]
        let answer = try await ask(simulator(), .post, "/crm/bulk/v8/read", ["query": query])
        #expect(answer.status == 400 && answer.body["code"]?.text == code)
    }

    @Test func `jobs cost 50 credits and 500, looks cost one`() async throws {
        let simulator = try simulator { $0.credits = 552 }
        let id = try await export(simulator)
        _ = try await ask(simulator, .post, "/crm/bulk/v8/write", [:])
        #expect(try await ask(simulator, .get, "/crm/bulk/v8/read/\(id)").status == 200)
        #expect(try await ask(simulator, .post, "/crm/bulk/v8/read", [:]).body["code"] == "LIMIT_EXCEEDED")
    }

    @Test func `files need their headers, and jobs a file, known columns and a key`() async throws {
        let simulator = try simulator()
        #expect(try await ask(simulator, .post, "/crm/v8/upload").body["code"] == "INVALID_DATA")
        let resource: JSONValue = ["module": ["api_name": "Contacts"], "file_id": "1", "find_by": "Email"]
        let body: JSONValue = ["operation": "upsert", "resource": .array([resource])]
        #expect(try await ask(simulator, .post, "/crm/bulk/v8/write", body).body["code"] == "INVALID_FILE_ID")
        let tasks: JSONValue = [
            "operation": "upsert", "resource": [["module": ["api_name": "Tasks"], "file_id": "1"]],
        ]
        #expect(try await ask(simulator, .post, "/crm/bulk/v8/write", tasks).body["code"] == "MODULE_NOT_SUPPORTED")
        #expect(try await ask(simulator, .get, "/crm/bulk/v8/write/7").body["code"] == "RESOURCE_NOT_FOUND")
    }
}
