// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import MigratezZohoConnector
import MigratezZohoSimulator
import Testing

/// How an organisation is reached, and what is special in Zoho's way of reading.
@Suite struct `Zoho as an account` {
    private static let notes = StreamName("Notes")!

    @Test func `notes are read on after their page token has expired, none twice`() async throws {
        let counts = SyntheticCRM.Counts(contacts: 40, companies: 20, deals: 20, notes: 400)
        try await ZohoOrg.run(counts) { org in
            var ids: [String] = []
            var cursor: Cursor?
            repeat {
                let page = try await org.source().readPage(of: Self.notes, fields: ["Note_Title"], after: cursor)
                ids += try page.records.compactMap {
                    try JSONValue(parsing: Array(page.bytes[$0]))["id"]?.text
                }
                cursor = page.next
                org.clock.advance(by: .seconds(90_000))
            } while cursor != nil
            let held = try org.simulator.records(of: "Notes")
            #expect(ids.count > 200 && ids.count == held.count && Set(ids) == Set(held.keys))
        }
    }

    @Test func `a refusal that comes with status 200 is one`() async throws {
        try await ZohoOrg.run(nil) { options in
            options.refreshToken = "another one"
        } _: { org in
            let error = await #expect(throws: MigratezError.self) { _ = try await org.source().identity() }
            #expect(error?.code == .credentialsRejected && error?.remedy == .fixConfiguration)
        }
        try await ZohoOrg.run(nil) { options in
            options.clientSecret = "another one"
        } _: { org in
            let error = await #expect(throws: MigratezError.self) { _ = try await org.source().identity() }
            #expect(error?.hint?.contains("auth.client_secret") == true)
        }
    }

    @Test func `no more tokens for now is a pause`() async throws {
        try await ZohoOrg.run(nil) { options in
            options.tokensMax = 1
        } _: { org in
            _ = try await org.source().identity()
            let error = await #expect(throws: MigratezError.self) { _ = try await org.source().identity() }
            #expect(error?.code == .throttled)
            #expect(error?.remedy == .waitForQuota(until: org.clock.now.advanced(by: .seconds(600))))
        }
    }

    @Test func `one token serves all requests of a connector`() async throws {
        try await ZohoOrg.run(nil) { options in
            options.tokensMax = 1
        } _: { org in
            let source = try org.source()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { _ = try await source.people() } }
                try await group.waitForAll()
            }
        }
    }

    @Test func `a token of another data centre is told as such`() async throws {
        try await ZohoOrg.run(nil) { options in
            options.apiDomain = "https://www.zohoapis.eu"
        } _: { org in
            // The address of the API is the data centre's own; only tokens come from the simulator.
            let settings = ConnectorSettings(
                texts: ["accounts_url": org.server.baseURL, "auth.client_id": "client"], secrets: ZohoOrg.secrets)
            let source = try ZohoSource(settings: settings, http: org.http, clock: org.clock)
            let error = await #expect(throws: MigratezError.self) { _ = try await source.identity() }
            #expect(error?.code == .invalidSetting && error?.message.contains("zohoapis.eu") == true)
        }
    }

    @Test func `a missing scope is a missing right, and costs no token`() async throws {
        try await ZohoOrg.run(nil) { options in
            options.scopes = ["ZohoCRM.modules.ALL", "ZohoCRM.org.READ"]
            options.tokensMax = 1
        } _: { org in
            let error = await #expect(throws: MigratezError.self) {
                _ = try await org.source().discover([StreamName("Contacts")!])
            }
            #expect(error?.code == .permissionMissing && error?.hint?.contains("scopes") == true)
        }
    }

    @Test func `the report names organisation, user and rights`() async throws {
        try await ZohoOrg.run(nil) { options in
            options.creditsUsed = options.credits - 1_000
        } _: { org in
            let source = try org.source()
            _ = try await source.people()
            let report = try await source.account(for: [StreamName("Contacts")!])
            #expect(report.account == "Acme, Inc." && report.user == "Etl Integration")
            #expect(report.edition == "enterprise" && report.missingRights.isEmpty)
            #expect(report.allowances.count == 1)
        }
    }

    @Test func `a module that is not there is named, with those that are`() async throws {
        try await ZohoOrg.run { org in
            let error = await #expect(throws: MigratezError.self) {
                _ = try await org.source().discover([StreamName("Opportunities")!])
            }
            #expect(error?.code == .requestRefused && error?.hint?.contains("Deals") == true)
        }
    }

    @Test(arguments: [
        ["data_center": "us", "api_version": "v2"], ["page_size": "100"], ["rate.daily_credits": "many"],
    ])
    func `a setting of the wrong form is refused`(_ texts: [String: String]) {
        let settings = ConnectorSettings(
            texts: texts.merging(["auth.client_id": "c"]) { $1 }, secrets: ZohoOrg.secrets)
        let error = #expect(throws: MigratezError.self) {
            _ = try ZohoSource(
                settings: settings, http: StubHTTPClient { _, _ in HTTPResponse(status: 200) }, clock: ManualClock())
        }
        #expect(error?.code == .invalidSetting)
    }
}
