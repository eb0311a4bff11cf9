// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Whose value stands when a field was changed on both sides since the last run.
package enum ConflictRule: String, Sendable, Hashable, CaseIterable {
    /// The source's.
    case source
    /// The destination's.
    case target
    /// That of the side whose record was changed last, by each side's own clock; the source's if a side cannot tell.
    case newest
    /// Nobody's: the record is rejected, so that a person decides.
    case quarantine
}

/// The rule of each field of an object of the destination.
package struct ConflictRules: Sendable, Hashable {
    package var byDefault: ConflictRule
    package var byField: [String: ConflictRule]

    package init(byDefault: ConflictRule = .source, byField: [String: ConflictRule] = [:]) {
        self.byDefault = byDefault
        self.byField = byField
    }

    package subscript(field: String) -> ConflictRule { byField[field] ?? byDefault }
}

/// What becomes of a record of the destination whose record in the source is gone.
package enum DeletionRule: String, Sendable, Hashable, CaseIterable {
    /// It stays, and the report lists it.
    case keep
    /// It is deleted, unless somebody changed it or others refer to it.
    case delete
}
