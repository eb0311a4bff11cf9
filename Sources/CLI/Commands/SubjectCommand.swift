// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import MigratezCrypto
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez subject …`
struct SubjectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subject", abstract: "Answers the request of one person about what is staged of her.",
        discussion: """
            The person is named by addresses and numbers, which are compared under the run's own key: no list of them is \
            kept anywhere, and the audit log holds a keyed name only. What stands on a command line can be read by other \
            users of the machine and stays in the shell's history, so give a file, or - for standard input.

            EXAMPLE
              migratez subject find 7f3a --email-file -
              migratez subject export 7f3a --email-file request.txt -o answer
              migratez subject erase 7f3a --email-file request.txt
              migratez subject correct 7f3a --email-file request.txt --values right.json
              migratez subject restrict 7f3a --phone-file request.txt
            """,
        subcommands: [Find.self, Export.self, Erase.self, Correct.self, Restrict.self])

    struct Find: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "find", abstract: "Tells which staged records are about the person; no values.",
            discussion: "EXAMPLE\n  migratez subject find 7f3a --email-file -")

        @OptionGroup var common: CommonOptions
        @Argument(help: "The run, by its id or the first digits of it.") var run: String
        @OptionGroup var person: SubjectOptions

        func run() async throws {
            let query = try person.query()
            let workplace = try common.workplace()
            let entry = try RunRegistry(workplace).find(run)
            let finding = try await workplace.findSubject(query, in: entry)
            Console().show(SubjectDocument.finding(finding, kind: "subject", entry.run))
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "Writes what is staged of the person as JSON and CSV.",
            discussion: "EXAMPLE\n  migratez subject export 7f3a --email-file - -o answer")

        @OptionGroup var common: CommonOptions
        @Argument(help: "The run, by its id or the first digits of it.") var run: String
        @OptionGroup var person: SubjectOptions
        @Option(name: [.customShort("o"), .customLong("out")], help: "The folder to make.", completion: .directory)
        var out: String

        func run() async throws {
            let query = try person.query()
            let workplace = try common.workplace()
            let entry = try RunRegistry(workplace).find(run)
            let (finding, lines) = try await workplace.exportSubject(query, in: entry, to: out)
            var document = SubjectDocument.finding(finding, kind: "subject_export", entry.run)
            document.fact("lines", .number(lines), line: "")
            if lines > 0 {
                document.fact("folder", .text(out), line: "\(lines.grouped) staged lines are in \(out)")
                document.remark("the files hold personal data: remove them in the end")
            }
            Console().show(document)
        }
    }

    struct Erase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "erase", abstract: "Destroys the person's values in the chunks; her records are not loaded.",
            discussion: """
                What was loaded already is named with its ids in the destination, where it has to be deleted; its staged \
                copies go when the run is shredded.

                EXAMPLE
                  migratez subject erase 7f3a --email-file -
                """)

        @OptionGroup var common: CommonOptions
        @Argument(help: "The run, by its id or the first digits of it.") var run: String
        @OptionGroup var person: SubjectOptions
        @Option(help: "Who handles the request; without it, the user of this system.") var by: String?

        func run() async throws {
            try await SubjectDocument.hold(
                run, person, as: .erased, by: by, try common.workplace(), question: "This destroys the person's values")
        }
    }

    struct Correct: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "correct", abstract: "Puts the person's staged values right before they are loaded.",
            discussion: """
                The file holds the right values as JSON: {"contact": {"lastname": "Lovelace"}}. Before an object is mapped,                 fields have the source's names; after that, the destination's.

                EXAMPLE
                  migratez subject correct 7f3a --email-file - --values right.json
                """)

        @OptionGroup var common: CommonOptions
        @Argument(help: "The run, by its id or the first digits of it.") var run: String
        @OptionGroup var person: SubjectOptions
        @Option(help: "The file with the right values.", completion: .file(extensions: ["json"])) var values: String
        @Option(help: "Who handles the request; without it, the user of this system.") var by: String?

        func run() async throws {
            let query = try person.query()
            guard let document = FileManager.default.contents(atPath: values) else {
                throw MigratezError(.fileNotFound, "cannot read \(values)", remedy: .fixConfiguration)
            }
            let workplace = try common.workplace()
            let entry = try RunRegistry(workplace).find(run)
            let receipt = try await workplace.correctSubject(
                query, in: entry, try SubjectCorrection.Values(parsing: Array(document)), by: by ?? NSUserName())
            Console().show(SubjectDocument.correction(receipt, entry.run, workplace.clock.now))
        }
    }

    struct Restrict: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "restrict", abstract: "Holds the person's records back: they stay staged and are not loaded.",
            discussion: "EXAMPLE\n  migratez subject restrict 7f3a --phone-file -")

        @OptionGroup var common: CommonOptions
        @Argument(help: "The run, by its id or the first digits of it.") var run: String
        @OptionGroup var person: SubjectOptions
        @Option(help: "Who handles the request; without it, the user of this system.") var by: String?

        func run() async throws {
            try await SubjectDocument.hold(run, person, as: .restricted, by: by, try common.workplace(), question: nil)
        }
    }
}

/// What a person is known by.
struct SubjectOptions: ParsableArguments {
    @Option(help: "An e-mail address of the person; others may see it here.") var email: [String] = []
    @Option(help: "A telephone number of the person; others may see it here.") var phone: [String] = []
    @Option(help: "A file with addresses, one a line; - is standard input.", completion: .file()) var emailFile: String?
    @Option(help: "A file with numbers, one a line; - is standard input.", completion: .file()) var phoneFile: String?

    /// Many more than one person has.
    private static let linesMax = 1000

    func validate() throws {
        if emailFile == "-", phoneFile == "-" { throw ValidationError("standard input cannot be both files") }
        if email.isEmpty, phone.isEmpty, emailFile == nil, phoneFile == nil {
            throw ValidationError("name the person: --email-file or --phone-file, or --email or --phone")
        }
    }

    func query() throws -> SubjectQuery {
        SubjectQuery(emails: email + (try lines(of: emailFile)), phones: phone + (try lines(of: phoneFile)))
    }

    private func lines(of path: String?) throws -> [String] {
        guard let path else { return [] }
        var lines: [String] = []
        if path == "-" {
            while let line = readLine(), lines.count <= Self.linesMax { lines.append(line) }
        } else {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw MigratezError(.fileNotFound, "cannot read \(path)", remedy: .fixConfiguration)
            }
            lines = text.split(whereSeparator: \.isNewline).map(String.init)
        }
        lines = lines.map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        guard !lines.isEmpty, lines.count <= Self.linesMax else {
            throw MigratezError(
                .invalidSetting, "\(path) holds no line, or more than \(Self.linesMax)", remedy: .fixConfiguration)
        }
        return lines
    }
}

/// What is said of a request; it is its receipt as well.
enum SubjectDocument {
    static func finding(_ finding: SubjectFinding, kind: String, _ run: String) -> Document {
        var document = Document(kind)
        document.fact("run", .text(run), line: "")
        document.fact("subject", .text(finding.subject.description), line: "")
        document.add(
            table(finding.records), lines: finding.records.isEmpty ? ["nothing staged is about this person"] : nil)
        document.fact(
            "unread", .list(finding.unread.map(\.text)),
            line: finding.unread.isEmpty
                ? ""
                : "not read to the end yet, so more may come: \(finding.unread.map(\.text).joined(separator: ", "))")
        return document
    }

    /// Holds records back, after a question if what is done cannot be taken back.
    static func hold(
        _ run: String, _ person: SubjectOptions, as kind: HoldKind, by: String?, _ workplace: Workplace,
        question: String?
    ) async throws {
        let console = Console()
        let query = try person.query()
        let entry = try RunRegistry(workplace).find(run)
        if let question {
            guard try console.confirm("\(question) in run \(entry.run) for good. Go on?") else {
                return console.note("nothing was changed")
            }
        }
        let receipt = try await workplace.holdSubject(query, in: entry, as: kind, by: by ?? NSUserName())
        var document = Document("subject_\(kind.rawValue)")
        document.fact("run", .text(entry.run), line: "")
        document.fact("subject", .text(receipt.subject.description), line: "")
        document.fact("time", .time(workplace.clock.now), line: "")
        document.fact(
            "held", .number(receipt.held.count), line: "\(receipt.held.count.grouped) records are \(kind.rawValue)")
        document.fact(
            "loaded", .number(receipt.loaded.count),
            line: receipt.loaded.isEmpty
                ? "" : "\(receipt.loaded.count.grouped) are in the destination already and stay there")
        document.add(table(receipt.held + receipt.loaded), lines: nil)
        document.fact("chunks", .list(receipt.chunks.map(\.description)), line: "")
        if !receipt.loaded.isEmpty {
            document.remark(
                "delete these in the destination, or take the run back: migratez undo \(entry.run); their staged copies go "
                    + "when the run is shredded")
        }
        console.show(document)
    }

    static func correction(_ receipt: SubjectCorrection.Receipt, _ run: String, _ now: Timestamp) -> Document {
        var document = Document("subject_corrected")
        document.fact("run", .text(run), line: "")
        document.fact("subject", .text(receipt.subject.description), line: "")
        document.fact("time", .time(now), line: "")
        document.fact(
            "corrected", .number(receipt.corrected.count),
            line: "\(receipt.corrected.count.grouped) records are corrected")
        document.fact(
            "left", .number(receipt.left.count),
            line: receipt.left.isEmpty ? "" : "\(receipt.left.count.grouped) have an end already and stay as they are")
        document.add(table(receipt.corrected + receipt.left), lines: nil)
        document.fact("chunks", .list(receipt.chunks.map(\.description)), line: "")
        if receipt.left.contains(where: { $0.outcome?.outcome == .rejected }) {
            document.remark("rejected records are corrected with: migratez issues export \(run) -o issues.csv")
        }
        return document
    }

    private static func table(_ records: [SubjectRecord]) -> Table {
        var table = Table(
            "records",
            [
                .left("OBJECT"), .right("ROW"), .left("ID"), .left("OUTCOME"), .left("TARGET ID"), .left("HELD"),
            ])
        for record in records {
            table.add([
                .text(record.stream.text), .number(record.ordinal), .text(record.outcome?.sourceID, none: "–"),
                .text(record.outcome?.outcome.name, none: "under way"), .text(record.outcome?.targetID, none: "–"),
                .text(record.hold?.rawValue, none: "–"),
            ])
        }
        return table
    }
}
