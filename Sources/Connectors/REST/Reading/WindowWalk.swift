// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Keeps account of where in a sorted list a window stands, so that the next one can be begun there.
struct WindowWalk {
    private let window: Paging.Window
    private let idPath: RecordPath
    private(set) var place: PageCursor
    private var seen: Set<String>

    /// As many ids are kept in a cursor.
    private static let sharedMax = 5_000

    init(_ window: Paging.Window, _ object: ObjectPlan, at place: PageCursor) {
        self.window = window
        self.place = place
        idPath = object.id
        seen = Set(place.lastIDs)
    }

    /// Whether the record is one that has not been read yet.
    ///
    /// - Throws: `brokenResponse` if the list is not in order, as then a window would leave records out.
    mutating func take(_ record: UnsafeBufferPointer<UInt8>) throws(MigratezError) -> Bool {
        guard let root = root(of: record), let slice = window.field.first(in: record, from: root) else {
            throw MigratezError(
                .brokenResponse, "a record has no value in the field by which the list is sorted", remedy: .stop,
                hint: "check paging.window.field of the definition")
        }
        let value = String(decoding: record[slice.range], as: UTF8.self)
        let id = idPath.first(in: record, from: root).map { JSONText.string($0, of: record) } ?? ""
        guard let last = place.last, last == value else {
            if let last = place.last, isBackwards(from: last, to: value) {
                throw MigratezError(
                    .brokenResponse, "the list is not in order of the field by which it should be sorted",
                    remedy: .stop, hint: "check the sort order in the request of the definition")
            }
            place.last = value
            place.lastIDs = []
            seen = []
            note(id)
            return true
        }
        guard window.isInclusive else { return true }
        guard !seen.contains(id) else { return false }
        note(id)
        return true
    }

    private mutating func note(_ id: String) {
        guard window.isInclusive else { return }
        place.lastIDs.append(id)
        seen.insert(id)
    }

    /// The place after a page of so many elements.
    ///
    /// - Parameter position: where the next page of the same window begins.
    func next(elements: Int, position: String, isKeyset: Bool) throws(MigratezError) -> PageCursor {
        guard place.lastIDs.count <= Self.sharedMax else {
            throw MigratezError(
                .notSupported, "more than \(Self.sharedMax) records have one value of the field by which they are read",
                remedy: .stop, hint: "name a finer field in paging.window.field of the definition")
        }
        var next = place
        next.count += elements
        // Where all records of a window have one value, the next window would be the same one.
        let isElsewhere = next.last != next.after
        if isElsewhere, isKeyset || next.count >= window.recordsMax {
            next.after = next.last
            next.position = nil
            next.count = 0
        } else if isKeyset {
            throw MigratezError(
                .notSupported, "a whole page of records has one value of the field by which they are read",
                remedy: .stop, hint: "raise page_size, or name a finer field in paging.window.field of the definition")
        } else {
            next.position = position
        }
        return next
    }

    private func isBackwards(from last: String, to value: String) -> Bool {
        if let a = Double(last), let b = Double(value) { return window.isDescending ? b > a : b < a }
        let (a, b) = (last.filter { $0 != "\"" }, value.filter { $0 != "\"" })
        if let a = InstantText.timestamp(a), let b = InstantText.timestamp(b) {
            return window.isDescending ? b > a : b < a
        }
        return window.isDescending ? b > a : b < a
    }
}
