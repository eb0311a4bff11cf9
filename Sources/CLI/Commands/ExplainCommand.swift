// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import MigratezModel
import MigratezPipeline

/// `migratez explain FILE:object.field`
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Tells where the value of a field comes from, step by step.",
        discussion: """
            EXAMPLE
              migratez explain pipelines/hubspot-to-salesforce.yaml:contact.Email

            The steps are shown with a record of the file's own tests, or with one of yours (--record). Nothing is
            connected to.
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The pipeline file and the field: FILE:object.field") var field: String
    @Option(help: "A file with one record of the source as JSON, to show the steps with.") var record: String?

    func run() async throws {
        _ = try common.workplace()
        let console = Console()
        guard let colon = field.lastIndex(of: ":"), colon != field.startIndex else {
            throw ValidationError("'\(field)' names no field; write FILE:object.field")
        }
        let file = String(field[..<colon])
        let reading = try PipelineFile.read(path: file, catalog: Connectors.catalog)
        guard let plan = reading.plan else {
            for finding in reading.diagnostics { console.note(finding.description) }
            throw ExitCode.invalidPipeline
        }
        let path = String(field[field.index(after: colon)...])
        let explanation = try FieldExplanation(plan, path: path, example: try record.map(example))
        console.say(explanation.lines(file: file).joined(separator: "\n"))
    }

    private func example(_ path: String) throws -> FieldExplanation.Example {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw MigratezError(
                .fileNotFound, "cannot read the record \(path)", remedy: .fixConfiguration, hint: "look at --record")
        }
        return try FieldExplanation.Example(file: path, Array(data))
    }
}
