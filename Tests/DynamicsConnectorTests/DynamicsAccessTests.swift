// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezDynamicsConnector
import MigratezDynamicsSimulator
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// How an environment is reached, and what it tells of itself.
@Suite struct DynamicsAccessTests {
    private static let account = StreamName("account").unsafelyUnwrapped
    private static let opportunity = StreamName("opportunity").unsafelyUnwrapped
    private static let contact = StreamName("contact").unsafelyUnwrapped

    @Test func `a secret that is refused ends with what to change, and is not told`() async throws {
        var options = DynamicsOptions()
        options.clientSecret = "right"
        try await DynamicsWorld.run(options: options) { world in
            await #expect {
                _ = try await world.source(secret: "wrong-CANARY").identity()
            } throws: { error in
                guard let error = error as? MigratezError else { return false }
                return error.code == .credentialsRejected && error.hint?.contains("auth.client_secret") == true
                    && !"\(error) \(error.hint ?? "")".contains("CANARY")
            }
        }
    }

    @Test(arguments: [
        ["base_url": "http://acme.test"], ["base_url": "https://169.254.1.1"], ["api_version": "nine"],
        ["auth.tenant": "a/b"], ["page_size": "5001"],
    ])
    func `settings that cannot be are refused before anything is sent`(_ settings: [String: String]) async throws {
        let texts = [
            "base_url": "https://acme.crm4.dynamics.com", "auth.tenant": "acme.test", "auth.client_id": "c",
        ].merging(settings) { $1 }
        let client = StubHTTPClient { _, _ in throw MigratezError(.unreachable, "nothing is to be sent") }
        #expect(throws: MigratezError.self) {
            try DynamicsSource(
                settings: ConnectorSettings(texts: texts, secrets: ["auth.client_secret": Secret("s")]), http: client,
                clock: ManualClock())
        }
        #expect(client.requests.isEmpty)
    }

    @Test func `a next page at another address is not followed`() async throws {
        try await DynamicsWorld.run(SyntheticCRM(seed: 3, counts: .init(companies: 30))) { world in
            let http = try sharedClient.get()
            let client = StubHTTPClient { request, _ in
                var response = try await http.send(request)
                let text = String(decoding: response.body, as: UTF8.self)
                response.body = Array(
                    text.replacing("@odata.nextLink\":\"http:", with: "@odata.nextLink\":\"https://evil.test/http:")
                        .utf8)
                return response
            }
            let settings = ConnectorSettings(
                texts: [
                    "base_url": world.server.baseURL, "login_url": world.server.baseURL, "auth.tenant": "t",
                    "auth.client_id": "c", "page_size": "10",
                ], secrets: ["auth.client_secret": Secret("s")])
            let source = try DynamicsSource(settings: settings, http: client, clock: world.clock)
            await #expect {
                _ = try await source.readPage(of: Self.account, fields: ["name"], after: nil)
            } throws: { ($0 as? MigratezError)?.code == .brokenResponse }
        }
    }

    @Test func `the account tells who is let in, and what is missing`() async throws {
        var options = DynamicsOptions()
        options.missingPrivileges = ["prvCreateContact"]
        try await DynamicsWorld.run(options: options) { world in
            let report = try await world.destination().account(for: ["account", "contact", "nothing"])
            #expect(report.account == "Dynamics 365 environment acme")
            #expect(report.user == "# Migratez" && report.apiVersion == "v9.2")
            #expect(report.missingRights == ["prvCreateContact", "see nothing"])
        }
    }

    @Test func `what runs by itself is told, unless it is bypassed`() async throws {
        var options = DynamicsOptions()
        options.automations = [
            .init(.workflow, "Welcome", on: "contact"), .init(.duplicateRule, "Same address", on: "contact"),
        ]
        try await DynamicsWorld.run(options: options) { world in
            let effects = try await world.destination().sideEffects(on: ["contact", "account"])
            #expect(effects.map(\.kind) == [.automation, .duplicateRule, .unknown])
            #expect(effects[0].what == "the process 'Welcome' is on for contact")
            let settings = ["load.bypass_logic": "true", "load.allow_duplicates": "true"]
            #expect(try await world.destination(settings).sideEffects(on: ["contact"]).isEmpty)
        }
    }

    @Test func `a count ends where the environment counts no further`() async throws {
        var options = DynamicsOptions()
        options.aggregateRowsMax = 20
        try await DynamicsWorld.run(SyntheticCRM(seed: 3, counts: .init(contacts: 10, companies: 30)), options: options)
        {
            world in
            let source = try world.source()
            #expect(try await source.count(of: Self.account) == nil)
            #expect(try await source.count(of: Self.contact) == 10)
            #expect(try await source.estimatedCount(of: Self.account) == 30)
        }
    }

    @Test func `the role of a connection is the label of the link`() async throws {
        try await DynamicsWorld.run { world in
            let destination = try await world.prepared(["opportunity", "contact", "connection"])
            let deal = try await destination.put("opportunity", [Batch.Row("d", ["name": "D"])])[0].id ?? ""
            let person = try await destination.put("contact", [Batch.Row("p", ["lastname": "P"])])[0].id ?? ""
            let role = try await world.create("connectionroles", "connectionroleid", ["name": "Stakeholder"])
            let made = try await destination.put(
                "connection",
                [
                    Batch.Row(
                        "l", ["record2roleid": .string(role)],
                        references: [
                            .init(field: "record1id", object: "opportunity", key: "d", targetID: deal),
                            .init(field: "record2id", object: "contact", key: "p", targetID: person),
                        ])
                ])
            #expect(made.map(\.word) == ["created"])
            let record = Array("{}".utf8)[...]
            let source = try world.source()
            let there = try await source.readLinks(from: Self.opportunity, to: Self.contact, of: [(deal, record)])
            #expect(there == [Edge(from: deal, to: person, label: "Stakeholder")])
            let back = try await source.readLinks(from: Self.contact, to: Self.opportunity, of: [(person, record)])
            #expect(back == [Edge(from: person, to: deal)])
        }
    }
}
