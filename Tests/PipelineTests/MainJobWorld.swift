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

/// Two simulated CRMs over loopback and a folder to work in: everything but the command line.
struct MainJobWorld: Sendable {
    static let token = "pat-planted-token-3141592653"
    /// The token of somebody else who works in the org.
    static let somebody = "somebody-else"
    static let secret = "planted-client-secret-2718281828"

    let folder: String
    let crm: SyntheticCRM
    let hubspot: SimulatorServer
    let salesforce: SimulatorServer
    let org: SalesforceSimulator
    let workplace: Workplace

    var pipeline: String { "\(folder)/pipeline.yaml" }
    var staging: String { "\(folder)/staging" }
    var state: String { "\(folder)/state" }

    /// Sets it all up for the time of `body`; the pipeline is the shipped one of `name`, changed by `edit`. The vendors
    /// have a clock of their own, by which they count days and sessions.
    static func with<R: Sendable>(
        records: Int = 2000, seed: UInt64 = 7, sourceFaults: String = "", targetFaults: String = "",
        pipeline name: String = "hubspot-to-salesforce", variables: [String: String] = [:],
        http: (any HTTPClient)? = nil, vendorClock: any WallClock = SystemWallClock(),
        account accountOptions: HubSpotOptions = HubSpotOptions(), organisation orgOptions: OrgOptions = OrgOptions(),
        edit: (String) -> String = { $0 }, _ body: (MainJobWorld) async throws -> R
    ) async throws -> R {
        let crm = SyntheticCRM(seed: seed, counts: .init(records: records))
        var accountOptions = accountOptions
        accountOptions.tokens = [token]
        accountOptions.clock = vendorClock
        let account = try HubSpotSimulator(crm, options: accountOptions)
        var options = orgOptions
        options.users += crm.owners.map { .init(email: $0.email, name: "Owner", isActive: $0.isActive) }
        options.clientSecret = secret
        options.staticTokens = [somebody]
        let org = try SalesforceSimulator(options: options, clock: vendorClock)
        let source = SimulatorServer.Configuration(
            faults: try FaultPlan(parsing: sourceFaults), seed: seed, clock: HurriedClock())
        let target = SimulatorServer.Configuration(
            faults: try FaultPlan(parsing: targetFaults), seed: seed, clock: HurriedClock())
        return try await withTemporaryFolder { folder in
            let shipped = "\(PipelineFileFixtures.pipelinesFolder)/\(name).yaml"
            try edit(PipelineFileFixtures.text(shipped))
                .write(toFile: "\(folder)/pipeline.yaml", atomically: true, encoding: .utf8)
            try FileManager.default.copyItem(
                atPath: "\(PipelineFileFixtures.pipelinesFolder)/maps", toPath: "\(folder)/maps")
            return try await SimulatorServer.run(account, configuration: source) { source in
                try await SimulatorServer.run(org, configuration: target) { target in
                    let own = [
                        "HUBSPOT_BASE_URL": source.baseURL, "HUBSPOT_TOKEN": token,
                        "SALESFORCE_BASE_URL": target.baseURL, "SALESFORCE_CLIENT_ID": "migratez",
                        "SALESFORCE_CLIENT_SECRET": secret,
                    ]
                    let workplace = try Workplace(
                        environment: own.merging(variables) { _, given in given }, clock: HurriedClock(),
                        http: try http ?? CurlClient(TransportConfiguration()), stateFolder: "\(folder)/state")
                    return try await body(
                        MainJobWorld(
                            folder: folder, crm: crm, hubspot: source, salesforce: target, org: org,
                            workplace: workplace))
                }
            }
        }
    }

    /// Replaces a part of the pipeline file, as somebody with an editor would.
    func edit(_ old: String, _ new: String) throws {
        let text = try PipelineFileFixtures.text(pipeline)
        precondition(text.contains(old), "the pipeline file has no \(old)")
        try text.replacing(old, with: new).write(toFile: pipeline, atomically: true, encoding: .utf8)
    }

    /// Begins a run and takes it through all stages.
    func move() async throws -> Run {
        let (run, setup) = try await begin()
        try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
        return run
    }

    func begin() async throws -> (Run, RunSetup) {
        let (connection, setup) = try await connect()
        return (try await Run.begin(connection, in: workplace) { _ in }, setup)
    }

    /// Becomes the owner of the newest run again.
    func reopen(allowsChangedPlan: Bool = false) async throws -> (Run, RunSetup) {
        let (connection, setup) = try await connect()
        let entry = try RunRegistry(workplace).find(nil)
        let run = try await Run.reopen(entry, connection, in: workplace, allowsChangedPlan: allowsChangedPlan) { _ in }
        return (run, setup)
    }

    /// Takes the newest run through what is left of its stages.
    func resume() async throws {
        let (run, setup) = try await reopen()
        try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
        try await run.close()
    }

    /// Both sides, asked for their schemas.
    func connect() async throws -> (PlanConnection, RunSetup) {
        let connection = try await PlanConnection.open(pipeline, in: workplace)
        let setup = try await RunSetup.discover(
            connection.plan, source: connection.source, destination: connection.destination)
        return (connection, setup)
    }

    /// Does something in the org that is not ours to do; returns the answer.
    @discardableResult
    func somebodyElse(_ method: HTTPMethod, _ path: String, _ body: String) async throws -> String {
        let request = HTTPRequest(
            method, salesforce.baseURL + "/services/data/v67.0/sobjects/" + path,
            headers: [
                HTTPHeader("Authorization", "Bearer \(Self.somebody)"), HTTPHeader("Content-Type", "application/json"),
            ], body: .bytes(Array(body.utf8)))
        let response = try await workplace.http.send(request)
        guard response.isSuccess else { throw MigratezError(.requestRefused, "somebody else was refused") }
        return String(decoding: response.body, as: UTF8.self)
    }

    /// Sends the rejected records of a code again.
    func retry(code: String?) async throws -> (run: Run, count: Int) {
        let (run, setup) = try await reopen(allowsChangedPlan: true)
        let count = try await IssueReplay(run, setup).prepare(code: code).tried
        try await RunExecution(run, setup, progress: SilentProgress()).execute([.load])
        return (run, count)
    }
}

/// The machine's clock, but waits take a fiftieth of their time: pauses after faults would make the tests slow.
struct HurriedClock: WallClock {
    var now: Timestamp { SystemWallClock().now }
    func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration / 50) }
}
