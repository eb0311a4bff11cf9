// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez sample FILE`, `migratez sample --remove RUN`
struct SampleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample", abstract: "Moves a few records with their links for real, and shows them side by side.",
        discussion: """
            EXAMPLE
              migratez sample pipelines/hubspot-to-salesforce.yaml --ids contact=512,513
              migratez sample --remove 7f3a

            The records are really written. --remove deletes those that the sample created and shreds what was staged.
            Values are shown on a terminal, or with --values; they are in no log and no manifest.
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The pipeline file.", completion: .pipelineFile) var file: String?
    @Option(help: "These records, as OBJECT=ID,ID; may be given several times.") var ids: [String] = []
    @Option(help: "So many records of every object, if no ids are given.") var records = 5
    @Option(help: "Take back a sample: its run, by the first digits of its id.") var remove: String?
    @Flag(inversion: .prefixedNo, help: "Show values, or only whether they agree; without it: on a terminal only.")
    var values: Bool?

    func validate() throws {
        guard (file == nil) != (remove == nil) else {
            throw ValidationError("give a pipeline file, or --remove with a run")
        }
        if records < 1 { throw ValidationError("--records must be at least 1") }
    }

    func run() async throws {
        let workplace = try common.workplace()
        let console = Console()
        if let remove { return try await takeBack(remove, workplace, console) }
        let connection = try await PlanConnection.open(file ?? "", in: workplace)
        try workplace.requireRootKey(connection)
        let selection = try await SampleSelection.choose(
            connection.plan, from: connection.source, wanted: try wantedIDs(), count: records)
        let sampled = connection.sampled(selection)
        let setup = try await StageSession.discover(sampled, console)
        let run = try await Run.begin(sampled, in: workplace) { console.note($0) }
        console.note("sample run \(run.id)  \(selection.count.grouped) records")
        do {
            _ = try await StageSession.work(run, setup, [.extract, .transform, .load], console)
        } catch {
            console.note("take back: migratez sample --remove \(run.id)")
            throw error
        }
        let comparisons: [SampleComparison]
        do {
            comparisons = try await SampleComparison.all(of: run)
        } catch {
            try await run.close()
            throw error
        }
        try await run.close()
        let showsValues = values ?? (isatty(STDOUT_FILENO) == 1)
        if showsValues { try workplace.audit(.decrypt, run: run.id, object: "sample") }
        let document = Self.document(comparisons, run: run.id.text, showsValues: showsValues)
        console.show(document)
        console.note("take it back: migratez sample --remove \(run.id)")
        if comparisons.contains(where: { !$0.agrees }) { throw ExitCode.differences }
        if comparisons.contains(where: { $0.outcome == .rejected }) { throw ExitCode.quarantined }
    }

    private func wantedIDs() throws -> [String: [String]] {
        var wanted: [String: [String]] = [:]
        for item in ids {
            guard let equals = item.firstIndex(of: "="), equals != item.startIndex else {
                throw ValidationError("--ids '\(item)' is not OBJECT=ID,ID")
            }
            let list = item[item.index(after: equals)...].split(separator: ",").map(String.init)
            guard !list.isEmpty else { throw ValidationError("--ids '\(item)' names no record") }
            wanted[String(item[..<equals]), default: []] += list
        }
        return wanted
    }

    static func document(_ comparisons: [SampleComparison], run: String, showsValues: Bool) -> Document {
        var document = Document("sample")
        document.fact("run", .text(run), line: "")
        var records = Table(
            "records",
            [
                .left("OBJECT"), .left("ID"), .left("OUTCOME"), .left("CODE"), .left("TARGET"), .left("TARGET ID"),
                .left("SOURCE ADDRESS"), .left("TARGET ADDRESS"),
            ])
        var fields = Table(
            "fields",
            [.left("OBJECT"), .left("ID"), .left("FIELD"), .left("FROM")]
                + (showsValues ? [.left("SOURCE"), .left("SENT"), .left("READ BACK")] : []) + [.left("AGREES")])
        var lines: [String] = []
        for comparison in comparisons {
            records.add([
                .text(comparison.stream.text), .text(comparison.sourceID), .text(comparison.outcome.name),
                .text(comparison.code), .text(comparison.object), .text(comparison.targetID),
                .text(comparison.sourceAddress), .text(comparison.targetAddress),
            ])
            for field in comparison.fields {
                let values = [field.source, field.sent, field.held].map { Cell.text($0, none: "–") }
                fields.add(
                    [.text(comparison.stream.text), .text(comparison.sourceID), .text(field.name), .text(field.origin)]
                        + (showsValues ? values : []) + [.flag(field.agrees, ("=", "DIFFERS"))])
            }
            lines += Self.lines(comparison, showsValues: showsValues) + [""]
        }
        document.add(records, lines: lines)
        document.add(fields, lines: [])
        let rejected = comparisons.count { $0.outcome == .rejected }
        let differing = comparisons.count { !$0.agrees }
        document.remark(
            "\(comparisons.count.grouped) records: \(rejected.grouped) rejected, \(differing.grouped) read back "
                + "otherwise than sent")
        return document
    }

    /// One record for people: who, where, and its fields side by side.
    private static func lines(_ comparison: SampleComparison, showsValues: Bool) -> [String] {
        var head = "\(comparison.stream) \(comparison.sourceID)  \(comparison.outcome.name)"
        if let id = comparison.targetID { head += "  \(comparison.object) \(id)" }
        if let code = comparison.code {
            head += "  \(code) \(ErrorCode.all.first { $0.description == code }?.meaning ?? "")"
        }
        var lines = [head]
        lines += [comparison.sourceAddress, comparison.targetAddress].compactMap(\.self).map { "  " + $0 }
        guard !comparison.fields.isEmpty else { return lines }
        var table = TextTable(
            showsValues ? ["FIELD", "FROM", "SOURCE", "SENT", "READ BACK", ""] : ["FIELD", "FROM", ""])
        for field in comparison.fields {
            let verdict = comparison.targetID == nil ? "" : field.agrees ? "=" : "DIFFERS"
            let values = showsValues ? [field.source, field.sent, field.held].map(cell) : []
            table.add([field.name, field.origin] + values + [verdict])
        }
        return lines + table.lines.map { "  " + $0 }
    }

    /// One line, not too wide, without control characters: values come from outside.
    private static func cell(_ text: String?) -> String {
        guard let text else { return "–" }
        let plain = String(
            text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) })
        return plain.count > 40 ? plain.prefix(39) + "…" : plain
    }

    private func takeBack(_ reference: String, _ workplace: Workplace, _ console: Console) async throws {
        let entry = try RunRegistry(workplace).find(reference)
        try await SampleRemoval.check(entry, in: workplace)
        let connection = try await PlanConnection.open(entry.pipeline, in: workplace)
        let run = try await Run.reopen(entry, connection, in: workplace, allowsChangedPlan: true) { console.note($0) }
        let results: [SampleRemoval.Result]
        do {
            results = try await SampleRemoval(run).remove()
        } catch {
            try await run.close()
            throw error
        }
        try await run.close()
        var document = Document("removal")
        var table = Table(
            "streams",
            [.left("", key: "stream"), .left("object"), .right("deleted"), .right("gone before"), .right("left")])
        for result in results {
            table.add([
                .text(result.stream.text), .text(result.object), .number(result.deleted), .number(result.absent),
                .number(result.foreign.count + result.refused.count),
            ])
        }
        document.add(table)
        for result in results {
            for id in result.foreign {
                document.remark("\(result.object) \(id) is left: it does not carry the sample's key")
            }
            for (id, code) in result.refused {
                document.remark("\(result.object) \(id) is left: \(code) \(code.meaning)")
            }
        }
        guard results.allSatisfy(\.isComplete) else {
            console.show(document)
            throw ExitCode.quarantined
        }
        let folder = try entry.folder(in: workplace)
        try await RunEnding(workplace).confirm(entry, by: NSUserName(), basis: "sample removed", isAbandoned: true)
        try workplace.audit(.shred, run: folder.run)
        let files = try await Shredding.run(folder, clock: workplace.clock)
        document.fact(
            "certificate", .text(files.text),
            line: "the sample is gone; its staged data is shredded, certificate: \(files.text)")
        console.show(document)
    }
}
