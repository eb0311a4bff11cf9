// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// How a record or link ended. Each has exactly one; `read = created + updated + merged + filtered + skipped + rejected`.
package enum Outcome: Int, Sendable, Codable, CaseIterable {
    /// It did not exist in the destination before.
    case created = 1
    /// It existed in the destination and was brought up to date.
    case updated = 2
    /// It is a duplicate; another record of the run stands for it.
    case merged = 3
    /// The pipeline's `where` leaves it out.
    case filtered = 4
    /// The pipeline's rules say that nothing is to be written for it (for links: not chosen, waived).
    case skipped = 5
    /// It could not be moved; code and reason are kept, and the record can be corrected and replayed.
    case rejected = 6

    /// The word in tables and events.
    package var name: String {
        switch self {
        case .created: "created"
        case .updated: "updated"
        case .merged: "merged"
        case .filtered: "filtered"
        case .skipped: "skipped"
        case .rejected: "rejected"
        }
    }
}
