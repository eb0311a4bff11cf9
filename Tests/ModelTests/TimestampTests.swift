// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import Testing

@Suite struct TimestampTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_435_200_123, "2026-11-23T12:00:00.123Z"), (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] as [(Int64, String)]) func `an instant is written as RFC 3339`(milliseconds: Int64, text: String)
    {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
    }

    @Test func `days and dates are each other's inverse`() {
        // Every day from 1600 to 2400: two whole cycles of 400 years, with 97 leap days each, and a leap year.
        let first = Timestamp.days(year: 1600, month: 1, day: 1)
        let last = Timestamp.days(year: 2400, month: 12, day: 31)
        #expect(last - first == 800 * 365 + 194 + 365)
        var previous = Timestamp.civil(fromDays: first - 1)
        for day in first...last {
            let date = Timestamp.civil(fromDays: day)
            let isNext =
                date.day == previous.day + 1 && date.month == previous.month
                || date.day == 1
                    && (date.month == previous.month + 1 || date.month == 1 && date.year == previous.year + 1)
            if !isNext || Timestamp.days(year: date.year, month: date.month, day: date.day) != day {
                Issue.record("day \(day)")
            }
            previous = date
        }
    }

    @Test func `durations are added and taken`() {
        let start = Timestamp(milliseconds: 1000)
        #expect(start.advanced(by: .milliseconds(1500)).milliseconds == 2500)
        #expect(start.advanced(by: .milliseconds(-1500)).milliseconds == -500)
        #expect(start.advanced(by: .microseconds(999)) == start)
        #expect(start.advanced(by: .seconds(2)).duration(since: start) == .seconds(2))
        #expect(start < start.advanced(by: .milliseconds(1)))
    }

    @Test(
        arguments: [(7, 2, 3), (-7, 2, -4), (7, -2, -4), (-7, -2, 3), (6, 3, 2), (-6, 3, -2), (0, 5, 0)]
            as [(Int64, Int64, Int64)])
    func `division rounds towards negative infinity`(dividend: Int64, divisor: Int64, quotient: Int64) {
        #expect(dividend.flooredDivision(by: divisor) == quotient)
    }

    @Test func `the machine's clock tells a plausible time and its sleep is cancelled`() async {
        let clock = SystemWallClock()
        #expect(clock.now > Timestamp(milliseconds: 1_700_000_000_000))
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: CancellationError.self) { try await clock.sleep(for: .seconds(3600)) }
            }
            group.cancelAll()
        }
    }
}
