// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Dates and instants as the platform writes and reads them.
enum DateTimeText {
    /// `2026-11-23T15:00:00.000+0000`
    static func text(_ milliseconds: Int64) -> String {
        Timestamp(milliseconds: milliseconds).description.dropLast() + "+0000"
    }

    /// `2026-11-23T15:00:00.000Z`, as in bulk results.
    static func bulkText(_ milliseconds: Int64) -> String { Timestamp(milliseconds: milliseconds).description }

    /// A date of the years 1700 to 4000, which are the platform's bounds; `nil` if it is not written `YYYY-MM-DD`.
    static func isDate(_ text: String) -> Bool {
        var reader = Reader(text)
        return reader.days() != nil && reader.isAtEnd
    }

    /// ISO 8601 with seconds, up to nine digits after them, and a zone (`Z`, `+00:00` or `+0000`), in milliseconds.
    static func milliseconds(_ text: String) -> Int64? {
        var reader = Reader(text)
        guard let days = reader.days(), reader.take("T") != nil,
            let hour = reader.number(2, max: 23), reader.take(":") != nil,
            let minute = reader.number(2, max: 59), reader.take(":") != nil,
            let second = reader.number(2, max: 59)
        else { return nil }
        var fraction: Int64 = 0
        if reader.take(".") != nil {
            guard let value = reader.fraction() else { return nil }
            fraction = value
        }
        guard let offset = reader.zone(), reader.isAtEnd else { return nil }
        return days * 86_400_000 + (hour * 3600 + minute * 60 + second) * 1000 + fraction - offset * 60_000
    }

    private struct Reader {
        private let bytes: [UInt8]
        private var position = 0

        init(_ text: String) { bytes = Array(text.utf8) }

        var isAtEnd: Bool { position == bytes.count }

        mutating func take(_ character: Unicode.Scalar) -> Bool? {
            guard position < bytes.count, UInt32(bytes[position]) == character.value else { return nil }
            position += 1
            return true
        }

        mutating func number(_ digits: Int, max: Int64) -> Int64? {
            guard position + digits <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[position..<position + digits] {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            position += digits
            return value <= max ? value : nil
        }

        mutating func days() -> Int64? {
            guard let year = number(4, max: 4000), year >= 1700, take("-") != nil, let month = number(2, max: 12),
                month > 0, take("-") != nil, let day = number(2, max: 31), day > 0
            else { return nil }
            let days = Timestamp.days(year: year, month: month, day: day)
            // A day that the month does not have comes back as another date.
            return Timestamp.civil(fromDays: days) == (year, month, day) ? days : nil
        }

        /// Milliseconds from one to nine digits.
        mutating func fraction() -> Int64? {
            var value: Int64 = 0
            var digits = 0
            while position < bytes.count, (0x30...0x39).contains(bytes[position]), digits < 9 {
                if digits < 3 { value = value * 10 + Int64(bytes[position] - 0x30) }
                digits += 1
                position += 1
            }
            guard digits > 0 else { return nil }
            for _ in min(digits, 3)..<3 { value *= 10 }
            return value
        }

        /// Minutes east of UTC.
        mutating func zone() -> Int64? {
            if take("Z") != nil { return 0 }
            let sign: Int64 = take("+") != nil ? 1 : take("-") != nil ? -1 : 0
            guard sign != 0, let hours = number(2, max: 14) else { return nil }
            _ = take(":")
            guard let minutes = number(2, max: 59) else { return nil }
            return sign * (hours * 60 + minutes)
        }
    }
}
