// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezLoad
import MigratezModel
import MigratezStaging
import MigratezTransform

/// Takes back what a run did to the destination: deletes what it created, restores what it changed.
///
/// In the reverse order of the load: links, then records, children before their parents. Records that somebody edited
/// since, that others refer to, or that are gone, are left alone and listed. Each record ends with one outcome in the
/// manifest, so that an undo that was killed goes on where it was, and the sums close.
package struct RunUndo: Sendable {
    private let run: Run
    /// The note in the manifest that says when the undo began.
    static let beganNote = "undo.began"
    /// The note in the manifest that says that it has ended.
    static let endedNote = "undo.ended"

    package init(_ run: Run) { self.run = run }

    /// Undoes the run, or tells what that would do.
    ///
    /// - Parameters:
    ///   - isDryRun: changes nothing, neither there nor here. What others refer to is found out only when their own
    ///     records are gone, so a dry run counts it among what would be deleted.
    ///   - done: called with each stream's balance when it is finished.
    package func execute(
        isDryRun: Bool, done: (UndoBalance) -> Void = { _ in }
    ) async throws -> [UndoBalance] {
        try await run.checkAccount(.target)
        let window = try await begin(isDryRun: isDryRun)
        let targets = try await writtenTargets()
        if !isDryRun {
            try await settleCutOff(targets)
            try await surveyHolders(targets, window)
        }
        var balances: [UndoBalance] = []
        for target in targets {
            balances.append(try await undo(target, window, isDryRun: isDryRun))
            done(balances[balances.count - 1])
        }
        guard !isDryRun else { return balances }
        try await run.destination.finish()
        for balance in balances where !balance.isClosed {
            throw MigratezError(
                .internalError,
                "\(balance.created + balance.updated) records of '\(balance.stream)' were loaded, "
                    + "but the undo accounts for another number",
                hint: "migratez undo \(run.id); if it stays, please report it")
        }
        let counts = balances.map { "\($0.stream) -\($0[.deleted]) ~\($0[.restored]) =\($0.kept) ?\($0[.gone])" }
        try await run.staging.manifest.commit { transaction in
            try transaction.setNote(Self.endedNote, String(transaction.now.milliseconds))
            try transaction.addEvent("undo.ended", detail: counts.joined(separator: ", "))
            try transaction.audit(actor: "migratez", action: "undo", detail: counts.joined(separator: ", "))
        }
        return balances
    }

    /// The targets of the plan that the run wrote to; throws if the pipeline file now says otherwise than the run did.
    private func writtenTargets() async throws -> [LoadTarget] {
        let notes = try await run.staging.manifest.read { try $0.notes(prefix: LoadStage.objectNote) }
        let objects = Dictionary(
            notes.map { (String($0.key.dropFirst(LoadStage.objectNote.count)), $0.value) }, uniquingKeysWith: { $1 })
        let targets = plannedTargets.filter { objects[$0.stream.text] != nil }
        let planned = Dictionary(targets.map { ($0.stream.text, $0.object) }, uniquingKeysWith: { $1 })
        for (stream, object) in objects.sorted(by: { $0.key < $1.key }) where planned[stream] != object {
            throw MigratezError(
                .pipelineChanged,
                "run \(run.id) wrote '\(stream)' to \(object), but \(run.plan.file) says otherwise now",
                remedy: .fixConfiguration, hint: "give the file its old objects and links back, then undo")
        }
        return try await lateTargets() + targets
    }

    /// Links that were written after the records whose fields they became.
    private func lateTargets() async throws -> [LoadTarget] {
        let targets = run.plan.transform.routes.filter(\.isLookup)
            .map { run.plan.loadTarget($0, source: run.source.name) }
        return try await run.staging.manifest.read { view in
            try targets.filter { try !view.chunks(of: $0.stream, kind: .ready).isEmpty }
        }
    }

    /// What the plan writes by itself: links before records, children before their parents.
    private var plannedTargets: [LoadTarget] {
        let spec = run.plan.transform
        let routes = spec.routes.filter { !$0.isLookup }
        let links = routes.filter { !$0.isDeferred } + routes.filter(\.isDeferred)
        return links.map { run.plan.loadTarget($0, source: run.source.name) }
            + spec.loadOrder.reversed().compactMap { spec.object($0) }
            .map { run.plan.loadTarget($0, source: run.source.name) }
    }

    /// Checks that the run can be undone, and notes that it is from now on.
    private func begin(isDryRun: Bool) async throws -> EditWindow {
        let (status, began, loaded) = try await run.staging.manifest.read { view in
            (try view.run(), try view.note(Self.beganNote), try view.note(LoadStage.endedNote))
        }
        guard [.running, .loaded, .verified, .confirmed].contains(status.phase) else {
            throw MigratezError(
                .wrongRunState,
                "run \(run.id) is \(status.phase.rawValue): "
                    + "what it wrote and what was there before can no longer be read",
                remedy: .fixConfiguration)
        }
        let now = run.clock.now
        let time: (String?) -> Timestamp? = { $0.flatMap { Int64($0) }.map { Timestamp(milliseconds: $0) } }
        if !isDryRun, began == nil {
            try await run.staging.manifest.commit { transaction in
                try transaction.setNote(Self.beganNote, String(now.milliseconds))
                try transaction.audit(actor: "migratez", action: "undo", detail: "begun")
            }
        }
        return EditWindow(loaded: time(loaded), undone: time(began) ?? now)
    }

    /// What was under way when the run was cut off may have arrived: it has to be known before it can be taken back.
    private func settleCutOff(_ targets: [LoadTarget]) async throws {
        let stage = LoadStage(
            destination: run.destination, staging: run.staging, clock: run.clock, progress: SilentProgress())
        for target in targets.reversed() { try await stage.settleCutOff(target) }
    }

    /// Finds the edited ones among the records that hold links of their own, before any of these links is taken out.
    private func surveyHolders(_ targets: [LoadTarget], _ window: EditWindow) async throws {
        let holders = Set(targets.compactMap(\.fieldOf))
        for target in targets where holders.contains(target.stream) && target.fieldOf == nil {
            var pass = StreamUndo(run, target, .survey, window, balance: try await balance(of: target))
            try await pass.pass()
        }
    }

    private func undo(_ target: LoadTarget, _ window: EditWindow, isDryRun: Bool) async throws -> UndoBalance {
        if isDryRun {
            var pass = StreamUndo(run, target, .look, window, balance: try await balance(of: target))
            try await pass.pass()
            return pass.balance
        }
        // A record that another one of the stream refers to goes after that one.
        var mode = StreamUndo.Mode.act
        while true {
            var pass = StreamUndo(run, target, mode, window, balance: try await balance(of: target))
            try await pass.pass()
            if pass.putOff == 0 { break }
            if pass.changed == 0 { mode = .finish }
        }
        var balance = try await balance(of: target)
        if target.fieldOf == nil {
            balance.left = try await run.destination.count(object: target.object, keyPrefix: target.keyPrefix)
        }
        return balance
    }

    private func balance(of target: LoadTarget) async throws -> UndoBalance {
        let stream = target.stream
        let (totals, counts) = try await run.staging.manifest.read { view in
            (try view.reconciliation().first { $0.stream.name == stream }, try view.undoCounts(of: stream))
        }
        var balance = UndoBalance(
            stream: stream, object: target.object, created: totals?[.created] ?? 0, updated: totals?[.updated] ?? 0)
        if target.isLate { (balance.created, balance.updated) = try await lateCounts(stream) }
        balance.outcomes = counts
        return balance
    }

    /// The balance of the stream counts the links that were written with their records, too.
    private func lateCounts(_ stream: StreamName) async throws -> (created: Int, updated: Int) {
        var (created, updated) = (0, 0)
        try await run.staging.forEachReadyBatch(
            of: stream, upTo: 1000, facts: { _ in },
            do: { lines, _ in
                let outcomes = try await run.staging.outcomes(of: stream, lines.map(\.ordinal)).values
                created += outcomes.count { $0.outcome == .created }
                updated += outcomes.count { $0.outcome == .updated }
            })
        return (created, updated)
    }
}

extension Run {
    /// Throws if the run was undone, or is being so: its records must not be written again under the same ids.
    func requireNotUndone() async throws {
        guard try await staging.manifest.read({ try $0.note(RunUndo.beganNote) }) != nil else { return }
        let hasEnded = try await staging.manifest.read { try $0.note(RunUndo.endedNote) } != nil
        throw MigratezError(
            .wrongRunState, hasEnded ? "run \(id) was undone" : "the undo of run \(id) has begun",
            remedy: .fixConfiguration,
            hint: hasEnded ? "begin a new run: migratez run \(plan.file)" : "finish it: migratez undo \(id)")
    }
}
