// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezConnectorKit
import MigratezJSON
import MigratezPipeline

/// `migratez connectors [NAME]`
struct ConnectorsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connectors", abstract: "Lists what can be read from and written to, or one with its settings.",
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
                .left("CONNECTOR"), .left("SIDE"), .left("ROUTES"), .left("BULK"), .left("UPSERT KEY"), .left("DELTA"),
                .left("LINKS"), .left("FILES"), .left("CREATED DATE"), .left("UNDO"), .left("LIMITS"),
            ])
        for connector in shown { Self.add(connector, to: &table) }
        document.add(table, lines: Self.lines(table, console))
        if let connector = shown.first, name != nil {
            Self.addSettings(of: connector.name, to: &document, console)
        } else {
            document.remark("One of them with its settings: migratez connectors NAME")
        }
        console.show(document)
    }

    private static func add(_ connector: ConnectorOverview, to table: inout Table) {
        if let source = connector.source {
            table.add([
                .text(connector.name), "source", .list(source.routes), .text(source.bulkRoute, none: "–"),
                .text(nil),
                .text(source.tellsChanges ? "compared, changes dated" : "compared"), .text(source.links, none: "–"),
                .flag(source.movesFiles), .text(nil), .text(nil), limits(source.limits),
            ])
        }
        if let destination = connector.destination {
            table.add([
                .text(connector.name), "target", .list(destination.routes), .text(destination.bulkRoute, none: "–"),
                .text(destination.upsertKey, none: "–"), "writes what differs", .text(destination.links),
                .flag(destination.movesFiles), .text(destination.createdDate, none: "–"), .flag(destination.undoes),
                limits(destination.limits),
            ])
        }
    }

    /// Each of them may have commas of its own.
    private static func limits(_ limits: [String]) -> Cell {
        Cell(.array(limits.map { .string($0) }), text: limits.joined(separator: "; "))
    }

    /// A paragraph for each row: eleven columns are wider than a terminal.
    private static func lines(_ table: Table, _ console: Console) -> [String] {
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

    private static func addSettings(of name: String, to document: inout Document, _ console: Console) {
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
