// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezStaging

/// Ends the life of staged data: what the run's policy keeps is written first, then the rest is destroyed.
package struct RunEnding: Sendable {
    private let workplace: Workplace

    package init(_ workplace: Workplace) { self.workplace = workplace }

    /// Shreds a confirmed run, from wherever an earlier attempt was cut off.
    ///
    /// - Parameter keepsBaseline: false drops what the policy says is to be kept of the destination's state.
    /// - Throws: `wrongRunState` if the run is not confirmed or is retained, `runBusy` if somebody works on it; nothing
    ///   is shredded yet if what is to be kept cannot be.
    package func shred(_ entry: RunRegistry.Entry, keepsBaseline: Bool = true) async throws -> CertificateFiles {
        let folder = try entry.folder(in: workplace)
        let run = try await RunInspection(folder).manifest.read { try $0.run() }
        // Later there is nothing left that a report could be made of.
        let policy = run.description.retention
        if run.phase == .confirmed {
            if policy.keepsBaseline, keepsBaseline { try await keepBaseline(of: entry) }
            try await keep(policy, of: entry)
        }
        let files = try await Shredding.run(folder, clock: workplace.clock)
        // Once more, with the certificate.
        if run.phase != .certified { try await keep(policy, of: entry) }
        return files
    }

    /// The runs whose data should have been destroyed by now, and those of which nobody can tell. A run whose folder
    /// is gone has no data.
    package func overdue() async throws -> (
        runs: [RunRegistry.Entry], unknown: [(entry: RunRegistry.Entry, error: MigratezError)]
    ) {
        var runs: [RunRegistry.Entry] = []
        var unknown: [(entry: RunRegistry.Entry, error: MigratezError)] = []
        for entry in try RunRegistry(workplace).entries() {
            do {
                if try await fate(entry).isOverdue(at: workplace.clock.now) { runs.append(entry) }
            } catch let error as MigratezError where error.code != .runNotFound {
                unknown.append((entry, error))
            } catch is MigratezError {}
        }
        return (runs, unknown)
    }

    /// Shreds a run that is overdue; one that nobody confirmed is confirmed by its policy.
    ///
    /// Data that is overdue does not wait for what the policy keeps besides: if that cannot be kept, it is lost.
    ///
    /// - Returns: the certificate, and why the state of the destination could not be kept.
    /// - Throws: `wrongRunState` if it is not overdue.
    package func purge(
        _ entry: RunRegistry.Entry
    ) async throws -> (certificate: CertificateFiles, lost: MigratezError?) {
        let fate = try await fate(entry)
        guard fate.isOverdue(at: workplace.clock.now), case .due(_, let reason) = fate else {
            throw MigratezError(
                .wrongRunState, "the data of run \(entry.run) is not overdue", remedy: .fixConfiguration,
                hint: "migratez status \(entry.run) says what is to become of it")
        }
        if reason != .confirmed {
            try await RunControl.withManifest(of: try entry.folder(in: workplace), clock: workplace.clock) { manifest in
                try await manifest.commit {
                    try $0.confirm(by: "policy", basis: reason.rawValue, isAbandoned: true)
                }
            }
        }
        let run = try await RunInspection(try entry.folder(in: workplace)).manifest.read { try $0.run() }
        var lost: MigratezError?
        if run.phase == .confirmed, run.description.retention.keepsBaseline {
            do {
                try await keepBaseline(of: entry)
            } catch let error as MigratezError {
                lost = error
            }
        }
        return (try await shred(entry, keepsBaseline: false), lost)
    }

    private func fate(_ entry: RunRegistry.Entry) async throws -> StagedDataFate {
        try await RunInspection(try entry.folder(in: workplace)).manifest.read { try $0.run() }.fate
    }

    /// Writes down in what state the run left the destination; takes the place of what earlier runs of the pipeline left
    /// for that.
    private func keepBaseline(of entry: RunRegistry.Entry) async throws {
        let folder = try entry.folder(in: workplace)
        let root = try await workplace.rootKey(of: entry)
        let inspection = try RunInspection(folder, root: root)
        // Of a run that was given up in the middle, a sample, or one that was taken back, nobody goes on.
        guard try await EarlierRun.canBeGoneOnFrom(inspection.manifest) else { return }
        let earlier = try inspection.openBaseline()
        let baseline = try KeptBaseline.create(folder, root: root, continuing: earlier)
        try await BaselineBuild(of: inspection, continuing: earlier, into: baseline).run(folder.run)
        try baseline.close()
        try earlier?.close()
        for other in try RunRegistry(workplace).entries() where other.pipeline == entry.pipeline {
            if other.started < entry.started { try KeptBaseline.remove(other.folder(in: workplace)) }
        }
    }

    /// Leaves of the report what the policy says: all of it, all but the map of ids, or nothing.
    private func keep(_ policy: RetentionPolicy, of entry: RunRegistry.Entry) async throws {
        let folder = try entry.folder(in: workplace)
        guard policy.keepsReport else { return try RunReport.remove(beside: folder) }
        let report = RunReport(
            try RunInspection(folder).manifest, in: folder, plan: entry.plan, now: workplace.clock.now)
        _ = try await report.write(withIDs: policy.keepsIDMap)
    }
}
