// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// What a refusal says in its header `Retry-After` (RFC 9110 §10.2.3), legal or not.
package enum RetryAfterText: Hashable, Sendable {
    case seconds(Int)
    /// A date so far from the time of the answer; in the past if negative.
    case date(Duration)
    /// Any text.
    case text(String)

    /// Reads `2s`, `date+90s`, `date-90s`, or a text in quotes.
    init?(_ text: String) {
        if text.hasPrefix("\""), text.hasSuffix("\""), text.count >= 2 {
            self = .text(String(text.dropFirst().dropLast()))
        } else if text.hasPrefix("date+"), let distance = Duration(simulatorText: String(text.dropFirst(5))) {
            self = .date(distance)
        } else if text.hasPrefix("date-"), let distance = Duration(simulatorText: String(text.dropFirst(5))) {
            self = .date(.zero - distance)
        } else if let duration = Duration(simulatorText: text) {
            self = .seconds(Int(duration.components.seconds))
        } else {
            return nil
        }
    }

    /// The header's value in an answer that goes out at `now`.
    package func value(at now: Timestamp) -> String {
        switch self {
        case .seconds(let count): String(count)
        case .date(let distance): RetryAfterText.date(now.advanced(by: distance))
        case .text(let text): text
        }
    }

    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The preferred form of a date (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`. Day 0 was a Thursday.
    private static func date(_ time: Timestamp) -> String {
        let seconds = time.milliseconds / 1000
        let (days, second) = (seconds / 86_400, seconds % 86_400)
        let (year, month, day) = Timestamp.civil(fromDays: days)
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let clock = "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))"
        return "\(weekdays[Int(days % 7)]), \(two(Int64(day))) \(months[Int(month) - 1]) \(year) \(clock) GMT"
    }
}
