// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSalesforceSimulator
import MigratezStaging
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

/// The main job from end to end: both simulated CRMs over loopback, real staging, the shipped pipeline.
@Suite(.serialized) struct `The main job` {
    @Test func `moves each survivor once, with its links, and every balance is closed`() async throws {
        try await MainJobWorld.with { world in
            let run = try await world.move()
            let balances = try await run.staging.manifest.read { try $0.reconciliation() }
            for balance in balances { #expect(balance.isClosed, "\(balance.stream.name)") }
            for (stream, object) in [
                (CRMObject.contact, "contact"), (.company, "company"), (.deal, "deal"), (.note, "note"),
            ] {
                let live = (0..<world.crm.counts[stream]).filter { !world.crm.isArchived(stream, at: $0) }
                #expect(balances.first { $0.stream.name.text == object }?.read == live.count, "\(object)")
            }
            let reports = try await Verification(run, progress: SilentProgress()).verify()
            for report in reports {
                #expect(report.isGood, "\(report.stream): \(report.missing) missing, \(report.differences)")
                if report.loaded > 0 { #expect(report.compared > 0, "\(report.stream)") }
            }
            let picture = try OrgPicture(world.org)
            for object in ["Account", "Contact", "Opportunity", "ContentVersion", "OpportunityContactRole"] {
                #expect(try world.org.duplicates(of: object, by: OrgPicture.stamp).isEmpty)
                #expect(picture.records[object]?.isEmpty == false, "\(object)")
            }
            try await checkPeople(world, run, picture)
            try await run.close()
        }
    }

    /// The other stages wait for milestones that no longer come; the limit turns a wait for ever into a failure.
    @Test(.timeLimit(.minutes(1)), arguments: ["contact", "note"])
    func `ends with the first error of a stage, whatever the others wait for`(object: String) async throws {
        let wants: (String) -> String = {
            $0.replacing(#"expect: { contact: ">= 1" }"#, with: #"expect: { \#(object): ">= 1M" }"#)
        }
        try await MainJobWorld.with(records: 60, edit: wants) { world in
            let (run, setup) = try await world.begin()
            let failure = await #expect(throws: MigratezError.self) {
                try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
            }
            #expect(failure?.code == .gateBreached)
            try await run.close()
        }
    }

    /// Every living contact is in the org once, is merged into one that is, or has an outcome that says why not.
    private func checkPeople(_ world: MainJobWorld, _ run: Run, _ picture: OrgPicture) async throws {
        let stream = try #require(StreamName("contact"))
        let outcomes = try await run.staging.manifest.read { try $0.outcomes(of: stream, from: 0, limit: 100_000) }
        let bySource = Dictionary(outcomes.compactMap { row in row.sourceID.map { ($0, row) } }) { first, _ in first }
        let byOrdinal = Dictionary(outcomes.map { ($0.ordinal, $0) }) { first, _ in first }
        let contacts = picture.ids["Contact"] ?? [:]
        var merged = 0
        for index in 0..<world.crm.counts.contacts {
            let contact = world.crm.contact(at: index)
            guard !contact.isArchived else { continue }
            let row = try #require(bySource[String(contact.id)], "contact \(contact.id)")
            let key = "hubspot-contact-\(contact.id)"
            switch row.outcome {
            case .created, .updated: #expect(contacts[key] == row.targetID, "\(key)")
            default: #expect(contacts[key] == nil, "\(key) is \(row.outcome.name)")
            }
            guard let original = contact.duplicateOf else { continue }
            // One of the two is merged into the other, whichever was kept.
            let other = try #require(bySource[String(world.crm.contact(at: original).id)])
            guard row.outcome != .filtered, other.outcome != .filtered else { continue }
            func root(_ row: RecordOutcome) -> Int { row.survivor ?? row.ordinal }
            #expect(root(row) == root(other), "contacts \(contact.id) and \(world.crm.contact(at: original).id)")
            merged += 1
        }
        #expect(merged > 10)
        try checkAccounts(world, bySource, byOrdinal, picture)
    }

    /// The roles of deals whose contact was merged lead to the survivor.
    private func checkAccounts(
        _ world: MainJobWorld, _ contacts: [String: RecordOutcome], _ byOrdinal: [Int: RecordOutcome],
        _ picture: OrgPicture
    ) throws {
        let opportunities = picture.ids["Opportunity"] ?? [:]
        let roles = Set(
            (picture.records["OpportunityContactRole"] ?? []).map {
                "\($0["OpportunityId"]?.text ?? "")-\($0["ContactId"]?.text ?? "")"
            })
        var expected: Set<String> = []
        var ofMerged = 0
        for index in 0..<world.crm.counts.deals where !world.crm.isArchived(.deal, at: index) {
            guard let deal = opportunities["hubspot-deal-\(world.crm.deal(at: index).id)"] else { continue }
            for link in world.crm.links(.dealToContact, from: index) {
                guard let row = contacts[String(link.toID)] else { continue }
                let survivor = row.survivor.flatMap { byOrdinal[$0] } ?? row
                guard let contact = survivor.targetID else { continue }
                if row.outcome == .merged { ofMerged += 1 }
                expected.insert("\(deal)-\(contact)")
            }
        }
        #expect(roles == expected)
        #expect(ofMerged > 0)
    }
}
