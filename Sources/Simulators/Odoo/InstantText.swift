// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Points in time as the server writes them: UTC, whole seconds, no zone: `2026-01-02 03:04:05`.
enum InstantText {
    static func text(_ instant: Timestamp) -> String {
        let days = instant.milliseconds.flooredDivision(by: 86_400_000)
        let (year, month, day) = Timestamp.civil(fromDays: days)
        let seconds = (instant.milliseconds - days * 86_400_000) / 1000
        let parts = [Int64(month), Int64(day), seconds / 3600, seconds / 60 % 60, seconds % 60].map { number in
            number < 10 ? "0\(number)" : "\(number)"
        }
        return "\(year)-\(parts[0])-\(parts[1]) \(parts[2]):\(parts[3]):\(parts[4])"
    }

    static func day(_ instant: Timestamp) -> String { String(text(instant).prefix(10)) }

    /// `nil` unless the text is of exactly that form, or a day.
    static func timestamp(_ text: String) -> Timestamp? {
        let halves = text.split(separator: " ", omittingEmptySubsequences: false)
        guard let days = days(halves[0]) else { return nil }
        guard halves.count == 2 else {
            return halves.count == 1 ? Timestamp(milliseconds: days * 86_400_000) : nil
        }
        let parts = numbers(halves[1], ":", [2, 2, 2])
        guard let parts, parts[0] < 24, parts[1] < 60, parts[2] < 60 else { return nil }
        let seconds = ((days * 24 + parts[0]) * 60 + parts[1]) * 60 + parts[2]
        return Timestamp(milliseconds: seconds * 1000)
    }

    /// Days since 1970; `nil` unless the text is `2026-01-31` and there is such a day.
    static func days(_ text: some StringProtocol) -> Int64? {
        guard let parts = numbers(text, "-", [4, 2, 2]) else { return nil }
        let days = Timestamp.days(year: parts[0], month: parts[1], day: parts[2])
        let (year, month, day) = Timestamp.civil(fromDays: days)
        return (Int64(year), Int64(month), Int64(day)) == (parts[0], parts[1], parts[2]) ? days : nil
    }

    private static func numbers(_ text: some StringProtocol, _ mark: Character, _ widths: [Int]) -> [Int64]? {
        let parts = text.split(separator: mark, omittingEmptySubsequences: false)
        guard parts.map(\.count) == widths, text.utf8.allSatisfy({ $0 < 0x3B }) else { return nil }
        let numbers = parts.compactMap { Int64($0) }
        return numbers.count == widths.count ? numbers : nil
    }
}
