// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezStaging
import MigratezTestKit
import MigratezTransport
import Testing

/// Records that were rejected and are tried again bring the links of those that were loaded without them.
@Suite(.serialized) struct `Late links` {
    /// Firms and people with long names are rejected until somebody corrects the rule.
    private static let pipeline = """
        migratez: 1
        name: people
        source:
          connector: ndjson
          dir: .
          objects:
            firm: { file: firms.ndjson, id: id }
            person: { file: people.ndjson, id: id, links: { person: { member: boss }, firm: { member: firm } } }
            sale: { file: sales.ndjson, id: id, links: { firm: { member: firm }, person: { member: buyer } } }
        target:
          connector: salesforce
          base_url: "${env:SALESFORCE_BASE_URL}"
          auth:
            kind: client_credentials
            client_id: "${env:SALESFORCE_CLIENT_ID}"
            client_secret: "${env:SALESFORCE_CLIENT_SECRET}"
        objects:
          firm: { to: Account, fields: { Name: { from: name, max: 4 } } }
          person: { to: Contact, fields: { LastName: { from: name, max: 4 }, Title: title } }
          sale:
            to: Opportunity
            fields: { Name: name, StageName: { const: Prospecting }, CloseDate: { const: "2026-01-31" } }
        links:
          - { from: person, to: firm, as: Contact.AccountId, on_missing: empty }
          - { from: person, to: person, as: Contact.ReportsToId, on_missing: empty }
          - { from: sale, to: firm, as: Opportunity.AccountId, on_missing: skip }
          - { from: sale, to: person, as: OpportunityContactRole, on_missing: skip }
        delta: { on_delete: delete, deletions: "<= 50%" }
        verify: { sample: { share: 100% } }
        """

    private static func write(_ folder: String) throws {
        let firms = ["F0", "Long name", "F2", "F3"].enumerated().map { #"{"id":"f\#($0)","name":"\#($1)"}"# }
        let people = (0..<24).map { number in
            let (name, boss) = ([3, 5].contains(number) ? "Long \(number)" : "P\(number)", "p\(number / 2)")
            return #"{"id":"p\#(number)","name":"\#(name)","title":"T","firm":"f\#(number % 4)","boss":"\#(boss)"}"#
        }
        let sales = (0..<12).map {
            #"{"id":"s\#($0)","name":"S\#($0)","firm":"f\#($0 % 4)","buyer":"p\#($0)"}"#
        }
        for (name, lines) in [("firms", firms), ("people", people), ("sales", sales)] {
            try (lines.joined(separator: "\n") + "\n")
                .write(toFile: "\(folder)/\(name).ndjson", atomically: true, encoding: .utf8)
        }
    }

    private static let edit: @Sendable (String) -> String = { _ in pipeline }

    /// Everything is as if nothing had ever been rejected; each part of the journey may be another process.
    @Test(arguments: [false, true])
    func `leave what a run without rejects would`(ends: Bool) async throws {
        try await MainJobWorld.with(records: 10, edit: Self.edit) { world in
            try Self.write(world.folder)
            let run = try await world.move()
            let before = try await run.staging.manifest.read { try $0.reconciliation() }
            #expect(before.map { $0[.rejected] }.reduce(0, +) > 0)
            #expect(before.first { $0.stream.name.text == "person-to-firm" }?[.skipped] == 5)
            #expect(before.first { $0.stream.name.text == "sale" }?[.skipped] == 3)
            try await run.close()

            try world.edit("max: 4", "max: 40")
            // The firm first; what waits for it must not wait for more.
            var (again, setup) = try await world.reopen(allowsChangedPlan: true)
            #expect(try await IssueReplay(again, setup).prepare(code: nil, ids: ["f1"]) == (1, 0))
            if ends {
                try await again.close()
                (again, setup) = try await world.reopen(allowsChangedPlan: true)
            }
            try await RunExecution(again, setup, progress: SilentProgress()).execute([.load])
            let firms = try #require(
                await again.staging.manifest.read { try $0.reconciliation() }
                    .first { $0.stream.name.text == "person-to-firm" })
            #expect(firms.isClosed && firms[.created] == 22 && firms[.rejected] == 2, "\(firms)")
            try await again.close()

            let (last, count) = try await world.retry(code: nil)
            #expect(count == 2)
            for balance in try await last.staging.manifest.read({ try $0.reconciliation() }) {
                #expect(balance.isClosed && balance[.rejected] == 0, "\(balance)")
            }
            for report in try await Verification(last, progress: SilentProgress()).verify() {
                #expect(report.isGood && report.compared == report.loaded, "\(report)")
            }
            #expect(try await last.staging.manifest.read { try $0.notes(prefix: "retried.") }.isEmpty)
            let expected = try await world.wholeRunElsewhere()
            let picture = try OrgPicture(world.org)
            #expect(picture == expected, "\(picture.differences(from: expected).joined(separator: "\n"))")

            let balances = try await RunUndo(last).execute(isDryRun: false)
            #expect(balances.allSatisfy { $0.isClosed && $0.kept == 0 }, "\(balances)")
            for object in ["Account", "Contact", "Opportunity"] {
                #expect(try world.org.count(of: object) == 0, "\(object)")
            }
            try await last.close()
        }
    }

    @Test func `touch nothing else of the records that get them, and a later run finds nothing to do`() async throws {
        try await MainJobWorld.with(records: 10, edit: Self.edit) { world in
            try Self.write(world.folder)
            try await world.move().close()
            let id = try #require(try OrgPicture(world.org).ids["Contact"]?["ndjson-person-p9"])
            try await world.somebodyElse(.patch, "Contact/\(id)", #"{"Title":"Theirs"}"#)
            try world.edit("max: 4", "max: 40")
            let (run, _) = try await world.retry(code: nil)
            try await run.close()
            let picture = try OrgPicture(world.org)
            let contact = try #require(picture.records["Contact"]?.first { $0["Id"]?.text == id })
            #expect(contact["Title"]?.text == "Theirs")
            #expect(contact["AccountId"]?.text == picture.ids["Account"]?["ndjson-firm-f1"])

            world.salesforce.journal.reset()
            let later = try await world.goOn()
            #expect(world.salesforce.journal.counts.writes == 0, "\(world.salesforce.journal.counts.byRoute)")
            try await later.close()
            #expect(try OrgPicture(world.org) == picture)
        }
    }
}
