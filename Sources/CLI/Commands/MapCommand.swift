// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezPipeline

/// `migratez map …`
struct MapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "map", abstract: "Proposes field rules; takes them out to a spreadsheet and back.",
        subcommands: [Suggest.self, Export.self, Import.self])

    struct Suggest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "suggest",
            abstract: "Lists what may fill the fields that are not mapped yet; applies nothing.",
            discussion: "EXAMPLE\n  migratez map suggest pipelines/hubspot-to-salesforce.yaml contact")

        @OptionGroup var common: CommonOptions
        @Argument(help: "The pipeline file.", completion: .pipelineFile) var file: String
        @Argument(help: "The object, as the pipeline calls it; without it, all.") var object: String?

        func run() async throws {
            let workplace = try common.workplace()
            let console = Console()
            let connection = try await PlanConnection.open(file, in: workplace)
            let suggestions = try await MappingSuggestion.make(connection, object: object)
            var table = Table(
                "suggestions", [.left("OBJECT"), .left("FIELD"), .left("FROM"), .right("SURE"), .left("BECAUSE")])
            for suggestion in suggestions {
                for candidate in suggestion.candidates {
                    table.add([
                        .text(suggestion.object), .text(candidate.target), .text(candidate.source),
                        Cell(.number(String(candidate.certainty)), text: "\(candidate.certainty) %"),
                        .text(candidate.reason),
                    ])
                }
            }
            var document = Document("suggestions")
            document.add(table)
            document.remark(
                suggestions.isEmpty
                    ? "nothing more is alike on both sides"
                    : "nothing was changed; add what you want below objects.….fields of \(file)")
            console.show(document)
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "Writes all field rules as CSV for a spreadsheet.",
            discussion: "EXAMPLE\n  migratez map export pipelines/hubspot-to-salesforce.yaml -o map.csv")

        @OptionGroup var common: CommonOptions
        @Argument(help: "The pipeline file.", completion: .pipelineFile) var file: String
        @Option(
            name: [.customShort("o"), .customLong("out")], help: "The CSV file; without it, standard output.",
            completion: .table)
        var out: String?

        func run() async throws {
            _ = try common.workplace()
            let table = try PipelineFile.mappingTable(of: file)
            guard let out else { return Console().say(bytes: table.csv) }
            guard
                FileManager.default.createFile(
                    atPath: out, contents: Data(table.csv), attributes: [.posixPermissions: 0o600])
            else { throw MigratezError(.diskFailed, "cannot write \(out)", remedy: .fixConfiguration) }
            var document = Document("export")
            document.fact("rules", .number(table.rows.count), line: "")
            document.fact(
                "file", .text(out),
                line: "wrote \(table.rows.count) rules to \(out); back with: migratez map import \(file) \(out)")
            Console().show(document)
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import", abstract: "Brings edited rules back into the pipeline file; everything else stays.",
            discussion: """
                EXAMPLE
                  migratez map import pipelines/hubspot-to-salesforce.yaml map.csv

                A row without from, const and expr removes the field's rule; a field without a row stays as it is. The
                result is checked against both sides before anything is written, unless --offline is given.
                """)

        @OptionGroup var common: CommonOptions
        @Argument(help: "The pipeline file.", completion: .pipelineFile) var file: String
        @Argument(help: "The CSV file.", completion: .table) var table: String
        @Flag(help: "Check the result in itself only, without asking both sides.") var offline = false

        func run() async throws {
            let workplace = try common.workplace()
            let console = Console()
            let imported = try await PipelineFile.importing(
                table, into: file, checkingWith: offline ? nil : workplace)
            if !imported.changes.isEmpty { try imported.save(to: file) }
            var changes = Table("changes", [.left("CHANGE"), .left("OBJECT"), .left("FIELD")])
            for change in imported.changes {
                changes.add([.text(change.kind.rawValue), .text(change.object), .text(change.field)])
            }
            var document = Document("import")
            document.add(
                changes, lines: imported.changes.map { "\($0.kind.rawValue)  \($0.object).\($0.field)" })
            document.remark(
                imported.changes.isEmpty
                    ? "nothing differs; \(file) stays as it is" : "\(file) has these changes; nothing else was touched")
            console.show(document)
        }
    }
}
