// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezTestKit
import Testing

/// A simulated HubSpot account and a folder for one test; the program moves the account into files.
struct AccountWorld {
    let folder: String
    let environment: [String: String]

    var text: String { environment.map { "\($0.key)='\($0.value)'" }.joined(separator: " ") }
    var pipeline: String { "\(folder)/hubspot-to-ndjson.yaml" }
    /// So slow that there is time for what the tests do meanwhile.
    var slowRun: [String] { ["run", pipeline, "--json", "--rate", "10/1s", "--chunk-records", "100"] }

    static let token = "planted-token-31415"

    /// The account is served for the time of `body`.
    ///
    /// - Parameters:
    ///   - options: more of `migratez simulate hubspot`.
    ///   - edit: changes the shipped pipeline.
    static func with(
        records: Int = 3000, _ options: [String] = [], edit: (String) -> String = { $0 },
        _ body: (AccountWorld) throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let shipped = try String(
                contentsOfFile: "\(repositoryRoot.path)/pipelines/hubspot-to-ndjson.yaml", encoding: .utf8)
            try edit(shipped).write(toFile: "\(folder)/hubspot-to-ndjson.yaml", atomically: true, encoding: .utf8)
            let arguments = ["simulate", "hubspot", "--records", "\(records)", "--seed", "7", "--json"] + options
            let status = try Program.follow(arguments, ["HOME": folder]) { line, simulator in
                guard line.hasPrefix("{") else { return }
                let url = try #require(try JSONValue(parsing: Array(line.utf8))["url"]?.text)
                let environment = [
                    "HOME": folder, "XDG_STATE_HOME": "\(folder)/state", "HUBSPOT_TOKEN": token,
                    "HUBSPOT_BASE_URL": url, "EXPORT_DIR": "\(folder)/out",
                ]
                defer { simulator.interrupt() }
                try body(AccountWorld(folder: folder, environment: environment))
            }
            #expect(status == 130)
        }
    }

    /// What the simulator has counted since the last call; it counts from zero again.
    func takeJournal() throws -> JSONValue {
        let url = "\(environment["HUBSPOT_BASE_URL"] ?? "")/_simulator/journal"
        let counts = try JSONValue(parsing: Array(shell("curl -sf '\(url)'").output))
        #expect(shell("curl -sf -X DELETE '\(url)'").status == 0)
        return counts
    }

    /// Runs the program with this world's environment.
    func run(_ arguments: String) -> (status: Int, text: String) { Program.run(arguments, text) }

    /// The last event of a run that was told as JSON.
    static func summary(in text: String) throws -> JSONValue {
        let line = try #require(text.split(separator: "\n").last { $0.contains("\"type\":\"summary\"") })
        return try JSONValue(parsing: Array(line.utf8))
    }
}
