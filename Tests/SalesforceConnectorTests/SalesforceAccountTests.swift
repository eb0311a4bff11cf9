// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezSalesforceConnector
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import Testing

/// What an org says of itself, and what it will do on its own.
@Suite(.serialized) struct SalesforceAccountTests {
    @Test func `the org tells who it is, whom it takes us for, and what is left`() async throws {
        try await Sandbox.run(stamped: []) { sandbox in
            let report = try await sandbox.destination.account(for: [
                "Contact", "ContentNote", "OpportunityContactRole",
            ])
            #expect(report.account == "Acme, Inc." && report.edition == "Enterprise Edition")
            #expect(report.user == "etl@acme.test" && report.apiVersion == "v67.0")
            #expect(report.allowances.first?.name == "API requests in 24 hours")
            #expect(report.allowances.first.map { $0.remaining < $0.limit } == true)
            #expect(report.missingRights.isEmpty && report.unknown.isEmpty)
            #expect(sandbox.server.journal.counts.writes == 0)
        }
    }

    @Test func `objects that cannot be seen or filled are named`() async throws {
        try await Sandbox.run(stamped: []) { sandbox in
            let report = try await sandbox.destination.account(for: ["Contact", "Nothing__c", "User"])
            #expect(report.missingRights == ["see Nothing__c", "create User"])
        }
    }

    @Test func `credentials that are refused are no report`() async throws {
        var options = OrgOptions()
        options.refreshToken = "another"
        try await Sandbox.run(options, stamped: []) { sandbox in
            let error = await #expect(throws: MigratezError.self) {
                try await sandbox.destination.account(for: ["Contact"])
            }
            #expect(error?.code == .credentialsRejected)
        }
    }

    @Test func `everything that runs by itself is found, on the objects that are asked about only`() async throws {
        var options = OrgOptions()
        options.hasContactDuplicateRule = true
        options.automations = [
            .init(.flow, "Welcome", on: "Contact"), .init(.flow, "Elsewhere", on: "Lead"),
            .init(.trigger, "ContactTrigger", on: "Contact"), .init(.validationRule, "Name_Required", on: "Account"),
            .init(.workflowRule, "Tell sales", on: "Opportunity", actions: ["FieldUpdate", "Alert"]),
            .init(.workflowRule, "Set region", on: "Account", actions: ["FieldUpdate"]),
        ]
        for allowed in [false, true] {
            try await Sandbox.run(options, settings: ["load.allow_duplicates": "\(allowed)"], stamped: []) { sandbox in
                let effects = try await sandbox.destination.sideEffects(on: ["Account", "Contact", "Opportunity"])
                func kinds(of object: String) -> [SideEffect.Kind] {
                    effects.filter { $0.object == object }.map(\.kind)
                }
                #expect(Set(kinds(of: "Contact")) == [.automation, .duplicateRule])
                #expect(kinds(of: "Contact").count == 3)
                #expect(Set(kinds(of: "Account")) == [.automation, .validation])
                #expect(kinds(of: "Opportunity") == [.notification])
                #expect(kinds(of: "Lead").isEmpty && !effects.contains { $0.kind == .unknown })
                let rule = try #require(effects.first { $0.kind == .duplicateRule })
                #expect(rule.what.contains("may refuse") == !allowed)
                #expect(sandbox.server.journal.counts.writes == 0)
            }
        }
    }

    @Test func `what the user may not see is reported as not known`() async throws {
        var options = OrgOptions()
        options.showsSetup = false
        options.automations = [.init(.flow, "Welcome", on: "Contact")]
        try await Sandbox.run(options, stamped: []) { sandbox in
            let effects = try await sandbox.destination.sideEffects(on: ["Contact"])
            #expect(!effects.isEmpty && effects.allSatisfy { $0.kind == .unknown })
        }
    }

    @Test func `a record has an address in the org`() async throws {
        try await Sandbox.run(stamped: []) { sandbox in
            let id = "003000000000001AAA"
            let address = try await sandbox.destination.recordAddress(of: "Contact", id: id)
            #expect(address == "\(sandbox.server.baseURL)/\(id)")
            #expect(try await sandbox.destination.recordAddress(of: "Contact", id: "no id") == nil)
        }
    }
}
