// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezJSON
import MigratezPipeline

/// `migratez test FILE`
struct TestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Runs the file's own tests, without connecting anywhere.",
        discussion: """
            EXAMPLE
              migratez test pipelines/hubspot-to-salesforce.yaml

            A test under 'tests:' names a record and what must become of it:
              - name: a missing last name falls back to the address
                object: contact
                given: { email: Ada@x.test }
                want: { LastName: ada }            # or: filtered, rejected

            Ends with 0 if all pass, with 1 if one fails, with 65 if the file is not valid.
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The pipeline file.") var file: String
    @Flag(help: "Print one JSON document instead of text.") var json = false

    func run() async throws {
        _ = try common.workplace()
        let console = Console()
        let reading = try PipelineFile.read(path: file, catalog: Connectors.catalog)
        guard let plan = reading.plan else {
            for finding in reading.diagnostics { console.note(finding.description) }
            throw ExitCode.invalidPipeline
        }
        let run = try PipelineTestRun(plan)
        json ? console.say(bytes: Array(run.document(of: plan).laidOut().utf8)) : print(run, to: console)
        guard run.failed.isEmpty else { throw ExitCode.failure }
    }

    private func print(_ run: PipelineTestRun, to console: Console) {
        guard !run.results.isEmpty else { return console.say("\(file) has no tests; write some under 'tests:'") }
        for result in run.results {
            let mark = result.hasPassed ? console.green("ok  ") : console.red("FAIL")
            let place = result.hasPassed ? "" : "  \(file):\(result.position.line)"
            console.say("\(mark)  \(result.test.object): \(result.test.name)\(place)")
            for line in result.explanation { console.say("        \(line)") }
        }
        console.say("\(run.results.count - run.failed.count) passed, \(run.failed.count) failed")
    }
}
