// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// Where a page of an object begins.
struct PageCursor: Sendable, Hashable {
    /// Which of the object's lists.
    var list = 0
    /// Number, offset, token or address within the list, by its kind of paging; `nil` = at the start.
    var position: String?
    /// The value at which the window begins; `nil` = the first window.
    var after: String?
    /// Records read in this window.
    var count = 0
    /// The last value of the window's field, as JSON, and the ids of the records with it.
    var last: String?
    var lastIDs: [String] = []

    init() {}

    init(_ cursor: Cursor?) throws(MigratezError) {
        guard let cursor else { return }
        guard let value = try? JSONValue(parsing: Array(cursor.text.utf8)), let list = value["list"]?.int else {
            throw MigratezError(.internalError, "this is not a place in a list")
        }
        self.list = list
        position = value["position"]?.text
        after = value["after"]?.text
        count = value["count"]?.int ?? 0
        last = value["last"]?.text
        lastIDs = (value["last_ids"]?.elements ?? []).compactMap(\.text)
    }

    var cursor: Cursor {
        var members: [JSONValue.Member] = [.init("list", .number(String(list)))]
        if let position { members.append(.init("position", .string(position))) }
        if let after { members.append(.init("after", .string(after))) }
        if count > 0 { members.append(.init("count", .number(String(count)))) }
        if let last { members.append(.init("last", .string(last))) }
        if !lastIDs.isEmpty { members.append(.init("last_ids", .array(lastIDs.map { .string($0) }))) }
        return Cursor(String(decoding: JSONValue.object(members).serialized(), as: UTF8.self))
    }
}
