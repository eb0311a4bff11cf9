// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Points in time as Odoo writes them: UTC, whole seconds, no zone: `2026-01-31 13:05:00`.
enum OdooTime {
    /// An instant of ISO 8601 in that form, the parts of a second cut off; a day becomes its midnight; `nil` if it is
    /// neither.
    static func text(_ text: String) -> String? {
        guard let instant = timestamp(text) else { return nil }
        let days = instant.milliseconds.flooredDivision(by: 86_400_000)
        let (year, month, day) = Timestamp.civil(fromDays: days)
        let seconds = (instant.milliseconds - days * 86_400_000) / 1000
        let date = "\(padded(Int64(year), 4))-\(padded(Int64(month), 2))-\(padded(Int64(day), 2))"
        return "\(date) \(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    }

    /// `2026-01-31`, `2026-01-31 13:05:00`, `2026-01-31T13:05:00.123+02:00`; without a zone UTC is meant.
    static func timestamp(_ text: String) -> Timestamp? {
        guard
            let match = text.wholeMatch(
                of: /(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:?\d\d)?)?/),
            let year = Int64(match.1), let month = Int64(match.2), let day = Int64(match.3), (1...12).contains(month),
            (1...31).contains(day)
        else { return nil }
        func number(_ part: Substring?) -> Int64 { part.flatMap { Int64($0) } ?? 0 }
        let minutes = (Timestamp.days(year: year, month: month, day: day) * 24 + number(match.4)) * 60 + number(match.5)
        return Timestamp(milliseconds: ((minutes - offset(match.8)) * 60 + number(match.6)) * 1000)
    }

    /// Minutes that the zone is ahead of UTC.
    private static func offset(_ zone: Substring?) -> Int64 {
        guard let zone, zone != "Z" else { return 0 }
        let digits = zone.filter(\.isNumber)
        let minutes = (Int64(digits.prefix(2)) ?? 0) * 60 + (Int64(digits.suffix(2)) ?? 0)
        return zone.hasPrefix("-") ? -minutes : minutes
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
