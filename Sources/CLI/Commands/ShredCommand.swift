// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import MigratezCrypto
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez confirm [RUN]`
struct ConfirmCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm", abstract: "Lets go of the staged data of a verified run, which is shredded next.",
        discussion: "EXAMPLE\n  migratez confirm 7f3a --by 'Ada Lovelace'")

    @OptionGroup var common: CommonOptions
    @OptionGroup var reference: RunArgument
    @Option(help: "Who confirms; without it, the user of this system.") var by: String?
    @Flag(help: "Give up a run that was not verified: its staged data will be shredded all the same.")
    var abandon = false

    func run() async throws {
        let workplace = try common.workplace()
        let entry = try RunRegistry(workplace).find(reference.run)
        let person = by ?? NSUserName()
        try await RunEnding(workplace).confirm(
            entry, by: person, basis: abandon ? "abandoned" : "verified", isAbandoned: abandon)
        let fate = try await RunInspection(try entry.folder(in: workplace)).manifest.read { try $0.run() }.fate
        var document = Document("confirmation")
        document.fact("run", .text(entry.run), line: "run \(entry.run) is confirmed by \(person)")
        document.fact("person", .text(person), line: "")
        document.fact("due", .time(fate.due), line: fate.description)
        if fate.due != nil { document.remark("next: migratez shred \(entry.run)") }
        Console().show(document)
    }
}

/// `migratez shred [RUN]`
struct ShredCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shred", abstract: "Destroys the keys and files of a confirmed run, and certifies it.",
        discussion: "EXAMPLE\n  migratez shred 7f3a --yes-shred 7f3a91c2")

    @OptionGroup var common: CommonOptions
    @OptionGroup var reference: RunArgument
    @Option(help: "The whole id of the run, instead of typing it.") var yesShred: String?
    @Flag(help: "Keep no baseline, even if the pipeline asks for it: no run can go on from this one then.")
    var withoutBaseline = false

    func run() async throws {
        let workplace = try common.workplace()
        let console = Console()
        let entry = try RunRegistry(workplace).find(reference.run)
        try confirm(entry, console)
        let files = try await RunEnding(workplace).shred(entry, keepsBaseline: !withoutBaseline)
        var document = Document("shredding")
        document.fact("run", .text(entry.run), line: "")
        document.fact("certificate", .text(files.text), line: "shredded; certificate: \(files.text)")
        console.show(document)
    }

    private func confirm(_ entry: RunRegistry.Entry, _ console: Console) throws {
        if let yesShred {
            guard yesShred == entry.run else {
                throw ValidationError("--yes-shred names '\(yesShred)', but the run is '\(entry.run)'")
            }
            return
        }
        let answer = try console.ask(
            "This destroys the keys of run \(entry.run) for good. Type its id to go on:",
            otherwise: "--yes-shred \(entry.run)")
        guard answer == entry.run else { throw ValidationError("not the id of the run; nothing was changed") }
    }
}

/// `migratez certificate verify FOLDER`
struct CertificateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificate", abstract: "Checks certificates of destruction.", subcommands: [Verify.self])

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Checks that a certificate is as it was signed.",
            discussion: "EXAMPLE\n  migratez certificate verify staging/7f3a91c2/certificate")

        @OptionGroup(title: "Global options") var display: DisplayOptions
        @Argument(help: "The folder with the certificate's files.", completion: .directory) var folder: String
        @Option(
            help: "A PEM file with the public key that must have signed it.", completion: .file(extensions: ["pem"]))
        var key: String?

        func run() throws {
            let trusted = try key.map { try Ed25519.PublicKey(file: $0) }
            let certificate = try CertificateFiles(path: folder).verify(trusting: trusted)
            let console = Console()
            var document = Document("certificate")
            document.fact(
                "run", .text(certificate.run), line: "the certificate of run \(certificate.run) is as it was signed")
            document.fact("trusted", .flag(trusted != nil), line: "")
            console.show(document)
            if trusted == nil {
                console.note("no trusted key was given: this shows that nothing was changed, not who signed")
            }
        }
    }
}
