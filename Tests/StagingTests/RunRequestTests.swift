// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

/// Asking the process that owns a run to pause or to cancel it.
@Suite struct `A request to the owner of a run` {
    @Test(arguments: RunRequest.Action.allCases) func `is taken once`(_ action: RunRequest.Action) async throws {
        let run = try TestRun()
        let area = try await run.create()
        #expect(try area.takeRequest() == nil)
        let owner = try RunControl.ask(RunRequest(action, by: "grace"), of: area.folder)
        #expect(owner == ProcessInfo.processInfo.processIdentifier)
        #expect(try area.takeRequest() == RunRequest(action, by: "grace"))
        #expect(try area.takeRequest() == nil)
    }

    @Test(arguments: ["pause\n1\n1\ngrace", "pause\n%d\n1\ngrace", "pause", "", "explode\n%d\n1\ngrace"])
    func `for another process, or none that can be read, is thrown away`(_ text: String) async throws {
        let run = try TestRun()
        let area = try await run.create()
        let text = text.replacing("%d", with: "\(ProcessInfo.processInfo.processIdentifier)")
        let path = "\(area.folder.path)/request"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try area.takeRequest() == nil)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func `is not left when nobody owns the run`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let folder = area.folder
        try await area.close()
        #expect(RunControl.owner(of: folder) == nil)
        #expect(try RunControl.ask(RunRequest(.pause, by: "grace"), of: folder) == nil)
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/request"))
    }

    @Test func `of an owner that ended is removed by the next one`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let folder = area.folder
        _ = try RunControl.ask(RunRequest(.pause, by: "grace"), of: folder)
        try await area.close()
        try await RunControl.withManifest(of: folder) { _ in }
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/request"))
    }
}
