// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import MigratezModel
import MigratezPipeline

/// `migratez init --from A --to B`
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Writes a new pipeline file with a mapping to look at.",
        discussion: """
            EXAMPLE
              migratez init --from hubspot --to salesforce -o move.yaml
              migratez init --from csv --to ndjson --source-setting objects.person.file=people.csv \\
                --target-setting dir=out -o people.yaml

            Settings that are missing are asked for on a terminal. A secret is never written down: give a reference to it,
            such as '${env:HUBSPOT_TOKEN}'.
            """)

    @OptionGroup var common: CommonOptions
    @Option(help: "The connector to read from; `migratez connectors` lists them.") var from: String
    @Option(help: "The connector to write to; `migratez connectors` lists them.") var to: String
    @Option(
        name: [.customShort("o"), .customLong("out")],
        help: "The file to write; it must not exist. Without it, the text goes to standard output.",
        completion: .pipelineFile)
    var out: String?
    @Option(help: "A setting of the source, as PATH=VALUE; may be given several times.") var sourceSetting: [String] =
        []
    @Option(help: "A setting of the target, as PATH=VALUE; may be given several times.") var targetSetting: [String] =
        []
    @Option(help: "The objects of the source to map, such as company,contact; without it, the usual ones.")
    var objects: String?
    @Flag(help: "Ask neither side: propose what every account of these vendors has.") var offline = false

    func run() async throws {
        let workplace = try common.workplace()
        let console = Console()
        var draft = try PipelineDraft(
            from: from, to: to, sourceSettings: try Self.settings(sourceSetting, "--source-setting"),
            targetSettings: try Self.settings(targetSetting, "--target-setting"))
        if let out, FileManager.default.fileExists(atPath: out) {
            throw MigratezError(
                .invalidSetting, "\(out) exists already", remedy: .fixConfiguration, hint: "name another file with -o")
        }
        if offline { draft.fillInSuggestions() } else { try ask(&draft, console) }
        let wanted = objects.map { $0.split(separator: ",").map(String.init) }
        let file = out ?? "pipeline.yaml"
        let text =
            try await offline
            ? draft.offlineText(for: file, objects: wanted)
            : draft.connectedText(for: file, objects: wanted, in: workplace)
        guard let out else {
            try common.display.requireText("a pipeline file")
            return console.say(bytes: Array(text.utf8))
        }
        guard
            FileManager.default.createFile(
                atPath: out, contents: Data(text.utf8), attributes: [.posixPermissions: 0o644])
        else { throw MigratezError(.diskFailed, "cannot write \(out)", remedy: .fixConfiguration) }
        var document = Document("init")
        document.fact("file", .text(out), line: "wrote \(out); look at it, then: migratez lint \(out) --connect")
        console.show(document)
    }

    /// Asks for what is missing; where nobody can be asked, says which flags would have told.
    private func ask(_ draft: inout PipelineDraft, _ console: Console) throws {
        var flags: [String] = []
        for side in PipelineSide.allCases {
            while let need = draft.missing(of: side).first {
                guard console.canAsk else {
                    flags += draft.missing(of: side).map {
                        "--\(side.rawValue)-setting \($0.path)='\($0.suggestion.isEmpty ? "…" : $0.suggestion)'"
                    }
                    break
                }
                let answer = try console.ask(
                    "\(side.rawValue): \(need.question) [\(need.suggestion)]:",
                    otherwise: "--\(side.rawValue)-setting \(need.path)=…")
                let value = answer.isEmpty ? need.suggestion : answer
                if let problem = draft.problem(with: value, at: need.path, of: side) {
                    console.note("\(side.rawValue).\(need.path) \(problem)")
                    continue
                }
                draft.set(need.path, of: side, to: value)
            }
        }
        guard flags.isEmpty else {
            throw MigratezError(
                .invalidSetting, "settings are missing, and nobody can be asked here", remedy: .fixConfiguration,
                hint: "give \(flags.joined(separator: " ")), or --offline")
        }
    }

    private static func settings(_ items: [String], _ option: String) throws -> [String: String] {
        var settings: [String: String] = [:]
        for item in items {
            guard let equals = item.firstIndex(of: "="), equals != item.startIndex else {
                throw ValidationError("\(option) '\(item)' is not PATH=VALUE")
            }
            settings[String(item[..<equals])] = String(item[item.index(after: equals)...])
        }
        return settings
    }
}
