// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezLoad
import MigratezModel
import MigratezStaging
import MigratezTransform

/// Follows in the destination what was deleted, merged and unlinked in the source since the run before, as far as the
/// pipeline wants that.
///
/// After everything is loaded, so that what refers to a record has its new values. Links go first, then records,
/// children before their parents. A record that somebody changed since stays, unless the object's rule is that the
/// source's side stands; one that others refer to stays in any case. May be repeated: what has its outcome is left alone.
struct Removals {
    private let run: Run
    private let baseline: Baseline
    private static let surveyedNote = "delta.surveyed"
    private static let pageRemovals = 500

    init(_ run: Run, _ baseline: Baseline) {
        self.run = run
        self.baseline = baseline
    }

    private var objects: [ObjectSpec] { run.plan.transform.loadOrder.compactMap { run.plan.transform.object($0) } }
    private var routes: [LinkRoute] { run.plan.transform.routes.filter { !$0.isLookup } }

    /// - Throws: `gateBreached`, before anything is deleted, if more is gone than `delta.deletions` allows.
    func follow() async throws {
        try await survey()
        try await checkGate()
        for route in routes {
            let target = run.plan.loadTarget(route, source: run.source.name)
            try await follow(target, run.plan.delta.onDelete)
        }
        for object in objects.reversed() {
            try await follow(run.plan.loadTarget(object, source: run.source.name), object.onDelete)
        }
    }

    private func survey() async throws {
        guard try await run.staging.manifest.read({ try $0.note(Self.surveyedNote) }) == nil else { return }
        let survey = RemovalSurvey(run, baseline)
        for object in objects { try await survey.survey(object) }
        for route in routes { try await survey.survey(route) }
        try await run.staging.manifest.commit { transaction in
            try transaction.setNote(Self.surveyedNote, String(transaction.now.milliseconds))
        }
    }

    /// A source that shows only a part of its records must not empty the destination.
    private func checkGate() async throws {
        let counts = try await run.staging.manifest.read { try $0.removalCounts() }
        let rules =
            objects.map { ($0.stream, $0.onDelete) } + routes.map { ($0.stream, run.plan.delta.onDelete) }
        for (stream, rule) in rules where rule == .delete {
            let gone = counts.filter { $0.stream == stream }.reduce(0) { $0 + $1.count }
            let all = try baseline.count(of: stream)
            guard gone > 0, Double(gone) > run.plan.delta.deletedShareMax * Double(all) else { continue }
            throw MigratezError(
                .gateBreached,
                "\(gone) of the \(all) records of '\(stream)' that earlier runs brought are gone from the source, "
                    + "more than delta.deletions allows; none was deleted",
                remedy: .stop,
                hint: "look at the source; if it is right, raise delta.deletions and begin a new run, "
                    + "or write 'on_delete: keep'")
        }
    }

    private func follow(_ target: LoadTarget, _ rule: DeletionRule) async throws {
        let stream = target.stream
        let fields = try baseline.fields(of: stream)
        var last: String?
        while true {
            try Task.checkCancellation()
            let from = last
            let page = try await run.staging.manifest.read {
                try $0.removals(of: stream, after: from, limit: Self.pageRemovals)
            }
            guard let end = page.last else { return }
            last = end.key
            let open = page.filter { $0.outcome == nil }
            guard !open.isEmpty else { continue }
            let outcomes =
                rule == .keep
                ? Dictionary(uniqueKeysWithValues: open.map { ($0.key, Removal.Outcome.kept) })
                : try await remove(open, target, fields)
            let settled = open.map { removal in
                var removal = removal
                removal.outcome = outcomes[removal.key]
                return removal
            }
            try await run.staging.manifest.commit { try $0.record(settled, of: stream) }
        }
    }

    /// Takes records or links out of the destination; the outcome of each, by key.
    private func remove(
        _ removals: [Removal], _ target: LoadTarget, _ fields: [String]
    ) async throws -> [String: Removal.Outcome] {
        let destination = run.destination
        let entries = try baseline.entries(of: target.stream, keys: removals.map(\.key))
        let held = try await destination.records(
            of: target.object, ids: removals.map(\.targetID), fields: fields)
        let keepsEdited = target.conflictRules.byDefault != .source
        let changes =
            keepsEdited
            ? try await destination.lastChanges(object: target.object, ids: held.keys.sorted()) : [:]
        var outcomes: [String: Removal.Outcome] = [:]
        var free: [Removal] = []
        for removal in removals {
            guard let found = held[removal.targetID], let entry = entries[removal.key] else {
                outcomes[removal.key] = .gone
                continue
            }
            let isEdited =
                keepsEdited
                && (changes[removal.targetID]?.isOurs == false || holdsOtherValues(found, than: entry, fields))
            if isEdited { outcomes[removal.key] = .edited } else { free.append(removal) }
        }
        guard !free.isEmpty else { return outcomes }
        if target.fieldOf != nil {
            try await clear(free, target, fields, held)
            for removal in free { outcomes[removal.key] = .deleted }
            return outcomes
        }
        let referred =
            target.isLink
            ? [:] : try await destination.referrers(object: target.object, ids: free.map(\.targetID))
        for removal in free where referred[removal.targetID] != nil { outcomes[removal.key] = .needed }
        let ids = free.map(\.targetID).filter { referred[$0] == nil }
        let results = Dictionary(
            try await destination.delete(object: target.object, ids: ids).map { ($0.id, $0.result) }
        ) { first, _ in first }
        for removal in free where outcomes[removal.key] == nil {
            switch results[removal.targetID] {
            case .deleted?: outcomes[removal.key] = .deleted
            // It was there a moment ago: it went with another one, or an answer got lost.
            case .absent?: outcomes[removal.key] = .deleted
            case .refused?: outcomes[removal.key] = .refused
            case nil:
                throw MigratezError(.internalError, "\(destination.name) gave no answer to the deletion of a record")
            }
        }
        return outcomes
    }

    /// Whether a field that we gave a value holds something else now. One that we left empty may have a value of the
    /// destination's own making.
    private func holdsOtherValues(_ found: ReadBack, than entry: Baseline.Entry, _ fields: [String]) -> Bool {
        let delta = LoadDelta(baseline)
        let values = found.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        return fields.enumerated().contains { place, name in
            ![.theirs, .blank].contains(entry[place]) && delta.fingerprint(values[name]) != entry[place]
        }
    }

    /// Empties the fields that held links.
    private func clear(
        _ removals: [Removal], _ target: LoadTarget, _ fields: [String], _ held: [String: ReadBack]
    ) async throws {
        let blank = JSONValue.object(fields.map { JSONValue.Member($0, .null) }).serialized()
        let rows = removals.map { removal in
            let key = held[removal.targetID]?.key
            return Batch.Row(
                key: key ?? "\(target.keyPrefix)\(removal.targetID)", fields: blank, targetID: removal.targetID,
                keepsKey: key != nil)
        }
        let route = run.destination.route(for: target.object, expectedRows: 1)
        for start in stride(from: 0, to: rows.count, by: route.recordsMax) {
            let part = Array(rows[start..<min(start + route.recordsMax, rows.count)])
            let receipts = try await run.destination.write(
                Batch(object: target.object, rows: part), by: route, intent: UnnotedIntent())
            for case .rejected(let rejection) in receipts.map(\.result) {
                throw MigratezError(
                    rejection.code, "\(run.destination.name) keeps a link of '\(target.stream)' that is gone")
            }
        }
    }
}
