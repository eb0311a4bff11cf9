// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezPipeline

/// `migratez functions [NAME]`
struct FunctionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "functions", abstract: "Lists the functions of expressions, or shows one with an example.",
        discussion: "EXAMPLE\n  migratez functions emailLocal")

    @OptionGroup(title: "Global options") var display: DisplayOptions
    @Argument(help: "The name of a function.") var name: String?

    func run() throws {
        let console = Console()
        let groups = try name.map { [(title: "", entries: [try Self.entry($0)])] } ?? FunctionGuide.groups
        var table = Table(
            "functions", [.left("FUNCTION"), .left("SIGNATURE"), .left("GIVES"), .left("EXAMPLE"), .left("RESULT")])
        var lines: [String] = []
        for group in groups {
            for entry in group.entries {
                table.add([
                    .text(entry.name), .text(entry.signature), .text(entry.summary), .text(entry.example),
                    .text(entry.result),
                ])
            }
            lines += name == nil ? Self.overview(group, console) : group.entries.flatMap(Self.page)
        }
        var document = Document("functions")
        document.add(table, lines: lines)
        if name == nil { document.remark("One of them with an example: migratez functions NAME") }
        console.show(document)
    }

    private static func entry(_ name: String) throws -> FunctionGuide.Entry {
        if let entry = FunctionGuide.entry(named: name) { return entry }
        let suggestion = FunctionGuide.suggestion(for: name).map { ". Did you mean '\($0)'?" } ?? ""
        throw ValidationError("there is no function '\(name)'\(suggestion)")
    }

    private static func overview(
        _ group: (title: String, entries: [FunctionGuide.Entry]), _ console: Console
    ) -> [String] {
        let width = group.entries.map(\.signature.count).max() ?? 0
        let rows = group.entries.map { entry in
            "  \(entry.signature)\(String(repeating: " ", count: width - entry.signature.count))  \(entry.summary)"
        }
        return [console.bold(group.title)] + rows + [""]
    }

    private static func page(_ entry: FunctionGuide.Entry) -> [String] {
        [entry.signature, "  \(entry.summary).", "  \(entry.example)  →  \(entry.result ?? "(nothing)")"]
    }
}
