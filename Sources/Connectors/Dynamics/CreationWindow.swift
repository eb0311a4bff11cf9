// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// A part of a table by the time at which its records were created, which never changes: `created 2020-01-01T00:00:00Z -`.
///
/// Ids would not do: GUIDs have no documented order. The first window also has the records without such a time.
struct CreationWindow {
    static let column = "createdon"
    private static let word = "created"

    /// The first time that is in the window; `nil` = from the start.
    let from: String?
    /// The first time behind it; `nil` = to the end.
    let to: String?

    init(from: String?, to: String?) {
        self.from = from
        self.to = to
    }

    /// `nil` if the cursor is a place in a list, which is a path and has no spaces.
    init?(_ cursor: Cursor) {
        let parts = cursor.text.split(separator: " ").map(String.init)
        guard parts.count == 3, parts[0] == Self.word, parts.dropFirst().allSatisfy({ $0 == "-" || Self.isTime($0) })
        else { return nil }
        self.init(from: parts[1] == "-" ? nil : parts[1], to: parts[2] == "-" ? nil : parts[2])
    }

    var cursor: Cursor { Cursor("\(Self.word) \(from ?? "-") \(to ?? "-")") }

    /// The rows of the window that are what `filter` says.
    func filter(with filter: String?) -> String? {
        let column = Self.column
        var conditions = filter.map { ["(\($0))"] } ?? []
        if let from { conditions.append("\(column) ge \(from)") }
        if let to {
            conditions.append(from == nil ? "(\(column) lt \(to) or \(column) eq null)" : "\(column) lt \(to)")
        }
        return conditions.isEmpty ? nil : conditions.joined(separator: " and ")
    }

    /// Unquoted in a filter, so nothing but what a time is made of may pass.
    private static func isTime(_ text: String) -> Bool { text.utf8.allSatisfy { "0123456789-:TZ".utf8.contains($0) } }

    /// Windows of the same length, whole seconds, that together hold every time; none if there would be one only.
    static func windows(from first: Timestamp, to last: Timestamp, _ number: Int) -> [CreationWindow] {
        let (start, seconds) = (first.milliseconds / 1000, (last.milliseconds - first.milliseconds) / 1000)
        var bounds: [String] = []
        for window in 1..<max(1, number) {
            let second = start + seconds * Int64(window) / Int64(number)
            let bound = "\(Timestamp(milliseconds: second * 1000).description.prefix(19))Z"
            if second > start, bound != bounds.last { bounds.append(bound) }
        }
        return SliceBounds.slices(between: bounds).map { CreationWindow(from: $0.start, to: $0.end) }
    }
}

extension RecordPages {
    /// The windows in which the table is read; none if its records do not say when they were created, or all the same.
    func windows(of table: TableMetadata, where filter: String?, _ number: Int) async throws -> [CreationWindow] {
        guard table.column(CreationWindow.column) != nil,
            let first = try await outermost(of: table, where: filter, "asc"),
            let last = try await outermost(of: table, where: filter, "desc")
        else { return [] }
        return CreationWindow.windows(from: first, to: last, number)
    }

    private func outermost(
        of table: TableMetadata, where filter: String?, _ direction: String
    ) async throws -> Timestamp? {
        let column = CreationWindow.column
        let known = [filter.map { "(\($0))" }, "\(column) ne null"].compactMap(\.self).joined(separator: " and ")
        let answer = try await api.json(
            table.setName,
            query: [
                ("$select", column), ("$filter", known), ("$orderby", "\(column) \(direction)"), ("$top", "1"),
            ], endpointClass: "query")
        return answer["value"]?[0]?[column]?.text.flatMap(InstantText.timestamp)
    }
}
