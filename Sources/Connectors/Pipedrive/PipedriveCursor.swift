// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Where a page of a list begins.
enum PipedriveCursor: Sendable, Equatable {
    /// Version 2: its own opaque cursor; archived deals are a list of their own, read after the others.
    case list(isArchived: Bool, after: String?)
    /// Version 1: a position, and the id that was read last.
    case position(Int, last: Int)

    static func beginning(of object: PipedriveObject) -> PipedriveCursor {
        object.isFormer ? .position(0, last: 0) : .list(isArchived: false, after: nil)
    }

    init(_ cursor: Cursor) throws(MigratezError) {
        let parts = cursor.text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, ["active", "archived"].contains(parts[0]) {
            self = .list(isArchived: parts[0] == "archived", after: parts[1].isEmpty ? nil : parts[1])
        } else if parts.count == 3, parts[0] == "position", let position = Int(parts[1]), let last = Int(parts[2]) {
            self = .position(position, last: last)
        } else {
            throw MigratezError(.internalError, "this is not a place in a list of Pipedrive's")
        }
    }

    var cursor: Cursor {
        switch self {
        case .list(let isArchived, let after): Cursor("\(isArchived ? "archived" : "active"):\(after ?? "")")
        case .position(let position, let last): Cursor("position:\(position):\(last)")
        }
    }
}
