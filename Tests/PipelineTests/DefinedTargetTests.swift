// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezHubSpotSimulator
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezRESTSimulator
import MigratezSimulatorKit
import MigratezStaging
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// To a vendor that a definition describes.
@Suite(.serialized) struct `Destinations that a definition describes` {
    private static let pipeline = """
        migratez: 1
        name: into-attio
        source: { connector: hubspot, base_url: "${env:FROM}", auth: { token: "${env:SECRET}" } }
        target: { connector: attio, base_url: "${env:INTO}/v2", auth: { token: "${env:SECRET}" } }
        staging: { dir: ./staging }
        objects:
          company: { to: company, fields: { name: name, description: description } }
          contact:
            to: contact
            fields:
              first_name: { from: firstname, default: "-" }
              last_name: { from: lastname, default: "-" }
              name: { expr: 'concat(has(firstname) ? firstname : "-", " ", has(lastname) ? lastname : "-")' }
              job_title: jobtitle
          deal:
            to: deal
            fields:
              name: dealname
        links:
          - { from: contact, to: company, as: contact.company_id, choose: primary, on_missing: empty }
          - { from: deal, to: company, as: deal.company_id, choose: primary, on_missing: empty }

        """

    private func with(
        _ body: (SyntheticCRM, TwoAccounts) async throws -> Void
    ) async throws {
        let crm = SyntheticCRM(seed: 11, counts: .init(contacts: 120, companies: 40, deals: 60, owners: 6))
        let hubspot = try HubSpotSimulator(crm)
        let attio = try RESTSimulator(.attio, SyntheticCRM(seed: 12, counts: .init(owners: 6)))
        try await TwoAccounts.with(hubspot, attio) { try await body(crm, $0) }
    }

    private func begin(_ text: String, _ accounts: TwoAccounts) async throws -> (Run, RunSetup) {
        let (connection, setup) = try await accounts.connect(text)
        return (try await Run.begin(connection, in: accounts.workplace) { _ in }, setup)
    }

    private func counts(_ server: SimulatorServer) async throws -> [String: Int] {
        let answer = try await CurlClient().send(HTTPRequest(.get, server.baseURL + "/_simulator/state"))
        let members = try JSONValue(parsing: answer.body).members
        return Dictionary(members.compactMap { member in member.value.int.map { (member.key, $0) } }) { $1 }
    }

    @Test func `take companies, people and deals with their links, are verified, and are left as they were`()
        async throws
    {
        try await with { crm, accounts in
            let (run, setup) = try await begin(Self.pipeline, accounts)
            #expect(
                setup.creations.map { "\($0.object).\($0.field.name)" }.sorted() == [
                    "company.migratez_id", "contact.migratez_id", "deal.migratez_id",
                ])
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
            let balances = try await run.staging.manifest.read { try $0.reconciliation() }
            for balance in balances { #expect(balance.isClosed, "\(balance.stream.name)") }
            let contacts = balances.first { $0.stream.name.text == "contact" }
            let live = crm.counts.contacts - crm.archivedCount(of: .contact)
            #expect(contacts?[.created] == live, "\(balances)")
            #expect(try await counts(accounts.into)["people"] == live)
            for report in try await Verification(run, scope: .all, progress: SilentProgress()).verify() {
                #expect(report.isGood, "\(report.stream): \(report.missing) missing, \(report.differences)")
            }
            try await run.close()
            let (again, setupAgain) = try await begin(Self.pipeline, accounts)
            #expect(setupAgain.creations.isEmpty)
            try await RunExecution(again, setupAgain, progress: SilentProgress()).execute([.extract, .transform, .load])
            try await again.close()
            #expect(try await counts(accounts.into)["people"] == live)
        }
    }

    @Test func `are proposed to, too`() async throws {
        try await with { _, accounts in
            let draft = try PipelineDraft(
                from: "hubspot", to: "attio",
                sourceSettings: ["base_url": "${env:FROM}", "auth.token": "${env:SECRET}"],
                targetSettings: ["base_url": "${env:INTO}/v2", "auth.token": "${env:SECRET}"])
            #expect(draft.missing(of: .target).isEmpty)
            let text = try await draft.connectedText(for: accounts.file, objects: nil, in: accounts.workplace)
            let (run, _) = try await begin(text, accounts)
            try await run.close()
            #expect(text.contains("to: contact") && text.contains("company_id") && !text.contains("to: note"))
            let offline = try draft.offlineText(objects: nil)
            #expect(offline.contains("job_title: jobtitle"))
        }
    }
}
