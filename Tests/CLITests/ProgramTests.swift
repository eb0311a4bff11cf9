// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezTestKit
import Testing

/// The program as a person runs it: what it prints, and how it ends.
@Suite(.enabled(if: Program.isBuilt, "the program has not been built beside the tests"))
struct ProgramTests {
    @Test func `help lists every command and the exit codes`() {
        let answer = Program.run("--help")
        #expect(answer.status == 0)
        for word in ["demo", "run", "resume", "issues", "verify", "shred", "EXIT CODES", "130  interrupted"] {
            #expect(answer.text.contains(word), "\(word)")
        }
    }

    @Test(arguments: ["nonsense", "run", "status --nonsense", "chunks ls --state nonsense"])
    func `wrong usage ends with 64`(_ arguments: String) { #expect(Program.run(arguments).status == 64) }

    @Test(arguments: [("rnu x.yaml", "run"), ("chunks lst", "ls"), ("sttaus", "status"), ("issues retyr", "retry")])
    func `a command that is mistyped is met with the one that was meant`(_ arguments: String, _ meant: String) {
        let answer = Program.run(arguments)
        #expect(answer.status == 64)
        #expect(answer.text.contains("hint: did you mean '\(meant)'?"), "\(answer.text)")
    }

    @Test func `completions know the commands`() {
        for name in ["bash", "zsh", "fish"] {
            let answer = Program.run("completions \(name)")
            #expect(answer.status == 0 && answer.text.contains("pause") && answer.text.contains("max-quarantine"))
        }
        #expect(Program.run("completions powershell").status == 64)
        #expect(shell("'\(Program.path)' completions bash | bash -n").status == 0)
    }

    @Test func `bash completes commands, options, values and files`() {
        let script = repositoryRoot.appending(path: "scripts/debian/completion-test").path
        let answer = shell("bash -c \"bash '\(script)' <('\(Program.path)' completions bash)\" 2>&1")
        #expect(answer.status == 0, "\(String(decoding: answer.output, as: UTF8.self))")
    }

    @Test func `every invalid pipeline is refused with its place`() throws {
        let folder = repositoryRoot.appending(path: "fixtures/pipelines/invalid")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
        #expect(names.count >= 25)
        for name in names.sorted().prefix(6) {
            let answer = Program.run("lint '\(folder.path)/\(name)'")
            #expect(answer.status == 65, "\(name)")
            #expect(answer.text.contains("error MZ-CFG-"), "\(name)")
        }
    }

    @Test func `the shipped pipelines are in order`() {
        for name in [
            "hubspot-to-salesforce", "csv-to-ndjson", "csv-to-salesforce", "hubspot-to-ndjson", "ndjson-to-salesforce",
        ] {
            let answer = Program.run("lint '\(repositoryRoot.path)/pipelines/\(name).yaml'")
            #expect(answer.status == 0, "\(name): \(answer.text)")
        }
    }

    @Test func `a file's own tests pass, or say what they wanted and got`() async throws {
        let pipeline = "\(repositoryRoot.path)/pipelines/hubspot-to-salesforce.yaml"
        let passing = Program.run("test '\(pipeline)'")
        #expect(passing.status == 0 && passing.text.hasSuffix(" passed, 0 failed\n"), "\(passing.text)")
        let parsed = try JSONValue(parsing: Array(Program.run("test '\(pipeline)' --json").text.utf8))
        #expect(parsed["v"] == 1 && parsed["failed"] == 0)
        #expect(parsed["tests"]?.elements.count == parsed["passed"]?.int)
        try await withTemporaryFolder { folder in
            let text = try String(
                contentsOfFile: "\(repositoryRoot.path)/pipelines/csv-to-ndjson.yaml", encoding: .utf8)
            try text.replacing("state: wa }", with: "state: vic }")
                .write(toFile: "\(folder)/p.yaml", atomically: true, encoding: .utf8)
            let failing = Program.run("test -C '\(folder)' p.yaml")
            #expect(failing.status == 1)
            #expect(failing.text.contains("FAIL  person: a day gets its dashes  p.yaml:28"), "\(failing.text)")
            #expect(failing.text.contains("state  want  WA"), "\(failing.text)")
            #expect(failing.text.contains("got   VIC"), "\(failing.text)")
        }
        let invalid = "\(repositoryRoot.path)/fixtures/pipelines/invalid/bad-tests.yaml"
        #expect(Program.run("test '\(invalid)'").status == 65)
    }

    @Test func `a field is explained, a function shown, and the schema printed`() throws {
        let pipeline = "\(repositoryRoot.path)/pipelines/hubspot-to-salesforce.yaml"
        let explained = Program.run("explain '\(pipeline):contact.Email'")
        #expect(explained.status == 0 && explained.text.contains("→ ada@x.test"), "\(explained.text)")
        #expect(Program.run("explain '\(pipeline):contact.Emial'").text.contains("Did you mean 'Email'?"))
        #expect(Program.run("explain '\(pipeline)'").status == 64)
        #expect(Program.run("functions urlHost").text.contains("acme.test"))
        #expect(Program.run("functions --json").status == 0)
        let slip = Program.run("functions urlHots")
        #expect(slip.status == 64 && slip.text.contains("Did you mean 'urlHost'?"), "\(slip.text)")
        let schema = try JSONValue(parsing: Array(Program.run("schema").text.utf8))
        #expect(schema["properties"]?["objects"] != nil)
        #expect(Program.run("schema --output csv").status == 64)
    }

    @Test func `a missing secret is named and ends with 78`() {
        let answer = Program.run("run '\(repositoryRoot.path)/pipelines/hubspot-to-salesforce.yaml'")
        #expect(answer.status == 78)
        #expect(answer.text.contains("HUBSPOT_TOKEN"))
    }

    @Test func `every command prints its result in the form that was asked for`() {
        #expect(Program.run("version --json").text == "{\"v\":1,\"kind\":\"version\",\"version\":\"0.1.0\"}\n")
        #expect(Program.run("version --output csv").text == "version\r\n0.1.0\r\n")
        #expect(Program.run("version --json --output csv").status == 64)
        #expect(Program.run("version --quiet -vv").status == 64)
        let home = "HOME=/nonexistent XDG_STATE_HOME=/nonexistent"
        #expect(Program.run("status --json", home).text == "{\"v\":1,\"kind\":\"runs\",\"runs\":[]}\n")
        #expect(Program.run("status --output md", home).text.hasPrefix("| RUN | STARTED |"))
    }

    @Test func `colours are switched by the option, and are not in a pipe`() {
        #expect(!Program.run("resume").text.contains("\u{1B}"))
        #expect(Program.run("resume --color always").text.contains("\u{1B}["))
        #expect(Program.run("resume --debug").text.contains("debug: MZ-CFG-06"))
    }

    @Test func `a run that does not exist is said so`() {
        #expect(Program.run("status 00000000").text.contains("MZ-CFG-06"))
        #expect(Program.run("resume").status == 1)
    }

    @Test func `people move from a spreadsheet, are verified, confirmed and shredded`() async throws {
        try await withTemporaryFolder { folder in
            let csv = """
                rec_id,given_name,surname,street_number,address_1,suburb,postcode,state,date_of_birth,soc_sec_id
                1,Ada,Lovelace,12,St James's Square,London,2000,nsw,18151210,5304218
                2,Ada ,LOVELACE,12,St James Square,London,2000,nsw,18151210,5304218
                3,Charles,Babbage,1,Dorset Street,Marylebone,2010,nsw,17911226,6988048
                4,Nobody,,,,,,,,
                """
            try csv.write(toFile: "\(folder)/people.csv", atomically: true, encoding: .utf8)
            let pipeline = "\(folder)/csv-to-ndjson.yaml"
            try FileManager.default.copyItem(
                atPath: "\(repositoryRoot.path)/pipelines/csv-to-ndjson.yaml", toPath: pipeline)
            let environment =
                "XDG_STATE_HOME='\(folder)/state' PEOPLE_CSV='\(folder)/people.csv' EXPORT_DIR='\(folder)/out'"
            let run = Program.run("run '\(pipeline)'", environment)
            #expect(run.status == 3, "\(run.text)")
            #expect(run.text.contains("DONE run") && run.text.contains("loaded=2 merged=1"), "\(run.text)")
            #expect(!run.text.contains("\u{1B}"), "no colour codes in a pipe")
            let written = try String(contentsOfFile: "\(folder)/out/people.ndjson", encoding: .utf8)
            #expect(written.split(separator: "\n").count == 2)

            #expect(Program.run("issues ls", environment).text.contains("MZ-REQ-01"))
            #expect(Program.run("shred --yes-shred 00000000", environment).status == 64)
            #expect(Program.run("confirm", environment).status == 1, "not verified yet")
            #expect(Program.run("verify", environment).status == 0)
            #expect(Program.run("report", environment).status == 0)
            #expect(Program.run("confirm --by Grace", environment).status == 0)
            #expect(Program.run("shred", environment).status == 64, "without a terminal the id must be given")
            let state = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/state/migratez/runs")
            let id = try #require(state.first)
            #expect(Program.run("shred --yes-shred \(id)", environment).status == 0)
            #expect(Program.run("certificate verify '\(folder)/staging/\(id)/certificate'").status == 0)
            for file in FileManager.default.enumerator(atPath: "\(folder)/staging")?.compactMap({ $0 as? String }) ?? []
            {
                guard let bytes = FileManager.default.contents(atPath: "\(folder)/staging/\(file)") else { continue }
                #expect(bytes.range(of: Data("Lovelace".utf8)) == nil, "\(file)")
            }
        }
    }
}
