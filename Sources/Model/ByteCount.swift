// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A number of bytes.
package struct ByteCount: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package var bytes: Int

    package init(_ bytes: Int) { self.bytes = bytes }
    package static func KiB(_ count: Int) -> ByteCount { ByteCount(count << 10) }
    package static func MiB(_ count: Int) -> ByteCount { ByteCount(count << 20) }
    package static func GiB(_ count: Int) -> ByteCount { ByteCount(count << 30) }

    package static func < (a: ByteCount, b: ByteCount) -> Bool { a.bytes < b.bytes }

    /// `41.2 MiB`: binary units, one decimal.
    package var description: String {
        var unit = 0
        var value = Double(bytes)
        while value >= 1024, unit < 4 {
            value /= 1024
            unit += 1
        }
        let names = ["B", "KiB", "MiB", "GiB", "TiB"]
        let tenths = Int((value * 10).rounded())
        return unit == 0 ? "\(bytes) B" : "\(tenths / 10).\(tenths % 10) \(names[unit])"
    }
}
