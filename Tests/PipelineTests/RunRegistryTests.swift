// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezCrypto
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import MigratezTransport
import Testing

/// The list of a user's runs: what cannot be read is not taken for what is not there.
@Suite struct RunRegistryTests {
    private func withRegistry(_ body: (RunRegistry, _ folder: String) throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let workplace = try Workplace(
                environment: [:], clock: HurriedClock(), http: try CurlClient(TransportConfiguration()),
                stateFolder: folder)
            try body(RunRegistry(workplace), "\(folder)/runs")
        }
    }

    /// What `body` fails with.
    private func code(_ body: () throws -> Void) -> ErrorCode? {
        do {
            try body()
            return nil
        } catch { return (error as? MigratezError)?.code }
    }

    @Test func `without a list there are no runs`() async throws {
        try await withRegistry { registry, _ in
            let runs = try registry.entries()
            #expect(runs.isEmpty)
            #expect(code { _ = try registry.find(nil) } == .runNotFound)
        }
    }

    @Test func `a list that cannot be read is an error, not the absence of runs`() async throws {
        try await withRegistry { registry, folder in
            try "x".write(toFile: folder, atomically: false, encoding: .utf8)
            #expect(code { _ = try registry.entries() } == .diskFailed)
            #expect(code { _ = try registry.find(nil) } == .diskFailed)
        }
    }

    @Test func `a run that cannot be read is an error, and one whose note was cut off was not begun`() async throws {
        try await withRegistry { registry, folder in
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            let note = "9f3c01aa\n/staging\n/pipeline.yaml\n1000"
            try note.write(toFile: "\(folder)/9f3c01aa", atomically: false, encoding: .utf8)
            try String(note.prefix(20)).write(toFile: "\(folder)/9f3c01ab", atomically: false, encoding: .utf8)
            let runs = try registry.entries()
            #expect(runs.map(\.run) == ["9f3c01aa"])
            // A link is not followed, so that it stands for a file that cannot be opened, whoever runs the test.
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/9f3c01ac", withDestinationPath: "9f3c01aa")
            #expect(code { _ = try registry.find("9f3c01aa") } == .diskFailed)
        }
    }

    @Test func `a run that was cut off before it began stands in nobody's way`() async throws {
        try await FileWorld.with([#"{"id": "1", "name": "Ada"}"#]) { world in
            let registry = RunRegistry(world.workplace)
            let entry = try registry.find(nil)
            let id = try #require(RunID("9f3c01aa"))
            let note = [id.text, entry.staging, entry.pipeline, String(entry.started.milliseconds + 1)]
            try note.joined(separator: "\n")
                .write(toFile: "\(world.workplace.stateFolder)/runs/\(id)", atomically: false, encoding: .utf8)
            let folder = RunFolder(run: id, staging: entry.staging, keys: world.workplace.keysFolder)
            var settings = StagingSettings()
            settings.onCommit = { _ in throw MigratezError(.internalError, "the process is killed here") }
            let description = RunDescription(pipeline: "people", digest: "sha256:00", source: "a", destination: "b")
            let root = RootKey.key(try SymmetricKey(randomBytes: 32))
            await #expect(throws: MigratezError.self) {
                _ = try await StagingArea.create(folder, description, root: root, settings: settings)
            }
            #expect(try registry.find(nil).run == id.text)
            #expect(try await registry.laterRuns(than: entry, in: world.workplace).isEmpty)
            let (connection, _) = try await world.connect()
            try await Run.begin(connection, goesOn: true, in: world.workplace) { _ in }.close()
        }
    }
}
