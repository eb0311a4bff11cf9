// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezStaging

/// Resolves the references of ready lines to ids of the destination.
struct RowAssembly: Sendable {
    let staging: StagingArea
    let target: LoadTarget

    /// What becomes of a line before it is sent.
    enum Assembled: Sendable {
        case row(LoadRow)
        /// A record that it cannot do without was not loaded.
        case rejected(LoadRow, Rejection)
        /// `nil`: the pipeline leaves the destination's record as it is.
        case skipped(LoadRow, ErrorCode?)

        var row: LoadRow {
            switch self {
            case .row(let row), .rejected(let row, _), .skipped(let row, _): row
            }
        }
    }

    /// The rows of some lines with their keys and references, in their order.
    func assemble(_ rows: consuming [LoadRow]) async throws -> [Assembled] {
        let parents = try await parents(of: rows)
        return rows.map { assemble($0, parents) }
    }

    /// The key of a record's row; empty for a link, whose ends decide it.
    func key(of record: ReadyLine) -> String {
        target.isLink || target.fieldOf != nil ? "" : target.keyPrefix + record.sourceID
    }

    private func assemble(_ row: LoadRow, _ parents: [StreamName: ParentOutcomes]) -> Assembled {
        // Most records refer to nothing: their rows have all that they need, and are not copied.
        if row.record.references.isEmpty, !row.row.key.isEmpty { return .row(row) }
        var row = row
        let record = row.record
        // The source's ids of what a link leads to.
        var ends: [String] = []
        var verdict: Verdict?
        for reference in record.references {
            guard let parent = target.parents[reference.stream],
                let outcome = parents[reference.stream]?[reference.ordinal], let id = outcome.targetID
            else {
                let isRejected = reference.onMissing == "quarantine"
                row.carry(reference, .lost(isRejected: isRejected))
                // A link cannot be made with one end; a record can, if the pipeline says so.
                if target.isLink || reference.onMissing != "empty" {
                    verdict = Verdict(verdict, field: reference.field, isRejected: isRejected)
                }
                continue
            }
            let sourceID = outcome.sourceID ?? ""
            let key = parent.keyPrefix + sourceID
            if reference.isHolder {
                row.row.targetID = id
                row.row.key = key
                row.holder = reference.ordinal
                row.isSurelyNew = outcome.outcome == .created
                // A rule of `against_target` says that nothing of this record is to be changed. (One that was left alone
                // because nothing of it had changed has a code.)
                if outcome.outcome == .skipped, outcome.code == nil, verdict == nil { verdict = .leave }
                continue
            }
            if target.isLink, target.fieldOf == nil, outcome.outcome == .created { row.isSurelyNew = true }
            if target.isLink { ends.append(sourceID) }
            row.row.references.append(
                Batch.Reference(field: reference.field, object: parent.object, key: key, targetID: id))
            row.carry(reference, .made)
        }
        if target.isLink, target.fieldOf == nil { row.row.key = key(record, ends) }
        switch verdict {
        case nil: return .row(row)
        case .leave?: return .skipped(row, nil)
        case .skip?: return .skipped(row, .parentNotLoaded)
        case .reject(let fields)?: return .rejected(row, Rejection(.parentNotLoaded, fields: fields))
        }
    }

    /// Why a line is not sent.
    private enum Verdict {
        case leave
        case skip
        case reject(fields: [String])

        /// The verdict after one more reference that leads nowhere.
        init(_ verdict: Verdict?, field: String, isRejected: Bool) {
            let named = field.isEmpty ? [] : [field]
            switch verdict {
            case .reject(let fields)?: self = .reject(fields: fields + named)
            case nil, .leave?, .skip?: self = isRejected ? .reject(fields: named) : .skip
            }
        }
    }

    /// A link's key: made of the ids of its ends.
    private func key(_ record: ReadyLine, _ ends: [String]) -> String {
        target.keyPrefix + (ends + [record.tag].compactMap { $0 }).joined(separator: "-")
    }

    /// The outcomes of all records that are referred to.
    private func parents(of rows: [LoadRow]) async throws -> [StreamName: ParentOutcomes] {
        var wanted: [StreamName: [Int]] = [:]
        for row in rows {
            for reference in row.record.references { wanted[reference.stream, default: []].append(reference.ordinal) }
        }
        var found: [StreamName: ParentOutcomes] = [:]
        for (stream, ordinals) in wanted {
            let sorted = ordinals.sorted()
            found[stream] = ParentOutcomes(
                try await staging.manifest.read { try $0.outcomes(of: stream, ordinals: sorted) })
        }
        return found
    }
}

/// The outcomes of some records of one stream.
private struct ParentOutcomes {
    /// In the order of their ordinals.
    private let outcomes: [RecordOutcome]

    init(_ outcomes: [RecordOutcome]) { self.outcomes = outcomes }

    subscript(ordinal: Int) -> RecordOutcome? {
        var (low, high) = (0, outcomes.count)
        while low < high {
            let middle = (low + high) / 2
            if outcomes[middle].ordinal < ordinal { low = middle + 1 } else { high = middle }
        }
        return low < outcomes.count && outcomes[low].ordinal == ordinal ? outcomes[low] : nil
    }
}

extension ReadyLine.Reference {
    /// Whether it names the record that a link becomes a field of, rather than what the field will hold.
    fileprivate var isHolder: Bool { field.isEmpty }
}

extension LoadRow {
    /// Notes what becomes of the link that the reference came from, if it came from one.
    fileprivate mutating func carry(_ reference: ReadyLine.Reference, _ fate: CarriedLink.Fate) {
        guard let stream = reference.link, let edge = reference.edge else { return }
        links.append(CarriedLink(stream: stream, edge: edge, field: reference.field, fate: fate))
    }
}
