// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezHubSpotConnector
import MigratezHubSpotSimulator
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import Testing

/// What a HubSpot account says of itself, and single records by their ids.
struct HubSpotAccountReportTests {
    private let contact = StreamName("contact")!
    private let deal = StreamName("deal")!

    @Test(arguments: ["v3", "2026-03"])
    func `the account tells who it is, what the token may do, and what is left of the day`(
        version: String
    ) async throws {
        try await HubSpotAccount.run { account in
            let report = try await account.source(["api_version": version]).account(for: [contact, deal])
            #expect(report.account == "HubSpot account 1000001")
            #expect(report.edition == "STANDARD")
            #expect(report.apiVersion?.hasPrefix(version) == true)
            #expect(report.scopes.contains("crm.objects.contacts.read"))
            #expect(report.missingRights.isEmpty && report.unknown.isEmpty)
            let allowance = try #require(report.allowances.first)
            #expect(allowance.limit == 1_000_000 && allowance.remaining < 1_000_000)
            #expect(allowance.resetsAt != nil)
            #expect(account.server.journal.counts.writes == 0)
        }
    }

    @Test func `scopes that reading takes and the token lacks are named`() async throws {
        let scopes: Set = ["crm.objects.contacts.read", "crm.schemas.contacts.read", "crm.objects.owners.read"]
        try await HubSpotAccount.run(options: HubSpotOptions(scopes: scopes)) { account in
            let report = try await account.source().account(for: [contact, deal, StreamName("note")!])
            #expect(report.missingRights == ["crm.objects.deals.read", "crm.schemas.deals.read"])
        }
    }

    @Test func `a refused token is no report`() async throws {
        try await HubSpotAccount.run(options: HubSpotOptions(tokens: ["another"])) { account in
            let error = await #expect(throws: MigratezError.self) {
                try await account.source().account(for: [contact])
            }
            #expect(error?.code == .credentialsRejected)
        }
    }

    @Test func `records are read by id, however many, and those that do not exist are absent`() async throws {
        try await HubSpotAccount.run { account in
            let source = try account.source()
            let ids = Array(account.ids(.contact).prefix(230))
            let page = try await source.readRecords(of: contact, ids: ids + ["999999999"], fields: ["email"])
            #expect(page.next == nil)
            let read = try page.records.map { try JSONValue(parsing: Array(page.bytes[$0])) }
            #expect(Set(read.compactMap { $0["id"]?.text }) == Set(ids))
            #expect(read.allSatisfy { $0["properties"]?["email"] != nil })
        }
    }

    @Test func `a record has an address where the account has a page for it`() async throws {
        try await HubSpotAccount.run { account in
            let source = try account.source()
            #expect(
                try await source.recordAddress(of: contact, id: "7")
                    == "https://app.hubspot.com/contacts/1000001/record/0-1/7")
            #expect(try await source.recordAddress(of: StreamName("note")!, id: "7") == nil)
        }
    }
}
