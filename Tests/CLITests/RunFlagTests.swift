// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezTestKit
import Testing

/// What each flag of a run does, seen from outside: on the simulated account, in the files, by the exit code.
@Suite(.serialized, .enabled(if: Program.isBuilt, "the program has not been built beside the tests"))
struct `A flag of a run` {
    /// Every third contact or so has no telephone number.
    private static func needsPhone(_ pipeline: String) -> String {
        pipeline.replacing(
            "phone: { from: phone, phone: US }", with: "phone: { from: phone, phone: US, required: true }")
    }

    @Test func `concurrency bounds the requests that are under way at once`() async throws {
        try await AccountWorld.with(records: 3000, ["--faults", "latency:150ms=1"]) { world in
            for (limit, lowest) in [(1, 1), (3, 2)] {
                let run = world.run("run '\(world.pipeline)' --concurrency \(limit)")
                #expect(run.status == 0, "\(run.text)")
                let most = try #require(try world.takeJournal()["under_way_max"]?.int)
                #expect(most >= lowest, "\(most) at once with --concurrency \(limit)")
                #expect(most <= limit, "\(most) at once with --concurrency \(limit)")
            }
        }
        let refused = Program.run("run '\(repositoryRoot.path)/pipelines/hubspot-to-ndjson.yaml' --concurrency 0")
        #expect(refused.status == 78 && refused.text.contains("--concurrency"), "\(refused.text)")
    }

    @Test func `jobs keeps all threads on so many processors`() async throws {
        try await AccountWorld.with { world in
            var allowed: [String] = []
            let status = try Program.follow(world.slowRun + ["--jobs", "1"], world.environment) { line, process in
                guard allowed.isEmpty, line.contains("\"type\":\"stage\"") else { return }
                let threads = "/proc/\(process.processIdentifier)/task/*/status"
                let lines = shell("grep -h '^Cpus_allowed:' \(threads)").output
                allowed = String(decoding: lines, as: UTF8.self).split(separator: "\n").map(String.init)
                process.interrupt()
            }
            #expect(status != 0, "it was interrupted")
            #expect(allowed.count > 1, "there are several threads by now")
            for mask in allowed {
                let digits = mask.dropFirst("Cpus_allowed:".count).filter(\.isHexDigit)
                let processors = digits.compactMap(\.hexDigitValue).map(\.nonzeroBitCount).reduce(0, +)
                #expect(processors == 1, "\(mask)")
            }
        }
        #expect(Program.run("run x.yaml --jobs 0").status == 64)
    }

    @Test func `rate bounds the requests of a second`() async throws {
        try await AccountWorld.with(records: 5000) { world in
            let run = world.run("run '\(world.pipeline)' --json --rate 10/1s")
            #expect(run.status == 0, "\(run.text)")
            let requests = try #require(try world.takeJournal()["requests"]?.int)
            let seconds = try #require(try AccountWorld.summary(in: run.text)["seconds"]?.text.flatMap(Double.init))
            try #require(requests > 30)
            // The first ten need not wait; some come before the clock of the run starts.
            #expect(seconds >= Double(requests - 20) / 10, "\(requests) requests in \(seconds) s")
        }
    }

    @Test func `fail-fast ends at the first rejected record, and resume goes on without it`() async throws {
        try await AccountWorld.with(edit: Self.needsPhone) { world in
            let run = world.run(world.slowRun.joined(separator: " ") + " --fail-fast")
            #expect(run.status == 4, "\(run.text)")
            #expect(run.text.contains("--fail-fast was given") && run.text.contains("issues ls"), "\(run.text)")
            let summary = try AccountWorld.summary(in: run.text)
            #expect(summary["exit"]?.int == 4)
            let resumed = world.run("resume")
            #expect(resumed.status == 3 && resumed.text.contains("DONE run"), "\(resumed.text)")
        }
    }

    @Test func `max-quarantine ends when too many are rejected, and resume goes on with more`() async throws {
        try await AccountWorld.with(records: 1000, edit: Self.needsPhone) { world in
            let run = world.run("run '\(world.pipeline)' --max-quarantine 0.1%")
            #expect(run.status == 4, "\(run.text)")
            #expect(run.text.contains("MZ-CFG-08") && run.text.contains("migratez resume"), "\(run.text)")
            #expect(world.run("resume --max-quarantine 0.1%").status == 4, "it is not better by itself")
            let resumed = world.run("resume --max-quarantine 100%")
            #expect(resumed.status == 3 && resumed.text.contains("DONE run"), "\(resumed.text)")
        }
    }

    @Test func `limit reads so many records of each object, and says so everywhere`() async throws {
        try await AccountWorld.with { world in
            let planned = world.run("plan '\(world.pipeline)' --limit 120 -o '\(world.folder)/move.plan'")
            #expect(planned.status == 0 && planned.text.contains("limited: at most 120"), "\(planned.text)")
            #expect(world.run("run '\(world.folder)/move.plan' --limit 7").status == 64)
            // Cut off in the middle: what is resumed keeps the limit.
            let first = world.run("run '\(world.folder)/move.plan' --rate 10/1s --max-duration 700ms")
            #expect(first.status == 75, "\(first.text)")
            let run = world.run("resume --json")
            #expect(run.status == 0 && run.text.contains("limited: at most 120 records"), "\(run.text)")
            for name in ["companies", "contacts", "deals", "notes"] {
                let file = try String(contentsOfFile: "\(world.folder)/out/\(name).ndjson", encoding: .utf8)
                #expect((1...120).contains(file.split(separator: "\n").count), "\(name)")
            }
            #expect(world.run("verify").status == 0)
            #expect(world.run("report --format json").status == 0)
            let runs = "\(world.folder)/state/migratez/runs"
            let id = try #require(try FileManager.default.contentsOfDirectory(atPath: runs).first)
            let report = try #require(
                try FileManager.default.subpathsOfDirectory(atPath: world.folder).first {
                    $0.contains(id) && $0.hasSuffix("report.json")
                })
            let text = try String(contentsOfFile: "\(world.folder)/\(report)", encoding: .utf8)
            let json = try JSONValue(parsing: Array(text.utf8))
            #expect(json["limit"]?.int == 120, "\(text.prefix(600))")
            let balances = json["balances"]?.elements ?? []
            let objects = balances.filter { $0["kind"] == "object" }
            #expect(objects.count == 4 && objects.allSatisfy { ($0["read"]?.int ?? 0) <= 120 })
            let link = try #require(balances.first { $0["stream"] == "contact-to-company" })
            #expect((link["skipped"]?.int ?? 0) > 0 && link["rejected"] == 0, "the other end was not read")
            #expect(json["pipeline"]?.text?.hasSuffix("(limited to 120 of each object)") == true)
            #expect(world.run("extract \(id) --limit 5").status == 64, "a run keeps its limit")
        }
    }
}
