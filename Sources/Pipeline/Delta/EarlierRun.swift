// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezLoad
import MigratezModel
import MigratezStaging

/// The run that a new one goes on from: the last of the same pipeline file that was loaded and not undone.
struct EarlierRun: Sendable {
    /// The note in a run's manifest that names the run which it goes on from.
    static let noteKey = "delta.since"

    let entry: RunRegistry.Entry
    /// Its staged data is gone, and the pipeline had its baseline kept.
    private let isShredded: Bool

    /// - Parameter path: the pipeline file's absolute path.
    /// - Throws: `wrongRunState` if there is none, or if it cannot be gone on from.
    static func find(_ path: String, in workplace: Workplace) async throws -> EarlierRun {
        for entry in RunRegistry(workplace).entries() where entry.pipeline == path {
            if let run = try await candidate(entry, in: workplace) { return run }
        }
        throw MigratezError(
            .wrongRunState, "there is no earlier run of this pipeline to go on from", remedy: .fixConfiguration,
            hint: "begin with a whole one: migratez run \(path)")
    }

    /// The run as one to go on from; `nil` if it left nothing in the destination.
    private static func candidate(_ entry: RunRegistry.Entry, in workplace: Workplace) async throws -> EarlierRun? {
        guard let inspection = try RunRegistry.inspection(of: entry, in: workplace) else { return nil }
        let (status, streams, wrote, undone) = try await inspection.manifest.read { view in
            let streams = try view.streams()
            let wrote = try streams.contains { stream in
                let counts = try view.counters(of: stream.name)[.load] ?? [:]
                return (counts[.created] ?? 0) + (counts[.updated] ?? 0) > 0
            }
            return (try view.run(), streams, wrote, try view.note(RunUndo.endedNote) != nil)
        }
        let isSample = status.description.pipeline.hasSuffix(SampleSelection.marker)
        if isSample || undone { return nil }
        switch status.phase {
        case .keysDestroyed, .unlinked, .residueChecked, .certified:
            let kept = try KeptBaseline.exists(inspection.folder)
            if !kept, !wrote { return nil }
            guard kept else {
                throw MigratezError(
                    .wrongRunState,
                    "run \(entry.run) was shredded, and what it left in the destination was not kept",
                    remedy: .fixConfiguration,
                    hint: "write 'retention: { keep: [report, baseline] }', then begin with a whole run: "
                        + "migratez run \(entry.pipeline)")
            }
            return EarlierRun(entry: entry, isShredded: true)
        case .running, .loaded, .verified, .confirmed:
            let isLoaded = streams.allSatisfy { $0.state(of: .load) == .done }
            guard isLoaded else {
                if !wrote { return nil }
                throw MigratezError(
                    .wrongRunState, "run \(entry.run) wrote a part of its records and did not come to its end",
                    remedy: .fixConfiguration,
                    hint: "finish it: migratez resume \(entry.run), or take it back: migratez undo \(entry.run)")
            }
            return EarlierRun(entry: entry, isShredded: false)
        }
    }

    /// The one that a run noted when it began; `nil` if it does not go on from any.
    static func noted(in manifest: Manifest, of workplace: Workplace) async throws -> EarlierRun? {
        guard let id = try await manifest.read({ try $0.note(noteKey) }) else { return nil }
        let entry = try RunRegistry(workplace).find(id)
        guard let run = try await candidate(entry, in: workplace) else {
            throw MigratezError(
                .wrongRunState, "run \(id), which this one goes on from, is gone or was undone",
                remedy: .fixConfiguration, hint: "begin a new run")
        }
        return run
    }

    /// Makes the baseline of the run that goes on from here.
    func makeBaseline(in staging: StagingArea, root: RootKey, _ workplace: Workplace) async throws -> Baseline {
        let folder = try entry.folder(in: workplace)
        if isShredded {
            guard let kept = try KeptBaseline.open(folder, root: root) else {
                throw MigratezError(.wrongRunState, "the baseline of run \(entry.run) is not complete")
            }
            let baseline = try staging.createBaseline(continuing: kept)
            try baseline.copy(kept)
            try kept.close()
            return baseline
        }
        let inspection = try RunInspection(folder, root: root)
        let earlier = try inspection.openBaseline()
        let baseline = try staging.createBaseline(continuing: earlier)
        try await BaselineBuild(of: inspection, continuing: earlier, into: baseline).run(folder.run)
        try earlier?.close()
        return baseline
    }
}
