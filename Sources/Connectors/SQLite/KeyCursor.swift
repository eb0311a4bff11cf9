// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

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
            case "t:": Self.bytes(content).map { .text($0) }
            case "b:": Self.bytes(content).map { .blob($0) }
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
        case .text(let bytes): Cursor("t:" + Self.hex(bytes))
        case .blob(let bytes): Cursor("b:" + Self.hex(bytes))
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func bytes(_ hex: String) -> [UInt8]? {
        let digits = Array(hex.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for place in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[place...(place + 1)], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        return bytes
    }
}
