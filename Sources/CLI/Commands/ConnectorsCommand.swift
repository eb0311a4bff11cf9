// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezRESTConnector

/// `migratez connectors …`
struct ConnectorsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connectors",
        abstract: "Lists what can be read from and written to; makes and checks definitions.",
        discussion: """
            EXAMPLE
              migratez connectors salesforce
              migratez connectors new acme
              migratez connectors lint acme.yaml
            """, subcommands: [List.self, New.self, Lint.self], defaultSubcommand: List.self)
}

extension ConnectorsCommand {
    /// `migratez connectors [NAME]`
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Lists the connectors, or one with its settings.",
            discussion: "EXAMPLE\n  migratez connectors salesforce")

        @OptionGroup(title: "Global options") var display: DisplayOptions
        @Argument(help: "The name of a connector.") var name: String?

        func run() throws {
            let console = Console()
            let all = Connectors.capabilities
            let shown = name.map { name in all.filter { $0.name == name } } ?? all
            guard !shown.isEmpty else {
                throw ValidationError(
                    "there is no connector '\(name ?? "")'; there are \(all.map(\.name).joined(separator: ", "))")
            }
            var document = Document("connectors")
            var table = Table(
                "connectors",
                [
                    .left("CONNECTOR"), .left("SIDE"), .left("ROUTES"), .left("BULK"), .left("SLICED BY"),
                    .left("UPSERT KEY"), .left("DELTA"), .left("CREATES"), .left("LINKS"), .left("FILES"),
                    .left("CREATED DATE"), .left("UNDO"), .left("LIMITS"),
                ])
            for connector in shown { ConnectorsCommand.add(connector, to: &table) }
            document.add(table, lines: ConnectorsCommand.lines(table, console))
            if let connector = shown.first, name != nil {
                ConnectorsCommand.addSettings(of: connector.name, to: &document, console)
            } else {
                document.remark("One of them with its settings: migratez connectors NAME")
            }
            console.show(document)
        }
    }

    /// `migratez connectors new NAME`
    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new", abstract: "Writes a commented definition of a connector of your own.",
            discussion: "EXAMPLE\n  migratez connectors new acme -o acme.yaml")

        @OptionGroup(title: "Global options") var display: DisplayOptions
        @Argument(help: "The connector's name, of a-z, 0-9 and _.") var name: String
        @Option(
            name: [.customShort("o"), .customLong("out")],
            help: "The file to write; it must not exist. Without it, NAME.yaml.", completion: .pipelineFile)
        var out: String?

        func run() throws {
            let text = try ShippedDefinitions.template(named: name)
            let file = out ?? "\(name).yaml"
            guard !FileManager.default.fileExists(atPath: file) else {
                throw MigratezError(
                    .invalidSetting, "\(file) exists already", remedy: .fixConfiguration,
                    hint: "name another file with -o")
            }
            guard
                FileManager.default.createFile(
                    atPath: file, contents: Data(text.utf8), attributes: [.posixPermissions: 0o644])
            else { throw MigratezError(.diskFailed, "cannot write \(file)", remedy: .fixConfiguration) }
            var document = Document("definition")
            document.fact(
                "file", .text(file), line: "wrote \(file); change it, then: migratez connectors lint \(file)")
            Console().show(document)
        }
    }

    /// `migratez connectors lint FILE`
    struct Lint: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lint", abstract: "Says all that is wrong with a definition, with line and column.",
            discussion: "EXAMPLE\n  migratez connectors lint acme.yaml")

        @OptionGroup(title: "Global options") var display: DisplayOptions
        @Argument(help: "The definition.", completion: .pipelineFile) var file: String

        func run() throws {
            let reading = try OwnDefinition.read(file)
            let isValid = reading.definition != nil
            Console().show(LintCommand.document(file, reading.diagnostics, isValid: isValid, "in order"))
            guard isValid else { throw ExitCode.invalidPipeline }
        }
    }
}

// MARK: The list

extension ConnectorsCommand {
    fileprivate static func add(_ connector: ConnectorOverview, to table: inout Table) {
        if let source = connector.source {
            table.add([
                .text(connector.name), "source", .list(source.routes), .text(source.bulkRoute, none: "–"),
                .text(source.slicedBy, none: "–"), .text(nil),
                .text(source.tellsChanges ? "compared, changes dated" : "compared"), .text(nil),
                .text(source.links, none: "–"), .flag(source.movesFiles), .text(nil), .text(nil), limits(source.limits),
            ])
        }
        if let destination = connector.destination {
            table.add([
                .text(connector.name), "target", .list(destination.routes), .text(destination.bulkRoute, none: "–"),
                .text(nil), .text(destination.upsertKey, none: "–"), "writes what differs",
                .text(destination.createsObjects, none: "–"), .text(destination.links), .flag(destination.movesFiles),
                .text(destination.createdDate, none: "–"), .flag(destination.undoes), limits(destination.limits),
            ])
        }
    }

    /// Each of them may have commas of its own.
    private static func limits(_ limits: [String]) -> Cell {
        Cell(.array(limits.map { .string($0) }), text: limits.joined(separator: "; "))
    }

    /// A paragraph for each row: thirteen columns are wider than a terminal.
    fileprivate static func lines(_ table: Table, _ console: Console) -> [String] {
        table.rows.flatMap { row -> [String] in
            let title = console.bold("\(row[0].text) as \(row[1].text)")
            let facts = zip(table.columns, row).dropFirst(2).filter { !$0.1.text.isEmpty }
            return [title]
                + facts.map { column, cell in
                    let key = column.title.lowercased()
                    return "  \(key)\(String(repeating: " ", count: max(1, 13 - key.count)))\(cell.text)"
                } + [""]
        }
    }

    fileprivate static func addSettings(of name: String, to document: inout Document, _ console: Console) {
        var table = Table("settings", [.left("SIDE"), .left("SETTING"), .left("REQUIRED"), .left("MEANING")])
        for (side, specs) in [
            ("source", Connectors.catalog.sources[name]), ("target", Connectors.catalog.destinations[name]),
        ] {
            for spec in specs ?? [] {
                table.add([.text(side), .text(spec.path), .flag(spec.isRequired, ("yes", "")), .text(spec.summary)])
            }
        }
        document.add(table)
    }
}
