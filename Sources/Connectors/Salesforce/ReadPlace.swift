// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// Where a page begins: `rest 003…`, behind that id, `rest 003… 003…`, in a slice up to the second one (`-` for the first
/// id: at its start); `bulk 750… MTAwMDA`, at that locator of the job's results.
enum ReadPlace: Equatable {
    case rest(IDRange)
    case bulk(job: String, locator: String?)

    init(_ cursor: Cursor) throws(MigratezError) {
        let parts = cursor.text.split(separator: " ").map(String.init)
        switch (parts.first, parts.count) {
        case ("rest", 2) where SalesforceID.isID(parts[1]): self = .rest(IDRange(after: parts[1]))
        case ("rest", 3) where (parts[1] == "-" || SalesforceID.isID(parts[1])) && SalesforceID.isID(parts[2]):
            self = .rest(IDRange(after: parts[1] == "-" ? nil : parts[1], end: parts[2]))
        case ("bulk", 3) where SalesforceID.isID(parts[1]): self = .bulk(job: parts[1], locator: parts[2])
        default: throw MigratezError(.internalError, "this is not a place in what Salesforce was asked for")
        }
    }

    static func cursor(job: String, locator: String) -> Cursor { Cursor("bulk \(job) \(locator)") }
}

/// Records whose ids lie behind one id, and not behind another one. Neither need be the id of a record.
struct IDRange: Equatable {
    /// `nil` = from the start.
    var after: String?
    /// `nil` = to the end.
    var end: String?

    var conditions: [String] {
        (after.map { ["Id > \(SOQL.literal($0))"] } ?? []) + (end.map { ["Id <= \(SOQL.literal($0))"] } ?? [])
    }

    /// The range has an end, or a beginning.
    var cursor: Cursor { Cursor("rest \(after ?? "-")" + (end.map { " \($0)" } ?? "")) }

    /// The rest of the range behind a record.
    func behind(_ id: String) -> IDRange { IDRange(after: id, end: end) }

    /// Ranges of the same width that together hold all ids, those outside of the two as well; none if there would be one
    /// only.
    static func slices(from first: String, to last: String, _ number: Int) -> [IDRange] {
        guard let first = value(of: first), let last = value(of: last), first < last else { return [] }
        var bounds: [String] = []
        for slice in 1..<max(1, number) {
            let bound = id(of: first + (last - first) / UInt128(number) * UInt128(slice))
            if bound != bounds.last { bounds.append(bound) }
        }
        return SliceBounds.slices(between: bounds).map { IDRange(after: $0.start, end: $0.end) }
    }

    /// The 15 characters of an id that count, as a number in base 62; the others tell their case once more.
    private static func value(of id: String) -> UInt128? {
        guard SalesforceID.isID(id) else { return nil }
        return id.utf8.prefix(15).reduce(0) { $0 * 62 + UInt128(digits.firstIndex(of: $1) ?? 0) }
    }

    private static func id(of value: UInt128) -> String {
        var rest = value
        var characters: [UInt8] = []
        for _ in 0..<15 {
            characters.append(digits[Int(rest % 62)])
            rest /= 62
        }
        return SalesforceID.canonical(String(decoding: characters.reversed(), as: UTF8.self))
    }

    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
}
