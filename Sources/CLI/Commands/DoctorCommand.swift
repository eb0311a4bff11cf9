// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezModel
import MigratezPipeline

/// `migratez doctor [FILE]`
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks at what a run needs: settings and secrets, keys, disk, memory, clock, TLS. Asks no service.",
        discussion: "EXAMPLE\n  migratez doctor pipelines/hubspot-to-salesforce.yaml")

    @OptionGroup var common: CommonOptions
    @Argument(help: "A pipeline file to hold the machine against.", completion: .pipelineFile) var file: String?

    func run() async throws {
        let workplace = try common.workplace()
        let plan = try file.map { try PipelineFile.read(path: $0, catalog: Connectors.catalog).get() }
        let doctor = Doctor(workplace)
        var document = Document("doctor")
        var states: [Doctor.State] = []
        if let plan {
            var table = Table("settings", [.left("SETTING"), .left("FROM"), .left("STATE"), .left("DETAIL")])
            for origin in await doctor.origins(of: plan) {
                table.add([
                    .text(origin.setting), .text(origin.origin), .text(origin.state.rawValue), .text(origin.detail),
                ])
                states.append(origin.state)
            }
            document.add(table)
        }
        var table = Table("findings", [.left("CHECK"), .left("STATE"), .left("DETAIL"), .left("REMEDY")])
        for finding in doctor.examine(plan) {
            table.add([
                .text(finding.subject), .text(finding.state.rawValue), .text(finding.detail), .text(finding.remedy),
            ])
            states.append(finding.state)
        }
        document.add(table)
        Console().show(document)
        if states.contains(.bad) { throw ExitCode.configurationMissing }
    }
}

/// `migratez completions SHELL`
struct CompletionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions", abstract: "Prints the completions for a shell.",
        discussion: "EXAMPLE\n  migratez completions bash > /etc/bash_completion.d/migratez")

    enum Shell: String, ExpressibleByArgument, CaseIterable { case bash, zsh, fish }

    @OptionGroup(title: "Global options") var display: DisplayOptions
    @Argument(help: "bash, zsh or fish.") var shell: Shell

    func run() throws {
        try display.requireText("a script")
        let kind: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        Console().say(Migratez.completionScript(for: kind))
    }
}
