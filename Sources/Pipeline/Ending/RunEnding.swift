// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezStaging

/// Ends the life of staged data: what the run's policy keeps is written first, then the rest is destroyed.
package struct RunEnding: Sendable {
    private let workplace: Workplace

    package init(_ workplace: Workplace) { self.workplace = workplace }

    /// Lets go of the staged data of a run.
    ///
    /// - Parameter isAbandoned: gives up a run that was not verified.
    package func confirm(
        _ entry: RunRegistry.Entry, by person: String, basis: String, isAbandoned: Bool = false
    ) async throws {
        try await change(entry, .confirm) { transaction in
            let phase = try transaction.run().phase
            if phase == .loaded, !isAbandoned {
                throw MigratezError(
                    .wrongRunState, "run \(entry.run) is loaded, but not verified", remedy: .fixConfiguration,
                    hint: "migratez verify \(entry.run); or give it up: migratez confirm \(entry.run) --abandon")
            }
            try transaction.confirm(by: person, basis: basis, isAbandoned: isAbandoned)
        }
    }

    /// Keeps the staged data of a run until a day, such as `2026-12-31` (its end in UTC), or for a span such as `30d`.
    ///
    /// - Throws: `invalidSetting` if it is neither or not in the future; `wrongRunState` once the keys are destroyed.
    package func retain(
        _ entry: RunRegistry.Entry, until text: String, by person: String, reason: String
    ) async throws {
        let now = workplace.clock.now
        guard let until = Quantity.duration(text).map({ now.advanced(by: $0) }) ?? Timestamp(endOfDay: text),
            until > now
        else {
            throw MigratezError(
                .invalidSetting, "'\(text)' is no day in the future and no span of time", remedy: .fixConfiguration,
                hint: "write a day as 2026-12-31, or a span as 30d")
        }
        try await change(entry, .retain) { try $0.retain(until: until, by: person, reason: reason) }
    }

    /// Ends a retention before its day; does nothing if there is none.
    package func endRetention(_ entry: RunRegistry.Entry, by person: String, reason: String) async throws {
        try await change(entry, .endRetention) { try $0.endRetention(by: person, reason: reason) }
    }

    /// Changes what is to become of the staged data, with an entry in the audit log first.
    private func change(
        _ entry: RunRegistry.Entry, _ action: AuditAction,
        _ body: @escaping @Sendable (ManifestTransaction) throws -> Void
    ) async throws {
        let folder = try entry.folder(in: workplace)
        try await RunControl.withManifest(of: folder, clock: workplace.clock) { manifest in
            try workplace.audit(action, run: folder.run)
            try await manifest.commit(body)
        }
    }

    /// Shreds a confirmed run, from wherever an earlier attempt was cut off.
    ///
    /// - Parameter keepsBaseline: false drops what the policy says is to be kept of the destination's state.
    /// - Throws: `wrongRunState` if the run is not confirmed or is retained, `runBusy` if somebody works on it; nothing
    ///   is shredded yet if what is to be kept cannot be.
    package func shred(_ entry: RunRegistry.Entry, keepsBaseline: Bool = true) async throws -> CertificateFiles {
        let folder = try entry.folder(in: workplace)
        let run = try await RunInspection(folder).manifest.read { try $0.run() }
        try Shredding.requireAllowed(run, at: workplace.clock.now)
        // Later there is nothing left that a report could be made of.
        let policy = run.description.retention
        if run.phase == .confirmed {
            if policy.keepsBaseline, keepsBaseline { try await keepBaseline(of: entry) }
            try await keep(policy, of: entry)
        }
        if run.phase != .certified { try workplace.audit(.shred, run: folder.run) }
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
        let phase = try await RunInspection(try entry.folder(in: workplace)).manifest.read { try $0.run().phase }
        if phase != .confirmed {
            try await confirm(entry, by: "policy", basis: reason.rawValue, isAbandoned: true)
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

extension Timestamp {
    /// The last millisecond of a day such as `2026-12-31`, UTC; nil if it is no day of the calendar.
    fileprivate init?(endOfDay text: String) {
        guard text.wholeMatch(of: /\d{4}-\d{2}-\d{2}/) != nil else { return nil }
        let parts = text.split(separator: "-").compactMap { Int64($0) }
        let days = Timestamp.days(year: parts[0], month: parts[1], day: parts[2])
        self.init(milliseconds: (days + 1) * 86_400_000 - 1)
        // The 31st of February is another day.
        guard description.hasPrefix(text) else { return nil }
    }
}
