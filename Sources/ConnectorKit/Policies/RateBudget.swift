// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// So many requests in any period of that length.
package struct RateBudget: Sendable, Hashable, CustomStringConvertible {
    package var requests: Int
    package var per: Duration

    /// - Precondition: both are positive.
    package init(requests: Int, per: Duration) {
        precondition(requests > 0 && per > .zero, "a budget allows something in some time")
        self.requests = requests
        self.per = per
    }

    /// `150/10s`, `5/s`, `1000/1h`; units ms, s, m, h, d.
    package init(parsing text: String) throws(MigratezError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let requests = Int(parts[0]), requests > 0, requests <= 1_000_000,
            let per = RateBudget.period(parts[1])
        else {
            throw MigratezError(
                .invalidSetting, "'\(text)' is not a rate", remedy: .fixConfiguration, hint: "write it as 150/10s")
        }
        self.init(requests: requests, per: per)
    }

    /// `150/10s`, in the largest unit that divides the period.
    package var description: String {
        let milliseconds = per.wholeMilliseconds
        let units: [(Int64, String)] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")]
        let unit = units.first { milliseconds % $0.0 == 0 } ?? (1, "ms")
        let count = milliseconds / unit.0
        return "\(requests)/\(count == 1 ? "" : String(count))\(unit.1)"
    }

    /// `70%` → 0.7; more than 0, at most 100 percent.
    package static func share(parsing text: String) throws(MigratezError) -> Double {
        guard text.hasSuffix("%"), let percent = Double(text.dropLast()), percent > 0, percent <= 100 else {
            throw MigratezError(
                .invalidSetting, "'\(text)' is not a share", remedy: .fixConfiguration, hint: "write it as 70%")
        }
        return percent / 100
    }

    private static func period(_ text: Substring) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let milliseconds: [Substring: Int64] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard digits.count <= 6, let unit = milliseconds[text.dropFirst(digits.count)],
            let count = digits.isEmpty ? 1 : Int64(digits), count > 0
        else { return nil }
        return .milliseconds(count * unit)
    }
}
