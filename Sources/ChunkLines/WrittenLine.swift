// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Follows a line part by part, as long as it is in the very form in which this program writes it.
///
/// There are millions of links and of ids to be looked up, and their lines differ in nothing but a few texts and numbers:
/// to compare what stands between them costs a third of taking the line apart. A line in any other form (white space,
/// other members, escapes) is none of these, and the caller reads it in the general way.
struct WrittenLine {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var place = 0

    @inline(__always)
    init(_ line: UnsafeBufferPointer<UInt8>) { bytes = line }

    /// Whether nothing is left.
    var isAtEnd: Bool { place == bytes.count }

    /// Goes on behind the text, which is ASCII; false, and nothing done, if it does not stand here.
    @inline(__always)
    mutating func skip(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard bytes.count - place >= count, let start = bytes.baseAddress,
            memcmp(start + place, text.utf8Start, count) == 0
        else { return false }
        place += count
        return true
    }

    /// The string that stands here; `nil` if there is none, or something in it is escaped.
    @inline(__always)
    mutating func string() -> JSONSlice? {
        guard place < bytes.count, bytes[place] == UInt8(ascii: "\"") else { return nil }
        var end = place + 1
        while end < bytes.count {
            let byte = bytes[end]
            if byte == UInt8(ascii: "\"") {
                let slice = JSONSlice(range: place..<end + 1, kind: .string)
                place = end + 1
                return slice
            }
            guard byte != UInt8(ascii: "\\") else { return nil }
            end += 1
        }
        return nil
    }

    /// The number whose digits stand here; `nil` if there are none, or more than 18.
    @inline(__always)
    mutating func number() -> Int? {
        let start = place
        var value = 0
        while place < bytes.count, place - start < 19, case let digit = Int(bytes[place]) - 0x30,
            (0...9).contains(digit)
        {
            value = value &* 10 &+ digit
            place += 1
        }
        return (1...18).contains(place - start) ? value : nil
    }
}
