// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez status [RUN]`
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Lists the runs, or tells how far one is and what is still staged.",
        discussion: "EXAMPLE\n  migratez status 7f3a")

    @OptionGroup var common: CommonOptions
    @OptionGroup var reference: RunArgument

    func run() async throws {
        let workplace = try common.workplace()
        let console = Console()
        let registry = RunRegistry(workplace)
        guard let wanted = reference.run else {
            var table = TextTable(["RUN", "STARTED", "PHASE", "STATE", "STAGED", "PIPELINE"], rightAligned: [4])
            for entry in registry.entries() { table.add(try await Self.row(entry, workplace)) }
            console.say(table.lines.joined(separator: "\n"))
            return
        }
        let entry = try registry.find(wanted)
        let inspection = try RunInspection(try entry.folder(in: workplace))
        let (run, chunks, balances) = try await inspection.manifest.read { view in
            (try view.run(), try view.chunks(), try view.reconciliation())
        }
        console.say("run \(run.id)  \(run.description.pipeline)  \(run.phase.rawValue), \(run.activity.rawValue)")
        if let owner = inspection.owner { console.say("process \(owner) works on it") }
        if let code = run.activityCode { console.say("\(code): \(run.activityMessage ?? "")") }
        if let resumesAt = run.resumesAt { console.say("can go on at \(resumesAt)") }
        let staged = chunks.filter { $0.state != .shredded }
        console.say(
            "staged: \(staged.count) chunks, \(ByteCount(staged.reduce(0) { $0 + $1.storedBytes })), since \(run.createdAt)"
        )
        console.say(BalanceTable.lines(balances).joined(separator: "\n"))
    }

    private static func row(_ entry: RunRegistry.Entry, _ workplace: Workplace) async throws -> [String] {
        let started = String(entry.started.description.prefix(19))
        do {
            let inspection = try RunInspection(try entry.folder(in: workplace))
            let (run, chunks) = try await inspection.manifest.read { (try $0.run(), try $0.chunks()) }
            let bytes = chunks.filter { $0.state != .shredded }.reduce(0) { $0 + $1.storedBytes }
            return [
                entry.run, started, run.phase.rawValue, run.activity.rawValue, ByteCount(bytes).description,
                entry.pipeline,
            ]
        } catch let error as MigratezError {
            return [entry.run, started, "–", error.code.description, "–", entry.pipeline]
        }
    }
}

/// `migratez lint FILE`
struct LintCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint", abstract: "Checks a pipeline file; with --connect also against both sides.",
        discussion: "EXAMPLE\n  migratez lint pipelines/hubspot-to-salesforce.yaml --connect")

    @OptionGroup var common: CommonOptions
    @Argument(help: "The pipeline file.") var file: String
    @Flag(help: "Also ask source and destination for their fields; changes nothing there.") var connect = false

    func run() async throws {
        let workplace = try common.workplace()
        let console = Console()
        let reading = try PipelineFile.read(path: file, catalog: Connectors.catalog)
        for finding in reading.diagnostics { console.say(finding.description) }
        guard reading.plan != nil else { throw ExitCode.invalidPipeline }
        guard connect else { return console.say("\(file): in order") }
        let connection = try await PlanConnection.open(file, in: workplace)
        let setup = try await RunSetup.discover(
            connection.plan, source: connection.source, destination: connection.destination)
        for finding in setup.diagnostics { console.say(finding.description) }
        guard setup.diagnostics.allSatisfy({ $0.severity != .error }) else { throw ExitCode.invalidPipeline }
        console.say("\(file): in order, and fits to both sides")
    }
}

/// `migratez plan FILE`
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Tells what a run would do; writes nothing anywhere.",
        discussion: "EXAMPLE\n  migratez plan pipelines/hubspot-to-salesforce.yaml")

    @OptionGroup var common: CommonOptions
    @Argument(help: "The pipeline file.") var file: String

    func run() async throws {
        let workplace = try common.workplace()
        let console = Console()
        let connection = try await PlanConnection.open(file, in: workplace)
        let setup = try await StageSession.discover(connection, console)
        let plan = connection.plan
        console.say("plan \(plan.digest.prefix(8))…  \(plan.source.connector) → \(plan.target.connector)")
        var table = TextTable(["OBJECT", "BECOMES", "RECORDS", "FIELDS", "WRITTEN BY"], rightAligned: [2, 3])
        let summary = PlanSummary(connection, setup)
        for row in summary.rows {
            table.add([row.stream, row.target, row.records?.grouped ?? "unknown", String(row.fields), row.route])
        }
        console.say(table.lines.joined(separator: "\n"))
        for creation in summary.creations { console.say("creates field \(creation) in \(plan.target.connector)") }
        console.say("nothing was written; begin with: migratez run \(file)")
    }
}

/// `migratez version`
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Prints the version.")
    static let version = "0.1.0"

    func run() throws { Console().say("migratez \(Self.version)") }
}
