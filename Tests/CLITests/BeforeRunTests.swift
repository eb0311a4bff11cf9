// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezTestKit
import Testing

/// What a person types before a run, from an empty folder.
@Suite(.enabled(if: Program.isBuilt, "the program has not been built beside the tests"), .serialized)
struct BeforeRunTests {
    private let csv = "id,given_name,surname,email\n1,Ada,Lovelace,ada@x.test\n2,Charles,Babbage,\n"

    /// A folder with people in a spreadsheet, and the environment to work in it.
    private func with(_ body: (String, String) throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            try csv.write(toFile: "\(folder)/people.csv", atomically: true, encoding: .utf8)
            try body(folder, "XDG_STATE_HOME='\(folder)/state'")
        }
    }

    @Test func `from a spreadsheet to a plan, a sample that is taken back, and the run of exactly that plan`()
        async throws
    {
        try await with { folder, environment in
            let file = "\(folder)/people.yaml"
            let settings =
                "--source-setting objects.person.file=people.csv --source-setting objects.person.id=id "
                + "--target-setting dir=out"
            let made = Program.run("init --from csv --to ndjson \(settings) -o '\(file)'", environment)
            #expect(made.status == 0, "\(made.text)")
            #expect(Program.run("init --from csv --to ndjson \(settings) -o '\(file)'", environment).status == 78)
            #expect(Program.run("lint '\(file)' --connect", environment).status == 0)
            let connected = Program.run("connect test '\(file)'", environment)
            #expect(connected.status == 0 && connected.text.contains("2 records"), "\(connected.text)")
            let discovered = Program.run("discover '\(file)' source --sample 10", environment)
            #expect(discovered.text.contains("email") && discovered.text.contains("50 %"), "\(discovered.text)")
            #expect(!discovered.text.contains("ada@x.test"))
            let nothing = Program.run("discover '\(file)' target --sample 10", environment)
            #expect(nothing.status == 0 && nothing.text.contains("0 records looked at"), "\(nothing.text)")

            let sample = Program.run("sample '\(file)' --ids person=1", environment)
            #expect(sample.status == 0 && !sample.text.contains("Lovelace"), "\(sample.text)")
            let id = try #require(
                try FileManager.default.contentsOfDirectory(atPath: "\(folder)/state/migratez/runs").first)
            #expect(try String(contentsOfFile: "\(folder)/out/person.ndjson", encoding: .utf8).contains("Lovelace"))
            let removed = Program.run("sample --remove \(id)", environment)
            #expect(removed.status == 0, "\(removed.text)")
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/out/person.ndjson"))
            #expect(Program.run("sample --remove \(id)", environment).status == 1, "it is gone already")

            let plan = "\(folder)/move.plan"
            let planned = Program.run("plan '\(file)' -o '\(plan)' --detailed-exitcode", environment)
            #expect(planned.status == 2 && planned.text.contains("nothing was written but"), "\(planned.text)")
            try (csv + "3,Grace,Hopper,g@x.test\n")
                .replacing("surname", with: "family_name")
                .write(toFile: "\(folder)/people.csv", atomically: true, encoding: .utf8)
            let refused = Program.run("run '\(plan)'", environment)
            #expect(refused.status == 65, "\(refused.text)")
            try csv.write(toFile: "\(folder)/people.csv", atomically: true, encoding: .utf8)
            let applied = Program.run("run '\(plan)'", environment)
            #expect(applied.status == 0 && applied.text.contains("loaded=2"), "\(applied.text)")
            let held = Program.run("discover '\(file)' target person --sample 10", environment)
            #expect(held.status == 0 && held.text.contains("2 records looked at"), "\(held.text)")
            #expect(!held.text.contains("ada@x.test") && !held.text.contains("Lovelace"), "\(held.text)")
            let values = Program.run("discover '\(file)' target person --sample 10 --values", environment)
            #expect(values.text.contains("ada@x.test"), "\(values.text)")
        }
    }

    @Test func `rules go out to a spreadsheet and come back`() async throws {
        try await withTemporaryFolder { folder in
            let file = "\(folder)/p.yaml"
            try FileManager.default.copyItem(
                atPath: "\(repositoryRoot.path)/pipelines/csv-to-ndjson.yaml", toPath: file)
            let table = "\(folder)/map.csv"
            #expect(Program.run("map export '\(file)' -o '\(table)'").status == 0)
            let same = Program.run("map import '\(file)' '\(table)' --offline")
            #expect(same.status == 0 && same.text.contains("nothing differs"), "\(same.text)")
            let before = try String(contentsOfFile: file, encoding: .utf8)
            try "object,field,from\nperson,suburb,locality\n"
                .write(toFile: table, atomically: true, encoding: .utf8)
            #expect(Program.run("map import '\(file)' '\(table)' --offline").text.contains("changed  person.suburb"))
            let after = try String(contentsOfFile: file, encoding: .utf8)
            #expect(after == before.replacing("suburb: suburb", with: "suburb: locality"))
            try "object,feild\n".write(toFile: table, atomically: true, encoding: .utf8)
            let wrong = Program.run("map import '\(file)' '\(table)' --offline")
            #expect(wrong.status == 65 && wrong.text.contains("map.csv:1: unknown column 'feild'"), "\(wrong.text)")
        }
    }

    @Test func `nobody is asked without a terminal, and the flags that are missing are named`() {
        let answer = Program.run("init --from hubspot --to salesforce")
        #expect(answer.status == 78)
        for flag in ["--source-setting auth.token=", "--target-setting auth.client_secret=", "--offline"] {
            #expect(answer.text.contains(flag), "\(answer.text)")
        }
        let offline = Program.run("init --from hubspot --to salesforce --offline")
        #expect(offline.status == 0 && offline.text.contains("StageName:"))
        #expect(Program.run("init --from hubspott --to salesforce --offline").status == 65)
    }

    @Test func `on a terminal the missing settings are asked for, and a wrong answer is asked for again`() async throws
    {
        try await withTemporaryFolder { folder in
            try "id,email\n1,a@x.test\n".write(toFile: "\(folder)/people.csv", atomically: true, encoding: .utf8)
            let environment = ["HOME": folder]
            func ask(_ to: String, _ lines: [String], _ more: [String] = []) throws -> (status: Int32, text: String) {
                let arguments = ["init", "-C", folder, "--from", "csv", "--to", to, "-o", "\(to).yaml"] + more
                return try Program.type(lines, into: arguments, environment)
            }
            let person = ["--source-setting", "objects.person.file=people.csv"]
            // Nothing says where the org is, so that it ends when it is asked for; but that comes after the answers.
            let answers = [
                "not an address", "http://127.0.0.1:9", "password", "client_credentials", "the-key",
                "the-secret-itself", "${evn:SECRET}", "${env:SECRET}",
            ]
            let asked = try ask("salesforce", answers, person)
            for (path, problem) in [
                ("base_url", "must be an address"), ("auth.kind", "must be refresh | jwt"),
                ("auth.client_secret", "must be a reference"),
            ] {
                #expect(asked.text.contains("target.\(path) \(problem)"), "\(path): \(asked.text)")
            }
            #expect(!asked.text.contains("the-secret-itself"), "what was typed is not repeated")
            #expect(asked.status == 78 && asked.text.contains("SECRET"), "\(asked.text)")

            let empty = try ask("ndjson", [""], person)
            #expect(empty.status == 0 && empty.text.contains("the folder to write to [./export]:"), "\(empty.text)")
            let written = try String(contentsOfFile: "\(folder)/ndjson.yaml", encoding: .utf8)
            #expect(written.contains("./export"), "no answer takes what is proposed")
            let ended = try ask("csv", [], person)
            #expect(ended.status == 64 && ended.text.contains("the input ended"), "\(ended.text)")
            #expect(try ask("csv", ["out"], person + ["--no-input"]).status == 78, "nobody wants to be asked")
        }
    }

    @Test func `a side that does not answer ends with 69, a missing secret with 78`() async throws {
        try await withTemporaryFolder { folder in
            let file = "\(folder)/p.yaml"
            try """
            migratez: 1
            name: nowhere
            source: { connector: hubspot, base_url: "http://127.0.0.1:9", auth: { token: "${env:TOKEN}" } }
            target: { connector: ndjson, dir: out }
            objects: { contact: { to: people, fields: { email: email } } }
            """.write(toFile: file, atomically: true, encoding: .utf8)
            #expect(Program.run("connect test '\(file)'").status == 78)
            let answer = Program.run("connect test '\(file)'", "TOKEN=secret-in-the-environment HOME='\(folder)'")
            #expect(answer.status == 69, "\(answer.text)")
            #expect(answer.text.contains("source: hubspot: NOT connected") && answer.text.contains("target: ndjson"))
            #expect(!answer.text.contains("secret-in-the-environment"))
            #expect(!Program.run("connect list '\(file)'").text.contains("secret-in"))
        }
    }
}
