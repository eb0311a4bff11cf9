// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel

/// Turns a record into one pseudonym for each duplicate rule: records with the same pseudonym match.
struct MatchKeys: Sendable {
    private let rules: [[(field: String, kind: MatchKey.Kind)]]
    private let pseudonyms: PseudonymKey

    init(_ spec: ObjectSpec, schema: ObjectSchema?, pseudonyms: PseudonymKey) {
        rules = spec.duplicates.map { rule in
            rule.keys.map { ($0, MatchKey.kind(of: schema?.field($0), named: $0)) }
        }
        self.pseudonyms = pseudonyms
    }

    /// Calls `body` with the pseudonym of each rule whose keys all have a value; `material` is working space.
    func forEachPseudonym(
        of record: UnsafeBufferPointer<UInt8>, _ index: borrowing RecordIndex, material: inout [UInt8],
        _ body: (Pseudonym) throws -> Void
    ) rethrows {
        rules: for (number, keys) in rules.enumerated() {
            material.removeAll(keepingCapacity: true)
            // The rule's number keeps an e-mail from matching a phone of the same text.
            material.append(UInt8(truncatingIfNeeded: number))
            for key in keys {
                guard let slice = index.slice(key.field), !slice.isBlank,
                    JSONText.withText(slice, of: record, { MatchKey.append($0, as: key.kind, to: &material) })
                else { continue rules }
                // A unit separator, so that ("ab","c") and ("a","bc") differ.
                material.append(0x1F)
            }
            try body(pseudonyms.pseudonym(of: material))
        }
    }
}
