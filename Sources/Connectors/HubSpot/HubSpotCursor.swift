// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Where a page of a list begins: HubSpot's own opaque `after`, in one of two passes.
struct HubSpotCursor: Sendable, Hashable {
    /// Records that were deleted and can be restored are a list of their own, read after the others.
    var isArchived: Bool
    /// `nil` = at the start of the pass.
    var after: String?

    init(isArchived: Bool = false, after: String? = nil) {
        self.isArchived = isArchived
        self.after = after
    }

    init(_ cursor: Cursor?) throws(MigratezError) {
        guard let cursor else {
            self.init()
            return
        }
        let parts = cursor.text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "active" || parts[0] == "archived" else {
            throw MigratezError(.internalError, "this is not a place in a list of HubSpot's")
        }
        self.init(isArchived: parts[0] == "archived", after: parts[1].isEmpty ? nil : String(parts[1]))
    }

    var cursor: Cursor { Cursor("\(isArchived ? "archived" : "active"):\(after ?? "")") }
}
