// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import Testing

/// Whole runs out of real taps: tap-jsonl from PyPI, and one of ours on singer-sdk whose records come in order.
@Suite(.serialized, .enabled(if: WitnessEnvironment.isEnabled, "\(WitnessEnvironment.reason)"))
struct `Taps of others` {
    private static func person(_ number: Int, name: String? = nil) -> String {
        #"{"id":\#(number),"name":"\#(name ?? "Äda \\\"\(number)\\\" 👩‍👩‍👧")","amount":\#(number).25,"#
            + #""tags":["a",{"n":\#(number)}],"seen":"2026-01-02T03:04:05Z","boss":\#(number + 1)}"# + "\n"
    }

    private static func people(_ count: Int) -> String { (1...count).map { person($0) }.joined() }

    private static func pipeline(command: String, config: String, fields: String, target: String) -> String {
        """
        migratez: 1
        name: out
        source:
          connector: singer
          command: \(command)
          config: \(config)
          objects: { person: { stream: people, links: { person: { member: boss } } } }
        target: \(target)
        objects: { person: { to: person, fields: { \(fields) } } }
        links: [{ from: person, to: person, as: person_to_person }]
        """
    }

    private static let config = #"{ path: FOLDER/people.jsonl, stream_name: people, primary_keys: '["id"]' }"#
    private static let fields = "number: id, name: name, amount: amount, tags: tags, seen: seen"

    /// A program that ends itself and the tap with SIGKILL behind so many lines of the first reading, and notes with which
    /// arguments the tap was started.
    private static func killer(of tap: String, lines: Int) -> String {
        """
        #!/bin/sh
        case "$*" in *--discover*) exec \(tap) "$@" ;; esac
        echo "$@" >> FOLDER/starts
        [ -e FOLDER/output ] && exec \(tap) "$@"
        mkfifo FOLDER/output
        \(tap) "$@" > FOLDER/output &
        tap=$!
        exec 3< FOLDER/output
        head -n \(lines) <&3
        kill -9 $tap
        kill -9 $$
        """
    }

    private func verify(_ run: Run, atLeast count: Int) async throws {
        for report in try await Verification(run, scope: .all, progress: SilentProgress()).verify() {
            #expect(report.isGood && report.compared == report.loaded && report.loaded >= count, "\(report.stream)")
        }
    }

    /// Whether the file that was written holds the records of the tap's own file, each once.
    private func compare(_ world: SingerWorld, count: Int) throws {
        let given = try world.records("people.jsonl", by: "id")
        let written = try world.records("out/person.ndjson", by: "number")
        #expect(try world.lines("out/person.ndjson").count == count && written.count == count)
        for (id, record) in given {
            let copy = try #require(written[id], "record \(id)")
            for field in ["name", "amount", "tags", "seen"] {
                #expect(copy[field] == record[field], "\(field) of \(id)")
            }
        }
    }

    @Test(arguments: ["{ connector: ndjson, dir: out }", "{ connector: sqlite, file: out.sqlite }"])
    func `tap-jsonl moves every record, and a second run brings what has changed since`(target: String) async throws {
        let programs = try await SingerWorld.programs("tap-jsonl")
        let pipeline = Self.pipeline(
            command: "\(programs)/tap-jsonl", config: Self.config, fields: Self.fields, target: target)
        try await SingerWorld.with(["pipeline.yaml": pipeline, "people.jsonl": Self.people(2_500)]) { world in
            let (run, failures) = try await world.move()
            #expect(failures.isEmpty)
            #expect(try await world.balance(run)[.created] == 2_500)
            try await verify(run, atLeast: 2_499)
            try await run.close()
            if target.contains("ndjson") { try compare(world, count: 2_500) }

            try world.write(
                "people.jsonl",
                (1...2_501).map { Self.person($0, name: $0 == 7 ? "Another name" : nil) }.joined())
            let (second, more) = try await world.move(goesOn: true)
            #expect(more.isEmpty)
            let balance = try await world.balance(second)
            #expect(balance[.created] == 1 && balance[.updated] == 1)
            try await second.close()
            if target.contains("ndjson") { try compare(world, count: 2_501) }
        }
    }

    /// Behind 10,000 records it tells a state from which it would go back to its beginning.
    @Test func `tap-jsonl, killed in the middle, is gone on with to the same result`() async throws {
        let programs = try await SingerWorld.programs("tap-jsonl")
        let files = [
            "tap": Self.killer(of: "\(programs)/tap-jsonl", lines: 11_000), "people.jsonl": Self.people(12_000),
            "pipeline.yaml": Self.pipeline(
                command: "FOLDER/tap", config: Self.config, fields: Self.fields,
                target: "{ connector: ndjson, dir: out }"),
        ]
        try await SingerWorld.with(files) { world in
            let (run, failures) = try await world.move()
            #expect(failures.map(\.code) == [.serverFailed])
            #expect(failures.first?.message.contains("signal 9") == true)
            let balance = try await world.balance(run)
            #expect(balance[.created] == 12_000 && balance[.skipped] == 0)
            try await verify(run, atLeast: 11_999)
            try await run.close()
            try compare(world, count: 12_000)
            #expect(try !world.lines("starts").contains { $0.contains("--state") })
        }
    }

    @Test func `a tap that tells places to begin at is started with the last of them`() async throws {
        let programs = try await SingerWorld.programs("tap-jsonl")
        let tap = repositoryRoot.appending(path: "Tests/Witnesses/singer/tap-jsonl/sorted_tap.py").path
        let files = [
            "tap": Self.killer(of: "'\(programs)/python' '\(tap)'", lines: 1_700),
            "pipeline.yaml": Self.pipeline(
                command: "FOLDER/tap", config: "{}", fields: "number: id, changed: changed, worth: worth, note: note",
                target: "{ connector: ndjson, dir: out }"
            ).split(separator: "\n").filter { !$0.hasPrefix("links:") }.joined(separator: "\n"),
        ]
        try await SingerWorld.with(files) { world in
            let (run, failures) = try await world.move()
            #expect(failures.map(\.code) == [.serverFailed])
            let starts = try world.lines("starts")
            #expect(starts.count == 2 && !starts[0].contains("--state") && starts[1].contains("--state"))
            // The record that a state names comes again.
            let balance = try await world.balance(run)
            #expect(balance[.created] == 2_500 && balance[.skipped] < 10, "\(balance)")
            try await run.close()
            let written = try world.records("out/person.ndjson", by: "number")
            #expect(try world.lines("out/person.ndjson").count == 2_500 && written.count == 2_500)
            for (id, record) in written {
                let number = try #require(Int(id))
                #expect(record["worth"]?.text.flatMap { Double($0) } == Double(number) / 4)
                #expect((record["note"] ?? .null) == (number % 2 == 1 ? "noted" : .null))
                #expect(record["changed"]?.text != nil)
            }
        }
    }

    @Test func `a tap that is told to hand records over in files is refused with the way out`() async throws {
        let programs = try await SingerWorld.programs("tap-jsonl")
        let tap = repositoryRoot.appending(path: "Tests/Witnesses/singer/tap-jsonl/sorted_tap.py").path
        let batches =
            #"{"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": "file://FOLDER"}}"#
        let pipeline = Self.pipeline(
            command: "[\(programs)/python, \(tap)]", config: "{ batch_config: '\(batches)' }", fields: "number: id",
            target: "{ connector: ndjson, dir: out }")
        try await SingerWorld.with(["pipeline.yaml": pipeline]) { world in
            let error = await #expect(throws: MigratezError.self) { try await world.move() }
            #expect(error?.code == .notSupported && error?.hint?.contains("batch_config") == true)
        }
    }
}
