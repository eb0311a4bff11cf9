// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezPipeline
import MigratezTestKit
import Testing

/// `migratez connectors`: what there is, and how somebody adds one.
@Suite(.enabled(if: Program.isBuilt, "the program has not been built beside the tests"), .serialized)
struct ConnectorsProgramTests {
    @Test func `every connector is listed with what it can do, from the code itself`() throws {
        let listed = Program.run("connectors --json")
        #expect(listed.status == 0, "\(listed.text)")
        let rows = try JSONValue(parsing: Array(listed.text.utf8))["connectors"]?.elements ?? []
        let sides = Connectors.capabilities.reduce(0) {
            $0 + ($1.source == nil ? 0 : 1) + ($1.destination == nil ? 0 : 1)
        }
        #expect(rows.count == sides && sides > 10)
        #expect(Set(rows.compactMap { $0["connector"]?.text }) == Set(Connectors.capabilities.map(\.name)))
        for row in rows where row["connector"]?.text == "close" {
            #expect(row["side"]?.text == "source" && row["links"]?.text == "in records")
        }
        let text = Program.run("connectors")
        #expect(text.status == 0 && text.text.contains("hubspot as target"), "\(text.text)")
        for name in Connectors.capabilities.map(\.name) { #expect(text.text.contains("\(name) as "), "\(name)") }
    }

    @Test func `one of them is shown with its settings`() throws {
        for (name, settings) in [
            ("salesforce", ["auth.client_id", "rate.requests"]), ("copper", ["settings.user_email", "auth.key"]),
            ("rest", ["definition", "settings.*"]),
        ] {
            let shown = Program.run("connectors \(name)")
            #expect(shown.status == 0, "\(shown.text)")
            for setting in settings { #expect(shown.text.contains(setting), "\(name): \(setting)") }
            #expect(!shown.text.contains("hubspot as"))
        }
        let unknown = Program.run("connectors hubspott")
        #expect(unknown.status == 64 && unknown.text.contains("there is no connector 'hubspott'"), "\(unknown.text)")
    }

    @Test func `a new definition is in order, and a mistake in it is told with its place and the way out`() async throws
    {
        try await withTemporaryFolder { folder in
            let file = "\(folder)/acme.yaml"
            let made = Program.run("connectors new acme -o '\(file)'")
            #expect(made.status == 0 && made.text.contains("connectors lint"), "\(made.text)")
            #expect(Program.run("connectors new acme -o '\(file)'").status == 78)
            #expect(Program.run("connectors new 'Acme CRM'").status == 78)
            let right = Program.run("connectors lint '\(file)'")
            #expect(right.status == 0 && right.text.contains("in order"), "\(right.text)")

            let text = try String(contentsOfFile: file, encoding: .utf8)
            try text.replacing("base_url:", with: "base_ulr:").write(toFile: file, atomically: true, encoding: .utf8)
            let line =
                1
                + (text.split(separator: "\n", omittingEmptySubsequences: false)
                    .firstIndex { $0.hasPrefix("base_url:") } ?? 0)
            let wrong = Program.run("connectors lint '\(file)'")
            #expect(wrong.status == 65, "\(wrong.text)")
            #expect(wrong.text.contains("\(file):\(line):1: error MZ-CFG-11"), "\(wrong.text)")
            #expect(wrong.text.contains("Did you mean 'base_url'?"), "\(wrong.text)")
            let missing = Program.run("connectors lint '\(folder)/none.yaml'")
            #expect(missing.status != 0 && missing.text.contains("connectors new"), "\(missing.text)")
        }
    }

    @Test func `a pipeline is proposed for a vendor that a definition describes`() {
        let offline = Program.run("init --from close --to hubspot --offline")
        #expect(offline.status == 0 && offline.text.contains("${env:CLOSE_KEY}"), "\(offline.text)")
        let asked = Program.run("init --from copper --to sqlite")
        #expect(asked.status == 78 && asked.text.contains("--source-setting settings.user_email="), "\(asked.text)")
    }
}
