// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezTestKit
import Testing

/// Undo as a person does it.
@Suite(.enabled(if: Program.isBuilt, "the program has not been built beside the tests"))
struct UndoProgramTests {
    @Test func `a second run is undone before the first one, and only by somebody who names it`() async throws {
        try await withTemporaryFolder { folder in
            try "rec_id,surname,state\n1,Lovelace,nsw\n2,Babbage,wa\n"
                .write(toFile: "\(folder)/people.csv", atomically: true, encoding: .utf8)
            let pipeline = "\(folder)/p.yaml"
            let text = """
                migratez: 1
                name: people
                source: { connector: csv, objects: { person: { file: people.csv, id: rec_id } } }
                target: { connector: ndjson, dir: out }
                objects: { person: { to: people, fields: { surname: surname, state: { from: state, upper: true } } } }
                """
            try text.write(toFile: pipeline, atomically: true, encoding: .utf8)
            let environment = "XDG_STATE_HOME='\(folder)/state'"
            let output = "\(folder)/out/people.ndjson"
            func ids() throws -> Set<String> {
                Set(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/state/migratez/runs"))
            }
            #expect(Program.run("run '\(pipeline)'", environment).status == 0)
            let first = try #require(try ids().first)
            let before = try String(contentsOfFile: output, encoding: .utf8)
            try text.replacing(", upper: true", with: "").write(toFile: pipeline, atomically: true, encoding: .utf8)
            #expect(Program.run("run '\(pipeline)'", environment).status == 0)
            let second = try #require(try ids().subtracting([first]).first)
            #expect(try String(contentsOfFile: output, encoding: .utf8) != before)

            let refused = Program.run("undo \(first) --yes-undo \(first)", environment)
            #expect(refused.status == 1 && refused.text.contains("undo the newest first: migratez undo \(second)"))
            #expect(Program.run("undo \(second)", environment).status == 64, "nobody can be asked")
            #expect(Program.run("undo \(second) --yes-undo \(first)", environment).status == 64)
            let dry = Program.run("undo \(second) --dry-run", environment)
            #expect(dry.status == 0 && dry.text.contains("2 would be restored"), "\(dry.text)")
            #expect(try String(contentsOfFile: output, encoding: .utf8) != before)
            let undone = Program.run("undo \(second) --yes-undo \(second)", environment)
            #expect(undone.status == 0 && undone.text.contains("closed"), "\(undone.text)")
            let lines: (String) -> [Substring] = { $0.split(separator: "\n").sorted() }
            #expect(lines(try String(contentsOfFile: output, encoding: .utf8)) == lines(before))
            #expect(Program.run("resume \(second)", environment).text.contains("was undone"))
            let last = Program.run("undo \(first) --yes-undo \(first) --json", environment)
            #expect(last.status == 0 && last.text.contains("\"deleted\":2"), "\(last.text)")
            #expect(!FileManager.default.fileExists(atPath: output))
        }
    }
}
