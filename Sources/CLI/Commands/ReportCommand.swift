// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez report [RUN]`
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Writes the report: one page to show around, and the same for spreadsheets and programs.",
        discussion: "EXAMPLE\n  migratez report 7f3a --format html,csv")

    @OptionGroup var common: CommonOptions
    @OptionGroup var reference: RunArgument
    @Option(help: "Which forms: html, csv, json, md; several with commas.")
    var format = ReportFormats(formats: RunReport.Format.allCases)

    func run() async throws {
        let workplace = try common.workplace()
        let entry = try RunRegistry(workplace).find(reference.run)
        let inspection = try RunInspection(try entry.folder(in: workplace))
        let report = RunReport(
            inspection.manifest, in: inspection.folder, plan: entry.plan, now: workplace.clock.now)
        // It names records by their ids in both systems.
        try workplace.audit(.export, run: inspection.folder.run, object: "report")
        let folder = try await report.write(format.formats)
        let files = format.formats.map { "\(folder)/report.\($0.rawValue)" }
        var document = Document("report")
        document.fact("folder", .text(folder), line: "report in \(folder)")
        document.fact("files", .list(files), line: files.joined(separator: "\n"))
        Console().show(document)
    }
}

/// Forms of a report on a command line: `html,csv`.
struct ReportFormats: ExpressibleByArgument {
    var formats: [RunReport.Format]

    init(formats: [RunReport.Format]) { self.formats = formats }

    init?(argument: String) {
        formats = []
        for word in argument.split(separator: ",") {
            guard let format = RunReport.Format(rawValue: String(word)) else { return nil }
            if !formats.contains(format) { formats.append(format) }
        }
        if formats.isEmpty { return nil }
    }

    var defaultValueDescription: String { formats.map(\.rawValue).joined(separator: ",") }
}
