// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import MigratezModel
import MigratezPipeline
import MigratezStaging

extension IssuesCommand {
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: "Writes rejected records into a CSV file, to be corrected in a spreadsheet.",
            discussion: """
                EXAMPLE
                  migratez issues export 7f3a -o issues.csv

                The file holds values of records and is readable by you alone: remove it when you are done. An empty cell
                is no value, \\null is null, \\empty is an empty text; an apostrophe before = + - @ keeps spreadsheets from
                running the cell, and is taken away again on import.
                """)

        @OptionGroup var common: CommonOptions
        @OptionGroup var reference: RunArgument
        @Option(name: [.customShort("o"), .customLong("out")], help: "The file to write.", completion: .table)
        var out: String
        @Option(help: "Only records that were rejected with this code.") var code: String?
        @Flag(help: "Replace the file if there is one.") var force = false

        func run() async throws {
            let workplace = try common.workplace()
            let console = Console()
            let (_, connection) = try await workplace.open(reference)
            let inspection = try await workplace.inspectWithKey(reference.run)
            let setup = try await StageSession.discover(connection, console)
            let export = try await IssueExport(connection, setup, of: inspection)
            try workplace.audit(.export, run: inspection.folder.run, object: "issues")
            let count = try await export.write(to: out, code: code, replaces: force)
            var document = Document("export")
            document.fact("file", .text(out), line: "\(count.records) in \(out)")
            document.fact("records", .number(count), line: "")
            document.remark(
                "correct what you can, then: migratez issues import \(inspection.folder.run) \(out)\n"
                    + "the file holds personal data: remove it in the end")
            console.show(document)
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import", abstract: "Takes corrected records back from a CSV file, and sends those.",
            discussion: "EXAMPLE\n  migratez issues import 7f3a issues.csv --dry-run\n"
                + "  migratez issues import 7f3a issues.csv")

        @OptionGroup var common: CommonOptions
        @Argument(help: "The run, by its id or the first digits of it.") var run: String
        @Argument(help: "The file that `issues export` wrote, with corrections.", completion: .table) var file: String
        @Flag(help: "Check the file and tell what is changed; change nothing.") var dryRun = false

        func run() async throws {
            let (file, isDry) = (file, dryRun)
            try await IssueSession.run(RunArgument(run), common) { run, setup, console in
                let summary = try await IssueImport(run, setup, file: file).prepare(isDry: isDry)
                var table = Table("changes", [.left("COLUMN"), .right("CELLS")])
                for change in summary.changes { table.add([.text(change.column), .number(change.count)]) }
                var document = Document("import")
                document.fact("rows", .number(summary.rows), line: "")
                document.fact(
                    "edited", .number(summary.edited),
                    line: "\(summary.edited.grouped) of \(summary.rows.grouped) rows were edited")
                document.add(table, lines: summary.changes.isEmpty ? [] : nil)
                if isDry { document.remark("nothing was changed") }
                console.show(document)
                return isDry ? 0 : summary.edited
            }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retry",
            abstract: "Maps and sends rejected records again, with the pipeline file as it is now.",
            discussion: "EXAMPLE\n  migratez issues retry 7f3a --code MZ-PICK-02\n"
                + "  migratez issues retry 7f3a --ids 88121,88122")

        @OptionGroup var common: CommonOptions
        @OptionGroup var reference: RunArgument
        @Option(help: "Only records that were rejected with this code.") var code: String?
        @Option(help: "Only records with these ids of the source, separated by commas.") var ids: IDList?

        func run() async throws {
            let (code, ids) = (code, ids?.ids)
            try await IssueSession.run(reference, common) { run, setup, console in
                let (tried, refused) = try await IssueReplay(run, setup).prepare(code: code, ids: ids)
                console.note("trying \(tried.records) again")
                if refused > 0 {
                    console.note(
                        "\(refused.records) would be refused again by \(run.plan.file) as it is: change the rule of the "
                            + "field there, or correct the values: migratez issues export \(run.id) -o issues.csv")
                }
                if tried + refused == 0 {
                    console.note("these are links, which come with their records: try those again")
                }
                return tried
            }
        }
    }

    struct Skip: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "skip", abstract: "Lets rejected records go: they count as skipped, with your reason.",
            discussion:
                "EXAMPLE\n  migratez issues skip 7f3a --code MZ-REF-01 --reason 'test accounts, agreed with sales'")

        @OptionGroup var common: CommonOptions
        @OptionGroup var reference: RunArgument
        @Option(help: "The code with which they were rejected.") var code: String
        @Option(help: "Why; it stands in the report. No personal data.") var reason: String
        @Option(help: "Only records with these ids of the source, separated by commas.") var ids: IDList?
        @Option(help: "Who decides; without it, the user of this system.") var by: String?

        func run() async throws {
            let workplace = try common.workplace()
            let entry = try RunRegistry(workplace).find(reference.run)
            let (code, reason, ids, person) = (code, reason, ids?.ids, by ?? NSUserName())
            let (skipped, left) = try await IssueSkip.skip(
                try entry.folder(in: workplace), code: code, ids: ids, by: person, reason: reason)
            var table = Table("skipped", [.left("OBJECT"), .right("RECORDS")])
            for (stream, count) in skipped { table.add([.text(stream.text), .number(count)]) }
            let total = skipped.reduce(0) { $0 + $1.count }
            var document = Document("skip")
            document.fact(
                "skipped", .number(total), line: "skipped with \(code): \(total.grouped)")
            document.add(table)
            document.fact(
                "left", .number(left),
                line: left == 0
                    ? "none is rejected any more" : "\(left.grouped) are left: migratez issues ls \(entry.run)")
            Console().show(document)
        }
    }
}

extension Int {
    /// `1 record`, `1,234 records`
    fileprivate var records: String { self == 1 ? "1 record" : "\(grouped) records" }
}

/// Ids on a command line: `88121,88122`.
struct IDList: ExpressibleByArgument {
    var ids: [String]

    init?(argument: String) {
        ids = argument.split(separator: ",").map(String.init)
        if ids.isEmpty { return nil }
    }
}

/// Opens a run, makes rejected records ready again, and loads them.
enum IssueSession {
    /// - Parameter prepare: makes records ready; how many. None: nothing is loaded.
    static func run(
        _ reference: RunArgument, _ common: CommonOptions,
        _ prepare: (Run, RunSetup, Console) async throws -> Int
    ) async throws {
        let workplace = try common.workplace()
        let console = Console()
        let (entry, connection) = try await workplace.open(reference)
        let run = try await Run.reopen(entry, connection, in: workplace, allowsChangedPlan: true) { console.note($0) }
        let setup: RunSetup
        do {
            setup = try await StageSession.discover(connection, console)
            guard try await prepare(run, setup, console) > 0 else { return try await run.close() }
        } catch {
            try await run.close()
            throw error
        }
        try await StageSession.execute(run, setup, [.load], console)
    }
}
