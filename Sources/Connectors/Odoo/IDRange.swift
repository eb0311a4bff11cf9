// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// Where a page begins: `after 512`, or `after 512 to 1024` in a slice that ends with the id 1024.
struct IDRange {
    let after: Int64
    /// The last id of the slice; `nil` = it is open.
    let end: Int64?

    init(after: Int64, end: Int64?) {
        self.after = after
        self.end = end
    }

    /// - Parameter cursor: `nil` = the first page of all records.
    init(_ cursor: Cursor?) throws(MigratezError) {
        guard let cursor else {
            self.init(after: 0, end: nil)
            return
        }
        let parts = cursor.text.split(separator: " ")
        let end = parts.count == 4 && parts[2] == "to" ? Int64(parts[3]) : nil
        guard parts.count == 2 || end != nil, parts[0] == "after", let after = Int64(parts[1]) else {
            throw MigratezError(.internalError, "this is not a place in a list of Odoo's")
        }
        self.init(after: after, end: end)
    }

    var cursor: Cursor { Cursor("after \(after)" + (end.map { " to \($0)" } ?? "")) }

    var domain: [JSONValue] {
        [["id", ">", .number(String(after))]] + (end.map { [["id", "<=", .number(String($0))]] } ?? [])
    }
}
