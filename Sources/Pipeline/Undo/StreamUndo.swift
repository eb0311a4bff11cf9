// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
import MigratezLoad
import MigratezModel
import MigratezStaging

/// Takes back what a run did to the records of one stream.
///
/// The ready chunks say what was written and the before chunks what was there. A change is noted as `sent` before it is
/// sent and gets its outcome after, so that after a kill at any moment the same pass goes on: what was sent is looked
/// up, what has an outcome is left alone.
struct StreamUndo {
    enum Mode {
        /// Changes nothing and notes nothing.
        case look
        /// Notes what was edited and what is gone, and changes nothing.
        case survey
        case act
        /// The last pass: what others still refer to stays.
        case finish
    }

    let run: Run
    let target: LoadTarget
    let mode: Mode
    let window: EditWindow
    /// What the pass found, and did; in `look` mode what would be done.
    var balance: UndoBalance
    /// Records that were deleted or restored in this pass.
    private(set) var changed = 0
    /// Records that others refer to for now; these may go themselves.
    private(set) var putOff = 0

    init(_ run: Run, _ target: LoadTarget, _ mode: Mode, _ window: EditWindow, balance: UndoBalance) {
        self.run = run
        self.target = target
        self.mode = mode
        self.window = window
        self.balance = balance
    }

    /// One pass over all that the stream wrote.
    mutating func pass() async throws {
        try await run.staging.forEachReadyBatch(
            of: target.stream, upTo: batchSize, facts: { try await images(readySequence: $0.address.sequence) },
            do: { try await handle($0, $1) })
    }

    /// What both reading and the way of writing few rows take at once.
    private var batchSize: Int { min(run.destination.readBatchSize, route.recordsMax) }

    private var route: WriteRoute { run.destination.route(for: target.object, expectedRows: 1) }

    private mutating func handle(_ lines: [ReadyLine], _ images: [Int: UndoEntry.Before]) async throws {
        try Task.checkCancellation()
        var entries = try await entries(lines, images)
        guard !entries.isEmpty else { return }
        var ends: [Int: UndoOutcome] = [:]
        if target.fieldOf != nil { entries = try await withoutEditedHolders(entries, &ends) }
        let names = Set(entries.flatMap(\.fieldNames)).sorted()
        let found = try await run.destination.read(
            object: target.object, ids: entries.map(\.targetID), fields: names)
        let current = Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
        let changes = try await lastChanges(entries)
        var created: [UndoEntry] = []
        var restored: [(entry: UndoEntry, key: String?, fields: [JSONValue.Member])] = []
        for entry in entries {
            guard let held = current[entry.targetID] else {
                ends[entry.line.ordinal] = entry.wasSent && entry.loaded == .created ? .deleted : .gone
                continue
            }
            let values = held.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
            if !entry.isUntouched(values) || changes[entry.targetID].map(window.isEdit) == true {
                ends[entry.line.ordinal] = .edited
            } else if entry.loaded == .created, target.fieldOf == nil {
                created.append(entry)
            } else {
                restored.append((entry, held.key, entry.restoration(values)))
            }
        }
        try await end(entries, &ends)
        try await delete(created)
        try await restore(restored)
    }

    /// The lines that the run wrote and that have no end yet.
    private func entries(_ lines: [ReadyLine], _ images: [Int: UndoEntry.Before]) async throws -> [UndoEntry] {
        let stream = target.stream
        let ordinals = lines.map(\.ordinal).sorted()
        let (outcomes, ends) = try await run.staging.manifest.read { view in
            (try view.outcomes(of: stream, ordinals: ordinals), try view.undoOutcomes(of: stream, ordinals: ordinals))
        }
        let byOrdinal = Dictionary(outcomes.map { ($0.ordinal, $0) }) { first, _ in first }
        let open = lines.filter { line in
            guard let outcome = byOrdinal[line.ordinal]?.outcome, outcome == .created || outcome == .updated else {
                return false
            }
            return [nil, .sent].contains(ends[line.ordinal])
        }
        let parents = try await run.staging.parents(of: open)
        let undoneLinks = try await undoneLinks(of: open)
        return open.compactMap { line in
            guard let outcome = byOrdinal[line.ordinal], let id = outcome.targetID,
                var written = WrittenLine(line, id: id, parents)?.fields
            else { return nil }
            written.removeAll { undoneLinks[line.ordinal]?.contains($0.key) == true }
            var entry = UndoEntry(
                line: line, loaded: outcome.outcome, targetID: id, written: written, before: images[line.ordinal],
                wasSent: ends[line.ordinal] == .sent)
            if target.fieldOf != nil {
                entry.holder = line.references.first { $0.field.isEmpty }?.ordinal
                // The field of a record that the run itself made was empty.
                let blank = JSONValue.object(written.map { .init($0.key, .null) })
                entry.before = entry.before ?? UndoEntry.Before(origin: .ours, fields: blank)
            } else if outcome.outcome == .updated, entry.before == nil {
                // It was there as it is, so that nothing was changed.
                entry.before = UndoEntry.Before(origin: .ours, fields: .object([]))
            }
            return entry
        }
    }

    /// The fields of records, by ordinal, that links wrote which came later and have been undone already.
    private func undoneLinks(of lines: [ReadyLine]) async throws -> [Int: Set<String>] {
        var places: [StreamName: [Int: (ordinal: Int, field: String)]] = [:]
        for line in lines {
            for reference in line.references {
                guard let link = reference.link, let edge = reference.edge else { continue }
                places[link, default: [:]][edge] = (line.ordinal, reference.field)
            }
        }
        var fields: [Int: Set<String>] = [:]
        for (link, places) in places {
            let edges = places.keys.sorted()
            let undone = try await run.staging.manifest.read { try $0.undoOutcomes(of: link, ordinals: edges) }
            for edge in undone.keys {
                guard let place = places[edge] else { continue }
                fields[place.ordinal, default: []].insert(place.field)
            }
        }
        return fields
    }

    /// What was there before the rows of one ready chunk were written, by ordinal.
    private func images(readySequence: Int) async throws -> [Int: UndoEntry.Before] {
        try await run.staging.images(of: target.stream, readySequence: readySequence).mapValues { image in
            UndoEntry.Before(
                origin: image.place.origin,
                fields: image.line.fields.withUnsafeBufferPointer { JSONValue(validated: $0) })
        }
    }

    /// Links stay where the record that holds them stays because somebody edited it.
    private func withoutEditedHolders(
        _ entries: [UndoEntry], _ ends: inout [Int: UndoOutcome]
    ) async throws -> [UndoEntry] {
        guard mode != .look, let stream = target.fieldOf else { return entries }
        let holders = Set(entries.compactMap(\.holder)).sorted()
        let known = try await run.staging.manifest.read { try $0.undoOutcomes(of: stream, ordinals: holders) }
        for entry in entries where entry.holder.flatMap({ known[$0] }) == .edited { ends[entry.line.ordinal] = .edited }
        return entries.filter { ends[$0.line.ordinal] == nil }
    }

    /// Only a record that would be deleted is kept for a change of fields that the run did not write.
    private func lastChanges(_ entries: [UndoEntry]) async throws -> [String: LastChange] {
        let ids = entries.filter { $0.loaded == .created && target.fieldOf == nil }.map(\.targetID)
        return ids.isEmpty ? [:] : try await run.destination.lastChanges(object: target.object, ids: ids)
    }

    /// Notes the ends of records that are not changed.
    private mutating func end(_ entries: [UndoEntry], _ ends: inout [Int: UndoOutcome]) async throws {
        if mode == .look {
            for entry in entries {
                if let outcome = ends[entry.line.ordinal] { balance.add(outcome, loadedAs: entry.loaded) }
            }
        }
        try await note(ends)
        ends.removeAll()
    }

    // MARK: Changing

    private mutating func delete(_ entries: [UndoEntry]) async throws {
        guard !entries.isEmpty else { return }
        if mode == .look { return count(.deleted, entries) }
        guard mode == .act || mode == .finish else { return }
        let referred = try await run.destination.referrers(object: target.object, ids: entries.map(\.targetID))
        let kept = entries.filter { referred[$0.targetID] != nil }
        let free = entries.filter { referred[$0.targetID] == nil }
        if mode == .finish {
            try await note(Dictionary(uniqueKeysWithValues: kept.map { ($0.line.ordinal, .needed) }))
        } else {
            putOff += kept.count
        }
        guard !free.isEmpty else { return }
        try await note(Dictionary(uniqueKeysWithValues: free.map { ($0.line.ordinal, .sent) }))
        let deletions = try await run.destination.delete(object: target.object, ids: free.map(\.targetID))
        let results = Dictionary(deletions.map { ($0.id, $0.result) }) { first, _ in first }
        var ends: [Int: UndoOutcome] = [:]
        for entry in free {
            switch results[entry.targetID] {
            // It was there a moment ago: an answer got lost, and the call was repeated.
            case .deleted?, .absent?: ends[entry.line.ordinal] = .deleted
            case .refused?: ends[entry.line.ordinal] = .refused
            case nil:
                throw MigratezError(
                    .internalError, "\(run.destination.name) gave no answer to the deletion of a record")
            }
        }
        changed += ends.values.count { $0 == .deleted }
        try await note(ends)
    }

    private mutating func restore(
        _ entries: [(entry: UndoEntry, key: String?, fields: [JSONValue.Member])]
    ) async throws {
        guard !entries.isEmpty else { return }
        if mode == .look { return count(.restored, entries.map(\.entry)) }
        guard mode == .act || mode == .finish else { return }
        var rows: [Batch.Row] = []
        var ordinals: [String: Int] = [:]
        var ends: [Int: UndoOutcome] = [:]
        for (entry, key, fields) in entries {
            let keepsKey = entry.before?.origin == .ours
            guard !fields.isEmpty || (!keepsKey && key != nil) else {
                ends[entry.line.ordinal] = .restored
                continue
            }
            let name = key ?? "\(target.keyPrefix)\(entry.line.ordinal)"
            ordinals[name] = entry.line.ordinal
            rows.append(
                Batch.Row(
                    key: name, fields: JSONValue.object(fields).serialized(), targetID: entry.targetID,
                    keepsKey: keepsKey && key != nil))
        }
        try await note(ends)
        guard !rows.isEmpty else { return }
        try await note(Dictionary(uniqueKeysWithValues: ordinals.values.map { ($0, .sent) }))
        let receipts = try await run.destination.write(
            Batch(object: target.object, rows: rows),
            by: route, intent: UnnotedIntent())
        var written: [Int: UndoOutcome] = [:]
        for receipt in receipts {
            guard let ordinal = ordinals[receipt.key] else { continue }
            if case .rejected = receipt.result { written[ordinal] = .refused } else { written[ordinal] = .restored }
        }
        for ordinal in try await overwrittenContents(ordinals.values.sorted()) { written[ordinal] = .refused }
        changed += written.values.count { $0 == .restored }
        try await note(written)
    }

    /// The records that were there before and whose content the run replaced: the one before is not kept.
    private func overwrittenContents(_ ordinals: [Int]) async throws -> [Int] {
        guard target.content != nil else { return [] }
        let stream = target.stream
        return try await run.staging.manifest.read { try $0.contents(of: stream, ordinals: ordinals) }
            .filter { $0.state == .whole }.map(\.ordinal)
    }

    private mutating func count(_ outcome: UndoOutcome, _ entries: [UndoEntry]) {
        for entry in entries { balance.add(outcome, loadedAs: entry.loaded) }
    }

    private func note(_ ends: [Int: UndoOutcome]) async throws {
        guard mode != .look, !ends.isEmpty else { return }
        let stream = target.stream
        try await run.staging.manifest.commit { try $0.recordUndo(ends, of: stream) }
    }
}
