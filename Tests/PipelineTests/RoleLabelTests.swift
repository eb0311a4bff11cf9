// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezHubSpotSimulator
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezStaging
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

/// Roles of contacts in a Salesforce org's opportunities and accounts become labels of links in a HubSpot account that had none
/// of them, each role one of its own.
@Suite(.serialized) struct `Roles as labels` {
    private static let pipeline = """
        migratez: 1
        name: roles
        source:
          connector: salesforce
          base_url: "${env:FROM}"
          auth: { kind: client_credentials, client_id: client, client_secret: "${env:SECRET}" }
        target: { connector: hubspot, base_url: "${env:INTO}", auth: { token: "${env:SECRET}" } }
        staging: { dir: ./staging }
        objects:
          Account: { to: company, fields: { name: Name } }
          Contact: { to: contact, fields: { lastname: LastName } }
          Opportunity: { to: deal, fields: { dealname: Name } }
        links:
          - { from: Opportunity, to: Contact, as: deal_to_contact, map: { label: label } }
          - { from: Contact, to: Account, as: contact_to_company, map: { label: label } }

        """
    private static let roles = ["Decision Maker", "Evaluator"]
    /// Of one contact in one account.
    private static let accountRoles = ["Economic Buyer", "Influencer"]

    @Test func `are planned, created by the run, and carried`() async throws {
        let clock = HurriedClock()
        var options = OrgOptions()
        options.staticTokens = ["somebody"]
        let org = try SalesforceSimulator(options: options, clock: clock)
        let account = try HubSpotSimulator(
            SyntheticCRM(seed: 12, counts: .init(contacts: 2, companies: 2, owners: 4)), options: HubSpotOptions())
        try await TwoAccounts.with(org, account, clock: clock) { accounts in
            try await fill(accounts.from.baseURL)
            try await check(accounts)
        }
    }

    /// A deal with two contacts, each in a role of its own, and an account with a contact in two.
    private func fill(_ org: String) async throws {
        func make(_ object: String, _ fields: JSONValue) async throws -> JSONValue {
            let made = try await ask(org + "/services/data/v67.0/sobjects/\(object)", fields, token: "somebody")
            return try #require(made["id"])
        }
        let deal = try await make(
            "Opportunity", ["Name": "Renewal", "StageName": "Prospecting", "CloseDate": "2026-12-31"])
        for role in Self.roles {
            let contact = try await make("Contact", ["LastName": .string("The \(role)")])
            _ = try await make(
                "OpportunityContactRole", ["OpportunityId": deal, "ContactId": contact, "Role": .string(role)])
        }
        _ = try await make(
            "AccountContactRelation",
            [
                "AccountId": try await make("Account", ["Name": "Acme"]),
                "ContactId": try await make("Contact", ["LastName": "The busy one"]),
                "Roles": .string(Self.accountRoles.joined(separator: ";")),
            ])
    }

    private func check(_ accounts: TwoAccounts) async throws {
        let (connection, setup) = try await accounts.connect(Self.pipeline)
        let labels = setup.creations.filter { $0.field.name == "label" }
        let planned = Dictionary(
            labels.map { ($0.object, Set($0.field.options.map(\.label))) }, uniquingKeysWith: { $0.union($1) })
        #expect(Set(planned.keys) == ["deal_to_contact", "contact_to_company"])
        #expect(planned["deal_to_contact"]?.isSuperset(of: Self.roles) == true)
        #expect(planned["contact_to_company"]?.isSuperset(of: Self.accountRoles) == true)
        #expect(!planned.values.contains { $0.contains { $0.contains(";") } })

        let run = try await Run.begin(connection, in: accounts.workplace) { _ in }
        try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
        try await expectAllArrived(run)
        let deal = try #require(
            try await run.staging.outcomes(of: StreamName("Opportunity").unsafelyUnwrapped).first?.targetID)
        let company = try #require(
            try await run.staging.outcomes(of: StreamName("Account").unsafelyUnwrapped).first?.targetID)
        try await run.close()
        let account = accounts.into.baseURL
        let carried = try await self.labels("\(account)/crm/v4/objects/deals/\(deal)/associations/contacts")
        #expect(Set(carried.flatMap { $0 }) == Set(Self.roles))
        // One link with two labels.
        let inAccount = try await self.labels("\(account)/crm/v4/objects/companies/\(company)/associations/contacts")
        #expect(inAccount.map(Set.init) == [Set(Self.accountRoles)])
    }

    /// The labels of each link.
    private func labels(_ address: String) async throws -> [[String]] {
        (try await ask(address, nil)["results"]?.elements ?? []).map { link in
            (link["associationTypes"]?.elements ?? []).compactMap { $0["label"]?.text }
        }
    }
}
