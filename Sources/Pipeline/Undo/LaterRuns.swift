// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging

extension RunRegistry {
    /// The runs of the same pipeline file that began after this one, wrote something, and were not undone; the newest
    /// first.
    ///
    /// What they wrote rests on what this run wrote: whoever undoes several goes from the newest to the oldest. A run
    /// whose folder is gone cannot be asked and is not among these.
    package func laterRuns(than entry: Entry, in workplace: Workplace) async throws -> [String] {
        var later: [String] = []
        for other in try entries() where other.pipeline == entry.pipeline && other.started > entry.started {
            guard let inspection = try await Self.inspection(of: other, in: workplace) else { continue }
            let wrote = try await inspection.manifest.read { view in
                guard try view.note(RunUndo.endedNote) == nil else { return false }
                return try view.hasWritten
            }
            if wrote { later.append(other.run) }
        }
        return later
    }

    /// A look at the run; `nil` if its folder is gone, or if it was cut off before it began.
    static func inspection(of entry: Entry, in workplace: Workplace) async throws -> RunInspection? {
        let folder = try entry.folder(in: workplace)
        do {
            let inspection = try RunInspection(folder)
            _ = try await inspection.manifest.read { try $0.run() }
            return inspection
        } catch let error as MigratezError where error.code == .runNotFound { return nil }
    }
}

extension ManifestView {
    /// Whether the run has created or updated anything in the destination; known after shredding, too.
    var hasWritten: Bool {
        get throws {
            try streams().contains { stream in
                let counts = try counters(of: stream.name)[.load] ?? [:]
                return (counts[.created] ?? 0) + (counts[.updated] ?? 0) > 0
            }
        }
    }
}
