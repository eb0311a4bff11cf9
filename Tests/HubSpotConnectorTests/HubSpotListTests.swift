// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezHubSpotConnector
import MigratezHubSpotSimulator
import MigratezJSON
import MigratezModel
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

struct HubSpotListTests {
    @Test(arguments: ["v3", "2026-09"])
    func `lists are read with all their members, each of its own kind`(version: String) async throws {
        try await HubSpotAccount.run(
            .init(contacts: 900, companies: 40), options: HubSpotOptions(lists: 620)
        ) { account in
            let list = StreamName("list")!
            let settings = ["api_version": version]
            var records: [(id: String, bytes: ArraySlice<UInt8>)] = []
            var cursor: Cursor?
            repeat {
                let page = try await account.source(settings).readPage(of: list, fields: [], after: cursor)
                for range in page.records {
                    let id = try JSONValue(parsing: Array(page.bytes[range]))["listId"]?.text
                    records.append((try #require(id), page.bytes[range]))
                }
                cursor = page.next
            } while cursor != nil
            #expect(records.count == 620 && Set(records.map(\.id)).count == 620)
            let source = try account.source(settings)
            #expect(try await source.estimatedCount(of: list) == 620)
            #expect(try await source.discover([list])[0].field("name")?.kind == .text)

            // The first has every live contact, the second every second company.
            let contacts = try await source.readLinks(
                from: list, to: CRMObject.contact.stream, of: Array(records[0..<2]))
            #expect(contacts == account.ids(.contact).map { Edge(from: records[0].id, to: $0) })
            let companies = try await source.readLinks(
                from: list, to: CRMObject.company.stream, of: Array(records[0..<2]))
            let expected = (0..<40).filter { $0.isMultiple(of: 2) && !account.crm.isArchived(.company, at: $0) }
                .map { Edge(from: records[1].id, to: String(account.crm.id(of: .company, at: $0))) }
            #expect(companies == expected)

            let some = try await source.readRecords(of: list, ids: [records[5].id, "1"], fields: [])
            #expect(some.records.map { Array(some.bytes[$0]) } == [Array(records[5].bytes)])
            let error = await #expect(throws: MigratezError.self) { try await account.destination().discover(["list"]) }
            #expect(error?.code == .notSupported)
        }
    }
}
