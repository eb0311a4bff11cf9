// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezStaging

/// Finds records that the destination held before the run, and adapts rows to them.
struct TargetMatching: Sendable {
    let destination: any Destination
    let target: LoadTarget

    /// What matching made of some rows.
    struct Result: Sendable {
        /// To be written; those that update an existing record have its id and its values.
        var rows: [LoadRow] = []
        /// Stay as the destination has them, with the id found.
        var skipped: [(row: LoadRow, id: String)] = []
    }

    func match(_ rows: [LoadRow]) async throws -> Result {
        guard !target.matches.isEmpty else { return Result(rows: rows) }
        var matched: [Int: (found: ReadBack, action: LoadTarget.MatchRule.Action)] = [:]
        var taken: Set<String> = []
        for rule in target.matches {
            for start in stride(from: 0, to: rows.count, by: destination.readBatchSize) {
                let part = (start..<min(start + destination.readBatchSize, rows.count)).filter { matched[$0] == nil }
                for (number, found) in try await match(rows, part, rule) {
                    // Of several existing records with the same values the first one is taken, the others stay free.
                    guard matched[number] == nil, taken.insert(found.id).inserted else { continue }
                    matched[number] = (found, rule.action)
                }
            }
        }
        var result = Result()
        for number in rows.indices {
            guard let (found, action) = matched[number] else {
                result.rows.append(rows[number])
                continue
            }
            if case .skip = action {
                result.skipped.append((rows[number], found.id))
                continue
            }
            var row = rows[number]
            var image = BeforeImage(id: found.id, origin: .overwritten, fields: found.fields)
            row.row.targetID = found.id
            if case .fillBlanks = action {
                image.origin = .completed
                row.keepOnlyBlanks(of: image)
            }
            row.before = image
            result.rows.append(row)
        }
        return result
    }

    /// The rows among `part` that the rule finds, each with one existing record.
    private func match(
        _ rows: [LoadRow], _ part: [Int], _ rule: LoadTarget.MatchRule
    ) async throws -> [(Int, ReadBack)] {
        var byValues: [[String]: Int] = [:]
        var values: [[String]] = []
        for number in part {
            guard let tuple = Self.values(of: rule.keys, in: rows[number].row.fields) else { continue }
            // Two of our records with the same values: the first takes the existing one, the other is created.
            let key = tuple.map(Self.comparable)
            guard byValues[key] == nil else { continue }
            byValues[key] = number
            values.append(tuple)
        }
        guard !values.isEmpty else { return [] }
        let returning = Array(Set(rule.keys).union(part.flatMap { rows[$0].fieldNames })).sorted()
        let found = try await destination.match(
            object: target.object, fields: rule.keys, values: values, returning: returning)
        return found.sorted { $0.id < $1.id }.compactMap { readBack in
            Self.values(of: rule.keys, in: readBack.fields).flatMap { byValues[$0.map(Self.comparable)] }
                .map { ($0, readBack) }
        }
    }

    /// Case and white space at the ends do not tell values apart, as in every CRM that we know.
    private static func comparable(_ value: String) -> String {
        // On bytes: walking characters backwards was a quarter of the cost of a load.
        let bytes = value.utf8
        guard let first = bytes.firstIndex(where: { $0 != 0x20 }), let last = bytes.lastIndex(where: { $0 != 0x20 })
        else {
            return ""
        }
        return value[first...last].lowercased()
    }

    /// The texts of the fields, or nil if one of them has none.
    private static func values(of keys: [String], in fields: [UInt8]) -> [String]? {
        let value = fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        var texts: [String] = []
        for key in keys {
            guard let text = value[key]?.text, !text.isEmpty else { return nil }
            texts.append(text)
        }
        return texts
    }
}

extension LoadRow {
    /// Takes out what the existing record has a value for; links among that stay as the destination has them.
    fileprivate mutating func keepOnlyBlanks(of image: BeforeImage) {
        let ours = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        let held = image.values
        let isBlank: (String) -> Bool = { BeforeImage.isBlank(held[$0]) }
        row.fields = JSONValue.object(ours.members.filter { isBlank($0.key) }).serialized()
        row.references.removeAll { !isBlank($0.field) }
        for number in links.indices {
            if case .made = links[number].fate, !isBlank(links[number].field) { links[number].fate = .kept }
        }
    }
}
