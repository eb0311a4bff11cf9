// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezHubSpotSimulator
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSimulatorKit
import MigratezStaging
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

/// From one HubSpot account to another: custom objects, and labels of links that the second one lacks.
@Suite(.serialized) struct `Labels of links` {
    private static let pipeline = """
        migratez: 1
        name: between-accounts
        source: { connector: hubspot, base_url: "${env:FROM}", auth: { token: "${env:SECRET}" } }
        target: { connector: hubspot, base_url: "${env:INTO}", auth: { token: "${env:SECRET}" } }
        staging: { dir: ./staging }
        objects:
          company: { to: company, fields: { name: name } }
          contact: { to: contact, fields: { lastname: lastname, email: email } }
          p1000001_subscription:
            to: p1000001_subscription
            fields: { title: title, plan: plan, contract_number: contract_number }
        links:
          - { from: contact, to: company, as: contact_to_company, map: { label: label } }
          - from: p1000001_subscription
            to: contact
            as: p1000001_subscription_to_contact
            map: { label: label }

        """

    @Test func `are planned where they are missing, created by the run, and carried`() async throws {
        let crm = SyntheticCRM(seed: 11, counts: .init(contacts: 60, companies: 20, owners: 4))
        let from = try HubSpotSimulator(crm, options: HubSpotOptions(subscriptions: 40))
        let into = try HubSpotSimulator(
            SyntheticCRM(seed: 12, counts: .init(contacts: 2, companies: 2, owners: 4)),
            options: HubSpotOptions(subscriptions: 1))
        try await TwoAccounts.with(from, into) { accounts in
            try await label(crm, accounts.from.baseURL)
            try await check(accounts)
        }
    }

    /// Gives one contact of the source a label that no other account has.
    private func label(_ crm: SyntheticCRM, _ base: String) async throws {
        let made = try await ask(
            base + "/crm/v4/associations/contacts/companies/labels", ["label": "Mentor", "name": "mentor"])
        let type = try #require(made["results"]?[0]?["typeId"])
        let contact = crm.id(of: .contact, at: try #require((0..<60).first { !crm.isArchived(.contact, at: $0) }))
        let company = crm.id(of: .company, at: 0)
        _ = try await ask(
            base + "/crm/v4/associations/contacts/companies/batch/create",
            [
                "inputs": [
                    [
                        "from": ["id": .string(String(contact))], "to": ["id": .string(String(company))],
                        "types": [["associationCategory": "USER_DEFINED", "associationTypeId": type]],
                    ]
                ]
            ])
    }

    private func check(_ accounts: TwoAccounts) async throws {
        let (connection, setup) = try await accounts.connect(Self.pipeline)
        let labels = setup.creations.filter { $0.field.name == "label" }
        #expect(labels.map(\.object) == ["contact_to_company"])
        #expect(labels.flatMap { $0.field.options.map(\.label) } == ["Mentor"])
        let plan = try await RunForecast.make(connection, setup)
        let saved = try PlanFile(connection, setup, plan, now: accounts.workplace.clock.now)
        try saved.check(connection, setup)

        let run = try await Run.begin(connection, in: accounts.workplace) { _ in }
        try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
        let balances = try await run.staging.manifest.read { try $0.reconciliation() }
        for balance in balances { #expect(balance.isClosed, "\(balance.stream.name)") }
        let subscriptions = balances.first { $0.stream.name.text == "p1000001_subscription" }
        // The second account has a subscription already, and no two may share a contract number.
        #expect(subscriptions?[.created] == 34 && subscriptions?[.rejected] == 1)
        for report in try await Verification(run, scope: .all, progress: SilentProgress()).verify() {
            #expect(report.isGood, "\(report.stream): \(report.missing) missing, \(report.differences)")
        }
        try await run.close()
        let known = try await ask(
            accounts.into.baseURL + "/crm/v4/associations/contacts/companies/labels", nil)
        #expect(known["results"]?.elements.contains { $0["label"]?.text == "Mentor" } == true)
        #expect(try await discover(connection).creations.isEmpty)
        // What a plan said must be created, and is there by now, does not outdate it.
        try saved.check(connection, try await discover(connection))
        let own = try await connection.ownObjects(of: .target)
        #expect(own.map(\.name) == ["p1000001_subscription"])
    }

    private func discover(_ connection: PlanConnection) async throws -> RunSetup {
        try await RunSetup.discover(
            connection.plan, source: connection.source, destination: connection.destination)
    }
}
