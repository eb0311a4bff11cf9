// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import MigratezConnectorKit
import MigratezHubSpotSimulator
import MigratezModel
import MigratezPipeline
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezStaging
import MigratezSyntheticCRM

/// `migratez demo`: the main job from end to end, between two simulated CRMs on this machine.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Moves a simulated HubSpot account to a simulated Salesforce org, and cleans up.",
        discussion: "EXAMPLE\n  migratez demo")

    @OptionGroup(title: "Global options") var display: DisplayOptions
    @Option(help: "How many records the simulated account has.") var records = 50_000
    @Option(help: "The seed of the account.") var seed: UInt64 = 7
    @Option(help: "Where to put the staged data, the report and the certificate.", completion: .directory)
    var dir = "migratez-demo"
    @Option(
        help: "The folder with the pipeline files; without it, those that came with the program.",
        completion: .directory)
    var pipelines: String?

    /// A handful of what goes wrong on a real network, often enough to be seen.
    private static let sourceFaults = "status:503=0.01,reset-mid-body=0.004,trickle=0.002,latency:40ms=0.05"
    private static let targetFaults = "status:503=0.01,commit-then-drop*2@/services/data,latency:40ms=0.05"

    func run() async throws {
        try display.requireText("the demo")
        let console = Console()
        let crm = SyntheticCRM(seed: seed, counts: .init(records: records))
        let hubspot = try HubSpotSimulator(crm, options: HubSpotOptions(tokens: ["demo-token"]))
        var org = OrgOptions()
        org.users += SimulateCommand.owners
        let salesforce = try SalesforceSimulator(options: org)
        let file = try preparePipeline()
        let source = SimulatorServer.Configuration(faults: try FaultPlan(parsing: Self.sourceFaults), seed: seed)
        let target = SimulatorServer.Configuration(faults: try FaultPlan(parsing: Self.targetFaults), seed: seed)
        try await SimulatorServer.run(hubspot, configuration: source) { source in
            try await SimulatorServer.run(salesforce, configuration: target) { target in
                console.say(
                    """
                    A simulated HubSpot account with \(crm.counts.total.grouped) records is at \
                    http://127.0.0.1:\(source.port), an empty simulated Salesforce org at \
                    http://127.0.0.1:\(target.port). Both fail now and then, as the real ones do.
                    """)
                let variables = [
                    "HUBSPOT_BASE_URL": "http://127.0.0.1:\(source.port)", "HUBSPOT_TOKEN": "demo-token",
                    "SALESFORCE_BASE_URL": "http://127.0.0.1:\(target.port)", "SALESFORCE_CLIENT_ID": "demo",
                    "SALESFORCE_CLIENT_SECRET": "demo-secret",
                ]
                let workplace = try demoWorkplace(variables)
                try await DemoTour(console: console, workplace: workplace, file: file).walk()
            }
        }
    }

    /// Copies the pipeline into the demo's folder, so that its staging folder is there, too.
    private func preparePipeline() throws -> String {
        let files = FileManager.default
        let origin = pipelines ?? Self.shippedPipelines
        let name = "hubspot-to-salesforce.yaml"
        guard files.isReadableFile(atPath: "\(origin)/\(name)") else {
            throw MigratezError(
                .fileNotFound, "there is no \(name) in \(origin)", remedy: .fixConfiguration,
                hint: "look at --pipelines")
        }
        try files.createDirectory(
            atPath: dir, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for item in [name, "maps"] {
            try? files.removeItem(atPath: "\(dir)/\(item)")
            try files.copyItem(atPath: "\(origin)/\(item)", toPath: "\(dir)/\(item)")
        }
        return "\(dir)/\(name)"
    }

    /// Where the launcher says that the sources are, or else where a package puts the files beside `bin`.
    private static var shippedPipelines: String {
        if let home = ProcessInfo.processInfo.environment["MIGRATEZ_HOME"] { return "\(home)/pipelines" }
        guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
            return "pipelines"
        }
        return URL(filePath: program).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "share/migratez/pipelines").path(percentEncoded: false)
    }

    /// The demo keeps its keys and its list of runs in its own folder.
    private func demoWorkplace(_ variables: [String: String]) throws -> Workplace {
        let environment = ProcessInfo.processInfo.environment.merging(variables) { _, demo in demo }
        let state = URL(filePath: dir).standardizedFileURL.path(percentEncoded: false) + "/state"
        return try Workplace.system(environment: environment, stateFolder: state)
    }
}

/// The steps of the demo, each with a word of explanation.
private struct DemoTour {
    let console: Console
    let workplace: Workplace
    let file: String

    func walk() async throws {
        step("1  plan: what fits, what has to be created")
        let connection = try await PlanConnection.open(file, in: workplace)
        let setup = try await StageSession.discover(connection, console)
        for creation in setup.objectCreations { console.say("will create object \(creation.object)") }
        for creation in setup.creations {
            console.say("will create field \(creation.object).\(creation.field.name)")
        }

        step("2  run: extract, transform and load, at the same time")
        let run = try await Run.begin(connection, in: workplace) { console.note($0) }
        console.say("run \(run.id)")
        do {
            try await StageSession.execute(run, setup, [.extract, .transform, .load], console)
        } catch let code as ExitCode where code == .quarantined {
            // Some records are rejected by design; the next step shows them.
        }
        let reference = run.id.text

        step("3  issues: what was rejected, and why")
        let folder = try RunRegistry(workplace).find(reference).folder(in: workplace)
        console.show(try await IssueTable.document(try RunInspection(folder).manifest, plan: connection.plan))

        step("4  verify: read back what was loaded")
        let entry = try RunRegistry(workplace).find(reference)
        let reopened = try await Run.reopen(entry, connection, in: workplace) { console.note($0) }
        let reports: [StreamVerification]
        do {
            reports = try await VerifyCommand.verify(reopened, console)
        } catch {
            try await reopened.close()
            throw error
        }
        try await reopened.close()
        console.show(VerifyCommand.document(reports))
        guard reports.allSatisfy(\.isGood) else { throw ExitCode.differences }

        step("5  report, confirm, shred: nothing stays behind")
        let ending = RunEnding(workplace)
        try await ending.confirm(entry, by: "demo", basis: "verified")
        let certificate = try await ending.shred(entry)
        _ = try certificate.verify()
        console.say("keys destroyed, files removed, certificate signed and checked")
        console.say("report       \(RunReport.path(beside: folder))/report.html")
        console.say("certificate  \(certificate.text)")
    }

    private func step(_ title: String) { console.say("\n\(console.bold(title))") }
}
