// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezDynamicsSimulator
import MigratezHubSpotSimulator
import MigratezModel
import MigratezOdooSimulator
import MigratezPipedriveSimulator
import MigratezPipeline
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezStaging
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import MigratezZohoSimulator

/// A filled HubSpot account, an empty one, two orgs, two companies of Pipedrive's, two environments of
/// Dynamics, two databases of Odoo, and a folder for files and databases.
struct AnyToAnyWorld: Sendable {
    /// A place that records lie in, or are to.
    enum Place: String, CaseIterable, Sendable {
        case hubspot, salesforce, pipedrive, dynamics, odoo, zoho, sqlite, ndjson
    }

    let folder: String
    let crm: SyntheticCRM
    let workplace: Workplace

    static func with(records: Int, _ body: (AnyToAnyWorld) async throws -> Void) async throws {
        let crm = SyntheticCRM(seed: 11, counts: .init(records: records))
        let users = crm.owners.map { OrgOptions.User(email: $0.email, name: "Owner", isActive: $0.isActive) }
        var options = OrgOptions()
        options.users += users
        options.permitsInactiveOwners = true
        let full = try HubSpotSimulator(crm)
        // The same people, and no records.
        let people = SyntheticCRM(seed: 11, counts: .init(owners: crm.counts.owners))
        let empty = try HubSpotSimulator(people)
        let orgs = try [SalesforceSimulator(options: options), SalesforceSimulator(options: options)]
        let ownership = PipedriveOptions(permitsInactiveOwners: true)
        let companies = try [
            PipedriveSimulator(people, options: ownership), PipedriveSimulator(people, options: ownership),
        ]
        var dynamics = DynamicsOptions()
        // Whatever nobody owns is the application user's there, so somebody must be that user for others.
        dynamics.applicationUserEmail = crm.owners[0].email
        dynamics.users = crm.owners.dropFirst().map { .init(email: $0.email, name: "Owner") }
        let environments = try [DynamicsSimulator(options: dynamics), DynamicsSimulator(options: dynamics)]
        var odoo = OdooOptions()
        odoo.users = crm.owners.map { .init(login: $0.email, name: "Owner", isActive: $0.isActive) }
        let databases = try [OdooSimulator(options: odoo), OdooSimulator(options: odoo)]
        var zoho = ZohoOptions()
        zoho.users += users.map { .init(email: $0.email, name: $0.name, isActive: $0.isActive) }
        zoho.permitsInactiveOwners = true
        // Each move logs in anew.
        zoho.tokensMax = 100
        let organisations = try [ZohoSimulator(options: zoho), ZohoSimulator(options: zoho)]
        let services: [(String, any SimulatorService)] = [
            ("HUBSPOT_FULL", full), ("HUBSPOT_EMPTY", empty), ("ORG_FIRST", orgs[0]), ("ORG_SECOND", orgs[1]),
            ("PIPEDRIVE_FIRST", companies[0]), ("PIPEDRIVE_SECOND", companies[1]),
            ("DYNAMICS_FIRST", environments[0]), ("DYNAMICS_SECOND", environments[1]),
            ("ZOHO_FIRST", organisations[0]), ("ZOHO_SECOND", organisations[1]),
            ("ODOO_FIRST", databases[0]), ("ODOO_SECOND", databases[1]),
        ]
        try await withTemporaryFolder(isInMemory: true) { folder in
            try await serve(services[...], ["SECRET": "secret"]) { environment in
                let workplace = try Workplace(
                    environment: environment, clock: HurriedClock(), http: try CurlClient(TransportConfiguration()),
                    stateFolder: "\(folder)/state")
                try await body(AnyToAnyWorld(folder: folder, crm: crm, workplace: workplace))
            }
        }
    }

    /// Runs `body` while all the services are there; each variable has the address of its service.
    private static func serve(
        _ services: ArraySlice<(String, any SimulatorService)>, _ environment: [String: String],
        _ body: ([String: String]) async throws -> Void
    ) async throws {
        guard let (variable, service) = services.first else {
            try await body(environment)
            return
        }
        try await SimulatorServer.run(service, configuration: .init(clock: HurriedClock())) { server in
            var environment = environment
            environment[variable] = server.baseURL
            try await serve(services.dropFirst(), environment, body)
        }
    }

    /// Moves everything by the pipeline that is proposed for the two, as it stands.
    func move(from source: Place, to target: Place) async throws -> Run {
        let file = "\(folder)/\(source)-\(target).yaml"
        let draft = try PipelineDraft(
            from: source.rawValue, to: target.rawValue, sourceSettings: settings(of: source, isSource: true),
            targetSettings: settings(of: target, isSource: false, from: source))
        // A note of Zoho's must belong to something, and these files tell no links of notes.
        let objects = source == .ndjson && target == .zoho ? ["company", "contact", "deal"] : nil
        let text = try await draft.connectedText(for: file, objects: objects, in: workplace)
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

    /// The settings of a connection; whoever is asked over the network answers as fast as it can.
    private func settings(of place: Place, isSource: Bool, from source: Place? = nil) -> [String: String] {
        let settings = connection(to: place, isSource: isSource, from: source)
        return settings["base_url"] == nil ? settings : settings.merging(["rate.requests": "100000/10s"]) { $1 }
    }

    private func connection(to place: Place, isSource: Bool, from source: Place?) -> [String: String] {
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
        case .pipedrive:
            return [
                "base_url": isSource || source == .hubspot ? "${env:PIPEDRIVE_FIRST}" : "${env:PIPEDRIVE_SECOND}",
                "auth.api_token": "${env:SECRET}",
            ]
        case .dynamics:
            let url = isSource || source == .hubspot ? "${env:DYNAMICS_FIRST}" : "${env:DYNAMICS_SECOND}"
            return [
                "base_url": url, "login_url": url, "auth.tenant": "acme.test", "auth.client_id": "migratez",
                "auth.client_secret": "${env:SECRET}",
            ]
        case .odoo:
            return [
                "base_url": isSource || source == .hubspot ? "${env:ODOO_FIRST}" : "${env:ODOO_SECOND}",
                "auth.token": "${env:SECRET}",
            ]
        case .zoho:
            return [
                "base_url": isSource || source == .hubspot ? "${env:ZOHO_FIRST}" : "${env:ZOHO_SECOND}",
                "auth.client_id": "migratez", "auth.client_secret": "${env:SECRET}",
                "auth.refresh_token": "${env:SECRET}",
            ].merging(isSource ? [:] : ["load.contact_role": "Evaluator"]) { $1 }
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
