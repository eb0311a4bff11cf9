// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// Points in time as Odoo writes them: UTC, whole seconds, no zone: `2026-01-31 13:05:00`.
enum OdooTime {
    /// An instant of ISO 8601 in that form, the parts of a second cut off; a day becomes its midnight; `nil` if it is
    /// neither.
    static func text(_ text: String) -> String? {
        guard let instant = InstantText.moment(text) else { return nil }
        let days = instant.milliseconds.flooredDivision(by: 86_400_000)
        let (year, month, day) = Timestamp.civil(fromDays: days)
        let seconds = (instant.milliseconds - days * 86_400_000) / 1000
        let date = "\(padded(Int64(year), 4))-\(padded(Int64(month), 2))-\(padded(Int64(day), 2))"
        return "\(date) \(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
