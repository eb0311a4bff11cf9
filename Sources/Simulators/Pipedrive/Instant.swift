// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Times as the two versions write them: `2026-01-02T03:04:05Z`, and `2026-01-02 03:04:05` in UTC.
enum Instant {
    /// Whole seconds, as version 2 answers.
    static func text(_ time: Timestamp) -> String { String(time.description.prefix(19)) + "Z" }

    /// As version 1 answers.
    static func formerText(_ time: Timestamp) -> String { String(text(time).prefix(19)).replacing("T", with: " ") }

    /// RFC 3339 in whole seconds and UTC; fractions are refused, as the service does.
    static func parsed(_ text: String) -> Timestamp? {
        guard let match = text.wholeMatch(of: /(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z/) else { return nil }
        return time([match.1, match.2, match.3, match.4, match.5, match.6])
    }

    static func formerParsed(_ text: String) -> Timestamp? {
        guard let match = text.wholeMatch(of: /(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)/) else { return nil }
        return time([match.1, match.2, match.3, match.4, match.5, match.6])
    }

    private static func time(_ parts: [Substring]) -> Timestamp? {
        let numbers = parts.compactMap { Int64($0) }
        guard numbers.count == 6, (1...12).contains(numbers[1]), (1...31).contains(numbers[2]), numbers[3] < 24,
            numbers[4] < 60, numbers[5] < 60
        else { return nil }
        let days = Timestamp.days(year: numbers[0], month: numbers[1], day: numbers[2])
        return Timestamp(milliseconds: (days * 86_400 + numbers[3] * 3_600 + numbers[4] * 60 + numbers[5]) * 1000)
    }
}
