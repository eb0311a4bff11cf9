// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez pause [RUN]`
struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Asks the process that works on a run to save and end; `resume` goes on.",
        discussion: "EXAMPLE\n  migratez pause 7f3a")

    @OptionGroup var common: CommonOptions
    @OptionGroup var reference: RunArgument

    func run() async throws {
        let workplace = try common.workplace()
        let entry = try RunRegistry(workplace).find(reference.run)
        let end = try await RunAppeal(workplace, entry).make(.pause)
        var document = Document("pause")
        document.fact("run", .text(entry.run), line: "")
        document.fact("state", .text(end.activity.rawValue), line: "")
        document.remark(
            end.activity == .paused
                ? "run \(entry.run) is paused; go on with: migratez resume \(entry.run)"
                : "run \(entry.run) is not being worked on (\(end.activity.rawValue)); there is nothing to pause")
        Console().show(document)
    }
}

/// `migratez cancel [RUN]`
struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Ends a run for good, whether somebody works on it or not; what is staged stays until `shred`.",
        discussion: "EXAMPLE\n  migratez cancel 7f3a")

    @OptionGroup var common: CommonOptions
    @OptionGroup var reference: RunArgument

    func run() async throws {
        let workplace = try common.workplace()
        let entry = try RunRegistry(workplace).find(reference.run)
        let console = Console()
        guard try console.confirm("This ends run \(entry.run) for good; it cannot be resumed. Go on?") else {
            throw ValidationError("nothing was changed")
        }
        let end = try await RunAppeal(workplace, entry).make(.cancel)
        guard end.activity == .cancelled else {
            throw MigratezError(
                .wrongRunState,
                "run \(entry.run) came to its end before it could be cancelled: it is "
                    + "\(end.activity.rawValue)", remedy: .fixConfiguration, hint: "migratez status \(entry.run)")
        }
        var document = Document("cancel")
        document.fact("run", .text(entry.run), line: "run \(entry.run) is cancelled")
        document.fact("state", .text(end.activity.rawValue), line: "")
        document.remark(Self.remains(end.id))
        console.show(document)
    }

    /// What is left behind, and how it goes away.
    static func remains(_ run: RunID) -> String {
        "what is staged stays, encrypted, until: migratez confirm \(run) --abandon, then migratez shred \(run)"
    }
}

/// Has a run paused or cancelled by whoever owns it, or by us if nobody does.
private struct RunAppeal {
    private let workplace: Workplace
    private let folder: RunFolder

    /// How long the owner is waited for: it finishes the requests that are under way.
    private static let patience = 600

    init(_ workplace: Workplace, _ entry: RunRegistry.Entry) throws {
        self.workplace = workplace
        folder = try entry.folder(in: workplace)
    }

    /// Returns how the run stands when that is done.
    func make(_ action: RunRequest.Action) async throws -> RunStatus {
        let request = RunRequest(action, by: NSUserName())
        if let owner = try RunControl.ask(request, of: folder) {
            Console().note("asked process \(owner), which finishes what is under way")
            try await waitForEnd(of: owner)
            let status = try await status()
            // The owner may have ended on its own before it saw the request.
            if action == .pause || status.activity == .cancelled { return status }
        }
        let person = request.person
        return try await RunControl.withManifest(of: folder, clock: workplace.clock) { manifest in
            try await manifest.commit { transaction in
                try transaction.stop(action, by: person)
                return try transaction.run()
            }
        }
    }

    private func status() async throws -> RunStatus {
        let inspection = try RunInspection(folder)
        return try await inspection.manifest.read { try $0.run() }
    }

    private func waitForEnd(of owner: Int32) async throws {
        for _ in 0..<Self.patience * 5 {
            guard RunControl.owner(of: folder) == owner else { return }
            try await workplace.clock.sleep(for: .milliseconds(200))
        }
        throw MigratezError(
            .runBusy, "process \(owner) has not ended after \(Self.patience) seconds", remedy: .retry(after: nil),
            hint: "look at what it does: migratez status \(folder.run) --watch")
    }
}
