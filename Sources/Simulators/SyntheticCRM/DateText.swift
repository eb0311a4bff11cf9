// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Dates as text, without the cost of general formatting.
package enum DateText {
    /// Appends `2026-01-02T03:04:05.678Z`.
    package static func append(_ time: Timestamp, to bytes: inout [UInt8]) {
        let days = time.milliseconds.flooredDivision(by: 86_400_000)
        let rest = Int(time.milliseconds - days * 86_400_000)
        appendDay(days, to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        appendDigits(rest / 3_600_000, 2, &bytes)
        bytes.append(UInt8(ascii: ":"))
        appendDigits(rest / 60_000 % 60, 2, &bytes)
        bytes.append(UInt8(ascii: ":"))
        appendDigits(rest / 1000 % 60, 2, &bytes)
        bytes.append(UInt8(ascii: "."))
        appendDigits(rest % 1000, 3, &bytes)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// `2026-01-02T03:04:05.678Z`
    package static func instant(_ time: Timestamp) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        append(time, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `2026-01-02`
    package static func day(_ time: Timestamp) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(10)
        appendDay(time.milliseconds.flooredDivision(by: 86_400_000), to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func appendDay(_ days: Int64, to bytes: inout [UInt8]) {
        let (year, month, day) = Timestamp.civil(fromDays: days)
        appendDigits(Int(year), 4, &bytes)
        bytes.append(UInt8(ascii: "-"))
        appendDigits(Int(month), 2, &bytes)
        bytes.append(UInt8(ascii: "-"))
        appendDigits(Int(day), 2, &bytes)
    }

    private static func appendDigits(_ value: Int, _ width: Int, _ bytes: inout [UInt8]) {
        var divisor = width == 4 ? 1000 : width == 3 ? 100 : 10
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }
}
