// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez issues …`
struct IssuesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issues", abstract: "Tells which records were rejected and why, and brings them back.",
        discussion: """
            EXAMPLE
              migratez issues ls 7f3a
              migratez issues export 7f3a -o issues.csv     # correct them in a spreadsheet
              migratez issues import 7f3a issues.csv        # only edited rows are tried again
            """,
        subcommands: [List.self, Show.self, Export.self, Import.self, Retry.self, Skip.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "Groups the rejected records by reason, with the way out of each.",
            discussion: "EXAMPLE\n  migratez issues ls 7f3a")

        @OptionGroup var common: CommonOptions
        @OptionGroup var reference: RunArgument

        func run() async throws {
            let workplace = try common.workplace()
            let entry = try RunRegistry(workplace).find(reference.run)
            let inspection = try RunInspection(try entry.folder(in: workplace))
            Console().show(try await IssueTable.document(inspection.manifest, plan: entry.plan))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Tells of single rejected records why, and what can be done; no values of records.",
            discussion: "EXAMPLE\n  migratez issues show 7f3a contact --code MZ-PICK-01")

        @OptionGroup var common: CommonOptions
        @Argument(help: "The run.") var run: String
        @Argument(help: "The object or link, such as contact.") var stream: String
        @Option(help: "Only this code.") var code: String?
        @Option(help: "At most so many.") var limit = 50
        @Flag(help: "Show the vendor's own text whole; it may quote personal data.") var vendorText = false

        func validate() throws { if limit < 1 { throw ValidationError("--limit must be at least 1") } }

        func run() async throws {
            let workplace = try common.workplace()
            guard let name = StreamName(stream) else { throw ValidationError("'\(stream)' is not an object or link") }
            let entry = try RunRegistry(workplace).find(run)
            let inspection = try await workplace.inspectWithKey(run)
            if vendorText { try workplace.audit(.decrypt, run: inspection.folder.run, object: name.text) }
            let entries = try await IssueReasons(inspection, plan: entry.plan).entries(
                of: name, code: code, limit: limit, showsValues: vendorText)
            Console().show(Self.document(entries))
        }

        private static func document(_ entries: [IssueReasons.Entry]) -> Document {
            var table = Table(
                "issues",
                [
                    .left("ID"), .left("STAGE"), .left("CODE"), .left("REASON"), .left("VENDOR"), .left("TEXT"),
                    .left("FIELDS"), .left("FIX"),
                ])
            var lines: [String] = []
            for entry in entries {
                let reject = entry.reject
                let id = reject.sourceID ?? "link \(reject.ordinal)"
                table.add([
                    .text(id), .text(reject.stage.rawValue), .text(reject.code), .text(entry.reason),
                    .text(reject.vendorCode), .text(entry.vendorText), .list(reject.fields), .text(entry.remedy),
                ])
                let fields = reject.fields.isEmpty ? "" : "  (\(reject.fields.joined(separator: ", ")))"
                lines.append("\(id)  \(reject.code)  \(entry.reason)\(fields)")
                let vendor = [reject.vendorCode, entry.vendorText].compactMap(\.self).joined(separator: ": ")
                if !vendor.isEmpty { lines.append("    said: \(vendor)") }
                lines.append("    fix:  \(entry.remedy)")
            }
            var document = Document("issues")
            document.add(table, lines: entries.isEmpty ? ["no record is rejected for such a reason"] : lines)
            return document
        }
    }
}

/// The rejected records by reason.
enum IssueTable {
    static func document(_ manifest: Manifest, plan: PipelinePlan?) async throws -> Document {
        let (run, counts) = try await manifest.read { (try $0.run().id, try $0.rejectCounts()) }
        let advice = IssueAdvice(run: run, plan: plan)
        var table = Table(
            "issues",
            [
                .left("OBJECT"), .left("CODE"), .right("RECORDS"), .left("REASON"), .left("VENDOR"), .left("FIELDS"),
                .left("EXAMPLE"), .left("FIX"),
            ])
        var groups: [[Cell]] = []
        var fixes: [String] = []
        for count in counts {
            let row: [Cell] = [
                .text(count.stream.text), .text(count.code), .number(count.count),
                .text(ErrorCode(count.code)?.meaning), .text(count.vendorCode), .list(count.fields),
                .text(count.example),
            ]
            let fix = advice.sentence(count)
            groups.append(row)
            fixes.append(fix)
            table.add(row + [.text(fix)])
        }
        var document = Document("issues")
        document.add(table, lines: counts.isEmpty ? ["no record is rejected"] : lines(table, groups, fixes))
        if !counts.isEmpty {
            document.remark("or correct single records in a spreadsheet: migratez issues export \(run) -o issues.csv")
        }
        return document
    }

    /// For people the way out stands below its row, where it has room.
    private static func lines(_ table: Table, _ groups: [[Cell]], _ fixes: [String]) -> [String] {
        var short = Table(table.name, Array(table.columns.dropLast()))
        for group in groups { short.add(group) }
        let lines = short.lines
        return [lines[0]] + zip(lines.dropFirst(), fixes).flatMap { [$0, "    fix: \($1)"] }
    }
}
