// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import MigratezTransport
import Testing

/// One object of the source that becomes several of the destination, or several that become one.
@Suite(.serialized) struct `Objects by other names` {
    private static let activities = [
        #"{"id":"1","type":"call","subject":"Ring","person_id":"7"}"#,
        #"{"id":"2","type":"task","subject":"Write","person_id":"7"}"#,
        #"{"id":"3","type":"lunch","subject":"Eat","person_id":"9"}"#,
    ]

    private static func pipeline(callsBecome call: String, tasksBecome task: String) -> String {
        """
        migratez: 1
        name: activities
        source:
          connector: ndjson
          objects:
            person: { file: people.ndjson, id: id }
            activity: { file: activities.ndjson, id: id, links: { person: { member: person_id } } }
        target: { connector: ndjson, dir: ./out }
        objects:
          person: { to: people, fields: { Name: name } }
          call: { from: activity, to: \(call), where: 'type == "call"', fields: { Subject: subject } }
          task: { from: activity, to: \(task), where: 'type != "call"', fields: { Subject: subject } }
        links:
          - { from: call, to: person, as: \(call).Person, on_missing: empty }
          - { from: task, to: person, as: \(task).Person, on_missing: empty }
        """
    }

    /// The lines that the run writes, by file.
    private func move(_ pipeline: String) async throws -> (lines: [String: [String]], balances: [Reconciliation]) {
        try await withTemporaryFolder { folder in
            let texts = [
                "activities.ndjson": Self.activities.joined(separator: "\n") + "\n",
                "people.ndjson": #"{"id":"7","name":"Ada"}"# + "\n", "pipeline.yaml": pipeline,
            ]
            for (name, text) in texts {
                try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
            }
            let workplace = try Workplace(
                environment: [:], clock: HurriedClock(), http: try CurlClient(TransportConfiguration()),
                stateFolder: "\(folder)/state")
            let connection = try await PlanConnection.open("\(folder)/pipeline.yaml", in: workplace)
            let setup = try await RunSetup.discover(
                connection.plan, source: connection.source, destination: connection.destination)
            #expect(setup.diagnostics.isEmpty, "\(setup.diagnostics)")
            let run = try await Run.begin(connection, in: workplace) { _ in }
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
            let balances = try await run.staging.manifest.read { try $0.reconciliation() }
            try await run.close()
            var lines: [String: [String]] = [:]
            for name in try FileManager.default.contentsOfDirectory(atPath: "\(folder)/out") {
                lines[name] = try String(contentsOfFile: "\(folder)/out/\(name)", encoding: .utf8)
                    .split(separator: "\n").map(String.init).sorted()
            }
            return (lines, balances)
        }
    }

    @Test func `each stream takes its own records, and the links go with them`() async throws {
        let (lines, balances) = try await move(Self.pipeline(callsBecome: "calls", tasksBecome: "tasks"))
        #expect(lines["calls.ndjson"]?.count == 1 && lines["calls.ndjson"]?.first?.contains("Ring") == true)
        #expect(lines["calls.ndjson"]?.first?.contains("ndjson-person-7") == true, "\(lines)")
        #expect(lines["tasks.ndjson"]?.count == 2)
        let counts = Dictionary(uniqueKeysWithValues: balances.map { ($0.stream.name.text, $0) })
        #expect(balances.allSatisfy { $0.isClosed })
        #expect(counts["call"]?.read == 3 && counts["call"]?[.filtered] == 2 && counts["call"]?[.created] == 1)
        #expect(counts["task"]?.read == 3 && counts["task"]?[.filtered] == 1 && counts["task"]?[.created] == 2)
    }

    @Test func `two streams may become one object of the destination`() async throws {
        let (lines, balances) = try await move(Self.pipeline(callsBecome: "activities", tasksBecome: "activities"))
        #expect(lines["activities.ndjson"]?.count == 3, "\(lines)")
        #expect(balances.allSatisfy { $0.isClosed })
    }

    @Test func `a name that cannot be one is told with its place`() {
        let text = Self.pipeline(callsBecome: "calls", tasksBecome: "tasks").replacing(
            "from: activity", with: "from: a/b")
        let reading = PipelineFile.read(text: text, file: "p.yaml", folder: "/tmp", catalog: Connectors.catalog)
        let findings = reading.diagnostics.map(\.description).joined(separator: "\n")
        #expect(reading.plan == nil)
        #expect(findings.contains("p.yaml:11:") && findings.contains("objects.call.from"), "\(findings)")
    }
}
