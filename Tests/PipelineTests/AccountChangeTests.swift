// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezPipeline
import MigratezTestKit
import Testing

/// A run stays with the accounts that it began with.
@Suite(.serialized) struct `Accounts that changed under a run` {
    private static let lines = [#"{"id":"1","name":"Ada","stage":"a"}"#, #"{"id":"2","name":"Eve","stage":"zz"}"#]

    @Test(arguments: ["verify", "undo", "retry"])
    func `are refused by what would read or write there`(_ command: String) async throws {
        try await FileWorld.with(Self.lines) { world in
            let path = "\(world.folder)/pipeline.yaml"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            try text.replacing("./out", with: "./elsewhere").write(toFile: path, atomically: true, encoding: .utf8)
            let (connection, setup) = try await world.connect()
            let entry = try RunRegistry(world.workplace).find(nil)
            let run = try await Run.reopen(entry, connection, in: world.workplace, allowsChangedPlan: true) { _ in }
            let error = await #expect(throws: MigratezError.self) {
                switch command {
                case "verify": _ = try await Verification(run, progress: SilentProgress()).verify()
                case "undo": _ = try await RunUndo(run).execute(isDryRun: true)
                default: try await RunExecution(run, setup, progress: SilentProgress()).execute([.load])
                }
            }
            #expect(error?.code == .accountChanged)
            let message = error?.message ?? ""
            #expect(message.contains("files in \(world.folder)/out as its target"), "\(message)")
            #expect(!FileManager.default.fileExists(atPath: "\(world.folder)/elsewhere"))
            try await run.close()
        }
    }
}
