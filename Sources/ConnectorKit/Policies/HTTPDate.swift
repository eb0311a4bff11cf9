// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// The three forms of a date in HTTP (RFC 9110 §5.6.7), all in UTC:
/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
package enum HTTPDate {
    /// - Parameter now: decides the century of a year of two digits: more than 50 years ahead means the last one.
    package static func parse(_ text: String, now: Timestamp) -> Timestamp? {
        let words = text.split { $0 == " " || $0 == "," || $0 == "-" }
        guard words.count >= 5 else { return nil }
        let day: Int64?
        let monthName: Substring
        let time: Substring
        var year: Int64?
        if words.count == 5 {
            // asctime: weekday month day time year
            (monthName, day, time, year) = (words[1], number(words[2]), words[3], number(words[4]))
        } else {
            guard words.count == 6, words[5] == "GMT" else { return nil }
            (day, monthName, year, time) = (number(words[1]), words[2], number(words[3]), words[4])
            if words[3].count == 2, let short = year {
                let thisYear = Timestamp.civil(fromDays: now.milliseconds.flooredDivision(by: 86_400_000)).year
                let full = thisYear / 100 * 100 + short
                year = full > thisYear + 50 ? full - 100 : full
            }
        }
        let clock = time.split(separator: ":", omittingEmptySubsequences: false).map { number($0) }
        guard let day, let year, let month = months.firstIndex(of: String(monthName)), clock.count == 3,
            let hour = clock[0], let minute = clock[1], let second = clock[2], (1...31).contains(day),
            (1...9999).contains(year), hour < 24, minute < 60, second <= 60
        else { return nil }
        let days = Timestamp.days(year: year, month: Int64(month) + 1, day: day)
        return Timestamp(milliseconds: (days * 86_400 + hour * 3600 + minute * 60 + second) * 1000)
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func number(_ text: Substring) -> Int64? {
        text.utf8.count <= 4 && text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(text) : nil
    }
}
