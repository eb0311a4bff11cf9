// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSalesforceSimulator
import MigratezStaging
import MigratezTestKit
import Testing

/// What a person does after a run: read back, decide, report, shred.
@Suite(.serialized) struct `After a run` {
    @Test func `reading back finds what somebody changed, sums are exact, and the report tells it all`() async throws {
        try await MainJobWorld.with(records: 800, edit: unmapped) { world in
            let run = try await world.move()
            let before = try await Verification(run, scope: .all, progress: SilentProgress()).verify()
            #expect(before.allSatisfy { $0.isGood }, "\(before.filter { !$0.isGood }.map(\.stream))")
            #expect(try await run.phase() == .verified)
            try checkSums(before, try OrgPicture(world.org))
            try await checkFillRates(run, before)

            let changed = try await changeBehindOurBack(world)
            let after = try await Verification(run, scope: .all, progress: SilentProgress()).verify()
            let deal = try #require(after.first { $0.stream.text == "deal" })
            #expect(deal.differences == ["Amount": 1, "StageName": 1])
            #expect(deal.examples == [changed.deal])
            #expect(deal.sums.contains { $0.labels.isEmpty && !$0.agrees }, "the total differs")
            #expect(deal.sums.count { !$0.labels.isEmpty && !$0.agrees } == 2, "two stages differ")
            let contact = try #require(after.first { $0.stream.text == "contact" })
            #expect(contact.missing == 1 && contact.differences == ["FirstName": 1])
            #expect(contact.counted == contact.loaded - 1)
            #expect(Set(contact.examples) == [changed.deleted, changed.emptied])
            let firstName = try #require(contact.fields.first { $0.field == "FirstName" })
            #expect(firstName.held < firstName.sent)
            #expect(try await run.phase() == .loaded, "verified no longer")

            let sample = try await Verification(run, scope: .share(0.05), progress: SilentProgress()).verify()
            #expect(sample.allSatisfy { $0.compared <= $0.loaded / 4 + 5 })
            try await run.close()
            try await checkReport(world, [changed.deal])
        }
    }

    @Test func `rejects are retried by id and skipped with a reason, and every balance stays closed`() async throws {
        try await MainJobWorld.with(records: 800, edit: unmapped) { world in
            let run = try await world.move()
            let stream = try #require(StreamName("deal"))
            let rejects = try await run.staging.manifest.read {
                try $0.rejects(of: stream, code: "MZ-PICK-02", limit: 100)
            }
            try #require(rejects.count >= 2)
            let first = try #require(rejects[0].sourceID)
            try await run.close()
            try world.edit("otherwise: quarantine ", "otherwise: {use: Prospecting} ")

            let (again, setup) = try await world.reopen(allowsChangedPlan: true)
            await #expect(throws: MigratezError.self) {
                try await IssueReplay(again, setup).prepare(code: nil, ids: [first, "424242"])
            }
            #expect(try await IssueReplay(again, setup).prepare(code: nil, ids: [first]).tried == 1)
            try await RunExecution(again, setup, progress: SilentProgress()).execute([.load])
            let loaded = try await again.staging.manifest.read {
                try $0.outcomes(of: stream, ordinals: [rejects[0].ordinal])
            }
            #expect(loaded.first?.outcome == .created)
            // A link that is missing keeps its record back, whatever is tried again.
            let links = try await again.staging.manifest.read { try $0.rejectCounts() }
                .filter { $0.code == "MZ-REF-01" && $0.stream.text == "contact" }.reduce(0) { $0 + $1.count }
            #expect(links > 0)
            #expect(try await IssueReplay(again, setup).prepare(code: "MZ-REF-01").tried == 0)
            try await again.close()

            let folder = try RunRegistry(world.workplace).find(nil).folder(in: world.workplace)
            let (skipped, left) = try await IssueSkip.skip(
                folder, code: "MZ-PICK-02", by: "Grace", reason: "old pipeline, agreed with sales")
            #expect(skipped.reduce(0) { $0 + $1.count } == rejects.count - 1)
            #expect(left > 0)
            await #expect(throws: MigratezError.self) {
                try await IssueSkip.skip(folder, code: "MZ-PICK-02", by: "Grace", reason: "once more")
            }
            await #expect(throws: MigratezError.self) {
                try await IssueSkip.skip(folder, code: "MZ-REF-01", by: "Grace", reason: " ")
            }
            let inspection = try RunInspection(folder)
            let (balances, audit) = try await inspection.manifest.read {
                (try $0.reconciliation(), try $0.auditEntries())
            }
            #expect(balances.allSatisfy { $0.isClosed })
            #expect(audit.last?.detail.hasSuffix("MZ-PICK-02: old pipeline, agreed with sales") == true)
            #expect(try world.org.duplicates(of: "Opportunity", by: OrgPicture.stamp).isEmpty)
        }
    }

    /// A pipeline in which one stage has no counterpart, and owners have none either.
    private func unmapped(_ pipeline: String) -> String {
        pipeline.replacing("      closedlost: Closed Lost\n", with: "").replacing("  match: email\n", with: "")
            .replacing("<= 20%", with: "<= 90%")
    }

    /// The sums that were read back are those of the organisation's own records.
    private func checkSums(_ results: [StreamVerification], _ picture: OrgPicture) throws {
        let sums = try #require(results.first { $0.stream.text == "deal" }).sums
        var total = Decimal()
        var byStage: [String: Decimal] = [:]
        for record in picture.records["Opportunity"] ?? [] {
            guard let text = record["Amount"]?.text, let amount = Decimal(string: text) else { continue }
            total += amount
            byStage[record["StageName"]?.text ?? "", default: 0] += amount
        }
        #expect(sums.first { $0.labels.isEmpty }?.held == "\(total)")
        #expect(byStage.count > 3)
        for (stage, amount) in byStage {
            let sum = sums.first { $0.labels.contains("StageName = \(stage)") }
            #expect(sum?.held == "\(amount)" && sum?.sent == "\(amount)", "\(stage)")
        }
    }

    /// What was counted while mapping fits to what was read back.
    private func checkFillRates(_ run: Run, _ results: [StreamVerification]) async throws {
        let contact = try #require(StreamName("contact"))
        let counts = try await run.staging.manifest.read { try $0.fieldCounts(of: contact) }
        func count(_ field: String, _ measure: String) -> Int {
            counts.first { $0.field == field && $0.measure == measure }?.count ?? 0
        }
        let mapped = count("", FieldCount.mapped)
        #expect(mapped > 0 && count("LastName", "filled") == mapped)
        #expect(count("HasOptedOutOfEmail", "source_filled") < count("HasOptedOutOfEmail", "filled"))
        let result = try #require(results.first { $0.stream == contact })
        #expect(result.fields.first { $0.field == "LastName" }?.held == result.compared)
        #expect(result.fields.contains { $0.field == "AccountId" && $0.held > 0 })
        let tags = try await run.staging.manifest.read { try $0.tagCounts() }
        #expect(tags.contains { $0.tag == "owner-unmatched" && $0.count == count("OwnerId", "person_replaced") })
    }

    /// A deal is moved to another stage and gets another amount, a contact is deleted, another one loses its first name.
    private func changeBehindOurBack(
        _ world: MainJobWorld
    ) async throws -> (deal: String, deleted: String, emptied: String) {
        let editor = try await OrgEditor(world)
        let picture = try OrgPicture(world.org)
        func sourceID(_ record: JSONValue, _ stream: String) -> String {
            String(record[OrgPicture.stamp]?.text?.dropFirst("hubspot-\(stream)-".count) ?? "")
        }
        let deal = try #require(
            picture.records["Opportunity"]?.first { $0["StageName"] == "Prospecting" && $0["Amount"]?.text != nil })
        try await editor.change(
            "Opportunity", try #require(deal["Id"]?.text), #"{"StageName":"Closed Lost","Amount":0.01}"#)
        let contacts = (picture.records["Contact"] ?? []).filter { $0["FirstName"]?.text != nil }
        let (deleted, emptied) = (try #require(contacts.first), try #require(contacts.last))
        try await editor.delete("Contact", try #require(deleted["Id"]?.text))
        try await editor.change("Contact", try #require(emptied["Id"]?.text), #"{"FirstName":null}"#)
        return (sourceID(deal, "deal"), sourceID(deleted, "contact"), sourceID(emptied, "contact"))
    }

    /// The report in all forms, before and after shredding.
    private func checkReport(_ world: MainJobWorld, _ ids: [String]) async throws {
        let entry = try RunRegistry(world.workplace).find(nil)
        let folder = try entry.folder(in: world.workplace)
        func report() throws -> RunReport {
            RunReport(
                try RunInspection(folder).manifest, in: folder, plan: entry.plan,
                now: world.workplace.clock.now)
        }
        let path = try await report().write()
        func text(_ name: String) throws -> String { try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }
        let page = try text("report.html")
        for part in [
            "Differences in the destination", "Reconciliation", "MZ-PICK-02", "values.deal_stage", "owner-unmatched",
            "Fill rates before and after", "StageName = Closed Won", "<svg class=\"plot\"", ProgramVersion.text,
        ] {
            #expect(page.contains(part), "\(part)")
        }
        for word in ["http://", "https://", "src=", "<script", "url("] { #expect(!page.contains(word), "\(word)") }
        let json = try JSONValue(parsing: Array(text("report.json").utf8))
        for key in [
            "balances", "rejects", "merges", "fallbacks", "tags", "fill_rates", "verification", "sums", "throughput",
            "memory", "requests",
        ] {
            #expect(json[key]?.elements.isEmpty == false, "\(key)")
        }
        #expect(json["requests"]?.elements.allSatisfy { $0["requests"]?.int ?? 0 > 0 } == true)
        let memory = json["memory"]?.elements.compactMap { $0["resident_bytes"]?.int } ?? []
        #expect(memory.allSatisfy { $0 > 1 << 20 })
        #expect(try text("report.md").contains("## Reconciliation") && text("report.csv").contains("balances,1,read"))
        #expect(try text("tags.csv").hasPrefix("tag,object,source_id,outcome,target_id\nowner-unmatched,"))
        let map = try text("id-map.csv")
        for id in ids { #expect(map.contains(",\(id),") || map.contains("deal,\(id)")) }
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
        }

        try await RunControl.withManifest(of: folder) { manifest in
            try await manifest.commit { try $0.confirm(by: "Grace", basis: "abandoned", isAbandoned: true) }
        }
        _ = try await Shredding.run(folder, clock: world.workplace.clock)
        _ = try await report().write()
        let shredded = try text("report.html")
        for part in ["Certificate of destruction", "Merkle root", "MZ-PICK-02", "StageName = Closed Won", "abandoned"] {
            #expect(shredded.contains(part), "\(part)")
        }
        #expect(try text("id-map.csv") == map, "what was written before shredding stays")
    }
}

extension Run {
    fileprivate func phase() async throws -> RunPhase { try await staging.manifest.read { try $0.run().phase } }
}
