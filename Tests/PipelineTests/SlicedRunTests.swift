// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import Testing

/// Runs that read their objects in slices.
@Suite struct `Sliced runs` {
    private static let contact = StreamName("contact").unsafelyUnwrapped
    private static let call = StreamName("call").unsafelyUnwrapped

    private static func pipeline(_ limits: String) -> String {
        """
        migratez: 1
        name: sliced
        source:
          connector: ndjson
          objects:
            contact: { file: contact.ndjson, id: id }
            activity: { file: activity.ndjson, id: id }
        target: { connector: ndjson, dir: ./out }
        \(limits)
        objects:
          contact:
            to: Contact
            fields: { Email: email }
            dedupe: { within: [ { keys: [email], keep: first } ] }
          call: { from: activity, to: Call, fields: { Subject: subject } }
        """
    }

    /// Every seventh contact has the e-mail address of others.
    private static var source: MemorySource {
        let contacts = (0..<90).map { #"{"id":"\#($0)","email":"c\#($0 % 7 == 0 ? 0 : $0)@acme.test"}"# }
        let calls = (0..<50).map { #"{"id":"\#($0)","subject":"Call \#($0)"}"# }
        let activity = StreamName("activity").unsafelyUnwrapped
        return MemorySource(records: [contact: contacts, activity: calls], pageRecordsMax: 5, slicesMax: 16)
    }

    /// What a run leaves.
    private struct Result: Equatable {
        var slices: [StreamName: Int] = [:]
        var outcomes: [StreamName: [String]] = [:]
    }

    private func run(_ limits: String, recordsMax: Int? = nil) async throws -> Result {
        try await withTemporaryFolder { folder in
            try Self.pipeline(limits).write(toFile: "\(folder)/pipeline.yaml", atomically: true, encoding: .utf8)
            let workplace = try Workplace(
                environment: [:], clock: SystemWallClock(),
                http: StubHTTPClient { _, _ in throw MigratezError(.unreachable, "no network") },
                stateFolder: "\(folder)/state")
            var connection = try await PlanConnection.open("\(folder)/pipeline.yaml", in: workplace)
            connection.source = Self.source.named(by: [(Self.call, StreamName("activity"))])
            if let recordsMax { connection = connection.limited(to: recordsMax) }
            let setup = try await RunSetup.discover(
                connection.plan, source: connection.source, destination: connection.destination)
            let run = try await Run.begin(connection, in: workplace) { _ in }
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
            var result = Result()
            for stream in [Self.contact, Self.call] {
                result.slices[stream] = try await run.staging.manifest.read { try $0.slices(of: stream).count }
                result.outcomes[stream] = try await run.staging.outcomes(of: stream).map {
                    "\($0.ordinal) \($0.outcome) \($0.sourceID ?? "–") into \($0.survivor ?? -1)"
                }
            }
            try await run.close()
            return result
        }
    }

    @Test func `are the same as runs in one piece, whoever of several is kept`() async throws {
        let whole = try await run("limits: { slices: 1 }")
        #expect(whole.slices == [Self.contact: 0, Self.call: 0])
        #expect(whole.outcomes[Self.contact]?.count == 90)
        for (limits, slices) in [("", 4), ("limits: { slices: 7 }", 7), ("limits: { memory: 64MiB, slices: 9 }", 4)] {
            let sliced = try await run(limits)
            #expect(sliced.slices == [Self.contact: slices, Self.call: slices], "\(limits)")
            #expect(sliced.outcomes == whole.outcomes, "\(limits)")
        }
    }

    @Test func `have no more slices than there are jobs`() async throws {
        #expect(try await run("limits: { jobs: 2, slices: 8 }").slices == [Self.contact: 2, Self.call: 2])
    }

    @Test func `are not those of which a part is read only`() async throws {
        let limited = try await run("limits: { slices: 8 }", recordsMax: 33)
        #expect(limited.slices == [Self.contact: 0, Self.call: 0])
        #expect(limited.outcomes[Self.contact]?.count == 33)
    }
}
