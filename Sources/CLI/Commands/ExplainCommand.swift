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
    @Argument(help: "The pipeline file and the field: FILE:object.field", completion: .pipelineFile) var field: String
    @Option(help: "A file with one record of the source as JSON, to show the steps with.", completion: .file())
    var record: String?

    func run() async throws {
        _ = try common.workplace()
        let console = Console()
        guard let colon = field.lastIndex(of: ":"), colon != field.startIndex else {
            throw ValidationError("'\(field)' names no field; write FILE:object.field")
        }
        let file = String(field[..<colon])
        let plan = try PipelineFile.read(path: file, catalog: Connectors.catalog).get()
        let path = String(field[field.index(after: colon)...])
        console.show(document(try FieldExplanation(plan, path: path, example: try record.map(example)), file: file))
    }

    private func document(_ explanation: FieldExplanation, file: String) -> Document {
        var document = Document("explanation")
        document.fact("field", .text(explanation.field), line: "")
        document.fact("file", .text(file), line: "")
        document.fact("line", .number(explanation.position.line), line: "")
        document.fact("example", .text(explanation.example?.origin), line: "")
        var table = Table("steps", [.left("WHEN"), .left("STEP"), .left("VALUE"), .left("REJECTED")])
        for (phase, steps) in explanation.phases {
            for step in steps {
                var value: String?
                var reason: String?
                switch step.value {
                case .text(let text): value = text
                case .rejected(let code): reason = code
                case .nothing, nil: break
                }
                table.add([.text(phase), .text(step.text), .text(value), .text(reason)])
            }
        }
        document.add(table, lines: explanation.lines(file: file))
        return document
    }

    private func example(_ path: String) throws -> FieldExplanation.Example {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw MigratezError(
                .fileNotFound, "cannot read the record \(path)", remedy: .fixConfiguration, hint: "look at --record")
        }
        return try FieldExplanation.Example(file: path, Array(data))
    }
}
