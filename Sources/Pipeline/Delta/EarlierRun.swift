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
        for entry in try RunRegistry(workplace).entries() where entry.pipeline == path {
            if let run = try await candidate(entry, in: workplace) { return run }
        }
        throw MigratezError(
            .wrongRunState, "there is no earlier run of this pipeline to go on from", remedy: .fixConfiguration,
            hint: "begin with a whole one: migratez run \(path)")
    }

    /// The run as one to go on from; `nil` if it left nothing in the destination.
    private static func candidate(_ entry: RunRegistry.Entry, in workplace: Workplace) async throws -> EarlierRun? {
        guard let inspection = try await RunRegistry.inspection(of: entry, in: workplace) else { return nil }
        let (status, wrote) = try await inspection.manifest.read { (try $0.run(), try $0.hasWritten) }
        if try await isLeftOut(inspection.manifest) { return nil }
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
            guard try await isLoaded(inspection.manifest) else {
                if !wrote { return nil }
                throw MigratezError(
                    .wrongRunState, "run \(entry.run) wrote a part of its records and did not come to its end",
                    remedy: .fixConfiguration,
                    hint: "finish it: migratez resume \(entry.run), or take it back: migratez undo \(entry.run)")
            }
            return EarlierRun(entry: entry, isShredded: false)
        }
    }

    /// Whether the run is one that another may go on from, while its data is there.
    static func canBeGoneOnFrom(_ manifest: Manifest) async throws -> Bool {
        let (isLeftOut, isLoaded) = (try await isLeftOut(manifest), try await isLoaded(manifest))
        return isLoaded && !isLeftOut
    }

    /// Runs of a part of the records, and runs that were undone.
    private static func isLeftOut(_ manifest: Manifest) async throws -> Bool {
        try await manifest.read { view in
            let pipeline = try view.run().description.pipeline
            let isPart = pipeline.hasSuffix(SampleSelection.marker) || RecordLimit.marks(pipeline)
            return try isPart || view.note(RunUndo.beganNote) != nil
        }
    }

    private static func isLoaded(_ manifest: Manifest) async throws -> Bool {
        try await manifest.read { try $0.streams().allSatisfy { $0.state(of: .load) == .done } }
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
