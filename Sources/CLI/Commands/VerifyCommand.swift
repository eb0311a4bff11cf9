// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez verify [RUN]`
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract:
            "Reads the destination back and compares: counts, links, fields, fill rates, sums. Writes nothing there.",
        discussion: "EXAMPLE\n  migratez verify 7f3a --all")

    @OptionGroup var common: CommonOptions
    @OptionGroup var reference: RunArgument
    @Flag(help: "Compare every record, not only the sample that the pipeline's `verify` asks for.") var all = false
    @Option(help: "Compare this share of the records: 5% or 0.05.") var sample: Share?

    func validate() throws {
        if all, sample != nil { throw ValidationError("--all and --sample contradict each other") }
    }

    func run() async throws {
        let workplace = try common.workplace()
        let console = Console()
        let (entry, connection) = try await workplace.open(reference)
        let run = try await Run.reopen(entry, connection, in: workplace, allowsChangedPlan: true) { console.note($0) }
        let results: [StreamVerification]
        let phase: RunPhase
        do {
            let scope: Verification.Scope = all ? .all : sample.map { .share($0.value) } ?? .asPlanned
            results = try await Self.verify(run, console, scope: scope)
            phase = try await run.staging.manifest.read { try $0.run().phase }
        } catch {
            try await run.close()
            throw error
        }
        try await run.close()
        console.show(Self.document(results))
        guard results.allSatisfy(\.isGood) else { throw ExitCode.differences }
        if phase != .verified {
            console.note(
                "the sample is smaller than the pipeline's `verify` asks for, so the run is not verified by it")
        }
    }

    /// Verifies with progress on the screen.
    static func verify(
        _ run: Run, _ console: Console, scope: Verification.Scope = .asPlanned
    ) async throws -> [StreamVerification] {
        let monitor = StageMonitor(.verify, of: run.streams, clock: run.clock)
        defer { console.leaveDrawing() }
        return try await ProgressReporter(console).during(monitor, clock: run.clock) {
            try await Verification(run, scope: scope, progress: monitor.board).verify()
        }
    }

    static func document(_ results: [StreamVerification]) -> Document {
        // Only a run that goes on from another one has it.
        let hasKept = results.contains { $0.kept > 0 }
        var table = Table(
            "verification",
            [.left("", key: "stream"), .left("object"), .right("loaded")]
                + (hasKept ? [.right("from earlier runs", key: "kept")] : [])
                + [
                    .right("counted there"), .right("compared"), .right("missing"), .right("different"),
                    .left("", key: "agrees"),
                ])
        for result in results {
            let different = result.fields.filter { $0.different > 0 }
            let left =
                [
                    Cell.text(result.stream.text), .text(result.object), .number(result.loaded),
                ] + (hasKept ? [.number(result.kept)] : [])
            table.add(
                left + [
                    .number(result.counted), .number(result.compared), .number(result.missing),
                    Cell(
                        .object(different.map { .init($0.field, .number(String($0.different))) }),
                        text: different.isEmpty
                            ? "0" : different.map { "\($0.field) \($0.different.grouped)" }.joined(separator: ", ")),
                    .flag(result.isGood, ("agrees", "DIFFERS")),
                ])
        }
        var document = Document("verification")
        document.add(table)
        addContents(results, to: &document)
        addFillRates(results, to: &document)
        addSums(results, to: &document)
        for result in results where !result.examples.isEmpty {
            document.remark("\(result.stream): for example \(result.examples.prefix(5).joined(separator: ", "))")
        }
        return document
    }

    /// Files that were read back, if there are any.
    private static func addContents(_ results: [StreamVerification], to document: inout Document) {
        var table = Table(
            "contents",
            [
                .left("files of", key: "stream"), .right("read back", key: "files"), .right("bytes"), .right("equal"),
                .right("differing"),
            ])
        for result in results where result.files > 0 {
            table.add([
                .text(result.stream.text), .number(result.files), .bytes(ByteCount(result.fileBytes)),
                .number(result.files - result.filesDifferent), .number(result.filesDifferent),
            ])
        }
        if !table.rows.isEmpty { document.add(table, lines: [""] + table.lines) }
    }

    /// For people only fields whose fill rate has changed on the way; machines get all.
    private static func addFillRates(_ results: [StreamVerification], to document: inout Document) {
        let columns: [Table.Column] = [
            .left("", key: "stream"), .left("field"), .right("sent with value", key: "sent"),
            .right("has value there", key: "held"),
        ]
        var all = Table("fill_rates", columns)
        var changed = Table("fill_rates", columns)
        for result in results {
            for field in result.fields {
                let row: [Cell] = [
                    .text(result.stream.text), .text(field.field), .number(field.sent), .number(field.held),
                ]
                all.add(row)
                if field.sent != field.held { changed.add(row) }
            }
        }
        document.add(all, lines: changed.rows.isEmpty ? [] : ["", "fields filled otherwise than sent"] + changed.lines)
    }

    /// For people the totals, and groups that differ; machines get all.
    private static func addSums(_ results: [StreamVerification], to document: inout Document) {
        let columns: [Table.Column] = [
            .left("", key: "stream"), .left("sum of", key: "field"), .left("group"), .right("sent"), .right("there"),
            .left("", key: "agrees"),
        ]
        var all = Table("sums", columns)
        var shown = Table("sums", columns)
        for result in results {
            for sum in result.sums {
                let row: [Cell] = [
                    .text(result.stream.text), .text(sum.field),
                    Cell(
                        .array(sum.labels.map { .string($0) }),
                        text: sum.labels.isEmpty ? "all" : sum.labels.joined(separator: ", ")),
                    .text(sum.sent), .text(sum.held), .flag(sum.agrees, ("agrees", "DIFFERS")),
                ]
                all.add(row)
                if sum.labels.isEmpty || !sum.agrees { shown.add(row) }
            }
        }
        document.add(all, lines: shown.rows.isEmpty ? [] : [""] + shown.lines)
    }
}

/// A share on a command line: `5%` or `0.05`; above 0, at most 1.
struct Share: ExpressibleByArgument {
    var value: Double

    init?(argument: String) {
        let isPercent = argument.hasSuffix("%")
        guard let number = Double(isPercent ? String(argument.dropLast()) : argument), number.isFinite else {
            return nil
        }
        value = isPercent ? number / 100 : number
        if value <= 0 || value > 1 { return nil }
    }
}
