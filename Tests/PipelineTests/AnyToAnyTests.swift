// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezHubSpotSimulator
import MigratezModel
import MigratezOdooSimulator
import MigratezPipeline
import MigratezSimulatorKit
import MigratezStaging
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// From each place to each other one, by the pipeline that `init` proposes for them.
@Suite(.serialized) struct `Any to any` {
    typealias Place = AnyToAnyWorld.Place

    @Test(arguments: Place.allCases)
    func `every record and every link has its end, and most are there`(from: Place) async throws {
        try await AnyToAnyWorld.with(records: 300) { world in
            // Other places than HubSpot's account are filled from it first.
            var before: [String: Int] = [:]
            if from != .hubspot {
                let run = try await world.move(from: .hubspot, to: from)
                before = try await created(run)
                try await run.close()
            }
            for to in Place.allCases where to != from {
                do {
                    let run = try await world.move(from: from, to: to)
                    try await check(run, from, to, before)
                    try await run.close()
                } catch { Issue.record(error, "\(from) to \(to)") }
            }
        }
    }

    @Test func `choices that are numbers come as the words that people read, and lists of ids not at all`() async throws
    {
        let crm = SyntheticCRM(seed: 11, counts: .init(records: 300))
        let account = try HubSpotSimulator(SyntheticCRM(seed: 11, counts: .init(owners: 2)))
        try await withTemporaryFolder { folder in
            try await SimulatorServer.run(try OdooSimulator(crm), configuration: .init()) { odoo in
                try await SimulatorServer.run(account, configuration: .init()) { hubspot in
                    let workplace = try Workplace(
                        environment: ["ODOO": odoo.baseURL, "HUBSPOT": hubspot.baseURL, "SECRET": "secret"],
                        clock: HurriedClock(), http: try CurlClient(TransportConfiguration()),
                        stateFolder: "\(folder)/state")
                    let draft = try PipelineDraft(
                        from: "odoo", to: "hubspot",
                        sourceSettings: ["base_url": "${env:ODOO}", "auth.token": "${env:SECRET}"],
                        targetSettings: ["base_url": "${env:HUBSPOT}", "auth.token": "${env:SECRET}"])
                    let text = try await draft.connectedText(for: "\(folder)/new.yaml", objects: nil, in: workplace)
                    #expect(text.contains("country: { from: country_id, values: company_country_id"), "\(text)")
                    #expect(text.contains(": United States\n"))
                    #expect(!text.contains("from: partner_ids"))
                }
            }
        }
    }

    private func check(_ run: Run, _ from: Place, _ to: Place, _ before: [String: Int]) async throws {
        let pair = "\(from) to \(to)"
        let balances = try await run.staging.manifest.read { try $0.reconciliation() }
        for balance in balances { #expect(balance.isClosed, "\(pair): \(balance.stream.name)") }
        let now = try await created(run)
        for (concept, names) in Self.streams {
            let count = names.compactMap { now[$0] }.first ?? 0
            let read = names.compactMap { name in balances.first { $0.stream.name.text == name } }.first?.read ?? 0
            if from == .ndjson, to == .pipedrive, concept == "notes" {
                // What a note is about is in a file of its own there, and Pipedrive takes no note about nothing.
                #expect(count == 0 && read > 0, "\(pair)")
                continue
            }
            // The file's notes tell no links, and Zoho takes no note about nothing: the pipeline leaves them out.
            if from == .ndjson, to == .zoho, concept == "notes" { continue }
            if let earlier = names.compactMap({ before[$0] }).first { #expect(read == earlier, "\(pair): \(concept)") }
            // One note in eight is about nothing, which Pipedrive does not take. To Zoho it is about one record only, which
            // may not have been loaded.
            let share = concept != "notes" ? 0.8 : to == .zoho ? 0.5 : to == .pipedrive ? 0.7 : 0.8
            #expect(Double(count) >= Double(read) * share && count > 0, "\(pair): \(count) of \(read) \(concept)")
        }
        for report in try await Verification(run, scope: .all, progress: SilentProgress()).verify() {
            #expect(
                report.isGood, "\(pair): \(report.stream): \(report.missing) missing, \(report.differences)")
        }
        let links = balances.filter { $0.stream.name.text.contains("-to-") }
        #expect(!links.isEmpty, "\(pair)")
        let usual = Set(Self.streams.flatMap(\.1))
        for link in links where link.stream.name.text.components(separatedBy: "-to-").allSatisfy(usual.contains) {
            // A link whose ends were both loaded is made; what is left out leads to what is not there. Of the other
            // kinds there are few, and the files of these accounts are names without bytes.
            #expect(link[.created] > 0, "\(pair): \(link.stream.name)")
        }
    }

    /// The same kind of records by the names that they have in different places.
    private static let streams: [(String, [String])] = [
        ("companies", ["company", "Account", "organization", "account", "Accounts"]),
        ("contacts", ["contact", "Contact", "person", "Contacts"]),
        ("deals", ["deal", "Opportunity", "opportunity", "Deals"]),
        ("notes", ["note", "ContentNote", "annotation", "Notes"]),
    ]

    private func created(_ run: Run) async throws -> [String: Int] {
        let balances = try await run.staging.manifest.read { try $0.reconciliation() }
        return Dictionary(balances.map { ($0.stream.name.text, $0[.created]) }, uniquingKeysWith: { $1 })
    }
}
