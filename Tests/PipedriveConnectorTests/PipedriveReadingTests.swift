// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezPipedriveConnector
import MigratezPipedriveSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

struct `Reading Pipedrive` {
    @Test func `a note that is deleted between two pages costs no other one`() async throws {
        try await PipedriveCompany.run(.init(contacts: 40, notes: 100)) { company in
            let stream = try #require(StreamName("note"))
            let all = try company.simulator.records(of: "notes").map { String($0.id) }
            let texts = ["page_size": "10"]
            var seen: [String] = []
            var cursor: Cursor?
            var pages = 0
            repeat {
                let page = try await company.source(texts).readPage(of: stream, fields: [], after: cursor)
                for range in page.records {
                    seen.append(try #require(try JSONValue(parsing: Array(page.bytes[range]))["id"]?.text))
                }
                cursor = page.next
                pages += 1
                // One that was read, the last of the page, and with it many before.
                if pages == 3 {
                    for id in seen.suffix(15) {
                        #expect(try await company.ask(.delete, "/api/v1/notes/\(id)").status == 200)
                    }
                }
            } while cursor != nil
            #expect(pages > 5)
            #expect(seen == all)
        }
    }

    @Test func `archived deals are read behind the others`() async throws {
        try await PipedriveCompany.run(.init(deals: 120)) { company in
            let deals = try await company.readAll("deal", ["page_size": "25"])
            let archived = deals.filter { $0["is_archived"]?.bool == true }
            #expect(!archived.isEmpty && archived.count < deals.count)
            #expect(deals.suffix(archived.count) == archived[...])
            #expect(try company.simulator.count(of: "deals") == deals.count)
        }
    }

    @Test func `participants are asked for only where a deal has more than its contact person`() async throws {
        try await PipedriveCompany.run(.init(contacts: 100, deals: 60)) { company in
            let (deal, person) = (try #require(StreamName("deal")), try #require(StreamName("person")))
            let source = try company.source()
            let page = try await source.readPage(of: deal, fields: [], after: nil)
            let records = try page.records.map { range in
                let record = try JSONValue(parsing: Array(page.bytes[range]))
                return (
                    id: record["id"]?.text ?? "", bytes: page.bytes[range], count: record["participants_count"]?.int
                )
            }
            _ = try await source.readLinks(from: deal, to: person, of: records.map { ($0.id, $0.bytes) })
            let asked = company.server.journal.counts.byRoute["list participants"] ?? 0
            #expect(asked == records.count { $0.count ?? 0 > 1 })
            #expect(asked > 0)
        }
    }

    @Test func `fields that share a name are known by their keys`() async throws {
        try await PipedriveCompany.run(.init(contacts: 2)) { company in
            for _ in 0..<2 {
                let body: JSONValue = ["field_name": "Region", "field_type": "varchar"]
                #expect(try await company.ask(.post, "/api/v2/personFields", body).status == 200)
            }
            let schema = try await company.source().discover([try #require(StreamName("person"))])[0]
            let regions = schema.fields.filter { $0.label == "Region" }
            #expect(regions.count == 2)
            #expect(regions.allSatisfy { $0.name.wholeMatch(of: /[0-9a-f]{40}/) != nil })
            #expect(schema.field("Position")?.kind == .text)
        }
    }

    @Test func `times are in one form, whichever version tells them`() async throws {
        try await PipedriveCompany.run(.init(contacts: 20, notes: 10)) { company in
            for name in ["person", "note"] {
                let record = try #require(try await company.readAll(name).first)
                #expect(record["update_time"]?.text?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
            }
        }
    }

    @Test(arguments: ["callLog", "persons", "project"])
    func `what cannot be moved says so`(name: String) async throws {
        try await PipedriveCompany.run(.init()) { company in
            let stream = try #require(StreamName(name))
            let error = await #expect(throws: MigratezError.self) { try await company.source().discover([stream]) }
            #expect(error?.code == .notSupported)
            #expect(error?.hint?.contains("person") == true)
        }
    }

    @Test func `a token that is refused says which`() async throws {
        try await PipedriveCompany.run(.init(), options: PipedriveOptions(tokens: ["another"])) { company in
            let error = await #expect(throws: MigratezError.self) { try await company.source().identity() }
            #expect(error?.code == .credentialsRejected)
        }
    }

    @Test(arguments: [
        (["base_url": "https://api.pipedrive.com", "api_version": "latest"], "a version"),
        (["rate.daily_tokens": "many"], "tokens"), (["page_size": "501"], "page_size"),
    ])
    func `settings are checked before anything is sent`(texts: [String: String], word: String) throws {
        let settings = ConnectorSettings(texts: texts, secrets: ["auth.api_token": Secret("token")])
        let error = #expect(throws: MigratezError.self) {
            try PipedriveSource(settings: settings, http: CurlClient(), clock: SystemWallClock())
        }
        #expect(error?.code == .invalidSetting)
        #expect(error?.message.contains(word) == true)
    }

    @Test func `an app needs the company's own address`() throws {
        let settings = ConnectorSettings(
            texts: ["auth.client_id": "app"],
            secrets: ["auth.client_secret": Secret("s"), "auth.refresh_token": Secret("r")])
        let error = #expect(throws: MigratezError.self) {
            try PipedriveSource(settings: settings, http: CurlClient(), clock: SystemWallClock())
        }
        #expect(error?.hint?.contains("base_url") == true)
    }
}
