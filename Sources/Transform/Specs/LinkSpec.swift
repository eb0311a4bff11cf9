// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// How links between records of the source become references or records of their own in the destination.
package struct LinkSpec: Sendable, Equatable {
    package var from: StreamName
    /// One stream, or several for references that may point to different objects.
    package var to: [StreamName]
    package var form: Form
    package var choose: Choice
    package var onMissing: OnMissing
    /// For junctions: fields of the junction that take something from the edge.
    package var map: [String: EdgeAttribute]

    package init(
        from: StreamName, to: [StreamName], form: Form, choose: Choice, onMissing: OnMissing = .quarantine,
        map: [String: EdgeAttribute] = [:]
    ) {
        self.from = from
        self.to = to
        self.form = form
        self.choose = choose
        self.onMissing = onMissing
        self.map = map
    }

    /// What a link is in the destination.
    package enum Form: Sendable, Equatable {
        /// A field of the from-record: `Contact.AccountId`. Holds one link.
        case lookup(object: String, field: String)
        /// A record of its own that joins the two: `OpportunityContactRole`.
        case junction(object: String)
    }

    /// Which of several links of one record are taken; the others are skipped.
    package enum Choice: String, Sendable, Equatable, CaseIterable {
        /// The one marked as primary, else the first.
        case primary
        /// The first in the order of the source.
        case first
        /// All of them; not for lookups.
        case all
    }

    /// What happens when the other record does not exist or was not loaded.
    package enum OnMissing: String, Sendable, Equatable, CaseIterable {
        /// The link is rejected; for a lookup the record that needs it, too.
        case quarantine
        /// The reference stays empty, the record is loaded; the link counts as skipped.
        case empty
        /// The link is left out and counts as skipped; for a lookup the record that needs it, too.
        case skip
    }

    /// What an edge of the source tells.
    package enum EdgeAttribute: String, Sendable, Equatable, CaseIterable {
        /// The user's own name for the link.
        case label
        /// Whether the source calls it the primary one: true or false.
        case primary
    }

    /// The streams of the edges, one for each pair; `nil` never happens for checked plans.
    package var streams: [StreamName] { to.compactMap { StreamName.link(from: from, to: $0) } }
}
