// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Records of one stream are duplicates of each other if all of `keys` agree, after normalisation by their kind
/// (`MatchKey`). A record with an empty key has no duplicates by this rule. Keys and merged fields are fields of the
/// **source**.
package struct DuplicateRule: Sendable, Equatable {
    package var keys: [String]
    package var keep: Survivor
    /// Fields of the survivor that take a value from the whole group; other fields stay the survivor's own.
    package var merge: [String: Merge]

    package init(keys: [String], keep: Survivor, merge: [String: Merge] = [:]) {
        self.keys = keys
        self.keep = keep
        self.merge = merge
    }

    /// Which record of a group stands for all; ties go to the one that was extracted first.
    package enum Survivor: String, Sendable, Equatable, CaseIterable {
        /// The one with the most fields that are not empty.
        case mostComplete = "most_complete"
        /// The one that was changed last.
        case mostRecent = "most_recent"
        /// The one that was changed first.
        case oldest
        /// The one that was extracted first.
        case first
    }

    /// Where a field's value comes from within a group; empty values never win.
    package enum Merge: String, Sendable, Equatable, CaseIterable {
        case newest, oldest, longest
        /// All different values, one a line, survivor's first.
        case concat
        /// The survivor's, but another's if it is empty there.
        case survivor
    }
}

/// A record exists in the destination already if all of `keys` agree there. Keys are fields of the **destination**.
package struct TargetMatchRule: Sendable, Equatable {
    package var keys: [String]
    package var onMatch: OnMatch

    package init(keys: [String], onMatch: OnMatch) {
        self.keys = keys
        self.onMatch = onMatch
    }

    /// What happens to the record that was found.
    package enum OnMatch: String, Sendable, Equatable, CaseIterable {
        /// Only its empty fields are set.
        case fillBlanks = "fill_blanks"
        /// All mapped fields are set.
        case overwrite
        /// It is left as it is; our record counts as skipped, links lead to the existing one.
        case skip
    }
}
