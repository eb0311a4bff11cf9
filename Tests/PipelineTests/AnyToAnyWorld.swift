// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezHubSpotSimulator
import MigratezModel
import MigratezPipeline
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezStaging
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport

/// A filled HubSpot account, an empty one, two orgs, and a folder for files and databases.
struct AnyToAnyWorld: Sendable {
    /// A place that records lie in, or are to.
    enum Place: String, CaseIterable, Sendable { case hubspot, salesforce, sqlite, ndjson }

    let folder: String
    let crm: SyntheticCRM
    let workplace: Workplace

    static func with(records: Int, _ body: (AnyToAnyWorld) async throws -> Void) async throws {
        let crm = SyntheticCRM(seed: 11, counts: .init(records: records))
        let people = crm.owners.map { OrgOptions.User(email: $0.email, name: "Owner", isActive: $0.isActive) }
        var options = OrgOptions()
        options.users += people
        options.permitsInactiveOwners = true
        let full = try HubSpotSimulator(crm)
        // The same people, and no records.
        let empty = try HubSpotSimulator(SyntheticCRM(seed: 11, counts: .init(owners: crm.counts.owners)))
        let orgs = try [SalesforceSimulator(options: options), SalesforceSimulator(options: options)]
        let configuration = SimulatorServer.Configuration(clock: HurriedClock())
        try await withTemporaryFolder { folder in
            try await SimulatorServer.run(full, configuration: configuration) { full in
                try await SimulatorServer.run(empty, configuration: configuration) { empty in
                    try await SimulatorServer.run(orgs[0], configuration: configuration) { first in
                        try await SimulatorServer.run(orgs[1], configuration: configuration) { second in
                            let workplace = try Workplace(
                                environment: [
                                    "HUBSPOT_FULL": full.baseURL, "HUBSPOT_EMPTY": empty.baseURL,
                                    "ORG_FIRST": first.baseURL, "ORG_SECOND": second.baseURL, "SECRET": "secret",
                                ], clock: HurriedClock(), http: try CurlClient(TransportConfiguration()),
                                stateFolder: "\(folder)/state")
                            try await body(AnyToAnyWorld(folder: folder, crm: crm, workplace: workplace))
                        }
                    }
                }
            }
        }
    }

    /// Moves everything by the pipeline that is proposed for the two, as it stands.
    func move(from source: Place, to target: Place) async throws -> Run {
        let file = "\(folder)/\(source)-\(target).yaml"
        let draft = try PipelineDraft(
            from: source.rawValue, to: target.rawValue, sourceSettings: settings(of: source, isSource: true),
            targetSettings: settings(of: target, isSource: false, from: source))
        let text = try await draft.connectedText(for: file, objects: nil, in: workplace)
            .replacing("dir: ./staging", with: "dir: ./staging-\(source)-\(target)")
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        let connection = try await PlanConnection.open(file, in: workplace)
        let setup = try await RunSetup.discover(
            connection.plan, source: connection.source, destination: connection.destination)
        guard setup.diagnostics.isEmpty else {
            throw MigratezError(.invalidPipeline, "\(setup.diagnostics)\n\(text)")
        }
        let run = try await Run.begin(connection, in: workplace) { _ in }
        try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
        return run
    }

    private func settings(of place: Place, isSource: Bool, from source: Place? = nil) -> [String: String] {
        switch place {
        case .hubspot:
            return [
                "base_url": isSource ? "${env:HUBSPOT_FULL}" : "${env:HUBSPOT_EMPTY}", "auth.token": "${env:SECRET}",
            ]
        case .salesforce:
            return [
                "base_url": isSource || source == .hubspot ? "${env:ORG_FIRST}" : "${env:ORG_SECOND}",
                "auth.kind": "client_credentials", "auth.client_id": "migratez", "auth.client_secret": "${env:SECRET}",
            ]
        case .sqlite:
            // What was written from HubSpot is what others read.
            guard isSource else { return ["file": source == .hubspot ? "first.sqlite" : "second.sqlite"] }
            var settings = ["file": "first.sqlite"]
            for object in ["company", "contact", "deal", "note"] { settings["objects.\(object).table"] = object }
            for object in ["contact", "deal"] { settings["objects.\(object).links.company.column"] = "company_id" }
            for (from, to) in [("deal", "contact"), ("note", "company"), ("note", "contact"), ("note", "deal")] {
                settings["objects.\(from).links.\(to).table"] = "\(from)_to_\(to)"
                settings["objects.\(from).links.\(to).from"] = "from"
                settings["objects.\(from).links.\(to).to"] = "to"
            }
            return settings
        case .ndjson:
            guard isSource else { return ["dir": source == .hubspot ? "first" : "second"] }
            var settings: [String: String] = [:]
            for object in ["company", "contact", "deal", "note"] {
                settings["objects.\(object).file"] = "first/\(object).ndjson"
                settings["objects.\(object).id"] = "migratez_id"
            }
            for object in ["contact", "deal"] { settings["objects.\(object).links.company.member"] = "company_id" }
            return settings
        }
    }
}
