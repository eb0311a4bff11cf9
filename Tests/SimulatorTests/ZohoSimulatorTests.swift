// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezZohoSimulator
import Testing

/// The simulated organisation by itself: what the vendor's documentation says of its interface.
@Suite struct `Zoho simulator` {
    private let clock = ManualClock()

    private func simulator(
        _ counts: SyntheticCRM.Counts? = nil, _ change: (inout ZohoOptions) -> Void = { _ in }
    ) throws -> (ZohoSimulator, SyntheticCRM?) {
        var options = ZohoOptions()
        options.clock = clock
        options.otherTokens = ["token"]
        change(&options)
        let crm = counts.map { SyntheticCRM(seed: 5, counts: $0) }
        return (try ZohoSimulator(crm, options: options), crm)
    }

    private func ask(
        _ simulator: ZohoSimulator, _ method: SimulatorRequest.Method, _ target: String, _ body: JSONValue? = nil,
        token: String = "Zoho-oauthtoken token"
    ) async throws -> (response: SimulatorResponse, body: JSONValue) {
        let response = await simulator.respond(
            to: SimulatorRequest(
                method: method, target: "/crm/v8" + target, headers: ["Authorization": token],
                body: body?.serialized() ?? []))
        guard case .bytes(let bytes) = response.body, !bytes.isEmpty else { return (response, .null) }
        return (response, try JSONValue(parsing: bytes))
    }

    @Test func `what it holds is what the synthetic CRM says`() async throws {
        let counts = SyntheticCRM.Counts(contacts: 150, companies: 40, deals: 60, notes: 80, owners: 3)
        let (simulator, made) = try simulator(counts)
        let crm = try #require(made)
        let contacts = try simulator.records(of: "Contacts")
        #expect(contacts.count == 150 - crm.archivedCount(of: .contact))
        let emails = Set(contacts.values.compactMap { $0["Email"]?.text })
        let expected = Set(
            (0..<150).filter { !crm.isArchived(.contact, at: $0) }.compactMap { crm.contact(at: $0)[.email] }
                .filter { $0.contains("@") })
        #expect(emails == expected)
        let linked = contacts.values.filter { $0["Account_Name"]?.text != nil }.count
        let links = (0..<150).filter { index in crm.links(.contactToCompany, from: index).contains { !$0.isDangling } }
        #expect(linked == links.count)
        let labelled = try simulator.contactRoles().filter { $0.role != nil }.count
        let labels = (0..<60).flatMap { crm.links(.dealToContact, from: $0) }
            .filter { !$0.isDangling && !$0.labels.isEmpty }
        #expect(labelled == labels.count)
        #expect(try simulator.records(of: "Notes").values.allSatisfy { $0["Parent_Id"]?.text != nil })
    }

    @Test func `tokens are taken by Zoho's own scheme only, and end`() async throws {
        let (simulator, _) = try simulator()
        #expect(try await ask(simulator, .get, "/org", token: "Bearer token").response.status == 401)
        let form = "grant_type=refresh_token&client_id=c&client_secret=s&refresh_token=r"
        func token() async throws -> JSONValue {
            let response = await simulator.respond(
                to: SimulatorRequest(method: .post, target: "/oauth/v2/token", body: Array(form.utf8)))
            #expect(response.status == 200)
            guard case .bytes(let bytes) = response.body else { return .null }
            return try JSONValue(parsing: bytes)
        }
        let first = try #require(try await token()["access_token"]?.text)
        #expect(try await ask(simulator, .get, "/org", token: "Zoho-oauthtoken \(first)").response.status == 200)
        for _ in 0..<9 { _ = try await token() }
        #expect(try await token()["error"] == "Access Denied")
        clock.advance(by: .seconds(3_601))
        let late = try await ask(simulator, .get, "/org", token: "Zoho-oauthtoken \(first)")
        #expect(late.response.status == 401 && late.body["code"] == "INVALID_TOKEN")
    }

    @Test func `lists need fields, and reach 2,000 by number and the rest by token`() async throws {
        let (simulator, _) = try simulator(.init(contacts: 2_300))
        #expect(try await ask(simulator, .get, "/Contacts").body["code"] == "REQUIRED_PARAM_MISSING")
        let fields = (0..<51).map { "F\($0)" }.joined(separator: ",")
        #expect(try await ask(simulator, .get, "/Contacts?fields=\(fields)").body["code"] == "LIMIT_EXCEEDED")
        let far = try await ask(simulator, .get, "/Contacts?fields=Email&page=11")
        #expect(far.body["code"] == "DISCRETE_PAGINATION_LIMIT_EXCEEDED")
        let first = try await ask(simulator, .get, "/Contacts?fields=Email&per_page=200")
        let token = try #require(first.body["info"]?["next_page_token"]?.text)
        let second = try await ask(simulator, .get, "/Contacts?fields=Email&per_page=200&page_token=\(token)")
        #expect(second.body["data"]?.elements.count == 200)
        let other = try await ask(simulator, .get, "/Contacts?fields=Phone&per_page=200&page_token=\(token)")
        #expect(other.response.status == 400)
        clock.advance(by: .seconds(86_401))
        let late = try await ask(simulator, .get, "/Contacts?fields=Email&per_page=200&page_token=\(token)")
        #expect(late.body["code"] == "EXPIRED_VALUE")
        #expect(try await ask(simulator, .get, "/Leads?fields=Email").response.status == 204)
    }

    @Test(arguments: [
        ("select Last_Name from Contacts", "SYNTAX_ERROR"),
        ("select id from Contacts where id is not null and Email is null and Title is null", "SYNTAX_ERROR"),
        ("select id from Contacts where id is not null limit 2001", "LIMIT_EXCEEDED"),
        ("select Nothing from Contacts where id is not null", "INVALID_QUERY"),
        ("select id from Contacts where Description = 'x'", "INVALID_QUERY"),
        ("select id from Notes where id is not null", "INVALID_QUERY"),
        ("select id from Nowhere where id is not null", "INVALID_MODULE"),
    ])
    func `queries are refused as documented`(_ query: String, _ code: String) async throws {
        let (simulator, _) = try simulator()
        let answer = try await ask(simulator, .post, "/coql", ["select_query": .string(query)])
        #expect(answer.response.status == 400 && answer.body["code"]?.text == code)
    }

    @Test func `credits are told once half is used, and end`() async throws {
        let (simulator, _) = try simulator(nil) { $0.credits = 10 }
        for used in 1...10 {
            let left = try await ask(simulator, .get, "/org").response.headers["X-API-CREDITS-REMAINING"]
            #expect(left == (used < 5 ? nil : String(10 - used)))
        }
        let refused = try await ask(simulator, .get, "/org")
        #expect(refused.response.status == 429 && refused.body["code"] == "LIMIT_EXCEEDED")
        clock.advance(by: .seconds(86_400))
        #expect(try await ask(simulator, .get, "/org").response.status == 200)
    }

    @Test func `a deleted record leaves its unique value free, and is listed as deleted`() async throws {
        let (simulator, _) = try simulator()
        _ = try await ask(
            simulator, .post, "/settings/fields?module=Contacts",
            ["fields": [["field_label": "Our Key", "data_type": "text", "unique": ["casesensitive": false]]]])
        func insert(_ key: String) async throws -> JSONValue {
            try await ask(simulator, .post, "/Contacts", ["data": [["Last_Name": "A", "Our_Key": .string(key)]]])
                .body["data"]?[0] ?? .null
        }
        let first = try await insert("k")
        let id = try #require(first["details"]?["id"]?.text)
        let second = try await insert("K")
        #expect(second["code"] == "DUPLICATE_DATA")
        #expect(second["details"]?["duplicate_record"]?["id"]?.text == id)
        #expect(try await ask(simulator, .delete, "/Contacts?ids=\(id)").response.status == 200)
        #expect(try await insert("K")["code"] == "SUCCESS")
        let deleted = try await ask(simulator, .get, "/Contacts/deleted?type=all")
        #expect(deleted.body["data"]?.elements.compactMap { $0["id"]?.text } == [id])
        #expect(try await ask(simulator, .post, "/settings/fields?module=Notes", ["fields": []]).response.status == 400)
    }
}
