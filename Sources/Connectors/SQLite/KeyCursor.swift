// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel

/// A key in a cursor: `i:<integer>`, `r:<bits of a real number>`, `t:<hex>` for a text, `b:<hex>` for a BLOB.
///
/// Its storage class belongs to it: SQLite sorts numbers before texts, and texts before BLOBs.
struct KeyCursor {
    let key: SQLValue

    init(_ key: SQLValue) { self.key = key }

    init(parsing text: Substring) throws(MigratezError) {
        let content = String(text.dropFirst(2))
        let key: SQLValue? =
            switch text.prefix(2) {
            case "i:": Int64(content).map { .integer($0) }
            case "r:": UInt64(content).map { .real(Double(bitPattern: $0)) }
            case "t:": Hex.decode(content).map { .text($0) }
            case "b:": Hex.decode(content).map { .blob($0) }
            default: nil
            }
        guard let key else { throw MigratezError(.internalError, "'\(text)' is not a place in a table") }
        self.key = key
    }

    /// `nil` for NULL, after which no page begins.
    var text: String? {
        switch key {
        case .null: nil
        case .integer(let number): "i:\(number)"
        case .real(let number): "r:\(number.bitPattern)"
        case .text(let bytes): "t:" + Hex.encode(bytes)
        case .blob(let bytes): "b:" + Hex.encode(bytes)
        }
    }
}

/// Where a page begins, and the slice ends that it is in: `i:5`, `i:5 i:90` for a slice up to the key 90, `- i:5` for the
/// first one.
struct KeyRange {
    /// `nil` = at the start of the table.
    var after: SQLValue?
    /// The last key of the slice; `nil` = it is open.
    var end: SQLValue?

    init(after: SQLValue? = nil, end: SQLValue? = nil) {
        self.after = after
        self.end = end
    }

    /// - Parameter cursor: `nil` = the first page of all rows.
    init(_ cursor: Cursor?) throws(MigratezError) {
        guard let cursor else { return }
        let parts = cursor.text.split(separator: " ", maxSplits: 1)
        if let first = parts.first, first != "-" || parts.count == 1 { after = try KeyCursor(parsing: first).key }
        if parts.count == 2 { end = try KeyCursor(parsing: parts[1]).key }
    }

    /// Of a range that has an end, or a beginning.
    var cursor: Cursor {
        func text(_ key: SQLValue?) -> String? { key.flatMap { KeyCursor($0).text } }
        return Cursor((text(after) ?? "-") + (text(end).map { " " + $0 } ?? ""))
    }

    /// The place from behind this key on; `nil` for NULL.
    func behind(_ key: SQLValue) -> Cursor? { key == .null ? nil : KeyRange(after: key, end: end).cursor }
}
