// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezPipeline

/// `migratez functions [NAME]`
struct FunctionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "functions", abstract: "Lists the functions of expressions, or shows one with an example.",
        discussion: "EXAMPLE\n  migratez functions emailLocal")

    @Argument(help: "The name of a function.") var name: String?

    func run() throws {
        let console = Console()
        if let name {
            let entry = try FunctionGuide.entry(named: name)
            console.say(entry.signature)
            console.say("  \(entry.summary).")
            return console.say("  \(entry.example)  →  \(entry.result ?? "(nothing)")")
        }
        for group in FunctionGuide.groups {
            var table = TextTable([console.bold(group.title)])
            for entry in group.entries { table.add(["  \(entry.signature)", entry.summary]) }
            for line in table.lines { console.say(line) }
            console.say()
        }
        console.say("One of them with an example: migratez functions NAME")
    }
}
