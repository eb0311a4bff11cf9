// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezModel
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
    @Argument(help: "The pipeline file.", completion: .pipelineFile) var file: String

    func run() async throws {
        _ = try common.workplace()
        let console = Console()
        let plan = try PipelineFile.read(path: file, catalog: Connectors.catalog).get()
        let run = try PipelineTestRun(plan)
        console.show(document(run, console))
        guard run.failed.isEmpty else { throw ExitCode.failure }
    }

    private func document(_ run: PipelineTestRun, _ console: Console) -> Document {
        var document = Document("test")
        document.fact("file", .text(file), line: "")
        document.fact("passed", .number(run.results.count - run.failed.count), line: "")
        document.fact("failed", .number(run.failed.count), line: "")
        var tests = Table(
            "tests",
            [.left("TEST"), .left("OBJECT"), .right("LINE"), .left("PASSED"), .left("OUTCOME"), .left("CODE")])
        var differences = Table("differences", [.left("TEST"), .left("FIELD"), .left("WANT"), .left("GOT")])
        var lines: [String] = []
        for result in run.results {
            tests.add([
                .text(result.test.name), .text(result.test.object), .number(result.position.line),
                .flag(result.hasPassed), .text(result.outcomeName), .text(result.code),
            ])
            for difference in result.differences {
                differences.add([
                    .text(result.test.name), .text(difference.field), .text(difference.want), .text(difference.got),
                ])
            }
            let mark = result.hasPassed ? console.green("ok  ") : console.red("FAIL")
            let place = result.hasPassed ? "" : "  \(file):\(result.position.line)"
            lines.append("\(mark)  \(result.test.object): \(result.test.name)\(place)")
            lines += result.explanation.map { "        \($0)" }
        }
        document.add(tests, lines: lines)
        document.add(differences, lines: [])
        document.remark(
            run.results.isEmpty
                ? "\(file) has no tests; write some under 'tests:'"
                : "\(run.results.count - run.failed.count) passed, \(run.failed.count) failed")
        return document
    }
}
