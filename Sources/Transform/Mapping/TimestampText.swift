// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Reads instants and days as CRMs write them.
package enum TimestampText {
    /// The instant that a text means; `nil` if it is none.
    ///
    /// Understood are ISO 8601 / RFC 3339 (`2021-05-01`, `2021-05-01T10:00Z`, `…T10:00:00.123+02:00`, `…+0000`, a space
    /// instead of `T`; without a zone UTC is meant), the basic form of a day (`20210501`, exactly eight digits), and any
    /// other whole number as milliseconds since 1970, which is how HubSpot writes dates in older answers
    /// (developers.hubspot.com, "Properties": date and datetime values).
    package static func instant(_ text: some Collection<UInt8>) -> Timestamp? { reading(text)?.instant(in: nil) }

    /// The same with what the text says about its zone; `nil` if it is no date.
    static func reading(_ text: some Collection<UInt8>) -> Reading? {
        var scanner = Scanner(bytes: text)
        return scanner.reading()
    }

    /// A date as it stands in a text.
    struct Reading: Equatable {
        enum Form {
            /// A day without a time.
            case day
            /// A time without a zone.
            case local
            /// A point in time.
            case instant
        }

        /// Since 1970; in UTC, or by the clock of wherever it was written.
        var milliseconds: Int64
        var form: Form

        /// The instant that is meant if the text was written in `zone`; without one UTC is meant.
        func instant(in zone: ZoneRules?) -> Timestamp {
            guard form != .instant, let zone else { return Timestamp(milliseconds: milliseconds) }
            return Timestamp(milliseconds: zone.instant(ofLocal: milliseconds))
        }
    }

    /// Appends the day of an instant in UTC: `2021-05-01`.
    static func appendDay(of instant: Timestamp, to bytes: inout [UInt8]) {
        let (year, month, day) = Timestamp.civil(fromDays: instant.milliseconds.flooredDivision(by: 86_400_000))
        append(year, 4, &bytes)
        bytes.append(UInt8(ascii: "-"))
        append(month, 2, &bytes)
        bytes.append(UInt8(ascii: "-"))
        append(day, 2, &bytes)
    }

    /// Appends an instant as RFC 3339 in UTC with milliseconds: `2021-05-01T10:00:00.123Z`.
    static func append(_ instant: Timestamp, to bytes: inout [UInt8]) {
        appendDay(of: instant, to: &bytes)
        let time = instant.milliseconds - instant.milliseconds.flooredDivision(by: 86_400_000) * 86_400_000
        bytes.append(UInt8(ascii: "T"))
        append(time / 3_600_000, 2, &bytes)
        bytes.append(UInt8(ascii: ":"))
        append(time / 60_000 % 60, 2, &bytes)
        bytes.append(UInt8(ascii: ":"))
        append(time / 1000 % 60, 2, &bytes)
        bytes.append(UInt8(ascii: "."))
        append(time % 1000, 3, &bytes)
        bytes.append(UInt8(ascii: "Z"))
    }

    private static func append(_ number: Int64, _ width: Int, _ bytes: inout [UInt8]) {
        var scale: Int64 = 1
        for _ in 1..<width { scale *= 10 }
        while scale > 0 {
            bytes.append(UInt8(truncatingIfNeeded: 0x30 + number / scale % 10))
            scale /= 10
        }
    }

    /// Instants of the years 1 to 9999, which have a text of four-digit years.
    static let range: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

    private struct Scanner<Bytes: Collection<UInt8>> {
        let bytes: Bytes
        var position: Bytes.Index

        init(bytes: Bytes) {
            self.bytes = bytes
            position = bytes.startIndex
        }

        mutating func reading() -> Reading? {
            guard let first = bytes.first else { return nil }
            if let number = wholeNumber(first) { return number }
            guard let year = digits(4), accept("-"), let month = digits(2), accept("-"), let day = digits(2),
                let start = Self.milliseconds(year, month, day)
            else { return nil }
            if position == bytes.endIndex { return Reading(milliseconds: start, form: .day) }
            guard accept("T") || accept("t") || accept(" "), let time = timeOfDay() else { return nil }
            if position == bytes.endIndex { return Reading(milliseconds: start + time, form: .local) }
            guard let offset = zone(), position == bytes.endIndex else { return nil }
            return Reading(milliseconds: start + time - offset, form: .instant)
        }

        /// A text of digits only: a day in basic form, or milliseconds.
        private func wholeNumber(_ first: UInt8) -> Reading? {
            var value: Int64 = 0
            var count = 0
            for byte in first == UInt8(ascii: "-") ? bytes.dropFirst() : bytes[...] {
                guard byte >= 0x30, byte <= 0x39, count < 16 else { return nil }
                value = value * 10 + Int64(byte & 0x0F)
                count += 1
            }
            guard count > 0 else { return nil }
            if count == 8, first != UInt8(ascii: "-") {
                return Self.milliseconds(value / 10_000, value / 100 % 100, value % 100).map {
                    Reading(milliseconds: $0, form: .day)
                }
            }
            let milliseconds = first == UInt8(ascii: "-") ? -value : value
            return TimestampText.range.contains(milliseconds)
                ? Reading(milliseconds: milliseconds, form: .instant) : nil
        }

        private mutating func timeOfDay() -> Int64? {
            guard let hour = digits(2), accept(":"), let minute = digits(2), hour < 24, minute < 60 else { return nil }
            var milliseconds = (hour * 60 + minute) * 60_000
            guard accept(":") else { return milliseconds }
            // RFC 3339 allows a leap second; it counts as the second after it.
            guard let second = digits(2), second <= 60 else { return nil }
            milliseconds += second * 1000
            guard accept(".") || accept(",") else { return milliseconds }
            var scale: Int64 = 100
            var count = 0
            while position < bytes.endIndex, bytes[position] >= 0x30, bytes[position] <= 0x39 {
                milliseconds += Int64(bytes[position] & 0x0F) * scale
                scale /= 10
                count += 1
                bytes.formIndex(after: &position)
            }
            return count > 0 ? milliseconds : nil
        }

        /// Milliseconds east of UTC.
        private mutating func zone() -> Int64? {
            if accept("Z") || accept("z") { return 0 }
            let sign: Int64
            if accept("+") { sign = 1 } else if accept("-") { sign = -1 } else { return nil }
            guard let hours = digits(2), hours < 24 else { return nil }
            if position == bytes.endIndex { return sign * hours * 3_600_000 }
            _ = accept(":")
            guard let minutes = digits(2), minutes < 60 else { return nil }
            return sign * (hours * 60 + minutes) * 60_000
        }

        private mutating func digits(_ count: Int) -> Int64? {
            var value: Int64 = 0
            for _ in 0..<count {
                guard position < bytes.endIndex, bytes[position] >= 0x30, bytes[position] <= 0x39 else { return nil }
                value = value * 10 + Int64(bytes[position] & 0x0F)
                bytes.formIndex(after: &position)
            }
            return value
        }

        private mutating func accept(_ character: Unicode.Scalar) -> Bool {
            guard position < bytes.endIndex, bytes[position] == UInt8(ascii: character) else { return false }
            bytes.formIndex(after: &position)
            return true
        }

        private static func milliseconds(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64? {
            guard year >= 1, (1...12).contains(month), (1...31).contains(day) else { return nil }
            let days = Timestamp.days(year: year, month: month, day: day)
            // The 31st of a shorter month would silently become another day.
            guard Timestamp.civil(fromDays: days).day == day else { return nil }
            return days * 86_400_000
        }
    }
}
