// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezHubSpotConnector
import MigratezHubSpotSimulator
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

struct HubSpotReadingTests {
    @Test(arguments: ["v3", "2026-03", "2026-09"])
    func `every record of every object is read once, with every field as it is`(version: String) async throws {
        try await HubSpotAccount.run { account in
            let source = try account.source(["api_version": version])
            for object in CRMObject.allButFiles {
                let fields = try await source.discover([object.stream])[0].fields.map(\.name)
                let records = try await readAll(object.stream, fields: fields) { source }
                #expect(records.compactMap { $0["id"]?.text } == account.ids(object), "\(object)")
                for record in records {
                    let id = try #require(record["id"]?.int)
                    let index = try #require(account.crm.index(of: object, id: id))
                    check(record, against: account.crm.record(object, at: index))
                }
            }
        }
    }

    private func check(_ record: JSONValue, against expected: any SyntheticRecord) {
        func compare<Record: SyntheticRecord>(_ expected: Record) {
            for field in Record.Field.allCases {
                let value = record["properties"]?[field.rawValue]
                #expect(value != nil, "\(field.rawValue) is missing")
                #expect(value?.text == expected[field], "\(field.rawValue) of \(expected.id)")
            }
        }
        compare(expected)
    }

    @Test(arguments: [1, 7, 99, 100])
    func `reading goes on at every page, also in another process`(pageSize: Int) async throws {
        try await HubSpotAccount.run(SyntheticCRM.Counts(records: 250)) { account in
            let records = try await readAll(CRMObject.contact.stream, fields: ["email"]) {
                try account.source(["page_size": String(pageSize)])
            }
            #expect(records.compactMap { $0["id"]?.text } == account.ids(.contact))
        }
    }

    @Test func `the fields that were asked for come as they were sent, and when a record was changed besides`()
        async throws
    {
        try await HubSpotAccount.run(SyntheticCRM.Counts(records: 100)) { account in
            let page = try await account.source().readPage(
                of: CRMObject.contact.stream, fields: ["archived", "email", "createdAt", "email"], after: nil)
            let record = try JSONValue(parsing: Array(page.bytes[page.records[0]]))
            let names = record["properties"]?.members.map(\.key) ?? []
            #expect(Set(names).isSuperset(of: ["email", "lastmodifieddate"]))
            #expect(record["archived"] == false)
            #expect(try account.source().layout(of: CRMObject.contact.stream).modified == "lastmodifieddate")
            #expect(try account.source().layout(of: CRMObject.deal.stream).modified == "hs_lastmodifieddate")
        }
    }

    @Test func `more properties than an address can hold are read by id, and the records are the same`() async throws {
        try await HubSpotAccount.run(SyntheticCRM.Counts(records: 600)) { account in
            let source = try account.source()
            let fields = try await source.discover([CRMObject.contact.stream])[0].fields.map(\.name)
            let narrow = try await readAll(CRMObject.contact.stream, fields: fields) { source }
            let many = (0..<400).map { "custom_property_number_\($0)" }
            let wide = try await readAll(CRMObject.contact.stream, fields: fields + many) { source }
            #expect(wide.compactMap { $0["id"]?.text } == account.ids(.contact))
            for (a, b) in zip(narrow, wide) {
                for field in fields { #expect(a["properties"]?[field] == b["properties"]?[field]) }
            }
            #expect(account.server.journal.counts.byRoute["batch read contacts"] == 3)
        }
    }

    @Test func `deleted records are read after the others if that is asked for`() async throws {
        try await HubSpotAccount.run(SyntheticCRM.Counts(records: 1_000)) { account in
            let records = try await readAll(CRMObject.contact.stream, fields: []) {
                try account.source(["include_archived": "true"])
            }
            let deleted = account.ids(.contact, archived: true)
            #expect(!deleted.isEmpty)
            #expect(records.compactMap { $0["id"]?.text } == account.ids(.contact) + deleted)
            #expect(records.suffix(deleted.count).allSatisfy { $0["archived"] == true })
        }
    }

    @Test func `there is an estimate for progress, and no count that claims to be exact`() async throws {
        try await HubSpotAccount.run(SyntheticCRM.Counts(records: 300)) { account in
            let source = try account.source()
            #expect(try await source.count(of: CRMObject.deal.stream) == nil)
            #expect(try await source.estimatedCount(of: CRMObject.deal.stream) == account.ids(.deal).count)
            #expect(try await source.estimatedCount(of: StreamName("nonsense")!) == nil)
        }
    }

    @Test func `a list that leads in a circle is noticed, and a page that is read again is no circle`() async throws {
        for circle in [1, 2, 3, 10] {
            let http = StubHTTPClient { request, _ in
                let after = request.url.firstMatch(of: /after=(\d+)/).flatMap { Int($0.1) } ?? 0
                let next = after + 1 < circle + 5 ? after + 1 : 5
                return HTTPResponse.page(#"{"results":[],"paging":{"next":{"after":"\#(next)"}}}"#)
            }
            let source = try HubSpotSource(
                settings: ConnectorSettings(secrets: ["auth.token": Secret("t")]), http: http,
                clock: ManualClock(advancesBySleeping: true))
            let error = await #expect(throws: MigratezError.self, "a circle of \(circle)") {
                var cursor: Cursor?
                for _ in 0..<100 {
                    let page = try await source.readPage(of: CRMObject.contact.stream, fields: [], after: cursor)
                    // A page is asked for again, as after a failure that came later.
                    let again = try await source.readPage(of: CRMObject.contact.stream, fields: [], after: cursor)
                    #expect(again.next == page.next)
                    cursor = page.next
                }
            }
            #expect(error?.code == .cursorLoop)
        }
    }
}

extension SyntheticCRM {
    func record(_ object: CRMObject, at index: Int) -> any SyntheticRecord {
        switch object {
        case .contact: contact(at: index)
        case .company: company(at: index)
        case .deal: deal(at: index)
        case .note: note(at: index)
        case .task: task(at: index)
        case .call: call(at: index)
        case .meeting: meeting(at: index)
        case .file: file(at: index)
        case .email: email(at: index)
        case .product: product(at: index)
        case .lineItem: lineItem(at: index)
        case .lead: lead(at: index)
        }
    }
}
