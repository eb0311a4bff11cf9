// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Dates as text, without the cost of general formatting.
package enum DateText {
    /// `2026-01-02T03:04:05.678Z`
    package static func instant(_ time: Timestamp) -> String {
        String(unsafeUninitializedCapacity: 24) { bytes in
            let days = time.milliseconds.flooredDivision(by: 86_400_000)
            let rest = Int(time.milliseconds - days * 86_400_000)
            writeDay(days, bytes)
            write(UInt8(ascii: "T"), rest / 3_600_000, 2, at: 10, bytes)
            write(UInt8(ascii: ":"), rest / 60_000 % 60, 2, at: 13, bytes)
            write(UInt8(ascii: ":"), rest / 1000 % 60, 2, at: 16, bytes)
            write(UInt8(ascii: "."), rest % 1000, 3, at: 19, bytes)
            bytes[23] = UInt8(ascii: "Z")
            return 24
        }
    }

    /// `2026-01-02`
    package static func day(_ time: Timestamp) -> String {
        String(unsafeUninitializedCapacity: 10) { bytes in
            writeDay(time.milliseconds.flooredDivision(by: 86_400_000), bytes)
            return 10
        }
    }

    private static func writeDay(_ days: Int64, _ bytes: UnsafeMutableBufferPointer<UInt8>) {
        let (year, month, day) = Timestamp.civil(fromDays: days)
        writeDigits(Int(year), 4, at: 0, bytes)
        write(UInt8(ascii: "-"), Int(month), 2, at: 4, bytes)
        write(UInt8(ascii: "-"), Int(day), 2, at: 7, bytes)
    }

    /// A separator and the number after it.
    private static func write(
        _ separator: UInt8, _ value: Int, _ width: Int, at place: Int, _ bytes: UnsafeMutableBufferPointer<UInt8>
    ) {
        bytes[place] = separator
        writeDigits(value, width, at: place + 1, bytes)
    }

    private static func writeDigits(
        _ value: Int, _ width: Int, at place: Int, _ bytes: UnsafeMutableBufferPointer<UInt8>
    ) {
        var rest = value
        for offset in stride(from: width - 1, through: 0, by: -1) {
            bytes[place + offset] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }
}
