// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezStaging

/// A ready line on its way to the destination.
struct LoadRow: Sendable {
    /// Its number in the chunk, from 0.
    var line: Int
    var record: ReadyLine
    var row: Batch.Row
    /// The links that this row makes true, by their stream.
    var links: [(stream: StreamName, edge: Int)] = []
    /// The links that lead to a record which was not loaded.
    var lostLinks: [(stream: StreamName, edge: Int, isRejected: Bool)] = []

    /// How much memory it takes, roughly.
    var bytes: Int { row.fields.count + 160 + row.references.count * 96 }
}

/// Resolves the references of ready lines to ids of the destination.
struct RowAssembly: Sendable {
    let staging: StagingArea
    let target: LoadTarget

    /// What becomes of a line before it is sent.
    enum Assembled: Sendable {
        case row(LoadRow)
        /// A record that it cannot do without was not loaded.
        case rejected(LoadRow, Rejection)
        case skipped(LoadRow, ErrorCode)
    }

    /// The rows of some lines, in their order.
    func assemble(_ lines: [(number: Int, record: ReadyLine)]) async throws -> [Assembled] {
        let parents = try await parents(of: lines.map(\.record))
        return lines.map { assemble($0.number, $0.record, parents) }
    }

    private func assemble(
        _ number: Int, _ record: ReadyLine, _ parents: [StreamName: [Int: RecordOutcome]]
    ) -> Assembled {
        var references: [Batch.Reference] = []
        var links: [(StreamName, Int)] = []
        var lost: [(StreamName, Int, Bool)] = []
        var verdict: String?
        var lostFields: [String] = []
        for reference in record.references {
            let parent = target.parents[reference.stream]
            guard let outcome = parents[reference.stream]?[reference.ordinal], let id = outcome.targetID, let parent
            else {
                let isRejected = reference.onMissing == "quarantine"
                if let link = reference.link, let edge = reference.edge { lost.append((link, edge, isRejected)) }
                // A link cannot be made with one end; a record can, if the pipeline says so.
                if target.isLink || reference.onMissing != "empty" {
                    verdict = isRejected || verdict == "quarantine" ? "quarantine" : "skip"
                    lostFields.append(reference.field)
                }
                continue
            }
            references.append(
                Batch.Reference(
                    field: reference.field, object: parent.object, key: parent.keyPrefix + (outcome.sourceID ?? ""),
                    targetID: id))
            if let link = reference.link, let edge = reference.edge { links.append((link, edge)) }
        }
        let row = LoadRow(
            line: number, record: record,
            row: Batch.Row(
                key: key(record, references), fields: record.fields, references: references),
            links: links, lostLinks: lost)
        switch verdict {
        case nil: return .row(row)
        case "quarantine": return .rejected(row, Rejection(.parentNotLoaded, fields: lostFields))
        default: return .skipped(row, .parentNotLoaded)
        }
    }

    /// The row's key: made of the source's id, or for a link of the ids of its ends.
    private func key(_ record: ReadyLine, _ references: [Batch.Reference]) -> String {
        guard target.isLink else { return target.keyPrefix + record.sourceID }
        let ends = references.map { reference in
            let prefix = target.parents.values.first {
                $0.object == reference.object && reference.key.hasPrefix($0.keyPrefix)
            }?.keyPrefix
            return String(reference.key.dropFirst(prefix?.count ?? 0))
        }
        return target.keyPrefix + (ends + [record.tag].compactMap { $0 }).joined(separator: "-")
    }

    /// The outcomes of all records that are referred to.
    private func parents(of records: [ReadyLine]) async throws -> [StreamName: [Int: RecordOutcome]] {
        var wanted: [StreamName: Set<Int>] = [:]
        for record in records {
            for reference in record.references { wanted[reference.stream, default: []].insert(reference.ordinal) }
        }
        var found: [StreamName: [Int: RecordOutcome]] = [:]
        for (stream, ordinals) in wanted {
            let sorted = ordinals.sorted()
            let outcomes = try await staging.manifest.read { try $0.outcomes(of: stream, ordinals: sorted) }
            found[stream] = Dictionary(outcomes.map { ($0.ordinal, $0) }) { first, _ in first }
        }
        return found
    }
}
