// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezTestKit
import Testing

/// The codes of the table in `--help` that no other test of the program comes across.
@Suite(.serialized, .enabled(if: Program.isBuilt, "the program has not been built beside the tests"))
struct `An exit code` {
    @Test func `is 77 where the token is refused, before and while a run is under way`() async throws {
        try await AccountWorld.with(records: 500, ["--token", AccountWorld.token]) { world in
            var wrong = world.environment
            wrong["HUBSPOT_TOKEN"] = "wrong-token"
            let environment = wrong.map { "\($0.key)='\($0.value)'" }.joined(separator: " ")
            for command in ["connect test", "run", "plan", "discover"] {
                let answer = Program.run(
                    "\(command) '\(world.pipeline)'" + (command == "discover" ? " source" : ""), environment)
                #expect(answer.status == 77, "\(command): \(answer.text)")
                #expect(answer.text.contains("MZ-AUTH-01") && !answer.text.contains("wrong-token"), "\(answer.text)")
            }
        }
    }

    @Test func `is 78 where a secret or a setting is missing`() async throws {
        try await AccountWorld.with(records: 500) { world in
            let environment = world.environment.filter { $0.key != "HUBSPOT_TOKEN" }
                .map { "\($0.key)='\($0.value)'" }.joined(separator: " ")
            let answer = Program.run("run '\(world.pipeline)'", environment)
            #expect(answer.status == 78 && answer.text.contains("HUBSPOT_TOKEN"), "\(answer.text)")
            #expect(world.run("run '\(world.pipeline)' --rate often").status == 78)
            #expect(world.run("lint '\(world.folder)/none.yaml'").status == 78)
        }
    }

    @Test func `is 78 where so few addresses are allowed that a run could hang`() async throws {
        try await AccountWorld.with(records: 500) { world in
            let command = "ulimit -v 460800; env -i \(world.text) '\(Program.path)' run '\(world.pipeline)' 2>&1"
            let answer = shell(command)
            let text = String(decoding: answer.output, as: UTF8.self)
            #expect(answer.status == 78 && text.contains("limited to 450"), "\(text)")
            #expect(world.run("status").text.contains("no runs"), "nothing was begun")
        }
    }

    @Test func `is 74 where the staging disk is too small, and resume works once it is not`() async throws {
        let small: (String) -> String = { $0 + "staging: { disk_limit: 64KiB }\n" }
        try await AccountWorld.with(edit: small) { world in
            let run = world.run("run '\(world.pipeline)'")
            #expect(run.status == 74, "\(run.text)")
            #expect(run.text.contains("MZ-DISK-03") && run.text.contains("disk_limit"), "\(run.text)")
            let text = try String(contentsOfFile: world.pipeline, encoding: .utf8)
            try text.replacing("64KiB", with: "1GiB").write(
                toFile: world.pipeline, atomically: true, encoding: .utf8)
            let resumed = world.run("resume")
            #expect(resumed.status == 0 && resumed.text.contains("DONE run"), "\(resumed.text)")
            try text.replacing("64KiB", with: "1GiB").replacing("name: name", with: "name: domain").write(
                toFile: world.pipeline, atomically: true, encoding: .utf8)
            let changed = world.run("resume")
            #expect(changed.status == 65 && changed.text.contains("MZ-CFG-09"), "what arrives may not change")
        }
    }

    @Test func `is 70 where the program contradicts itself`() async throws {
        try await withTemporaryFolder { folder in
            try "rec_id,surname\n1,Lovelace\n".write(
                toFile: "\(folder)/people.csv", atomically: true, encoding: .utf8)
            try """
            migratez: 1
            name: people
            source: { connector: csv, objects: { person: { file: people.csv, id: rec_id } } }
            target: { connector: ndjson, dir: out }
            objects: { person: { to: people, fields: { surname: surname } } }
            """.write(toFile: "\(folder)/p.yaml", atomically: true, encoding: .utf8)
            let environment = "XDG_STATE_HOME='\(folder)/state'"
            #expect(Program.run("run '\(folder)/p.yaml'", environment).status == 0)
            // A record that was read and has no outcome: nothing but a defect could leave that behind.
            let manifest = try #require(
                try FileManager.default.subpathsOfDirectory(atPath: "\(folder)/staging").first {
                    $0.hasSuffix(".sqlite")
                })
            let change =
                "import sqlite3; db = sqlite3.connect('\(folder)/staging/\(manifest)'); "
                + "db.execute('UPDATE streams SET records_read = records_read + 1'); db.commit()"
            try #require(shell("python3 -c \"\(change)\"").status == 0)
            let answer = Program.run("load", environment)
            #expect(answer.status == 70, "\(answer.text)")
            #expect(answer.text.contains("MZ-BUG-01") && answer.text.contains("report"), "\(answer.text)")
        }
    }
}
