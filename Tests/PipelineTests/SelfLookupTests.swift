// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSalesforceSimulator
import MigratezStaging
import MigratezTestKit
import MigratezTransport
import Testing

/// People who report to people, from NDJSON to a simulated Salesforce org and to files.
@Suite(.serialized) struct `Lookups that lead back to where they start` {
    private static let pipeline = """
        migratez: 1
        name: people
        source:
          connector: ndjson
          dir: .
          objects:
            firm: { file: firms.ndjson, id: id, links: { person: { member: head } } }
            person: { file: people.ndjson, id: id, links: { person: { member: boss }, firm: { member: firm } } }
        target: TARGET
        objects:
          firm: { to: Account, fields: { Name: name } }
          person: { to: Contact, fields: { LastName: name, Title: title } }
        links:
          - { from: person, to: firm, as: Contact.AccountId, on_missing: empty }
          - { from: person, to: person, as: Contact.ReportsToId }
          - { from: firm, to: person, as: Account.Head__c, on_missing: empty }
        verify: { sample: { share: 100% } }
        """

    /// Twenty people: the first has no boss, number 7's boss does not exist, number 9 is its own boss.
    private func write(_ folder: String) throws {
        let people = (0..<20).map { number in
            let boss = [0: "null", 7: #""nobody""#, 9: #""p9""#][number] ?? #""p\#(number / 2)""#
            return #"{"id":"p\#(number)","name":"N\#(number)","title":"T","firm":"f\#(number % 3)","boss":\#(boss)}"#
        }
        let firms = (0..<3).map { #"{"id":"f\#($0)","name":"F\#($0)","head":"p\#($0 + 3)"}"# }
        for (name, lines) in [("people", people), ("firms", firms)] {
            try (lines.joined(separator: "\n") + "\n")
                .write(toFile: "\(folder)/\(name).ndjson", atomically: true, encoding: .utf8)
        }
    }

    private func balance(_ run: Run, _ stream: String) async throws -> Reconciliation {
        let all = try await run.staging.manifest.read { try $0.reconciliation() }
        return try #require(all.first { $0.stream.name.text == stream })
    }

    /// The same into an organisation, which has no head of an account.
    @Sendable private static func intoSalesforce(_: String) -> String {
        let target = """
            { connector: salesforce, base_url: "${env:SALESFORCE_BASE_URL}", auth: { kind: client_credentials,
              client_id: "${env:SALESFORCE_CLIENT_ID}", client_secret: "${env:SALESFORCE_CLIENT_SECRET}" } }
            """
        return pipeline.replacing("TARGET", with: target)
            .replacing("  - { from: firm, to: person, as: Account.Head__c, on_missing: empty }", with: "")
    }

    @Test func `follow the source in a later run, although nothing else of their records changed`() async throws {
        try await MainJobWorld.with(records: 10, edit: Self.intoSalesforce) { world in
            try write(world.folder)
            try await world.move().close()
            let path = "\(world.folder)/people.ndjson"
            let people = try String(contentsOfFile: path, encoding: .utf8)
            let changed = people.replacing(#""boss":"p6""#, with: #""boss":"p1""#)
            #expect(changed != people)
            try changed.write(toFile: path, atomically: true, encoding: .utf8)
            try await world.goOn().close()
            let (picture, expected) = (try OrgPicture(world.org), try await world.wholeRunElsewhere())
            #expect(picture == expected, "\(picture.differences(from: expected).joined(separator: "\n"))")
        }
    }

    @Test func `are set after the records, are read back, and are undone`() async throws {
        try await MainJobWorld.with(records: 10, edit: Self.intoSalesforce) { world in
            try write(world.folder)
            let run = try await world.move()
            let links = try await balance(run, "person-to-person")
            #expect(links.isClosed && links.read == 19)
            #expect(links[.created] == 17 && links[.rejected] == 1 && links[.skipped] == 1)
            for report in try await Verification(run, progress: SilentProgress()).verify() { #expect(report.isGood) }
            var contacts: [String: JSONValue] = [:]
            try world.org.records(of: "Contact") { bytes in
                let record = try JSONValue(parsing: bytes)
                contacts[record["LastName"]?.text ?? ""] = record
            }
            #expect(contacts.count == 20)
            for number in 1..<20 {
                let boss = contacts["N\(number)"]?["ReportsToId"]?.text
                #expect(boss == ([7, 9].contains(number) ? nil : contacts["N\(number / 2)"]?["Id"]?.text))
                #expect(contacts["N\(number)"]?["Title"]?.text == "T")
            }
            let balances = try await RunUndo(run).execute(isDryRun: false)
            #expect(balances.allSatisfy { $0.isClosed })
            #expect(try world.org.count(of: "Contact") == 0)
            #expect(try world.org.count(of: "Account") == 0)
            try await run.close()
        }
    }

    @Test(arguments: ["csv", "ndjson"])
    func `open a circle between two objects, in files too`(format: String) async throws {
        let text = Self.pipeline.replacing("TARGET", with: "{ connector: \(format), dir: out }")
        let edit: (String) -> String = { _ in text }
        try await MainJobWorld.with(records: 10, edit: edit) { world in
            try write(world.folder)
            let run = try await world.move()
            for stream in ["firm", "person", "person-to-firm", "firm-to-person", "person-to-person"] {
                let balance = try await balance(run, stream)
                #expect(balance.isClosed, "\(stream)")
            }
            #expect(try await balance(run, "firm-to-person")[.created] == 3)
            #expect(try await balance(run, "person-to-firm")[.created] == 20)
            for report in try await Verification(run, progress: SilentProgress()).verify() {
                #expect(report.isGood && report.compared == report.loaded, "\(report.stream) \(report.differences)")
            }
            let firms = try String(contentsOfFile: "\(world.folder)/out/Account.\(format)", encoding: .utf8)
            #expect(firms.contains("ndjson-person-p4") && firms.contains("F1"))
            let balances = try await RunUndo(run).execute(isDryRun: false)
            #expect(balances.allSatisfy { $0.isClosed }, "\(balances)")
            #expect(!FileManager.default.fileExists(atPath: "\(world.folder)/out/Contact.\(format)"))
            try await run.close()
        }
    }
}
