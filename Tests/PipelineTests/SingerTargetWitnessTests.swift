// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import Testing

/// Whole runs into real targets from PyPI; what they wrote is read by programs of others.
@Suite(.serialized, .enabled(if: WitnessEnvironment.isEnabled, "\(WitnessEnvironment.reason)"))
struct `Targets of others` {
    /// A package, and the settings with which it adds to what it wrote before.
    enum Witness: String, CaseIterable {
        case jsonl = "target-jsonl"
        case csv = "target-csv"
        case duckdb = "target-duckdb"

        var config: String {
            switch self {
            case .jsonl: "{ destination_path: FOLDER/out, do_timestamp_file: false }"
            case .csv:
                #"{ output_path: FOLDER/out, file_naming_scheme: "{stream_name}-{timestamp}.csv", "#
                    + #"timestamp_format: "%Y%m%dT%H%M%S%f" }"#
            case .duckdb:
                "{ path: FOLDER/out/written.duckdb, database: written, default_target_schema: main, "
                    + "batch_size_rows: 200 }"
            }
        }

        var writes: String { self == .duckdb ? "upsert" : "append" }

        /// What it wrote of a stream, each record as text by field; null is an empty text.
        func written(_ stream: String, in world: SingerWorld) async throws -> [[String: String]] {
            let file = "out/\(stream).jsonl"
            if self != .jsonl {
                let script = repositoryRoot.appending(path: "Tests/Witnesses/singer/\(rawValue)/dump.py").path
                let (status, output) = await WitnessEnvironment("singer/\(rawValue)").run(
                    "\"$python\" '\(script)' '\(world.folder)/out' \(stream) > '\(world.folder)/\(file)'")
                try #require(status == 0, "\(output)")
            }
            return try world.lines(file).map { line in
                let members = try JSONValue(parsing: Array(line.utf8)).members
                return Dictionary(members.map { ($0.key, Self.text($0.value)) }) { $1 }
            }
        }

        /// A truth is written in CSV as Python has it.
        private static func text(_ value: JSONValue) -> String {
            switch value {
            case .bool(let value): value ? "True" : "False"
            case .null: ""
            default: value.text ?? String(decoding: value.serialized(), as: UTF8.self)
            }
        }
    }

    private static func person(_ number: Int) -> [String: String] {
        [
            "number": String(number), "name": "Äda \"\(number)\",\n👩‍👩‍👧; \\", "amount": "\(number).25",
            "vip": number % 2 == 0 ? "True" : "False", "note": number % 3 == 0 ? "" : "note \(number)",
        ]
    }

    private static func people(_ count: Int) -> String {
        (1...count).map { number in
            let note = number % 3 == 0 ? "null" : #""note \#(number)""#
            return #"{"id":\#(number),"name":"Äda \"\#(number)\",\n👩‍👩‍👧; \\","amount":\#(number).25,"#
                + #""vip":\#(number % 2 == 0),"note":\#(note),"firm":\#(number % 100 + 1)}"# + "\n"
        }.joined()
    }

    private static func files(_ witness: Witness, command: String, people count: Int) -> [String: String] {
        let pipeline = """
            migratez: 1
            name: into
            source: { connector: ndjson, objects: {
              firm: { file: firms.ndjson, id: id },
              person: { file: people.ndjson, id: id, links: { firm: { member: firm } } } } }
            target:
              connector: singer
              command: \(command)
              writes: \(witness.writes)
              config: \(witness.config)
            objects:
              firm: { to: firm, fields: { number: id, name: name } }
              person: { to: person, fields: { number: id, name: name, amount: amount, vip: vip, note: note } }
            links: [{ from: person, to: firm, as: person_to_firm }]
            """
        return [
            "pipeline.yaml": pipeline, "people.ndjson": people(count),
            "firms.ndjson": (1...100).map { "{\"id\": \($0), \"name\": \"Firm \($0)\"}\n" }.joined(),
        ]
    }

    private static func makeOutput(_ world: SingerWorld) throws {
        try FileManager.default.createDirectory(atPath: "\(world.folder)/out", withIntermediateDirectories: false)
    }

    /// Compares what was written of the people with what there was, field by field; a field without a value may be left out.
    private func compare(_ written: [[String: String]], _ count: Int) {
        #expect(written.count == count && Set(written.map { $0["migratez_id"] }).count == count)
        let numbers = written.compactMap { $0["number"].flatMap { Int($0) } }
        #expect(numbers.count == count && Set(numbers) == Set(1...count))
        let differing = zip(written, numbers).flatMap { record, number in
            Self.person(number).filter { (record[$0.key] ?? "") != $0.value }.map { "\($0.key) of \(number)" }
        }
        #expect(differing.isEmpty, "\(differing.prefix(5))")
    }

    /// More rows than go into one batch, so that the target is started several times for one object.
    @Test(arguments: Witness.allCases)
    func `keep every record with its values`(witness: Witness) async throws {
        let count = 20_500
        let programs = try await SingerWorld.programs(witness.rawValue)
        let files = Self.files(witness, command: "\(programs)/\(witness.rawValue)", people: count)
        try await SingerWorld.with(files) { world in
            try Self.makeOutput(world)
            let (run, failures) = try await world.move()
            #expect(failures.isEmpty, "\(failures)")
            #expect(try await world.balance(run)[.created] == count)
            if witness == .csv {
                // One file of the schema alone, and one of each batch.
                let files = try FileManager.default.contentsOfDirectory(atPath: "\(world.folder)/out")
                #expect(files.filter { $0.hasPrefix("person-") }.count >= 3, "\(files)")
            }
            #expect(try await world.balance(run, of: "firm")[.created] == 100)
            try await run.close()
            compare(try await witness.written("person", in: world), count)
            #expect(Set(try await witness.written("firm", in: world).map { $0["name"] }).count == 100)
            #expect(try await witness.written("person_to_firm", in: world).count == count)
        }
    }

    /// A program that ends itself and the target with SIGKILL in its delivery of people, when it has kept some of them.
    private static func killer(of target: String, when kept: String) -> String {
        """
        #!/bin/sh
        cat > FOLDER/given
        if [ -e FOLDER/input ] || [ "$(grep -c '"RECORD","stream":"person"' FOLDER/given)" -eq 0 ]; then
            exec \(target) "$@" < FOLDER/given
        fi
        mkfifo FOLDER/input
        \(target) "$@" < FOLDER/input 2> FOLDER/said &
        target=$!
        exec 4> FOLDER/input
        head -n 1501 FOLDER/given >&4
        tries=0
        until \(kept) || [ $tries -gt 600 ]; do tries=$((tries + 1)); sleep 0.1; done
        [ $tries -gt 600 ] || touch FOLDER/killed
        kill -9 $target
        kill -9 $$
        """
    }

    @Test func `that add, killed in the middle, leave open what they keep, which a person then settles`() async throws {
        let programs = try await SingerWorld.programs("target-jsonl")
        var files = Self.files(.jsonl, command: "FOLDER/target", people: 3_000)
        files["target"] = Self.killer(
            of: "\(programs)/target-jsonl",
            when: "[ -e FOLDER/out/person.jsonl ] && [ \"$(wc -l < FOLDER/out/person.jsonl)\" -gt 1000 ]")
        try await SingerWorld.with(files) { world in
            try Self.makeOutput(world)
            let (run, failures) = try await world.move()
            #expect(
                failures.map(\.code) == [.serverFailed]
                    && FileManager.default.fileExists(atPath: "\(world.folder)/killed"))
            let kept = try await Witness.jsonl.written("person", in: world)
            let ids = Set(kept.compactMap { $0["number"] })
            #expect(kept.count == ids.count && (1_001...1_500).contains(kept.count))
            let balance = try await world.balance(run)
            #expect(balance[.rejected] == 3_000 && balance[.created] == 0)

            // What the file lacks is sent again, what it holds is let go.
            let (_, setup) = try await world.connect()
            let missing = (1...3_000).map(String.init).filter { !ids.contains($0) }
            let code = ErrorCode.brokenResponse.description
            _ = try await IssueReplay(run, setup).prepare(code: code, ids: missing)
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.load])
            #expect(try await world.balance(run)[.created] == missing.count)
            try await run.close()
            let entry = try RunRegistry(world.workplace).find(nil)
            _ = try await IssueSkip.skip(
                try entry.folder(in: world.workplace), code: code, ids: ids.sorted(), by: "Ada",
                reason: "kept by the target")
            compare(try await Witness.jsonl.written("person", in: world), 3_000)
        }
    }

    @Test func `that replace by key, killed in the middle, get everything again and hold it once`() async throws {
        let programs = try await SingerWorld.programs("target-duckdb")
        var files = Self.files(.duckdb, command: "FOLDER/target", people: 3_000)
        files["target"] = Self.killer(
            of: "\(programs)/target-duckdb", when: "[ \"$(grep -c 'Loading 200 rows' FOLDER/said)\" -gt 3 ]")
        try await SingerWorld.with(files) { world in
            try Self.makeOutput(world)
            let (run, failures) = try await world.move()
            #expect(
                failures.map(\.code) == [.serverFailed]
                    && FileManager.default.fileExists(atPath: "\(world.folder)/killed"))
            let balance = try await world.balance(run)
            #expect(balance[.created] == 3_000 && balance[.rejected] == 0)
            try await run.close()
            compare(try await Witness.duckdb.written("person", in: world), 3_000)
        }
    }

    /// target-csv 0.3.0 of 2019 takes its schema, and fails at the first row on each Python since 3.10.
    @Test func `that fail at the first row lose none of them`() async throws {
        let programs = try await SingerWorld.programs("target-csv-old")
        let pipeline = """
            migratez: 1
            name: into
            source: { connector: ndjson, objects: { person: { file: people.ndjson, id: id } } }
            target: { connector: singer, command: \(programs)/target-csv, config: {
              destination_path: FOLDER/out, disable_collection: true } }
            objects: { person: { to: person, fields: { name: name } } }
            """
        try await SingerWorld.with(["pipeline.yaml": pipeline, "people.ndjson": Self.people(40)]) { world in
            try Self.makeOutput(world)
            let (run, failures) = try await world.move()
            #expect(failures.map(\.code) == [.serverFailed])
            #expect(failures.first?.message.contains("AttributeError") == true)
            #expect(try await world.balance(run)[.rejected] == 40)
            try await run.close()
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(world.folder)/out").isEmpty)
        }
    }
}
