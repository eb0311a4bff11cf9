// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez lint FILE`
struct LintCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint", abstract: "Checks a pipeline file; with --connect also against both sides.",
        discussion: "EXAMPLE\n  migratez lint pipelines/hubspot-to-salesforce.yaml --connect")

    @OptionGroup var common: CommonOptions
    @Argument(help: "The pipeline file.", completion: .pipelineFile) var file: String
    @Flag(help: "Also ask source and destination for their fields; changes nothing there.") var connect = false

    func run() async throws {
        let workplace = try common.workplace()
        let console = Console()
        let reading = try PipelineFile.read(path: file, catalog: Connectors.catalog)
        guard reading.plan != nil, connect else {
            console.show(Self.document(file, reading.diagnostics, isValid: reading.plan != nil, "in order"))
            guard reading.plan != nil else { throw ExitCode.invalidPipeline }
            return
        }
        let connection = try await PlanConnection.open(file, in: workplace)
        let setup = try await RunSetup.discover(
            connection.plan, source: connection.source, destination: connection.destination)
        let fits = setup.diagnostics.allSatisfy { $0.severity != .error }
        let findings = reading.diagnostics + setup.diagnostics
        console.show(Self.document(file, findings, isValid: fits, "in order, and fits to both sides"))
        guard fits else { throw ExitCode.invalidPipeline }
    }

    /// What was found in a file.
    static func document(_ file: String, _ findings: [Diagnostic], isValid: Bool, _ verdict: String) -> Document {
        var document = Document("lint")
        document.fact("file", .text(file), line: "")
        document.fact("valid", .flag(isValid), line: "")
        var table = Table(
            "findings",
            [.left("FILE"), .right("LINE"), .right("COLUMN"), .left("SEVERITY"), .left("CODE"), .left("MESSAGE")])
        for finding in findings {
            table.add([
                .text(finding.file), .number(finding.position.line), .number(finding.position.column),
                .text(finding.severity.rawValue), .text(finding.code.description), .text(finding.explanation),
            ])
        }
        document.add(table, lines: findings.map(\.description))
        if isValid { document.remark("\(file): \(verdict)") }
        return document
    }
}

/// `migratez version`
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Prints the version.", discussion: "EXAMPLE\n  migratez version --json")

    @OptionGroup(title: "Global options") var display: DisplayOptions

    func run() throws {
        var document = Document("version")
        document.fact("version", .text(ProgramVersion.text), line: "migratez \(ProgramVersion.text)")
        Console().show(document)
    }
}
