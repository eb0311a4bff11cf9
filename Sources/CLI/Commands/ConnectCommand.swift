// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezConnectorKit
import MigratezModel
import MigratezPipeline

/// `migratez connect …`
struct ConnectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect", abstract: "Looks at the connections of a pipeline file.",
        subcommands: [Test.self, List.self])

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test", abstract: "Asks each side who it is and what it allows; changes nothing there.",
            discussion: """
                EXAMPLE
                  migratez connect test pipelines/hubspot-to-salesforce.yaml target

                Ends with 69 if a side cannot be reached, 77 if credentials or rights are refused, 78 if a setting or
                secret is missing.
                """)

        @OptionGroup var common: CommonOptions
        @Argument(help: "The pipeline file.", completion: .pipelineFile) var file: String
        @Argument(help: "source or target; without it, both.") var side: PipelineSide?

        func run() async throws {
            let workplace = try common.workplace().withoutPatience
            let console = Console()
            let connection = try await PlanConnection.open(file, in: workplace)
            var worst: ExitCode?
            var document = Document("connections")
            var sides = Table("sides", [.left("SIDE"), .left("CONNECTOR"), .left("CONNECTED")])
            var facts = Table("facts", [.left("SIDE"), .left("FACT"), .left("VALUE")])
            var lines: [String] = []
            for side in side.map({ [$0] }) ?? PipelineSide.allCases {
                let connector = connection.connector(of: side)
                do {
                    let report = try await connection.account(of: side)
                    sides.add([.text(side.rawValue), .text(connector), .flag(true)])
                    lines.append("\(side.rawValue): \(connector): connected")
                    let rows = Self.facts(of: report)
                    let width = rows.map(\.0.count).max() ?? 0
                    for (name, value) in rows {
                        facts.add([.text(side.rawValue), .text(name), .text(value)])
                        lines.append("  " + name + String(repeating: " ", count: width - name.count + 2) + value)
                    }
                    if !report.missingRights.isEmpty { worst = worst ?? .refused }
                } catch let error as MigratezError {
                    // The other side is worth knowing about all the same.
                    sides.add([.text(side.rawValue), .text(connector), .flag(false)])
                    facts.add([.text(side.rawValue), "error", .text(error.description)])
                    lines.append("\(side.rawValue): \(connector): NOT connected")
                    console.fail(error)
                    worst = worst ?? ExitCode(error)
                }
            }
            document.add(sides, lines: lines)
            document.add(facts, lines: [])
            console.show(document)
            if let worst { throw worst }
        }

        /// What is known of an account, in the order in which people ask.
        static func facts(of report: AccountReport) -> [(String, String)] {
            var rows: [(String, String)] = [("account", report.account)]
            if let edition = report.edition { rows.append(("edition", edition)) }
            if let user = report.user { rows.append(("user", user)) }
            if let version = report.apiVersion { rows.append(("API", version)) }
            rows += report.facts.map { ($0.name, $0.value) }
            rows += report.allowances.map { allowance in
                let percent = Int((allowance.remainingShare * 100).rounded(.down))
                let reset = allowance.resetsAt.map { ", full again at \($0)" } ?? ""
                let counts = "\(allowance.remaining.grouped) of \(allowance.limit.grouped)"
                return ("left", "\(counts) \(allowance.name) (\(percent) %)\(reset)")
            }
            if !report.scopes.isEmpty { rows.append(("scopes", report.scopes.joined(separator: ", "))) }
            rows += report.missingRights.map { ("MISSING", "the right '\($0)'") }
            return rows + report.unknown.map { ("unknown", $0) }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Lists both connections with their settings; secrets by reference only.",
            discussion: "EXAMPLE\n  migratez connect list pipelines/hubspot-to-salesforce.yaml")

        @OptionGroup var common: CommonOptions
        @Argument(help: "The pipeline file.", completion: .pipelineFile) var file: String

        func run() async throws {
            _ = try common.workplace()
            let plan = try PipelineFile.read(path: file, catalog: Connectors.catalog).get()
            var table = Table(
                "connections", [.left("SIDE"), .left("CONNECTOR"), .left("SETTING"), .left("VALUE")])
            for (side, connection) in [("source", plan.source), ("target", plan.target)] {
                for line in connection.settingLines {
                    table.add([
                        .text(side), .text(connection.connector), .text(line.path), .text(line.value),
                    ])
                }
            }
            Console().show(Document(table))
        }
    }
}

extension PipelineSide: ExpressibleByArgument {}
