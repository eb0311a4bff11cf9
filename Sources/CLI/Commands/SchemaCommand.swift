// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezJSON
import MigratezPipeline
import MigratezRESTConnector

/// `migratez schema`
struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract:
            "Prints the JSON Schema of pipeline files or definitions, for editors, or of the events of `run --json`.",
        discussion: """
            EXAMPLE
              migratez schema > pipeline-v1.schema.json
              migratez schema events > events-v1.schema.json
              migratez schema connector > connector-v1.schema.json

            With '# yaml-language-server: $schema=pipeline-v1.schema.json' as the first line of a pipeline file, editors
            complete its keys and mark what is wrong.
            """)

    enum Subject: String, ExpressibleByArgument, CaseIterable { case pipeline, events, connector }

    @OptionGroup(title: "Global options") var display: DisplayOptions
    @Argument(help: "pipeline, events or connector.") var subject = Subject.pipeline

    func run() throws {
        guard display.format == .text || display.format == .json else {
            throw ValidationError("a schema is JSON and cannot be printed as \(display.format.rawValue)")
        }
        let schema =
            switch subject {
            case .pipeline: PipelineSchema(Connectors.catalog).document
            case .events: EventSchema.json
            case .connector: DefinitionSchema.document
            }
        Console().say(bytes: Array(schema.laidOut().utf8))
    }
}
