// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON

/// How the pages of a list follow each other.
struct Paging: Sendable {
    enum Kind: Sendable {
        /// All on one page.
        case none
        /// Pages are numbered, from `first` on.
        case page(first: Int)
        /// A page begins so many records after the first one.
        case offset
        /// The answer tells what to ask for next.
        case cursor(RecordPath)
        /// The answer holds the address of the next page.
        case nextLink(RecordPath)
        /// A header holds it (RFC 8288, relation `next`).
        case linkHeader
        /// A page begins behind the last value of a field; see `Window`.
        case keyset
    }

    /// Where a list is begun anew, because no list leads further: at the value of a field by which it is sorted.
    ///
    /// The next window holds records of that value again; those that were read already are left out by their ids.
    struct Window: Sendable {
        var field: RecordPath
        /// The value from which the first window begins.
        var start: JSONValue
        /// So many records are read before a new window is begun.
        var recordsMax: Int
        var isDescending: Bool
        /// Whether a window begins with the records of the value itself; if not, values must be unique.
        var isInclusive: Bool
    }

    var kind: Kind = .none
    var pageRecordsMax: Int = 100
    /// Whether there is another page, as the answer says: `true`, or a number of more than none.
    var more: RecordPath?
    /// How many pages there are.
    var pageCount: RecordPath?
    var window: Window?

    static let none = Paging()

    /// The placeholders that requests of the list may name.
    var placeholders: [String] {
        var names = ["page_size"]
        switch kind {
        case .none, .nextLink, .linkHeader: break
        case .page: names.append("page")
        case .offset: names.append("offset")
        case .cursor: names.append("cursor")
        case .keyset: break
        }
        if window != nil { names.append("after") }
        return names
    }

    /// The placeholder without which every page would be the first one.
    var neededPlaceholder: String? {
        switch kind {
        case .none, .nextLink, .linkHeader: nil
        case .page: "page"
        case .offset: "offset"
        case .cursor: "cursor"
        case .keyset: "after"
        }
    }
}
