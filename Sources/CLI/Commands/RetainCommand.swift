// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez retain RUN`
struct RetainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retain", abstract: "Keeps the staged data of a run until a day, on somebody's explicit request.",
        discussion: """
            Nothing is shredded before that day; after it, the data is overdue and `migratez purge` destroys it. Who asked \
            and why stand in the manifest and in the certificate's run.

            EXAMPLE
              migratez retain 7f3a --until 2026-12-31 --reason 'audit by the customer'
              migratez retain 7f3a --end --reason 'audit is over'
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The run, by its id or the first digits of it.") var run: String
    @Option(help: "The day, as 2026-12-31 (its end in UTC), or a span from now, such as 30d.") var until: String?
    @Option(help: "Why; it is shown, so it names no record's values.") var reason: String
    @Option(help: "Who asks; without it, the user of this system.") var by: String?
    @Flag(help: "End the retention before its day.") var end = false

    func validate() throws {
        guard (until == nil) == end else { throw ValidationError("give --until with a day, or --end") }
        if reason.allSatisfy(\.isWhitespace) { throw ValidationError("--reason must not be empty") }
    }

    func run() async throws {
        let workplace = try common.workplace()
        let entry = try RunRegistry(workplace).find(run)
        let person = by ?? NSUserName()
        let ending = RunEnding(workplace)
        if let until {
            try await ending.retain(entry, until: until, by: person, reason: reason)
        } else {
            try await ending.endRetention(entry, by: person, reason: reason)
        }
        let fate = try await RunInspection(try entry.folder(in: workplace)).manifest.read { try $0.run() }.fate
        var document = Document("retention")
        document.fact("run", .text(entry.run), line: "")
        document.fact("due", .time(fate.due), line: fate.description)
        document.fact("person", .text(person), line: "")
        Console().show(document)
    }
}
