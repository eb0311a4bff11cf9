// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez purge`
struct PurgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge", abstract: "Shreds every run whose staged data is overdue, confirmed or not.",
        discussion: """
            A run is overdue a day after it was confirmed, when nobody confirmed it within the pipeline's \
            retention.unconfirmed, and when a retention that was asked for has ended.

            EXAMPLE
              migratez purge --dry-run
            """)

    @OptionGroup var common: CommonOptions
    @Flag(help: "Only tell which runs are overdue.") var dryRun = false

    func run() async throws {
        let workplace = try common.workplace()
        let console = Console()
        let ending = RunEnding(workplace)
        let (overdue, unknown) = try await ending.overdue()
        var table = Table("purged", [.left("RUN"), .left("PIPELINE"), .left("CERTIFICATE")])
        if !overdue.isEmpty, !dryRun {
            let runs = overdue.map(\.run).joined(separator: ", ")
            guard try console.confirm("This destroys the keys of \(runs) for good. Go on?") else {
                return console.note("nothing was changed")
            }
        }
        var failure: MigratezError?
        for (entry, error) in unknown {
            console.note("run \(entry.run) cannot be looked at: \(error.description)")
            failure = failure ?? error
        }
        for entry in overdue {
            do {
                let purged = dryRun ? nil : try await ending.purge(entry)
                table.add([.text(entry.run), .text(entry.pipeline), .text(purged?.certificate.text, none: "–")])
                if let lost = purged?.lost {
                    console.note(
                        "run \(entry.run): what it left in the destination could not be kept, so no run can go on from "
                            + "there: \(lost.description)")
                }
            } catch let error as MigratezError {
                // One that is being worked on does not keep the others.
                console.note("run \(entry.run): \(error.description)")
                failure = failure ?? error
            }
        }
        var document = Document(table)
        if overdue.isEmpty { document.remark("no run is overdue") }
        console.show(document)
        if let failure { throw failure }
    }
}
