// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
package import MigratezModel

/// Finds records by their ids where a source can only be read from its beginning: files, the output of a program.
package struct RecordSearch: ~Copyable {
    private let layout: RecordLayout
    private var missing: Set<String>
    private var index: RecordIndex

    package init(for ids: [String], layout: RecordLayout) {
        self.layout = layout
        missing = Set(ids)
        index = RecordIndex(fields: layout.fields)
    }

    /// Those of the records that are there, in the order in which they are read; of several with one id the first.
    ///
    /// Pages are read until all are found.
    ///
    /// - Parameter read: the page after a cursor, `nil` = the first one.
    package mutating func records(_ read: (Cursor?) async throws -> Page) async throws -> Page {
        var found = Page(bytes: [], records: [], next: nil)
        var cursor: Cursor?
        repeat {
            try Task.checkCancellation()
            let page = try await read(cursor)
            try take(page, into: &found)
            cursor = page.next
        } while cursor != nil && !missing.isEmpty
        return found
    }

    private mutating func take(_ page: Page, into found: inout Page) throws {
        try page.bytes.withUnsafeBufferPointer { bytes in
            for range in page.records {
                let record = UnsafeBufferPointer(rebasing: bytes[range])
                try index.index(record)
                guard let id = index.topLevel(layout.id) ?? index.slice(layout.id),
                    missing.remove(index.string(id, in: record)) != nil
                else { continue }
                let start = found.bytes.count
                found.bytes += record
                found.records.append(start..<found.bytes.count)
            }
        }
    }
}
