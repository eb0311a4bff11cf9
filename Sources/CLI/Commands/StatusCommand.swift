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
        discussion: "EXAMPLE\n  migratez status 7f3a --watch")

    @OptionGroup var common: CommonOptions
    @OptionGroup var reference: RunArgument
    @Flag(help: "Look on while another process works on the run, until it ends.") var watch = false
    @Flag(help: "End with exit code 4 if the staged data of any run is overdue.") var check = false

    func run() async throws {
        let workplace = try common.workplace()
        try await report(workplace)
        guard check else { return }
        let (overdue, unknown) = try await RunEnding(workplace).overdue()
        if let error = unknown.first?.error { throw error }
        guard let first = overdue.first else { return }
        throw MigratezError(
            .gateBreached, "the staged data of \(overdue.count) runs is overdue, first of all that of run \(first.run)",
            remedy: .fixConfiguration, hint: "migratez purge")
    }

    private func report(_ workplace: Workplace) async throws {
        let registry = RunRegistry(workplace)
        if watch {
            let entry = try registry.find(reference.run)
            try await Self.watch(try entry.folder(in: workplace), workplace.clock)
            Console().show(try await Self.document(of: entry, workplace))
        } else if let wanted = reference.run {
            Console().show(try await Self.document(of: try registry.find(wanted), workplace))
        } else {
            Console().show(try await Self.list(registry, workplace))
        }
    }

    /// Shows what the owner writes down, until nobody owns the run any more.
    private static func watch(_ folder: RunFolder, _ clock: any WallClock) async throws {
        let console = Console()
        let reporter = ProgressReporter(console)
        let monitor = RemoteMonitor(folder)
        defer { console.leaveDrawing() }
        var last: ProgressSnapshot?
        while case .working(let snapshot) = try await monitor.look() {
            if let snapshot, snapshot != last {
                reporter.show(snapshot)
                for line in EventLine.progress(snapshot, since: last, run: folder.run) { reporter.tell(line) }
                last = snapshot
            }
            try await clock.sleep(for: .seconds(1))
        }
    }

    private static func list(_ registry: RunRegistry, _ workplace: Workplace) async throws -> Document {
        var table = Table(
            "runs",
            [
                .left("RUN"), .left("STARTED"), .left("PHASE"), .left("STATE"), .right("STAGED", key: "staged_bytes"),
                .right("DAYS", key: "age_days"), .left("DUE"), .left("OVERDUE"), .left("NAME"), .left("PIPELINE"),
            ])
        let entries = try registry.entries()
        for entry in entries { table.add(try await row(entry, workplace)) }
        var document = Document(table)
        if entries.isEmpty { document.remark("no runs yet; begin one: migratez run PIPELINE.yaml") }
        return document
    }

    private static func row(_ entry: RunRegistry.Entry, _ workplace: Workplace) async throws -> [Cell] {
        do {
            let inspection = try RunInspection(try entry.folder(in: workplace))
            let run = try await inspection.manifest.read { try $0.run() }
            let now = workplace.clock.now
            return [
                .text(entry.run), .time(entry.started), .text(run.phase.rawValue), .text(run.activity.rawValue),
                .bytes(try inspection.folder.stagedBytes()), Self.age(run, now), .time(run.fate.due),
                .flag(run.fate.isOverdue(at: now), ("OVERDUE", "")), .text(run.description.pipeline),
                .text(entry.pipeline),
            ]
        } catch let error as MigratezError {
            return [
                .text(entry.run), .time(entry.started), .text(nil, none: "–"), .text(error.code.description),
                .bytes(nil), .number(nil), .time(nil), .flag(false, ("", "")), .text(nil, none: "–"),
                .text(entry.pipeline),
            ]
        }
    }

    /// What people asked about their own records.
    private static func table(_ holds: [HoldCount]) -> Table {
        var table = Table("held", [.left("OBJECT"), .left("KIND"), .right("RECORDS")])
        for hold in holds { table.add([.text(hold.stream.text), .text(hold.kind.rawValue), .number(hold.count)]) }
        return table
    }

    private static func line(_ hold: HoldCount) -> String {
        "held back on request: \(hold.count.grouped) of \(hold.stream.text), \(hold.kind.rawValue)"
    }

    /// How many whole days ago the first of the data was staged.
    private static func age(_ run: RunStatus, _ now: Timestamp) -> Cell {
        .number(Int(now.duration(since: run.createdAt).seconds / 86_400))
    }

    private static func document(of entry: RunRegistry.Entry, _ workplace: Workplace) async throws -> Document {
        let inspection = try RunInspection(try entry.folder(in: workplace))
        let (run, chunks, balances, holds) = try await inspection.manifest.read { view in
            (try view.run(), try view.chunks(), try view.reconciliation(), try view.holdCounts())
        }
        var document = Document("run")
        document.fact(
            "run", .text(run.id.text),
            line: "run \(run.id)  \(run.description.pipeline)  \(run.phase.rawValue), \(run.activity.rawValue)")
        document.fact("pipeline", .text(run.description.pipeline), line: "")
        document.fact("phase", .text(run.phase.rawValue), line: "")
        document.fact("state", .text(run.activity.rawValue), line: "")
        let owner = inspection.owner
        document.fact(
            "process", .number(owner.map { Int($0) }), line: owner.map { "process \($0) works on it" } ?? "")
        document.fact(
            "code", .text(run.activityCode), line: run.activityCode.map { "\($0): \(run.activityMessage ?? "")" } ?? "")
        document.fact(
            "message", .text(run.activityMessage),
            line: run.activityCode == nil ? run.activityMessage.map { "\(run.activity.rawValue) \($0)" } ?? "" : "")
        document.fact(
            "resumes_at", .time(run.resumesAt), line: run.resumesAt.map { "can go on at \($0)" } ?? "")
        let staged = chunks.count { $0.state != .shredded }
        let bytes = try inspection.folder.stagedBytes()
        document.fact("staged_chunks", .number(staged), line: "")
        document.fact(
            "staged_bytes", .bytes(bytes), line: "staged: \(staged) chunks, \(bytes), since \(run.createdAt)")
        document.fact("due", .time(run.fate.due), line: run.fate.description)
        let isOverdue = run.fate.isOverdue(at: workplace.clock.now)
        document.fact("overdue", .flag(isOverdue), line: isOverdue ? "OVERDUE: migratez purge" : "")
        if let retention = run.retention {
            document.fact("retained_by", .text(retention.person), line: "")
            document.fact(
                "retained_for", .text(retention.reason), line: "retained for \(retention.person): \(retention.reason)")
        }
        if !holds.isEmpty { document.add(Self.table(holds), lines: holds.map(Self.line)) }
        document.fact("started", .time(run.createdAt), line: "")
        document.add(BalanceTable.make(balances))
        return document
    }
}

extension StagedDataFate {
    /// When the data must be gone.
    var due: Timestamp? { if case .due(let time, _) = self { time } else { nil } }

    /// For people.
    var description: String {
        switch self {
        case .destroyed: "staged data: destroyed"
        case .due(let time, let reason): "staged data: to be destroyed by \(time), because \(reason.rawValue)"
        case .retained: "staged data: kept, as the pipeline asks for, until somebody shreds it"
        case .needed: "staged data: kept until the run is confirmed"
        }
    }
}
