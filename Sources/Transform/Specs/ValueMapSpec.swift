// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A named table that translates values, with file maps read already.
package struct ValueMapSpec: Sendable, Equatable {
    /// Source value → destination value; keys are compared as they are.
    package var entries: [String: String]
    package var otherwise: Otherwise

    package init(entries: [String: String], otherwise: Otherwise = .quarantine) {
        self.entries = entries
        self.otherwise = otherwise
    }

    /// What happens to a value that is not in the table.
    package enum Otherwise: Sendable, Equatable {
        /// The record is rejected.
        case quarantine
        /// The value stays as it is; counted as a fallback.
        case keep
        /// The value counts as empty; counted as a fallback.
        case drop
        /// This value stands for it; counted as a fallback.
        case use(String)
    }
}

/// How people of the source are found in the destination.
package struct PeopleSpec: Sendable, Equatable {
    /// Address in the source → address in the destination, both trimmed and in lower case; wins over `matchesEmail`.
    package var entries: [String: String]
    /// Whether the same address in the destination is the same person.
    package var matchesEmail: Bool
    package var unmatched: Unmatched

    package init(entries: [String: String] = [:], matchesEmail: Bool = true, unmatched: Unmatched = .quarantine) {
        self.entries = entries
        self.matchesEmail = matchesEmail
        self.unmatched = unmatched
    }

    /// What happens to records of a person without an active counterpart.
    package enum Unmatched: Sendable, Equatable {
        /// The record is rejected.
        case quarantine
        /// The person with this address in the destination gets it; reported under `tag`.
        case assign(email: String, tag: String?)

        /// What marks the records that somebody else got.
        package var tag: String? {
            guard case .assign(_, let tag) = self else { return nil }
            return tag
        }
    }
}
