// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import MigratezCrypto
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez audit …`
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Shows and checks the account of keys, values shown, and data destroyed.",
        discussion: """
            EXAMPLE
              migratez audit show 7f3a
              migratez audit verify
            """,
        subcommands: [Show.self, Verify.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Lists who did what, when; ids only, never values.",
            discussion: "EXAMPLE\n  migratez audit show 7f3a --json")

        @OptionGroup var common: CommonOptions
        @Argument(help: "Only this run, by its id or the first digits of it.") var run: String?

        func run() async throws {
            let log = try common.workplace().auditLog
            let entries = try log.entries().filter { entry in
                run.map { entry.run?.text.hasPrefix($0) == true } ?? true
            }
            var table = Table(
                "audit",
                [
                    .right("NUMBER"), .left("TIME"), .left("USER"), .left("ACTION"), .left("RUN"), .left("OBJECT"),
                    .left("CODE"),
                ])
            for entry in entries {
                table.add([
                    .number(entry.number), .time(entry.time), .text(entry.user.name), .text(entry.action.rawValue),
                    .text(entry.run?.text), .text(entry.object), .text(entry.code),
                ])
            }
            var document = Document(table)
            if entries.isEmpty { document.remark("nothing is written down") }
            Console().show(document)
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Checks that the audit log is as it was written, to its last entry.",
            discussion: """
                It prints the head of the log: its last entry's number and hash. A head that was kept elsewhere, given with \
                --head, shows that the log was not put back to an earlier state together with its own head.

                EXAMPLE
                  migratez audit verify
                  migratez audit verify --head 12:5c1e… --key signing.pem
                """)

        @OptionGroup var common: CommonOptions
        @Option(help: "A head that was printed earlier, as NUMBER:HASH.") var head: String?
        @Option(
            help: "A PEM file with the public key that must have signed; without it, that of this user.",
            completion: .file(extensions: ["pem"]))
        var key: String?

        func run() async throws {
            let log = try common.workplace().auditLog
            let last = try log.verify(
                trusting: try key.map { try Ed25519.PublicKey(file: $0) }, upTo: try head.map { try Self.head($0) })
            var document = Document("audit_verification")
            document.fact(
                "entries", .number(last.number), line: "\(last.number.grouped) entries are as they were written")
            let text = "\(last.number):\(Hex.encode(last.chain))"
            document.fact("head", .text(text), line: "head: \(text)")
            Console().show(document)
        }

        private static func head(_ text: String) throws -> AuditHead {
            let parts = text.split(separator: ":")
            guard parts.count == 2, let number = Int(parts[0]), number >= 0, let chain = Hex.decode(parts[1]),
                chain.count == 32
            else { throw ValidationError("--head '\(text)' is not NUMBER:HASH, as audit verify prints it") }
            return AuditHead(number: number, chain: chain)
        }
    }
}

extension Ed25519.PublicKey {
    /// The key in a PEM file that was named on the command line.
    init(file path: String) throws {
        guard let pem = try? String(contentsOfFile: path, encoding: .utf8), let key = Ed25519.PublicKey(pem: pem) else {
            throw MigratezError(
                .fileNotFound, "\(path) holds no Ed25519 public key in PEM form", remedy: .fixConfiguration)
        }
        self = key
    }
}
