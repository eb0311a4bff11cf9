// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezModel
import MigratezPipeline

/// `migratez keys …`
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Makes, shows, replaces and destroys root keys.",
        discussion: """
            A root key wraps the keys of runs. It is the key file in the state folder, or what a pipeline file names in \
            staging.key: '${file:…}', '${cmd:…}', '${env:…}', '${cred:…}'. 64 hexadecimal digits are a key, any other text \
            is a passphrase. A key itself is never given on the command line, where others could read it.

            EXAMPLE
              migratez keys new /run/keys/crm
              migratez keys show
              migratez keys rotate --to '${file:/run/keys/crm}'
            """,
        subcommands: [New.self, Show.self, Rotate.self, Destroy.self])

    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new", abstract: "Makes a key file that only you can read.",
            discussion: "EXAMPLE\n  migratez keys new /run/keys/crm")

        @OptionGroup var common: CommonOptions
        @Argument(help: "Its path; without it, that of the state folder.", completion: .file()) var path: String?

        func run() async throws {
            let made = try RootKeyUse(try common.workplace()).make(path)
            var document = Document("key")
            document.fact("path", .text(made.path), line: "made the key \(made.rootID ?? "") in \(made.path)")
            document.fact("root_key", .text(made.rootID), line: "")
            document.remark("keep a copy where the staged data is not: without the key nobody can read it")
            if path != nil {
                document.remark("name it in the pipeline file: staging: { key: \"${file:\(made.path)}\" }")
            }
            Console().show(document)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Tells which key each run is under, by public names of keys.",
            discussion: "EXAMPLE\n  migratez keys show")

        @OptionGroup var common: CommonOptions

        func run() async throws {
            var table = Table(
                "keys",
                [
                    .left("RUN"), .left("RUN KEY"), .right("CHUNK KEYS"), .left("ROOT KEY"), .left("FOUND IN"),
                    .left("STATE"), .left("PIPELINE"),
                ])
            var failures: [MigratezError] = []
            for row in try await KeyInventory(try common.workplace()).runs() {
                let state = row.isDestroyed ? "destroyed" : row.failure?.code.description ?? "opens"
                table.add([
                    .text(row.run), .text(row.runKeyID, none: "–"), .count(row.chunkKeys),
                    .text(row.rootID, none: row.runKeyID == nil ? "–" : "passphrase"),
                    .text(row.place?.description, none: "–"), .text(state), .text(row.pipeline),
                ])
                if let failure = row.failure { failures.append(failure) }
            }
            var document = Document(table)
            if table.rows.isEmpty { document.remark("no runs yet, so no key is in use") }
            for failure in failures {
                document.remark(failure.description + (failure.hint.map { "; \($0)" } ?? ""))
            }
            Console().show(document)
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate", abstract: "Puts every run that is under one root key under another one.",
            discussion: """
                Only the keys of runs are wrapped anew; chunks stay as they are. Without options the key file in the state \
                folder is replaced by a new one, and the old key is destroyed. If it is cut off, call it again.

                EXAMPLE
                  migratez keys rotate
                  migratez keys rotate --from '${cmd:pass show old}' --to '${cred:crm}'
                """)

        @OptionGroup var common: CommonOptions
        @Option(help: "Where the old key is: '${file:…}', '${cmd:…}', '${env:…}' or '${cred:…}'.") var from: String?
        @Option(help: "Where the new key is.") var to: String?

        func run() async throws {
            let old = try from.map { try RootKeyPlace(parsing: $0) } ?? .keyFile
            let new = try to.map { try RootKeyPlace(parsing: $0) } ?? .keyFile
            let summary = try await RootKeyRotation(from: old, to: new, in: try common.workplace()).run()
            var document = Document("rotation")
            document.fact(
                "runs", .list(summary.runs),
                line:
                    "\(summary.runs.count.grouped) runs are under \(summary.rootID.map { "the key \($0)" } ?? "the passphrase")"
            )
            document.fact("root_key", .text(summary.rootID), line: "")
            document.fact("baselines", .list(summary.baselines), line: "")
            document.fact(
                "others", .list(summary.foreign),
                line: summary.foreign.isEmpty ? "" : "under other root keys: \(summary.foreign.joined(separator: ", "))"
            )
            if from != nil || to != nil {
                document.remark(
                    "pipeline files must name \(new) from now on (staging.key); the old key can be destroyed")
            }
            Console().show(document)
        }
    }

    struct Destroy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "destroy", abstract: "Destroys a key file, and with it all that is under the key.",
            discussion: "EXAMPLE\n  migratez keys destroy /run/keys/crm")

        @OptionGroup var common: CommonOptions
        @Argument(help: "Its path; without it, that of the state folder.", completion: .file()) var path: String?

        func run() async throws {
            let workplace = try common.workplace()
            let console = Console()
            let path = path ?? workplace.rootKeyPath
            let use = RootKeyUse(workplace)
            let losses = try use.losses(keyFile: path)
            let name = "the key \(losses.rootID ?? "") in \(path)"
            let runs = losses.runs.joined(separator: ", "), baselines = losses.baselines.joined(separator: ", ")
            console.note(
                losses.runs.isEmpty ? "nothing is staged under \(name)" : "unreadable for good will be: runs \(runs)")
            if !losses.baselines.isEmpty { console.note("no run can go on from: \(baselines)") }
            guard try console.confirm("This destroys \(name) for good. Go on?") else {
                return console.note("nothing was changed")
            }
            try use.destroy(keyFile: path)
            var document = Document("key_destruction")
            document.fact("path", .text(path), line: "destroyed \(name)")
            document.fact("root_key", .text(losses.rootID), line: "")
            document.fact("runs", .list(losses.runs), line: "")
            document.fact("baselines", .list(losses.baselines), line: "")
            for run in losses.runs {
                document.remark(
                    "remove what is left of it: migratez confirm \(run) --abandon, then migratez shred \(run)")
            }
            console.show(document)
        }
    }
}
