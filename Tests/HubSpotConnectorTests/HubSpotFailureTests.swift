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

struct HubSpotFailureTests {
    @Test(arguments: [
        "status:429:3s*3", "status:429*2", "status:503*3", "status:502*1, drop*2", "status:423*2", "reset-mid-body*3",
        "bad-json*3", "wrong-length*2", "commit-then-drop*2", "status:503=0.2, reset-mid-body=0.1, status:429:1s=0.1",
    ])
    func `what passes is waited out, and nothing is lost or read twice`(faults: String) async throws {
        try await HubSpotAccount.run(SyntheticCRM.Counts(records: 900), faults: faults) { account in
            let source = try account.source(["page_size": "50"])
            let records = try await readAll(CRMObject.contact.stream, fields: ["email"]) { source }
            #expect(records.compactMap { $0["id"]?.text } == account.ids(.contact))
            let links = account.ids(.deal).map { (id: $0, bytes: ArraySlice<UInt8>()) }
            let edges = try await source.readLinks(
                from: CRMObject.deal.stream, to: CRMObject.contact.stream, of: links)
            #expect(edges.count == Set(edges).count)
            #expect(try await source.people().count == account.crm.counts.owners)
            #expect(account.server.journal.counts.byFault.values.reduce(0, +) > 0)
        }
    }

    @Test func `a token that is refused is named as such, and not shown`() async throws {
        try await HubSpotAccount.run(
            SyntheticCRM.Counts(records: 10), options: HubSpotOptions(tokens: ["right"])
        ) { account in
            let source = try account.source(secrets: ["auth.token": Secret("wrong-token-value")])
            let error = await #expect(throws: MigratezError.self) {
                try await source.readPage(of: CRMObject.contact.stream, fields: ["secret_field"], after: nil)
            }
            #expect(error?.code == .credentialsRejected)
            #expect(error?.remedy == .fixConfiguration)
            #expect(error.map { "\($0)".contains("wrong-token-value") || "\($0)".contains("secret_field") } == false)
        }
    }

    @Test func `a missing scope is named`() async throws {
        try await HubSpotAccount.run(
            SyntheticCRM.Counts(records: 10), options: HubSpotOptions(scopes: ["crm.objects.companies.read"])
        ) { account in
            let error = await #expect(throws: MigratezError.self) {
                try await account.source().readPage(of: CRMObject.contact.stream, fields: [], after: nil)
            }
            #expect(error?.code == .permissionMissing)
            #expect(error?.hint?.contains("crm.objects.contacts.read") == true)
        }
    }

    @Test func `an object that HubSpot does not know is a matter of configuration`() async throws {
        try await HubSpotAccount.run(SyntheticCRM.Counts(records: 10)) { account in
            let error = await #expect(throws: MigratezError.self) {
                try await account.source().readPage(of: StreamName("nonsense")!, fields: [], after: nil)
            }
            #expect(error?.remedy == .fixConfiguration)
        }
    }

    @Test func `a token is renewed before it expires`() async throws {
        try await HubSpotAccount.run(
            SyntheticCRM.Counts(records: 500), options: HubSpotOptions(tokens: [], tokenLifetime: .seconds(300))
        ) { account in
            let source = try account.source(
                ["auth.client_id": "app", "page_size": "10"],
                secrets: ["auth.client_secret": Secret("s"), "auth.refresh_token": Secret("r")])
            var cursor: Cursor?
            var count = 0
            repeat {
                let page = try await source.readPage(of: CRMObject.contact.stream, fields: [], after: cursor)
                count += page.records.count
                cursor = page.next
                account.clock.advance(by: .seconds(100))
            } while cursor != nil
            #expect(count == account.ids(.contact).count)
            let statuses = account.server.journal.counts.byStatus
            #expect(statuses[401] == nil)
            #expect((6...20).contains(account.server.journal.counts.byRoute["token"] ?? 0))
        }
    }

    @Test(
        arguments: [
            (429, #"{"policyName":"DAILY"}"#, ErrorCode.quotaExhausted), (477, "{}", .throttled),
            (404, "{}", .requestRefused),
            (500, "{}", .serverFailed), (200, "{\"results\":[", .brokenResponse), (200, "{}", .brokenResponse),
        ] as [(Int, String, ErrorCode)])
    func `an answer that stands has its code`(status: Int, body: String, code: ErrorCode) async throws {
        let http = StubHTTPClient { _, _ in
            HTTPResponse.page(body, status: status, headers: status == 477 ? [HTTPHeader("Retry-After", "7200")] : [])
        }
        let source = try HubSpotSource(
            settings: ConnectorSettings(secrets: ["auth.token": Secret("t")]), http: http,
            clock: ManualClock(advancesBySleeping: true))
        let error = await #expect(throws: MigratezError.self) {
            try await source.readPage(of: CRMObject.contact.stream, fields: [], after: nil)
        }
        #expect(error?.code == code)
        if status == 429 || status == 477, case .waitForQuota? = error?.remedy { return }
        #expect(status != 429 && status != 477)
    }

    @Test(arguments: [
        ["api_version": "v9"], ["api_version": "2026-04"], ["page_size": "0"], ["page_size": "101"], ["page_size": "x"],
    ])
    func `settings that cannot work are refused`(texts: [String: String]) {
        #expect(throws: MigratezError.self) {
            try HubSpotSource(
                settings: ConnectorSettings(texts: texts, secrets: ["auth.token": Secret("t")]),
                http: StubHTTPClient { _, _ in HTTPResponse(status: 500) }, clock: ManualClock())
        }
    }

    @Test func `without credentials there is no source`() {
        #expect(throws: MigratezError.self) {
            try HubSpotSource(
                settings: ConnectorSettings(texts: ["auth.client_id": "x"]),
                http: StubHTTPClient { _, _ in HTTPResponse(status: 500) }, clock: ManualClock())
        }
    }
}
