// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

// Eight bytes at a time, as in the JSON scanner and for the same reason; only the lowest marked byte of a mask is exact.

/// Finds the ends of unquoted fields.
struct FieldScan {
    private let delimiter: UInt8
    private let delimiters: UInt64

    init(delimiter: UInt8) {
        self.delimiter = delimiter
        delimiters = UInt64(delimiter) &* 0x0101_0101_0101_0101
    }

    /// The first index from `i` on whose byte is a delimiter, LF or CR; `count` if there is none.
    @inline(__always)
    func fieldEnd(_ start: UnsafePointer<UInt8>, from i: Int, count: Int) -> Int {
        var i = i
        while i &+ 8 <= count {
            let word = UInt64(littleEndian: UnsafeRawPointer(start + i).loadUnaligned(as: UInt64.self))
            let mask =
                (zeroes(word ^ delimiters) | zeroes(word ^ 0x0A0A_0A0A_0A0A_0A0A) | zeroes(word ^ 0x0D0D_0D0D_0D0D_0D0D))
                & 0x8080_8080_8080_8080
            if mask != 0 { return i &+ mask.trailingZeroBitCount &>> 3 }
            i &+= 8
        }
        while i < count, start[i] != delimiter, start[i] != 0x0A, start[i] != 0x0D { i &+= 1 }
        return i
    }

    @inline(__always)
    private func zeroes(_ word: UInt64) -> UInt64 { (word &- 0x0101_0101_0101_0101) & ~word }
}
