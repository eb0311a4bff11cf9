// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezTestKit
import Testing

/// A run that goes on, as its operator and others see it: from a simulated account, slowly, into files.
@Suite(.serialized, .enabled(if: Program.isBuilt, "the program has not been built beside the tests"))
struct `A run under way` {
    private static func type(of line: String) throws -> String? {
        guard line.hasPrefix("{") else { return nil }
        return try JSONValue(parsing: Array(line.utf8))["type"]?.text
    }

    @Test func `is paused by another process, watched, measured, logged, and resumed`() async throws {
        try await AccountWorld.with { world in
            var lines: [String] = []
            var metrics = ""
            var pause: (status: Int, text: String)?
            let logFile = "\(world.folder)/log.json"
            let options = ["--metrics-listen", "127.0.0.1:0", "--log-file", logFile, "--log-format", "json", "-vv"]
            let status = try Program.follow(world.slowRun + options, world.environment) { line, _ in
                lines.append(line)
                if let port = line.wholeMatch(of: /metrics at port (\d+),.*/)?.1 {
                    metrics = String(decoding: shell("curl -s http://127.0.0.1:\(port)/metrics").output, as: UTF8.self)
                    #expect(shell("curl -sf http://127.0.0.1:\(port)/else").status == 22, "404")
                }
                guard pause == nil, try Self.type(of: line) == "stage" else { return }
                pause = Program.run("pause", world.text)
            }
            #expect(status == 4)
            #expect(pause?.status == 0 && pause?.text.contains("is paused; go on with: migratez resume") == true)
            #expect(try Self.type(of: try #require(lines.last { $0.hasPrefix("{") })) == "summary")
            #expect(lines.contains { $0.contains("\"type\":\"pause\"") && $0.contains("\"reason\":\"request\"") })

            #expect(metrics.contains("# TYPE migratez_records_total counter"))
            #expect(metrics.contains("migratez_records_total{object=\"company\",stage=\"extract\",outcome=\"read\"}"))
            #expect(metrics.contains("migratez_request_duration_seconds_bucket{side=\"source\",le=\"+Inf\"}"))
            #expect(!metrics.contains { !$0.isASCII })

            let log = try String(contentsOfFile: logFile, encoding: .utf8)
            #expect(log.contains("\"message\":\"request\"") && log.contains("\"message\":\"start\""))
            for line in log.split(separator: "\n") { _ = try JSONValue(parsing: Array(line.utf8)) }
            let everything = log + metrics + lines.joined()
            #expect(!everything.contains("planted-token") && !everything.contains("limit=100"), "no secret, no query")

            #expect(Program.run("status --json", world.text).text.contains("\"state\":\"paused\""))
            #expect(
                Program.run("status --watch", world.text).text.contains("paused"), "nobody works on it: ends at once")
            #expect(Program.run("logs", world.text).text.contains("pause  reason=request"))
            #expect(Program.run("resume --quiet", world.text).status == 0)
            let told = Program.run("logs --json --follow", world.text).text.split(separator: "\n")
            #expect(try told.compactMap { try Self.type(of: String($0)) }.filter { $0 == "start" }.count == 2)
            #expect(told.last?.contains("\"status\":\"done\"") == true)
        }
    }

    @Test func `is cancelled for good, and what is staged goes when it is let go of`() async throws {
        try await AccountWorld.with { world in
            var cancel: (status: Int, text: String)?
            let status = try Program.follow(world.slowRun, world.environment) { line, _ in
                guard cancel == nil, try Self.type(of: line) == "stage" else { return }
                #expect(Program.run("cancel", world.text).status == 64, "nobody can be asked here")
                cancel = Program.run("cancel --yes --json", world.text)
            }
            #expect(status == 1)
            #expect(cancel?.status == 0 && cancel?.text.contains("\"state\":\"cancelled\"") == true)
            let resumed = Program.run("resume", world.text)
            #expect(resumed.status == 1 && resumed.text.contains("confirm"), "\(resumed.text)")
            #expect(Program.run("confirm --abandon", world.text).status == 0)
        }
    }

    @Test(arguments: [SIGTERM: 143 as Int32, SIGINT: 130])
    func `is ended by a signal with its state saved`(_ signal: Int32, _ code: Int32) async throws {
        try await AccountWorld.with { world in
            var hasSignalled = false
            var last = ""
            let status = try Program.follow(world.slowRun, world.environment) { line, process in
                if line.hasPrefix("{") { last = line }
                guard !hasSignalled, try Self.type(of: line) == "stage" else { return }
                hasSignalled = true
                kill(process.processIdentifier, signal)
            }
            #expect(status == code)
            #expect(last.contains("\"status\":\"interrupted\",\"exit\":\(code)"))
            #expect(Program.run("status --json", world.text).text.contains("\"state\":\"interrupted\""))
        }
    }

    @Test func `may take only so long`() async throws {
        try await AccountWorld.with { world in
            let run = Program.run("\(world.slowRun.joined(separator: " ")) --max-duration 500ms", world.text)
            #expect(run.status == 75, "\(run.text)")
            #expect(run.text.contains("MZ-QUOTA-03"))
            let resumed = Program.run("resume", world.text)
            #expect(resumed.status == 0 && resumed.text.contains("DONE run"), "\(resumed.text)")
            #expect(Program.run("run '\(world.pipeline)' --max-duration soon", world.text).status == 78)
            #expect(Program.run("run '\(world.pipeline)' --max-quarantine 5", world.text).status == 78)
            #expect(
                Program.run("run '\(world.pipeline)' --select dael", world.text).text.contains("did you mean 'deal'"))
        }
    }
}
