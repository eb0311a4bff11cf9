// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezStaging
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// A few records through the real path, and back.
@Suite(.serialized) struct `A sample` {
    /// Moves the records and leaves the run open.
    private func move(
        _ world: MainJobWorld, wanted: [String: [String]] = [:], count: Int = 3
    ) async throws -> (Run, SampleSelection) {
        let connection = try await PlanConnection.open(world.pipeline, in: world.workplace)
        let selection = try await SampleSelection.choose(
            connection.plan, from: connection.source, wanted: wanted, count: count)
        let sampled = connection.sampled(selection)
        let setup = try await RunSetup.discover(
            sampled.plan, source: sampled.source, destination: sampled.destination)
        let run = try await Run.begin(sampled, in: world.workplace) { _ in }
        try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
        return (run, selection)
    }

    @Test func `moves the records that were asked for with those that they link to, and shows both sides`() async throws
    {
        try await MainJobWorld.with(records: 500) { world in
            let index = try #require(
                (0..<world.crm.counts.deals).first { index in
                    let links = world.crm.links(.dealToCompany, from: index)
                    let companies = links.compactMap { world.crm.index(of: .company, id: $0.toID) }
                    return !world.crm.isArchived(.deal, at: index) && !links.isEmpty
                        && companies.allSatisfy { !world.crm.isArchived(.company, at: $0) }
                        && ["contractsent", "closedwon"].contains(world.crm.deal(at: index)[.dealstage])
                })
            let deal = String(world.crm.deal(at: index).id)
            let (run, selection) = try await move(world, wanted: ["deal": [deal]])
            #expect(selection.ids["deal"] == [deal])
            #expect((selection.ids["company"] ?? []).isEmpty == false, "the deal's company comes with it")
            #expect((selection.ids["note"] ?? []).isEmpty, "what links to the deal does not")
            let loaded = try world.org.count(of: "Opportunity") + world.org.count(of: "Account")
            #expect(loaded > 1 && loaded <= selection.count)

            let comparisons = try await SampleComparison.all(of: run)
            let shown = try #require(comparisons.first { $0.sourceID == deal })
            #expect(shown.outcome == .created && shown.agrees)
            let amount = try #require(shown.fields.first { $0.name == "Name" })
            #expect(amount.origin == "dealname" && amount.source == amount.sent && amount.held == amount.sent)
            #expect(shown.fields.contains { $0.name == "AccountId" && $0.origin == "link" && $0.agrees })
            #expect(shown.sourceAddress?.hasSuffix("/record/0-3/\(deal)") == true)
            #expect(shown.targetAddress?.hasSuffix(shown.targetID ?? "?") == true)
            // Ids only: no value of the record is in the manifest.
            let name = try #require(amount.sent)
            try await run.close()
            let folder = "\(world.staging)/\(run.id)"
            for file in FileManager.default.enumerator(atPath: folder)?.compactMap({ $0 as? String }) ?? [] {
                guard let bytes = FileManager.default.contents(atPath: "\(folder)/\(file)") else { continue }
                #expect(bytes.range(of: Data(name.utf8)) == nil, "\(file)")
            }
            try await world.workplace.checkIsMarked(run.id)
        }
    }

    @Test func `a sample that was cut off is resumed as a sample`() async throws {
        try await MainJobWorld.with(records: 500) { world in
            let connection = try await PlanConnection.open(world.pipeline, in: world.workplace)
            let selection = try await SampleSelection.choose(
                connection.plan, from: connection.source, wanted: [:], count: 2)
            let begun = try await Run.begin(connection.sampled(selection), in: world.workplace) { _ in }
            try await begun.close()
            let (run, setup) = try await world.reopen()
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
            for balance in try await run.staging.manifest.read({ try $0.reconciliation() })
            where balance.stream.kind == .object {
                #expect(balance.read <= selection.ids[balance.stream.name.text]?.count ?? 0)
                #expect(balance.isClosed)
            }
            try await run.close()
        }
    }

    @Test func `is taken back to the last record, and nothing else goes`() async throws {
        try await MainJobWorld.with(records: 500) { world in
            try await world.somebodyElse(.post, "Account", #"{"Name":"Somebody else's"}"#)
            let (run, _) = try await move(world, count: 4)
            // Somebody took one record over: it does not carry the sample's key any more.
            let taken = try #require(try OrgPicture(world.org).records["Contact"]?.first?["Id"]?.text)
            try await world.somebodyElse(.patch, "Contact/\(taken)", #"{"Migratez_Id__c":"theirs"}"#)
            try await run.close()
            let entry = try RunRegistry(world.workplace).find(run.id.text)
            try await SampleRemoval.check(entry, in: world.workplace)
            let (reopened, _) = try await world.reopen()
            let results = try await SampleRemoval(reopened).remove()
            #expect(results.contains { $0.deleted > 0 })
            #expect(results.filter { !$0.isComplete }.map(\.object) == ["Contact"])
            #expect(results.flatMap(\.foreign) == [taken])
            for object in ["Opportunity", "ContentDocument", "OpportunityContactRole"] {
                #expect(try world.org.count(of: object) == 0, "\(object)")
            }
            #expect(
                try OrgPicture(world.org).records["Account"]?.compactMap { $0["Name"]?.text } == ["Somebody else's"])
            // Once more, as after a crash: what is gone is gone.
            let again = try await SampleRemoval(reopened).remove()
            #expect(again.allSatisfy { $0.deleted == 0 })
            try await reopened.close()
        }
    }

    @Test func `a whole run is no sample, and a sample that a run has built on stays`() async throws {
        try await MainJobWorld.with(records: 200) { world in
            let (sample, _) = try await move(world)
            try await sample.close()
            let run = try await world.move()
            try await run.close()
            let registry = RunRegistry(world.workplace)
            for (id, word) in [(run.id, "no sample"), (sample.id, run.id.text)] {
                let entry = try registry.find(id.text)
                let error = await #expect(throws: MigratezError.self) {
                    try await SampleRemoval.check(entry, in: world.workplace)
                }
                #expect(error?.code == .wrongRunState && error?.message.contains(word) == true)
            }
        }
    }

    @Test func `records and objects that do not exist are named`() async throws {
        try await MainJobWorld.with(records: 100) { world in
            let connection = try await PlanConnection.open(world.pipeline, in: world.workplace)
            for (wanted, word) in [(["contact": ["999999999"]], "999999999"), (["person": ["1"]], "person")] {
                let error = await #expect(throws: MigratezError.self) {
                    try await SampleSelection.choose(connection.plan, from: connection.source, wanted: wanted, count: 1)
                }
                #expect(error?.code == .invalidSetting && error?.message.contains(word) == true)
            }
        }
    }
}

extension Workplace {
    /// Lists of runs call a sample a sample.
    fileprivate func checkIsMarked(_ run: RunID) async throws {
        let inspection = try RunInspection(try RunRegistry(self).find(run.text).folder(in: self))
        let name = try await inspection.manifest.read { try $0.run().description.pipeline }
        #expect(name.hasSuffix("(sample)"))
    }
}
