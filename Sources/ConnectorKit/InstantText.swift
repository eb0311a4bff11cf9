// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Points in time as vendors write them, in the forms of ISO 8601 and RFC 3339 that say the date by its month.
///
/// Read as bytes and without a regular expression, which Swift compiles anew at each use: records have many such fields.
package enum InstantText {
    /// `2026-11-23T15:00:00.000+0000`, `2026-11-23T15:00:00Z`: an instant to the second, or finer, that names UTC as its
    /// zone. `nil` for all else. What is finer than a millisecond is cut off.
    package static func timestamp(_ text: String) -> Timestamp? {
        guard let parts = parts(of: text), parts.hasSeconds, parts.zone == 0 else { return nil }
        return Timestamp(milliseconds: parts.milliseconds)
    }

    /// The same in any zone, `2026-01-31T13:05:00.123+02:00`; without a zone (`2026-01-31 13:05`) UTC is meant, and a day
    /// (`2026-01-31`) is its midnight.
    package static func moment(_ text: String) -> Timestamp? {
        parts(of: text).map { Timestamp(milliseconds: $0.milliseconds - ($0.zone ?? 0) * 60_000) }
    }

    private struct Parts {
        /// Since 1970, as if the zone were UTC.
        var milliseconds: Int64
        var hasSeconds = false
        /// Minutes ahead of UTC; `nil` if the text names no zone.
        var zone: Int64?
    }

    private static func parts(of text: String) -> Parts? {
        var text = text
        return text.withUTF8 { bytes in
            var reader = Reader(bytes: bytes)
            guard let year = reader.number(digits: 4), reader.take("-"), let month = reader.number(digits: 2),
                reader.take("-"), let day = reader.number(digits: 2), (1...12).contains(month), (1...31).contains(day)
            else { return nil }
            var parts = Parts(milliseconds: Timestamp.days(year: year, month: month, day: day) * 86_400_000)
            if reader.isAtEnd { return parts }
            guard reader.take("T") || reader.take(" "), let hour = reader.number(digits: 2), reader.take(":"),
                let minute = reader.number(digits: 2), hour < 24, minute < 60
            else { return nil }
            parts.milliseconds += (hour * 60 + minute) * 60_000
            if reader.take(":") {
                // 60 is a leap second.
                guard let second = reader.number(digits: 2), second <= 60 else { return nil }
                parts.hasSeconds = true
                parts.milliseconds += second * 1000
                if reader.take(".") {
                    guard let fraction = reader.fraction() else { return nil }
                    parts.milliseconds += fraction
                }
            }
            guard reader.isAtEnd || reader.readZone(into: &parts.zone), reader.isAtEnd else { return nil }
            return parts
        }
    }

    private struct Reader {
        let bytes: UnsafeBufferPointer<UInt8>
        var next = 0

        init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

        var isAtEnd: Bool { next == bytes.count }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard next < bytes.count, bytes[next] == UInt8(ascii: character) else { return false }
            next += 1
            return true
        }

        private mutating func digit() -> Int64? {
            guard next < bytes.count, (0x30...0x39).contains(bytes[next]) else { return nil }
            defer { next += 1 }
            return Int64(bytes[next] - 0x30)
        }

        mutating func number(digits: Int) -> Int64? {
            var number: Int64 = 0
            for _ in 0..<digits {
                guard let digit = digit() else { return nil }
                number = number * 10 + digit
            }
            return number
        }

        /// Milliseconds, from one or more digits of a second's part.
        mutating func fraction() -> Int64? {
            guard let tenths = digit() else { return nil }
            var fraction = tenths * 100
            var weight: Int64 = 10
            while let digit = digit() {
                fraction += digit * weight
                weight /= 10
            }
            return fraction
        }

        /// `Z`, `+02:00`, `+0200`.
        mutating func readZone(into zone: inout Int64?) -> Bool {
            if take("Z") {
                zone = 0
                return true
            }
            let isBehind = take("-")
            guard isBehind || take("+"), let hours = number(digits: 2) else { return false }
            _ = take(":")
            guard let minutes = number(digits: 2) else { return false }
            zone = (hours * 60 + minutes) * (isBehind ? -1 : 1)
            return true
        }
    }
}
