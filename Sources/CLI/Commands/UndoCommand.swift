// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez undo [RUN]`
struct UndoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo", abstract: "Deletes what a run created and restores what it changed.",
        discussion: """
            EXAMPLE
              migratez undo 7f3a --dry-run

            Records that somebody edited since, that others refer to, or that are gone, are left alone and listed.
            Objects, fields and labels of links that the run created to hold its records stay.
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var reference: RunArgument
    @Flag(help: "Say what would be done, and change nothing.") var dryRun = false
    @Option(name: .customLong("yes-undo"), help: "The run's id, where nobody can be asked to type it.")
    var yesUndo: String?
    @Flag(help: "Go ahead although later runs of the same pipeline wrote to the same destination.")
    var ignoreLaterRuns = false

    func run() async throws {
        let workplace = try common.workplace()
        let console = Console()
        let (entry, connection) = try await workplace.open(reference)
        let later = try await RunRegistry(workplace).laterRuns(than: entry, in: workplace)
        if let newest = later.first, !ignoreLaterRuns {
            throw MigratezError(
                .wrongRunState,
                "run \(entry.run) was followed by \(later.joined(separator: ", ")), which rest on what it wrote",
                remedy: .fixConfiguration,
                hint: "undo the newest first: migratez undo \(newest); or give --ignore-later-runs")
        }
        if !dryRun { try confirm(entry, console) }
        let run = try await Run.reopen(entry, connection, in: workplace, allowsChangedPlan: true) { console.note($0) }
        let balances: [UndoBalance]
        var list: String?
        do {
            balances = try await Interrupts.cancelling {
                try await RunUndo(run).execute(isDryRun: dryRun) { balance in
                    console.note("\(balance.stream): \(UndoTable.words(balance, isDryRun: dryRun))")
                }
            } onFirst: { _ in
                console.note("finishing what is under way and saving; once more Ctrl-C stops at once")
            }
            if !dryRun { list = try await UndoList(run.staging.manifest).write(beside: run.staging.folder) }
        } catch {
            try await run.close()
            if !dryRun { console.note("saved.   Go on: migratez undo \(run.id)") }
            throw error
        }
        let removed = try await run.staging.manifest.read { view in
            try view.removalCounts().filter { $0.outcome == .deleted }.reduce(0) { $0 + $1.count }
        }
        try await run.close()
        if removed > 0 {
            console.note(
                "\(removed.grouped) records and links that the run deleted there, because the source had them no more, "
                    + "are not brought back: restoring them is not supported yet; look in the destination's recycle bin"
            )
        }
        if !run.plan.createdTargets.isEmpty {
            let names = run.plan.createdTargets.map { "'\($0)'" }.joined(separator: ", ")
            console.note(
                "objects stay in \(run.plan.target.connector) with their fields, those that the run created, too: \(names); "
                    + "delete them there if nobody needs them")
        }
        var document = Document("undo")
        document.add(UndoTable.make(balances))
        if let list { document.fact("list", .text(list), line: "each record's end: \(list)") }
        console.show(document)
        let kept = balances.reduce(0) { $0 + $1.kept }
        guard kept == 0 || dryRun else {
            console.note("\(kept.grouped) records stay as they are")
            throw ExitCode.differences
        }
    }

    private func confirm(_ entry: RunRegistry.Entry, _ console: Console) throws {
        if let yesUndo {
            guard yesUndo == entry.run else {
                throw ValidationError("--yes-undo names '\(yesUndo)', but the run is '\(entry.run)'")
            }
            return
        }
        let answer = try console.ask(
            "This takes back what run \(entry.run) did to the destination. Type its id to go on:",
            otherwise: "--yes-undo \(entry.run)")
        guard answer == entry.run else { throw ValidationError("not the id of the run; nothing was changed") }
    }
}

/// The balance of an undo in columns.
enum UndoTable {
    private static let ends: [UndoOutcome] = [.deleted, .restored, .edited, .needed, .refused, .gone]

    static func make(_ balances: [UndoBalance]) -> Table {
        var table = Table(
            "undo",
            [.left("", key: "stream"), .right("created"), .right("updated"), .left("=", key: "settled")]
                + ends.map { .right($0.rawValue) } + [.right("left there"), .left("", key: "closed")])
        for balance in balances {
            let settled = ends.reduce(0) { $0 + balance[$1] }
            table.add(
                [
                    .text(balance.stream.text), .count(balance.created), .count(balance.updated),
                    Cell(.number(String(settled)), text: "="),
                ] + ends.map { .count(balance[$0]) } + [
                    .number(balance.left), .flag(balance.isClosed, ("closed", "open")),
                ])
        }
        return table
    }

    /// What was done to one stream.
    static func words(_ balance: UndoBalance, isDryRun: Bool) -> String {
        let verb = isDryRun ? "would be " : ""
        var parts: [String] = []
        if balance[.deleted] > 0 { parts.append("\(balance[.deleted].grouped) \(verb)deleted") }
        if balance[.restored] > 0 { parts.append("\(balance[.restored].grouped) \(verb)restored") }
        if balance.kept > 0 { parts.append("\(balance.kept.grouped) \(isDryRun ? "would stay" : "stay")") }
        if balance[.gone] > 0 { parts.append("\(balance[.gone].grouped) gone before") }
        return parts.isEmpty ? "nothing to undo" : parts.joined(separator: ", ")
    }
}
