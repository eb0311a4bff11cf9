// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez issues …`
struct IssuesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issues", abstract: "Tells which records were rejected and why, and sends them again.",
        subcommands: [List.self, Show.self, Retry.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "Groups the rejected records by reason.",
            discussion: "EXAMPLE\n  migratez issues ls 7f3a")

        @OptionGroup var common: CommonOptions
        @OptionGroup var reference: RunArgument

        func run() async throws {
            let workplace = try common.workplace()
            let inspection = try RunInspection(try RunRegistry(workplace).find(reference.run).folder(in: workplace))
            Console().show(try await IssueTable.document(inspection.manifest))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Lists single rejected records: ids, fields and codes, no values.",
            discussion: "EXAMPLE\n  migratez issues show 7f3a contact --code MZ-PICK-01")

        @OptionGroup var common: CommonOptions
        @Argument(help: "The run.") var run: String
        @Argument(help: "The stream, such as contact.") var stream: String
        @Option(help: "Only this code.") var code: String?
        @Option(help: "At most so many.") var limit = 50
        @Flag(help: "Also show the vendor's own text, which may quote personal data.") var vendorText = false

        func run() async throws {
            let workplace = try common.workplace()
            guard let name = StreamName(stream) else { throw ValidationError("'\(stream)' is not a stream") }
            let (code, limit) = (code, limit)
            let inspection =
                vendorText
                ? try await workplace.inspectWithKey(run)
                : try RunInspection(try RunRegistry(workplace).find(run).folder(in: workplace))
            let rejects = try await inspection.manifest.read { try $0.rejects(of: name, code: code, limit: limit) }
            let texts = vendorText ? try await VendorTexts.read(rejects, of: name, in: inspection) : [:]
            let columns: [Table.Column] = [
                .left("ID"), .left("STAGE"), .left("CODE"), .left("VENDOR"), .left("FIELDS"),
            ]
            var table = Table("issues", columns + (vendorText ? [.left("TEXT")] : []))
            for reject in rejects {
                let row: [Cell] = [
                    .text(reject.sourceID ?? "link \(reject.ordinal)"), .text(reject.stage.rawValue),
                    .text(reject.code),
                    .text(reject.vendorCode), .list(reject.fields),
                ]
                table.add(row + (vendorText ? [.text(texts[reject.ordinal])] : []))
            }
            Console().show(Document(table))
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retry",
            abstract: "Maps and sends rejected records again, with the pipeline file as it is now.",
            discussion: "EXAMPLE\n  migratez issues retry 7f3a --code MZ-PICK-02")

        @OptionGroup var common: CommonOptions
        @OptionGroup var reference: RunArgument
        @Option(help: "Only records that were rejected with this code.") var code: String?

        func run() async throws {
            let workplace = try common.workplace()
            let console = Console()
            let (entry, connection) = try await workplace.open(reference)
            let run = try await Run.reopen(entry, connection, in: workplace, allowsChangedPlan: true) {
                console.note($0)
            }
            let setup: RunSetup
            let replayed: Int
            do {
                setup = try await StageSession.discover(connection, console)
                replayed = try await IssueReplay(run, setup).prepare(code: code)
            } catch {
                try await run.close()
                throw error
            }
            console.note("\(replayed.grouped) records are tried again")
            try await StageSession.execute(run, setup, [.load], console)
        }
    }
}

/// The rejected records by reason.
enum IssueTable {
    static func document(_ manifest: Manifest) async throws -> Document {
        let counts = try await manifest.read { try $0.rejectCounts() }
        var table = Table(
            "issues",
            [
                .left("OBJECT"), .left("CODE"), .right("RECORDS"), .left("REASON"), .left("VENDOR"), .left("FIELDS"),
            ])
        for count in counts {
            table.add([
                .text(count.stream.text), .text(count.code), .number(count.count),
                .text(ErrorCode.all.first { $0.description == count.code }?.meaning), .text(count.vendorCode),
                .list(count.fields),
            ])
        }
        var document = Document("issues")
        document.add(table, lines: counts.isEmpty ? ["no record is rejected"] : nil)
        return document
    }
}
