// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// Options of the commands that work on a run.
struct WorkOptions: ParsableArguments {
    @OptionGroup var processors: ProcessorOptions
    @Option(help: "Save and end after this time, such as 90m or 2h; ends with 75.") var maxDuration: String?
    @Option(help: "End when more of an object's records than this are rejected, such as 0.5%; ends with 4.")
    var maxQuarantine: String?
    @Flag(help: "End at the first rejected record; ends with 4.") var failFast = false
    @Option(help: "Requests at once, on both sides.") var concurrency: Int?
    @Option(help: "The source's rate, such as 150/10s.") var rate: String?
    @Option(help: "Records in a chunk at most.") var chunkRecords: Int?

    var overrides: PlanOverrides {
        var overrides = PlanOverrides()
        overrides.rejectedShareMax = maxQuarantine
        overrides.chunkRecordsMax = chunkRecords
        overrides.concurrencyMax = concurrency
        overrides.sourceRate = rate
        return overrides
    }

    func limits() throws -> SessionLimits {
        try SessionLimits(durationMax: maxDuration, endsAtFirstReject: failFast)
    }
}

/// Which objects of the pipeline a new run is about.
struct SelectionOptions: ParsableArguments {
    @Option(
        help: "Only these objects, such as contact,deal+ (deal and what links to it) or +deal (and what it links to).")
    var select: String?
    @Option(help: "Not these objects.") var exclude: String?
    @Option(help: "Read so many records of each object at most; a saved plan has a limit of its own.") var limit: Int?

    var selection: ObjectSelection {
        func names(_ text: String?) -> [String] {
            text?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } ?? []
        }
        return ObjectSelection(selected: names(select), excluded: names(exclude))
    }

    var isEmpty: Bool { selection.isEmpty && limit == nil }
}

/// `migratez run FILE`: all stages of a new run.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Moves what the pipeline file says: extract, transform, load.",
        discussion: """
            EXAMPLE
              migratez run pipelines/hubspot-to-salesforce.yaml
              migratez run pipelines/hubspot-to-salesforce.yaml --since-last
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var work: WorkOptions
    @OptionGroup var selection: SelectionOptions
    @Argument(
        help: "The pipeline file, or a plan that was saved: then exactly that one is applied.",
        completion: .pipelineOrPlanFile)
    var file: String
    @Flag(
        help: """
            Go on from the last run of this file: write only what changed in the source since, keep what others changed \
            in the destination unless both changed it (on_conflict), and follow what is gone (on_delete).
            """) var sinceLast = false

    func run() async throws {
        try await StageSession(common, work).begin(
            file, [.extract, .transform, .load], selection, goesOn: sinceLast)
    }
}

/// `migratez extract FILE|RUN`: the first stage alone.
struct ExtractCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract", abstract: "Reads the source into encrypted chunks; begins a run, or goes on with one.",
        discussion: "EXAMPLE\n  migratez extract pipelines/hubspot-to-salesforce.yaml")

    @OptionGroup var common: CommonOptions
    @OptionGroup var work: WorkOptions
    @OptionGroup var selection: SelectionOptions
    @Argument(help: "A pipeline file (begins a run) or the id of a run.", completion: .pipelineFile) var target: String

    func run() async throws {
        guard RunID.isPrefix(target) else {
            return try await StageSession(common, work).begin(target, [.extract], selection)
        }
        guard selection.isEmpty else {
            throw ValidationError(
                "a run keeps the objects and the limit that it was begun with: leave --select, --exclude and --limit out"
            )
        }
        try await StageSession(common, work).resume(target, [.extract])
    }
}

/// `migratez transform [RUN]`: the second stage alone.
struct TransformCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transform", abstract: "Maps what was extracted, merges duplicates, resolves links.",
        discussion: "EXAMPLE\n  migratez transform 7f3a")

    @OptionGroup var common: CommonOptions
    @OptionGroup var work: WorkOptions
    @OptionGroup var reference: RunArgument

    func run() async throws { try await StageSession(common, work).resume(reference.run, [.transform]) }
}

/// `migratez load [RUN]`: the third stage alone.
struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Writes what was transformed to the destination.",
        discussion: "EXAMPLE\n  migratez load 7f3a")

    @OptionGroup var common: CommonOptions
    @OptionGroup var work: WorkOptions
    @OptionGroup var reference: RunArgument

    func run() async throws { try await StageSession(common, work).resume(reference.run, [.load]) }
}

/// `migratez resume [RUN]`: whatever is left of all stages.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Goes on with a run where it ended.",
        discussion: "EXAMPLE\n  migratez resume 7f3a")

    @OptionGroup var common: CommonOptions
    @OptionGroup var work: WorkOptions
    @OptionGroup var reference: RunArgument

    func run() async throws {
        try await StageSession(common, work).resume(reference.run, [.extract, .transform, .load])
    }
}

/// Runs stages with progress on the screen, and turns how they ended into words and an exit code.
struct StageSession {
    private let common: CommonOptions
    private let work: WorkOptions

    init(_ common: CommonOptions, _ work: WorkOptions) {
        self.common = common
        self.work = work
    }

    func begin(
        _ file: String, _ stages: Set<Stage>, _ selection: SelectionOptions, goesOn: Bool = false
    ) async throws {
        let workplace = try common.workplace()
        let console = Console()
        let limits = try work.limits()
        var overrides = work.overrides
        overrides.selection = selection.selection
        let saved = try PlanFile.read(path: file)
        if saved != nil, selection.limit != nil {
            throw ValidationError("\(file) is a saved plan, which is applied as it is: leave --limit out")
        }
        overrides.recordsMax = saved?.recordsMax ?? selection.limit
        guard overrides.recordsMax == nil || !goesOn else {
            throw ValidationError("--limit and --since-last exclude each other: what is not read would count as gone")
        }
        let connection = try await PlanConnection.open(
            saved?.pipeline.path ?? file, in: workplace, overrides: overrides)
        // Before anything is asked of either side.
        try workplace.requireRootKey(connection)
        let setup = try await Self.discover(connection, console)
        try saved?.check(connection, setup)
        let run = try await Run.begin(connection, goesOn: goesOn, in: workplace) { console.note($0) }
        console.note("run \(run.id)  \(connection.plan.name)\(Self.limit(run.plan))")
        try await Self.execute(run, setup, stages, console, limits: limits)
    }

    func resume(_ reference: String?, _ stages: Set<Stage>) async throws {
        let workplace = try common.workplace()
        let console = Console()
        let limits = try work.limits()
        let entry = try RunRegistry(workplace).find(reference)
        var connection = try await PlanConnection.open(entry.pipeline, in: workplace, overrides: work.overrides)
        let run = try await Run.reopen(entry, connection, in: workplace) { console.note($0) }
        let setup: RunSetup
        do {
            connection.plan = run.plan
            setup = try await Self.discover(connection, console)
        } catch {
            try await run.close()
            throw error
        }
        console.note("run \(run.id)  \(connection.plan.name)\(Self.limit(run.plan))")
        try await Self.execute(run, setup, stages, console, limits: limits)
    }

    /// What is to be known of a run that reads a part only.
    private static func limit(_ plan: PipelinePlan) -> String {
        plan.limits.recordsMax.map { "  limited: at most \($0.grouped) records of each object are read" } ?? ""
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
    static func execute(
        _ run: Run, _ setup: RunSetup, _ stages: Set<Stage>, _ console: Console, limits: SessionLimits = SessionLimits()
    ) async throws {
        let result = try await work(run, setup, stages, console, limits: limits)
        try await run.close()
        if stages.contains(.load) { try conclude(result, run.id, console) }
    }

    /// Executes with progress on the screen; the run stays open. If the work ends before its time, the run is closed and it
    /// is said how it goes on.
    static func work(
        _ run: Run, _ setup: RunSetup, _ stages: Set<Stage>, _ console: Console, limits: SessionLimits = SessionLimits()
    ) async throws -> RunSession.Result {
        let signal = SignalRecord()
        let session = RunSession(run, setup, stages, limits: limits, version: ProgramVersion.text) { end in
            // A stage alone says nothing about the whole.
            if case .done = end, !stages.contains(.load) { return ExitCode.success.rawValue }
            return ExitCode(end, signal: signal.number).rawValue
        }
        let reporter = ProgressReporter(console)
        do {
            let result = try await Interrupts.cancelling {
                try await servingMetrics(of: run, console) { try await session.execute(observer: reporter) }
            } onFirst: { number in
                signal.number = number
                console.note("finishing what is under way and saving; once more Ctrl-C stops at once")
            }
            console.leaveDrawing()
            return result
        } catch {
            console.leaveDrawing()
            try await run.close()
            try say(error, run.id, console)
        }
    }

    /// Serves metrics for the time of `body` if that was asked for.
    private static func servingMetrics<R: Sendable>(
        of run: Run, _ console: Console, _ body: @escaping @Sendable () async throws -> R
    ) async throws -> R {
        guard let address = console.options.metricsAddress else { return try await body() }
        return try await MetricsServer.serving(at: address) { port in
            console.note("metrics at port \(port), path /metrics")
        } metrics: {
            try await RunMetrics.text(of: run)
        } _: {
            try await body()
        }
    }

    /// The balance and the last line.
    private static func conclude(_ result: RunSession.Result, _ run: RunID, _ console: Console) throws {
        // With JSON the summary event says it.
        if console.options.output != .json { console.show(Document(BalanceTable.make(result.balances))) }
        let total: (Outcome) -> Int = { outcome in result.balances.reduce(0) { $0 + $1[outcome] } }
        let rejected = total(.rejected)
        let exit = ExitCode(.done(rejected: rejected), signal: nil)
        console.note(
            "DONE run \(run)  loaded=\(total(.created) + total(.updated)) merged=\(total(.merged)) "
                + "filtered=\(total(.filtered)) skipped=\(total(.skipped)) rejected=\(rejected)  "
                + "\(ProgressText.duration(result.duration.seconds))  exit \(exit.rawValue)")
        sayRemovals(result.removals, run, console)
        guard rejected > 0 else { return }
        console.note("\(rejected.grouped) rejected: migratez issues ls \(run)")
        throw exit
    }

    /// What was gone from the source, for a run that went on from an earlier one.
    private static func sayRemovals(_ removals: [RemovalCount], _ run: RunID, _ console: Console) {
        let count: (Bool) -> Int = { isDeleted in
            removals.filter { [.deleted, .gone].contains($0.outcome) == isDeleted }.reduce(0) { $0 + $1.count }
        }
        guard !removals.isEmpty else { return }
        console.note(
            "\((count(true) + count(false)).grouped) records and links are gone from the source: "
                + "\(count(true).grouped) are gone there too, \(count(false).grouped) stay (migratez report \(run))")
    }

    /// How the work ended before its time, and how it goes on.
    private static func say(_ error: any Error, _ run: RunID, _ console: Console) throws -> Never {
        switch error {
        case RunStop.paused(let person):
            console.note("paused on request of \(person); saved.   Resume: migratez resume \(run)")
            throw ExitCode.gate
        case RunStop.cancelled(let person):
            console.note("cancelled on request of \(person)")
            console.note(CancelCommand.remains(run))
            throw ExitCode.failure
        case let error as MigratezError where error.code == .wrongRunState:
            // Nothing was done.
            throw error
        default:
            console.note("saved.   Resume: migratez resume \(run)")
            throw error
        }
    }
}

extension RunID {
    /// Whether the text may be the beginning of a run's id and is no file.
    static func isPrefix(_ text: String) -> Bool {
        text.utf8.count <= 8 && text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
    }
}
