// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezTestKit
import Testing

/// Keys, the audit log and requests about persons, as their operator meets them.
@Suite(.serialized, .enabled(if: Program.isBuilt, "the program has not been built beside the tests"))
struct `Keys and the audit log` {
    private struct World {
        let folder: String
        let environment: String

        func run(_ arguments: String, input: String? = nil) -> (status: Int, text: String) {
            guard let input else { return Program.run(arguments, environment) }
            let result = shell(
                "printf '\(input)' | env -i PATH=/usr/bin:/bin \(environment) '\(Program.path)' \(arguments) 2>&1")
            return (result.status, String(decoding: result.output, as: UTF8.self))
        }

        func id() throws -> String {
            let status = try JSONValue(parsing: Array(run("status --json").text.utf8))
            return try #require(status["runs"]?[0]?["run"]?.text)
        }

        var log: String { "\(folder)/state/migratez/audit/log" }
    }

    /// A run of two people from CSV to NDJSON that was loaded.
    private func with(_ body: (World) throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            try "id,name,email\n1,Lovelace,ada@example.com\n2,Hopper,grace@example.com\n".write(
                toFile: "\(folder)/people.csv", atomically: true, encoding: .utf8)
            try """
            migratez: 1
            name: people
            source: { connector: csv, objects: { person: { file: people.csv, id: id } } }
            target: { connector: ndjson, dir: out }
            staging: { dir: staging }
            retention: { spent_chunks: keep }
            objects: { person: { to: people, fields: { name: name, email: email } } }
            """.write(toFile: "\(folder)/p.yaml", atomically: true, encoding: .utf8)
            let world = World(folder: folder, environment: "XDG_STATE_HOME='\(folder)/state'")
            let extracted = world.run("extract '\(folder)/p.yaml'")
            try #require(extracted.status == 0, "\(extracted.text)")
            try body(world)
        }
    }

    @Test func `keys are made, shown, rotated and destroyed, and never printed`() async throws {
        try await with { world in
            let path = "\(world.folder)/state/migratez/keys/root-key"
            let old = try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .newlines)
            var everything = ""
            func run(_ arguments: String) -> (status: Int, text: String) {
                let answer = world.run(arguments)
                everything += answer.text
                return answer
            }
            let shown = run("keys show")
            #expect(shown.status == 0 && shown.text.contains("opens"), "\(shown.text)")
            let rotated = run("keys rotate")
            #expect(rotated.status == 0 && rotated.text.contains("1 runs are under the key"), "\(rotated.text)")
            let new = try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .newlines)
            #expect(new != old && new.count == 64)
            #expect(run("resume").status == 0)
            #expect(run("keys new '\(world.folder)/other'").status == 0)
            #expect(run("keys new '\(world.folder)/other'").status == 78)
            #expect(run("keys rotate --to \(new)").status == 78, "a key is no reference")
            let id = try world.id()
            let asked = run("keys destroy")
            #expect(asked.status == 64, "nobody can be asked here")
            #expect(asked.text.contains("unreadable for good will be: runs \(id)"), "\(asked.text)")
            #expect(run("keys destroy --yes").status == 0)
            let lost = run("chunks verify")
            #expect(lost.status == 74 && lost.text.contains("MZ-STAGE-07"), "\(lost.text)")
            #expect(run("confirm --abandon").status == 0)
            #expect(run("shred --yes-shred \(id)").status == 0, "shredding needs no key")
            let other = try String(contentsOfFile: "\(world.folder)/other", encoding: .utf8)
            for key in [old, new, other.trimmingCharacters(in: .newlines)] {
                #expect(!everything.replacing("--to \(key)", with: "").contains(key))
            }
        }
    }

    @Test func `an exposed root key is refused before the source is asked for anything`() async throws {
        let exposed: (String) -> String = { $0 + "staging: { key: '${file:key}' }\n" }
        try await AccountWorld.with(records: 500, edit: exposed) { world in
            let key = "\(world.folder)/key"
            try String(repeating: "0c", count: 32).write(toFile: key, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
            _ = try world.takeJournal()
            let refused = world.run("run '\(world.pipeline)'")
            #expect(refused.status == 74 && refused.text.contains("MZ-STAGE-14"), "\(refused.text)")
            #expect(refused.text.contains("chmod 600 \(key)"))
            #expect(try world.takeJournal()["requests"]?.int == 0)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
            #expect(world.run("run '\(world.pipeline)' --quiet").status == 0)
        }
    }

    @Test func `what was done is written down, and nothing is done when it cannot be`() async throws {
        try await with { world in
            let id = try world.id()
            #expect(world.run("chunks cat \(id) person-raw-000001").text.contains("Lovelace"))
            #expect(world.run("resume --quiet").status == 0)
            #expect(world.run("report --quiet").status == 0)
            #expect(world.run("retain \(id) --until 30d --reason 'audit'").status == 0)
            #expect(world.run("shred --yes-shred \(id)").status == 1)
            #expect(world.run("retain \(id) --end --reason 'audit is over'").status == 0)
            #expect(world.run("verify --quiet").status == 0)
            let entries = try JSONValue(parsing: Array(world.run("audit show \(id) --json").text.utf8))
            let actions = entries["audit"]?.elements.compactMap { $0["action"]?.text } ?? []
            for action in ["start", "key-use", "decrypt", "resume", "export", "retain", "end-retention"] {
                #expect(actions.contains(action), "\(action)")
            }
            #expect(!actions.contains("shred"), "it was refused")
            let verified = world.run("audit verify")
            #expect(verified.status == 0 && verified.text.contains("head: "), "\(verified.text)")
            let head = try #require(verified.text.firstMatch(of: /head: (\S+)/)?.1)
            #expect(world.run("audit verify --head \(head)").status == 0)
            #expect(!world.run("audit show").text.contains("Lovelace"))

            // One byte of the last entry is changed: the next action is refused before it shows anything.
            var log = try Data(contentsOf: URL(filePath: world.log))
            log[log.count - 200] ^= 1
            try log.write(to: URL(filePath: world.log))
            for command in [
                "chunks cat \(id) person-raw-000001", "confirm", "subject find \(id) --email ada@example.com",
            ] {
                let refused = world.run(command)
                #expect(refused.status == 74 && refused.text.contains("MZ-STAGE-17"), "\(refused.text)")
                #expect(!refused.text.contains("Lovelace"))
            }
            #expect(world.run("audit verify").status == 74)
        }
    }

    @Test func `a key that does not open a run is a failed authentication, and is written down`() async throws {
        try await with { world in
            try String(repeating: "0c", count: 32).write(
                toFile: "\(world.folder)/state/migratez/keys/root-key", atomically: false, encoding: .utf8)
            #expect(world.run("chunks verify").text.contains("MZ-STAGE-08"))
            let shown = world.run("audit show")
            #expect(shown.text.contains("failed-authentication") && shown.text.contains("MZ-STAGE-08"))
            #expect(world.run("keys show").text.contains("MZ-STAGE-08"))
        }
    }

    @Test func `a person is named on standard input, and the receipt names keyed pseudonyms only`() async throws {
        try await with { world in
            let id = try world.id()
            let found = world.run("subject find \(id) --email-file - --json", input: "ADA@example.com\\n")
            #expect(found.status == 0, "\(found.text)")
            let finding = try JSONValue(parsing: Array(found.text.utf8))
            #expect(finding["records"]?.elements.count == 1 && finding["subject"]?.text?.count == 32)
            let file = "\(world.folder)/request"
            try "ada@example.com\n".write(toFile: file, atomically: true, encoding: .utf8)
            #expect(world.run("subject erase \(id) --email-file '\(file)'").status == 64, "nobody can be asked here")
            let erased = world.run("subject erase \(id) --email-file '\(file)' --yes")
            #expect(erased.status == 0 && erased.text.contains("1 records are erased"), "\(erased.text)")
            #expect(!erased.text.contains("ada@example.com"))
            #expect(world.run("subject restrict \(id) --email grace@example.com").status == 0)
            let status = world.run("status \(id)")
            #expect(status.text.contains("held back on request: 1 of person, erased"), "\(status.text)")
            #expect(status.text.contains("held back on request: 1 of person, restricted"))
            #expect(world.run("resume --quiet").status == 0)
            #expect(!world.run("chunks cat \(id) person-raw-000001").text.contains("Lovelace"))
            #expect(world.run("audit show \(id)").text.contains("subject-erase"))
            #expect(world.run("subject find \(id)").status == 64)
        }
    }
}
