// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A raw value inside somebody else's bytes.
package struct JSONSlice: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case object, array, string, number, `true`, `false`, null
    }

    /// Its bytes, quotes and brackets included.
    package let range: Range<Int>
    package let kind: Kind

    package init(range: Range<Int>, kind: Kind) {
        self.range = range
        self.kind = kind
    }

    /// The kind of a value by its first byte.
    @inline(__always)
    static func kind(of first: UInt8) -> Kind {
        switch first {
        case Byte.openBrace: .object
        case Byte.openBracket: .array
        case Byte.quote: .string
        case UInt8(ascii: "t"): .true
        case UInt8(ascii: "f"): .false
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }

    /// Whether there is nothing in it: `null` or `""`.
    package var isBlank: Bool { kind == .null || kind == .string && range.count == 2 }
}
