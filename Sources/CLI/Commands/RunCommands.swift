// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez run FILE`: all stages of a new run.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Moves what the pipeline file says: extract, transform, load.",
        discussion: "EXAMPLE\n  migratez run pipelines/hubspot-to-salesforce.yaml")

    @OptionGroup var common: CommonOptions
    @Argument(help: "The pipeline file.") var file: String

    func run() async throws { try await StageSession.begin(file, [.extract, .transform, .load], common) }
}

/// `migratez extract FILE|RUN`: the first stage alone.
struct ExtractCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract", abstract: "Reads the source into encrypted chunks; begins a run, or goes on with one.",
        discussion: "EXAMPLE\n  migratez extract pipelines/hubspot-to-salesforce.yaml")

    @OptionGroup var common: CommonOptions
    @Argument(help: "A pipeline file (begins a run) or the id of a run.") var target: String

    func run() async throws {
        if RunID.isPrefix(target) {
            try await StageSession.resume(target, [.extract], common)
        } else {
            try await StageSession.begin(target, [.extract], common)
        }
    }
}

/// `migratez transform [RUN]`: the second stage alone.
struct TransformCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transform", abstract: "Maps what was extracted, merges duplicates, resolves links.",
        discussion: "EXAMPLE\n  migratez transform 7f3a")

    @OptionGroup var common: CommonOptions
    @OptionGroup var reference: RunArgument

    func run() async throws { try await StageSession.resume(reference.run, [.transform], common) }
}

/// `migratez load [RUN]`: the third stage alone.
struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Writes what was transformed to the destination.",
        discussion: "EXAMPLE\n  migratez load 7f3a")

    @OptionGroup var common: CommonOptions
    @OptionGroup var reference: RunArgument

    func run() async throws { try await StageSession.resume(reference.run, [.load], common) }
}

/// `migratez resume [RUN]`: whatever is left of all stages.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Goes on with a run where it ended.",
        discussion: "EXAMPLE\n  migratez resume 7f3a")

    @OptionGroup var common: CommonOptions
    @OptionGroup var reference: RunArgument

    func run() async throws { try await StageSession.resume(reference.run, [.extract, .transform, .load], common) }
}

/// Runs stages with progress on the screen, and turns how they ended into words and an exit code.
enum StageSession {
    static func begin(_ file: String, _ stages: Set<Stage>, _ common: CommonOptions) async throws {
        let workplace = try common.workplace()
        let console = Console()
        let connection = try await PlanConnection.open(file, in: workplace)
        let setup = try await discover(connection, console)
        let run = try await Run.begin(connection, in: workplace) { console.note($0) }
        console.note("run \(run.id)  \(connection.plan.name)")
        try await execute(run, setup, stages, console)
    }

    static func resume(_ reference: String?, _ stages: Set<Stage>, _ common: CommonOptions) async throws {
        let workplace = try common.workplace()
        let console = Console()
        let entry = try RunRegistry(workplace).find(reference)
        let connection = try await PlanConnection.open(entry.pipeline, in: workplace)
        let run = try await Run.reopen(entry, connection, in: workplace) { console.note($0) }
        let setup: RunSetup
        do {
            setup = try await discover(connection, console)
        } catch {
            try await run.close()
            throw error
        }
        console.note("run \(run.id)  \(connection.plan.name)")
        try await execute(run, setup, stages, console)
    }

    /// Asks both sides, and stops if the plan does not fit to them.
    static func discover(_ connection: PlanConnection, _ console: Console) async throws -> RunSetup {
        let setup = try await RunSetup.discover(
            connection.plan, source: connection.source, destination: connection.destination)
        let errors = setup.diagnostics.filter { $0.severity == .error }
        guard errors.isEmpty else {
            throw MigratezError(
                .invalidPipeline, "the pipeline does not fit\n" + errors.map(\.description).joined(separator: "\n"),
                remedy: .fixConfiguration)
        }
        for finding in setup.diagnostics { console.note(finding.description) }
        return setup
    }

    /// Executes, closes the run, prints the balance, and leaves with the fitting exit code.
    static func execute(_ run: Run, _ setup: RunSetup, _ stages: Set<Stage>, _ console: Console) async throws {
        let begun = run.clock.now
        let board = ProgressBoard(streams: run.streams, clock: run.clock)
        for (stream, total) in setup.totals { board.expect(.extract, stream, total: total) }
        let display = ProgressDisplay(board: board, console: console, clock: run.clock)
        do {
            try await Interrupts.cancelling {
                try await display.during {
                    try await RunExecution(run, setup, progress: board).execute(stages)
                }
            } onFirst: {
                console.note("finishing what is under way and saving; once more Ctrl-C stops at once")
            }
        } catch {
            try await note(error, run, console)
            throw error
        }
        let balances = try await run.staging.manifest.read { try $0.reconciliation() }
        try await run.close()
        guard stages.contains(.load) else { return }
        console.show(Document(BalanceTable.make(balances)))
        let rejected = balances.reduce(0) { $0 + $1[.rejected] }
        let exit = rejected > 0 ? ExitCode.quarantined : .success
        let total: (Outcome) -> Int = { outcome in balances.reduce(0) { $0 + $1[outcome] } }
        let time = ProgressBoard.duration(Double(run.clock.now.duration(since: begun).components.seconds))
        console.note(
            "DONE run \(run.id)  loaded=\(total(.created) + total(.updated)) merged=\(total(.merged)) "
                + "filtered=\(total(.filtered)) skipped=\(total(.skipped)) rejected=\(rejected)  \(time)  "
                + "exit \(exit.rawValue)")
        if rejected > 0 {
            console.note("\(rejected.grouped) rejected: migratez issues ls \(run.id)")
            throw ExitCode.quarantined
        }
    }

    /// Saves how the run ended and says how to go on.
    private static func note(_ error: any Error, _ run: Run, _ console: Console) async throws {
        switch error {
        case let failure as MigratezError:
            if case .waitForQuota = failure.remedy {
                try await run.note(.paused, failure)
            } else if failure.code == .gateBreached, run.plan.gates.onBreach == .pause {
                try await run.note(.paused, failure)
            } else {
                try await run.note(.failed, failure)
            }
        case is CancellationError: try await run.note(.interrupted)
        default: try await run.note(.failed)
        }
        try await run.close()
        console.note("saved.   Resume: migratez resume \(run.id)")
    }
}

extension RunID {
    /// Whether the text may be the beginning of a run's id and is no file.
    static func isPrefix(_ text: String) -> Bool {
        text.utf8.count <= 8 && text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
    }
}
