// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Instants as the organisation shows them, in its own time zone and without fractions of a second.
enum ZonedTime {
    /// `2026-01-01T10:00:00+05:30`
    static func text(_ time: Timestamp, zoneMinutes: Int) -> String {
        let local = Timestamp(
            milliseconds: (time.milliseconds.flooredDivision(by: 1000) + Int64(zoneMinutes) * 60) * 1000)
        let sign = zoneMinutes < 0 ? "-" : "+"
        let (hours, minutes) = (abs(zoneMinutes) / 60, abs(zoneMinutes) % 60)
        return "\(local.description.prefix(19))\(sign)\(two(hours)):\(two(minutes))"
    }

    /// Reads that form; `nil` for any other, with fractions of a second or `Z` for instance: the documentation shows
    /// no other one (zoho.com/crm/developer, "Field types").
    static func timestamp(_ text: String) -> Timestamp? {
        guard
            let match = text.wholeMatch(
                of: /(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([+-])(\d\d):(\d\d)/),
            let days = days(match.1, match.2, match.3), let hour = Int64(match.4), let minute = Int64(match.5),
            let second = Int64(match.6), hour < 24, minute < 60, second < 60, let zoneHours = Int64(match.8),
            let zoneMinutes = Int64(match.9)
        else { return nil }
        let zone = (zoneHours * 60 + zoneMinutes) * (match.7 == "-" ? -60 : 60)
        return Timestamp(milliseconds: (days * 86_400 + hour * 3600 + minute * 60 + second - zone) * 1000)
    }

    /// Whether it is a day: `2026-01-31`.
    static func isDay(_ text: String) -> Bool {
        guard let match = text.wholeMatch(of: /(\d{4})-(\d\d)-(\d\d)/) else { return false }
        return days(match.1, match.2, match.3) != nil
    }

    private static func days(_ year: Substring, _ month: Substring, _ day: Substring) -> Int64? {
        guard let year = Int64(year), let month = Int64(month), let day = Int64(day), (1...12).contains(month) else {
            return nil
        }
        let days = Timestamp.days(year: year, month: month, day: day)
        return Timestamp.civil(fromDays: days) == (year, month, day) ? days : nil
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
}
