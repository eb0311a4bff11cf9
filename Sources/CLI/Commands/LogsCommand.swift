// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez logs [RUN]`
struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Tells what has happened in a run: ids, counts and codes, never values.",
        discussion: "EXAMPLE\n  migratez logs -f 7f3a")

    @OptionGroup var common: CommonOptions
    @OptionGroup var reference: RunArgument
    @Flag(name: .shortAndLong, help: "Go on as long as somebody works on the run.") var follow = false

    func run() async throws {
        let workplace = try common.workplace()
        let console = Console()
        let isJSON = console.options.output == .json
        if !isJSON { try common.display.requireText("a log") }
        let folder = try RunRegistry(workplace).find(reference.run).folder(in: workplace)
        let inspection = try RunInspection(folder)
        var last: Int64 = 0
        while true {
            // Asked before the events are read: what was written before the owner ended is read after that.
            let isWorkedOn = RunControl.owner(of: folder) != nil
            while true {
                let after = last
                let events = try await inspection.manifest.read { try $0.events(after: after, limit: 500) }
                guard let newest = events.last else { break }
                for event in events {
                    guard let line = EventLine(event, run: folder.run) else { continue }
                    console.say(isJSON ? line.text : line.summary)
                }
                last = newest.id
            }
            guard follow, isWorkedOn else { return }
            try await workplace.clock.sleep(for: .milliseconds(500))
        }
    }
}
