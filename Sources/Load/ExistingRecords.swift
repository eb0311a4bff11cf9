// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezModel
import MigratezStaging

/// Finds the records that rows will change, and what they hold now.
struct ExistingRecords: Sendable {
    let destination: any Destination
    let staging: StagingArea
    let target: LoadTarget
    let route: WriteRoute
    let census: Census

    /// What the look-up made of some rows.
    struct Result: Sendable {
        /// To be written; those that change an existing record have its id and its values.
        var rows: [LoadRow] = []
        /// Stay as the destination has them, with the id found.
        var skipped: [(row: LoadRow, id: String?)] = []
    }

    /// Looks up the rows, by our key and then by the rules of `against_target`.
    ///
    /// - Parameter known: the lines that were sent before and had no record then.
    func find(_ rows: [LoadRow], knownAsNew known: Set<Int>) async throws -> Result {
        if target.fieldOf != nil { return try await holders(rows) }
        let doubtful = rows.filter { needsLookUp($0) && !known.contains($0.line) }
        if doubtful.isEmpty, target.matches.isEmpty { return Result(rows: rows) }
        let held = try await ours(doubtful)
        let matched = try await TargetMatching(destination: destination, target: target)
            .match(rows.filter { held[$0.line] == nil })
        return Result(
            rows: (Array(held.values) + matched.rows).sorted { $0.line < $1.line },
            skipped: matched.skipped.map { ($0.row, $0.id) })
    }

    /// The rows without a record that carries their key, as far as they were looked up; the others with its id.
    func identified(_ rows: [LoadRow]) async throws -> [LoadRow] {
        let ids = try await destination.held(Batch(object: target.object, rows: rows.map(\.row)), by: route)
        return rows.map { row in
            var row = row
            row.row.targetID = ids[row.row.key]
            return row
        }
    }

    /// A link to a record that this run made cannot have been there before.
    private func needsLookUp(_ row: LoadRow) -> Bool {
        switch census {
        case .none: false
        case .some, .disturbed: true
        case .unknown: !row.isSurelyNew
        }
    }

    /// The rows whose record carries our key already, by line.
    private func ours(_ rows: [LoadRow]) async throws -> [Int: LoadRow] {
        let found = try await identified(rows).filter { $0.row.targetID != nil }
        if census == .unknown {
            // Links of which the destination keeps one by itself; it tells that it has it when it is sent.
            let present = found.map { row in
                var row = row
                (row.row.targetID, row.isPresent) = (nil, true)
                return row
            }
            return Dictionary(uniqueKeysWithValues: present.map { ($0.line, $0) })
        }
        let values = try await read(found)
        var held: [Int: LoadRow] = [:]
        for var row in found {
            // One that has vanished since is made anew.
            guard let id = row.row.targetID, let fields = values[id] else { continue }
            row.before = BeforeImage(id: id, origin: .ours, fields: fields)
            held[row.line] = row
        }
        return held
    }

    /// For links that become a field of a record: what that field holds, unless the record is of this run.
    private func holders(_ rows: [LoadRow]) async throws -> Result {
        let old = rows.filter { !$0.isSurelyNew }
        guard !old.isEmpty, let stream = target.fieldOf else { return Result(rows: rows) }
        let values = try await read(old)
        let ordinals = old.compactMap(\.holder).sorted()
        let images = try await staging.manifest.read { try $0.images(of: stream, ordinals: ordinals) }
        let origins = Dictionary(images.map { ($0.ordinal, $0.origin) }) { first, _ in first }
        var result = Result(rows: rows.filter(\.isSurelyNew))
        for var row in old {
            guard let id = row.row.targetID, let fields = values[id] else {
                result.rows.append(row)
                continue
            }
            let image = BeforeImage(id: id, origin: row.holder.flatMap { origins[$0] } ?? .ours, fields: fields)
            let isBlank = row.row.references.allSatisfy { image.isBlank($0.field) }
            if image.origin == .completed, !isBlank {
                // Only empty fields of this record are set.
                result.skipped.append((row, id))
                continue
            }
            row.before = image
            result.rows.append(row)
        }
        return result
    }

    /// What the destination holds in the fields that the rows will change, by the record's id.
    private func read(_ rows: [LoadRow]) async throws -> [String: [UInt8]] {
        guard !rows.isEmpty else { return [:] }
        return try await destination.records(
            of: target.object, ids: rows.compactMap(\.row.targetID), fields: Set(rows.flatMap(\.fieldNames)).sorted()
        ).mapValues(\.fields)
    }
}
