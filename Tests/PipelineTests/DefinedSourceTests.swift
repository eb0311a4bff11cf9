// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezHubSpotSimulator
import MigratezModel
import MigratezPipeline
import MigratezRESTSimulator
import MigratezSimulatorKit
import MigratezStaging
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// From vendors that a definition describes, by the pipeline that `init` proposes.
@Suite(.serialized) struct `Sources that a definition describes` {
    private static let base = [
        RESTSimulator.Vendor.attio: "/v2", .close: "/api/v1", .copper: "/developer_api/v1",
        .freshsales: "/crm/sales/api", .sell: "/v2",
    ]

    private func settings(_ vendor: RESTSimulator.Vendor, _ server: SimulatorServer) -> [String: String] {
        let own: [String: String] =
            switch vendor {
            case .attio, .sell: ["auth.token": "${env:SECRET}"]
            case .close: ["auth.key": "${env:SECRET}"]
            case .copper: ["auth.key": "${env:SECRET}", "settings.user_email": "admin@acme.test"]
            case .freshsales: ["auth.key": "${env:SECRET}", "settings.bundle": "acme"]
            }
        return own.merging(["base_url": server.baseURL + (Self.base[vendor] ?? "")]) { $1 }
    }

    private func with(
        _ vendor: RESTSimulator.Vendor, _ body: (SyntheticCRM, SimulatorServer, String, Workplace) async throws -> Void
    ) async throws {
        let crm = SyntheticCRM(seed: 11, counts: .init(records: 300))
        let empty = try HubSpotSimulator(SyntheticCRM(seed: 11, counts: .init(owners: crm.counts.owners)))
        let configuration = SimulatorServer.Configuration(clock: HurriedClock())
        try await withTemporaryFolder { folder in
            try await SimulatorServer.run(try RESTSimulator(vendor, crm), configuration: configuration) { server in
                try await SimulatorServer.run(empty, configuration: configuration) { hubspot in
                    let workplace = try Workplace(
                        environment: ["SECRET": "secret", "HUBSPOT": hubspot.baseURL], clock: HurriedClock(),
                        http: try CurlClient(TransportConfiguration()), stateFolder: "\(folder)/state")
                    try await body(crm, server, folder, workplace)
                }
            }
        }
    }

    private func move(_ draft: PipelineDraft, _ file: String, _ workplace: Workplace) async throws -> Run {
        let text = try await draft.connectedText(for: file, objects: nil, in: workplace)
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        let connection = try await PlanConnection.open(file, in: workplace)
        let setup = try await RunSetup.discover(
            connection.plan, source: connection.source, destination: connection.destination)
        #expect(setup.diagnostics.isEmpty, "\(setup.diagnostics)\n\(text)")
        let run = try await Run.begin(connection, in: workplace) { _ in }
        try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
        return run
    }

    private func check(_ run: Run, _ crm: SyntheticCRM) async throws {
        let balances = try await run.staging.manifest.read { try $0.reconciliation() }
        for balance in balances { #expect(balance.isClosed, "\(balance.stream.name)") }
        let read = Dictionary(balances.map { ($0.stream.name.text, $0.read) }, uniquingKeysWith: { $1 })
        let live = crm.counts.contacts - crm.archivedCount(of: .contact)
        #expect(read["contact"] == live)
        #expect((read["company"] ?? 0) >= crm.counts.companies - crm.archivedCount(of: .company))
        let links = balances.first { $0.stream.name.text == "contact-to-company" }
        #expect((links?[.created] ?? 0) > 0, "\(balances.map(\.stream.name.text))")
        for report in try await Verification(run, scope: .all, progress: SilentProgress()).verify() {
            #expect(report.isGood, "\(report.stream): \(report.missing) missing, \(report.differences)")
        }
    }

    @Test(arguments: RESTSimulator.Vendor.allCases)
    func `go into a database as they are proposed to`(vendor: RESTSimulator.Vendor) async throws {
        try await with(vendor) { crm, server, folder, workplace in
            let draft = try PipelineDraft(
                from: vendor.rawValue, to: "sqlite", sourceSettings: settings(vendor, server),
                targetSettings: ["file": "crm.sqlite"])
            let run = try await move(draft, "\(folder)/p.yaml", workplace)
            try await check(run, crm)
            try await run.close()
            #expect(server.journal.counts.writes == 0)
        }
    }

    @Test(arguments: [RESTSimulator.Vendor.close, .sell])
    func `go into HubSpot as they are proposed to`(vendor: RESTSimulator.Vendor) async throws {
        try await with(vendor) { crm, server, folder, workplace in
            let draft = try PipelineDraft(
                from: vendor.rawValue, to: "hubspot", sourceSettings: settings(vendor, server),
                targetSettings: ["base_url": "${env:HUBSPOT}", "auth.token": "${env:SECRET}"])
            let run = try await move(draft, "\(folder)/p.yaml", workplace)
            try await check(run, crm)
            try await run.close()
        }
    }

    @Test func `a definition of one's own is read beside the pipeline`() async throws {
        try await with(.close) { crm, server, folder, workplace in
            let shipped = "\(repositoryRoot.path)/Sources/Connectors/REST/Definitions/close.yaml"
            let text = try String(contentsOfFile: shipped, encoding: .utf8)
            try text.replacing("name: close", with: "name: mine")
                .write(toFile: "\(folder)/mine.yaml", atomically: true, encoding: .utf8)
            let draft = try PipelineDraft(
                from: "rest", to: "ndjson",
                sourceSettings: settings(.close, server).merging(["definition": "\(folder)/mine.yaml"]) { $1 },
                targetSettings: ["dir": "out"])
            let run = try await move(draft, "\(folder)/p.yaml", workplace)
            let balances = try await run.staging.manifest.read { try $0.reconciliation() }
            #expect(balances.allSatisfy { $0.isClosed } && balances.count >= 4)
            try await run.close()
            let written = try String(contentsOfFile: "\(folder)/out/contact.ndjson", encoding: .utf8)
            #expect(written.contains("mine-contact-cont_"))
        }
        #expect(throws: MigratezError.self) {
            try PipelineDraft(
                from: "rest", to: "ndjson", sourceSettings: ["definition": "/nonexistent.yaml"],
                targetSettings: ["dir": "out"]
            ).offlineText(objects: nil)
        }
    }
}
