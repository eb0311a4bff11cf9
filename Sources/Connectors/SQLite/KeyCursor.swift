// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel

/// The key after which a page begins: `i:<integer>`, `r:<bits of a real number>`, `t:<hex>` for a text, `b:<hex>` for a BLOB.
///
/// Its storage class belongs to it: SQLite sorts numbers before texts, and texts before BLOBs.
struct KeyCursor {
    let key: SQLValue

    init(_ key: SQLValue) { self.key = key }

    init(parsing cursor: Cursor) throws(MigratezError) {
        let content = String(cursor.text.dropFirst(2))
        let key: SQLValue? =
            switch cursor.text.prefix(2) {
            case "i:": Int64(content).map { .integer($0) }
            case "r:": UInt64(content).map { .real(Double(bitPattern: $0)) }
            case "t:": Hex.decode(content).map { .text($0) }
            case "b:": Hex.decode(content).map { .blob($0) }
            default: nil
            }
        guard let key else { throw MigratezError(.internalError, "'\(cursor.text)' is not a place in a table") }
        self.key = key
    }

    /// `nil` for NULL, after which no page begins.
    var cursor: Cursor? {
        switch key {
        case .null: nil
        case .integer(let number): Cursor("i:\(number)")
        case .real(let number): Cursor("r:\(number.bitPattern)")
        case .text(let bytes): Cursor("t:" + Hex.encode(bytes))
        case .blob(let bytes): Cursor("b:" + Hex.encode(bytes))
        }
    }
}
