// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
package import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezStaging

/// Compares rows on three sides, field by field: what the source wants now, what it wanted at the time of the run
/// before, and what the destination holds.
///
/// | source since then | destination since then | |
/// |---|---|---|
/// | as it was | whatever | the field is left alone |
/// | changed | as it was | the source's value is written |
/// | changed | changed, to the same value | the field is left alone |
/// | changed | changed, to another value | the field's `ConflictRule` decides |
///
/// A record that does not differ from the run before is not even looked up.
struct DeltaComparison: Sendable {
    let delta: LoadDelta
    let destination: any Destination
    let staging: StagingArea
    let target: LoadTarget

    /// What is to become of rows.
    struct Result: Sendable {
        /// No earlier run has brought them.
        var new: [LoadRow] = []
        /// To be written, with what the destination holds now.
        var changed: [LoadRow] = []
        var skipped: [(row: LoadRow, code: ErrorCode?, targetID: String?)] = []
        /// Written by an attempt of this run that was cut off before it noted so.
        var arrived: [LoadRow] = []
        var refusals: [BatchWrite.Refusal] = []
        fileprivate var conflicts: [FieldConflict] = []
    }

    /// Sorts the rows of a batch; notes what of the baseline was seen, and what was decided.
    func sort(_ rows: [LoadRow]) async throws -> Result {
        var result = Result()
        let changed = try join(rows, &result)
        try await decide(changed, &result)
        let (conflicts, stream) = (result.conflicts, target.stream)
        if !conflicts.isEmpty { try await staging.manifest.commit { try $0.record(conflicts, of: stream) } }
        return result
    }

    // MARK: Source

    /// Finds the entries of the rows; those that did not change are done.
    private func join(_ rows: [LoadRow], _ result: inout Result) throws -> [DeltaRow] {
        let fields = try delta.baseline.fields(of: target.stream)
        let keys = rows.map(key)
        let known = try delta.baseline.entries(
            of: target.stream, keys: (keys + rows.flatMap(\.record.provenance.formerIDs)).sorted())
        var marks: [(key: String, mark: Baseline.Mark)] = []
        var changed: [DeltaRow] = []
        for (row, key) in zip(rows, keys) {
            let former = row.record.provenance.formerIDs.compactMap { known[$0] }
            // Without an entry of its own it takes over that of the first record that it stands for.
            guard let entry = known[key] ?? former.first else {
                result.new.append(row)
                continue
            }
            marks.append((entry.key, .seen))
            marks += former.filter { $0.key != entry.key }.map { ($0.key, .merged) }
            let isAdopted = entry.key != key
            let compared = DeltaRow(
                row, entry, fields: fields, contentField: target.content?.field, isAdopted: isAdopted, delta.fingerprint
            )
            if compared.changes.isEmpty, !isAdopted {
                result.skipped.append((row, .unchanged, entry.targetID))
            } else {
                changed.append(compared)
            }
        }
        // Durable before any outcome of these rows is: what is not marked in the end is gone from the source.
        try delta.baseline.mark(marks, of: target.stream)
        return changed
    }

    private func key(of row: LoadRow) -> String {
        guard target.isLink else { return row.record.sourceID }
        if target.fieldOf != nil { return row.row.targetID ?? "" }
        return LoadDelta.key(ends: row.row.references.map(\.targetID), tag: row.record.tag)
    }

    // MARK: Destination

    private func decide(_ rows: [DeltaRow], _ result: inout Result) async throws {
        guard !rows.isEmpty else { return }
        let held = try await read(rows)
        let stream = target.stream
        let ordinals = rows.map(\.row.record.ordinal).sorted()
        let imaged = Set(
            try await staging.manifest.read { try $0.images(of: stream, ordinals: ordinals) }.map(\.ordinal))
        var decided: [(row: DeltaRow, image: BeforeImage, conflicts: [String])] = []
        for var row in rows {
            guard let values = held[row.entry.targetID] else {
                gone(row, &result)
                continue
            }
            let image = BeforeImage(id: row.entry.targetID, origin: .ours, fields: values.fields)
            let tree = image.values
            let content = row.changesContent ? row.row.row.content : nil
            let contentField = content.flatMap { _ in target.content?.field }
            if imaged.contains(row.row.record.ordinal), !row.isAdopted || values.key == row.row.row.key,
                row.changes.allSatisfy({ name, change in
                    name == contentField || delta.fingerprint(tree[name]) == change.wantedPrint
                }), try await isHeld(content, by: row.entry.targetID)
            {
                result.arrived.append(row.written(over: image))
                continue
            }
            var conflicts: [String] = []
            // What the destination holds as content is not held against the rules: the source's stands.
            for (name, change) in row.changes where name != contentField {
                let there = delta.fingerprint(tree[name])
                if there == change.wantedPrint {
                    row.changes[name]?.decision = .leave
                } else if change.earlierPrint == .theirs {
                    if there != .blank { row.changes[name]?.decision = .leave }
                } else if there != change.earlierPrint {
                    conflicts.append(name)
                }
            }
            decided.append((row, image, conflicts.sorted()))
        }
        let changes = try await lastChanges(
            decided.filter { entry in
                entry.conflicts.contains { target.conflictRules[$0] == .newest }
            }.map(\.row.entry.targetID))
        for (row, image, conflicts) in decided {
            settle(row, image, conflicts, changes[row.entry.targetID], &result)
        }
    }

    private func settle(
        _ row: DeltaRow, _ image: BeforeImage, _ conflicts: [String], _ change: LastChange?, _ result: inout Result
    ) {
        var row = row
        var open: [String] = []
        var isKept = false
        for name in conflicts {
            let decision = decision(on: name, row, change)
            result.conflicts.append(
                FieldConflict(ordinal: row.row.record.ordinal, field: name, decision: decision))
            switch decision {
            case .source: continue
            case .target:
                row.changes[name]?.decision = .leave
                isKept = true
            case .quarantine: open.append(name)
            }
        }
        guard open.isEmpty else {
            result.refusals.append(.init(row: row.row, rejection: Rejection(.changedOnBothSides, fields: open)))
            return
        }
        guard row.isAdopted || row.changes.contains(where: { $0.value.decision == .write }) else {
            result.skipped.append((row.row, isKept ? .changedThere : .unchanged, row.entry.targetID))
            return
        }
        result.changed.append(row.written(over: image))
    }

    private func decision(on field: String, _ row: DeltaRow, _ change: LastChange?) -> FieldConflict.Decision {
        switch target.conflictRules[field] {
        case .source: return .source
        case .target: return .target
        case .quarantine: return .quarantine
        case .newest:
            guard let change, let modified = row.row.record.provenance.modified else { return .source }
            return change.at > modified ? .target : .source
        }
    }

    /// Somebody deleted the record in the destination, and the source changed it.
    private func gone(_ row: DeltaRow, _ result: inout Result) {
        switch target.conflictRules.byDefault {
        case .source, .newest:
            guard row.row.staged?.state == .unchanged else { return result.new.append(row.row) }
            // It would be made anew without its content, which was not read.
            let reason = "the destination has it no more, and its content was not read again"
            result.refusals.append(
                .init(
                    row: row.row,
                    rejection: Rejection(.contentUnavailable, remedy: .retry(after: nil), reason: reason)))
        case .target: result.skipped.append((row.row, .changedThere, nil))
        case .quarantine:
            result.refusals.append(.init(row: row.row, rejection: Rejection(.changedOnBothSides)))
        }
    }

    /// What the destination holds in the fields that changed, by the record's id there.
    private func read(_ rows: [DeltaRow]) async throws -> [String: ReadBack] {
        try await destination.records(
            of: target.object, ids: rows.map(\.entry.targetID),
            fields: Set(rows.flatMap(\.changes.keys)).subtracting([target.content?.field].compactMap(\.self)).sorted())
    }

    /// Whether an attempt that was cut off has brought the content.
    private func isHeld(_ content: RowContent?, by id: String) async throws -> Bool {
        guard let content else { return true }
        return try await HeldContent.agrees(content, target.object, id, at: destination)
    }

    private func lastChanges(_ ids: [String]) async throws -> [String: LastChange] {
        ids.isEmpty ? [:] : try await destination.lastChanges(object: target.object, ids: ids)
    }
}

extension Destination {
    /// The records by their ids, read in as many calls as it takes; what does not exist is absent.
    package func records(of object: String, ids: [String], fields: [String]) async throws -> [String: ReadBack] {
        var records: [String: ReadBack] = [:]
        for start in stride(from: 0, to: ids.count, by: readBatchSize) {
            let part = Array(ids[start..<min(start + readBatchSize, ids.count)])
            for found in try await read(object: object, ids: part, fields: fields) { records[found.id] = found }
        }
        return records
    }
}
