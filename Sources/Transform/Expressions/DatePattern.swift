// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// The form of a date in a text: `dd.MM.yyyy HH:mm`, with the letters of Unicode TR 35, "Date Format Patterns".
///
/// Understood are `yyyy yy MMMM MMM MM M dd d EEEE EEE HH H hh h mm ss SSS a`; names are English. Text between single
/// quotes stands for itself, and so does everything that is not a letter.
struct DatePattern: Sendable, Equatable {
    private enum Part: Sendable, Equatable {
        case literal(String)
        case field(Character, width: Int)
    }

    private let parts: [Part]

    /// Whether it has an hour; without one it is the form of a day.
    var hasTime: Bool {
        parts.contains { part in
            if case .field(let letter, _) = part { letter == "H" || letter == "h" } else { false }
        }
    }

    private static let widths: [Character: ClosedRange<Int>] = [
        "y": 2...4, "M": 1...4, "d": 1...2, "E": 3...4, "H": 1...2, "h": 1...2, "m": 2...2, "s": 2...2, "S": 3...3,
        "a": 1...1,
    ]
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

    /// `nil` if the text has a letter that stands for nothing, or nothing that stands for a part of a date.
    init?(_ text: String) {
        var parts: [Part] = []
        var rest = text[...]
        while let first = rest.first {
            if first == "'" {
                let inner = rest.dropFirst().prefix { $0 != "'" }
                guard inner.endIndex < rest.endIndex else { return nil }
                parts.append(.literal(inner.isEmpty ? "'" : String(inner)))
                rest = rest[rest.index(after: inner.endIndex)...]
            } else if first.isLetter {
                let run = rest.prefix { $0 == first }
                guard let widths = Self.widths[first], widths.contains(run.count), first != "y" || run.count != 3 else {
                    return nil
                }
                parts.append(.field(first, width: run.count))
                rest = rest.dropFirst(run.count)
            } else {
                parts.append(.literal(String(first)))
                rest = rest.dropFirst()
            }
        }
        guard parts.contains(where: { if case .field = $0 { true } else { false } }) else { return nil }
        self.parts = parts
    }

    // MARK: Writing

    /// A time of a clock, in milliseconds since 1970 by that clock.
    func text(ofLocal local: Int64) -> String {
        let days = local.flooredDivision(by: 86_400_000)
        let time = local - days * 86_400_000
        let (year, month, day) = Timestamp.civil(fromDays: days)
        let hour = time / 3_600_000
        var text = ""
        for part in parts {
            switch part {
            case .literal(let literal): text += literal
            case .field("y", let width): text += width == 2 ? padded(year % 100, 2) : padded(year, 4)
            case .field("M", let width):
                let name = Self.months[Int(month) - 1]
                text += width == 4 ? name : width == 3 ? String(name.prefix(3)) : padded(month, width)
            case .field("d", let width): text += padded(day, width)
            case .field("E", let width):
                let name = Self.weekdays[Self.weekday(ofDays: days) - 1]
                text += width == 4 ? name : String(name.prefix(3))
            case .field("H", let width): text += padded(hour, width)
            case .field("h", let width): text += padded((hour + 11) % 12 + 1, width)
            case .field("m", _): text += padded(time / 60_000 % 60, 2)
            case .field("s", _): text += padded(time / 1000 % 60, 2)
            case .field("S", _): text += padded(time % 1000, 3)
            case .field: text += hour < 12 ? "AM" : "PM"
            }
        }
        return text
    }

    /// From 1 for Monday to 7 for Sunday; day 0 of the epoch was a Thursday.
    static func weekday(ofDays days: Int64) -> Int {
        let remainder = (days + 3) - (days + 3).flooredDivision(by: 7) * 7
        return Int(remainder) + 1
    }

    private func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    // MARK: Reading

    /// The time that a text of this form means, in milliseconds since 1970 by the clock it was written by; `nil` if the
    /// text is not of this form or there is no such day. Two digits of a year mean 1950 to 2049.
    func local(of text: String) -> Int64? {
        // Nobody writes a date in more; a whole note is not searched for one.
        guard text.utf8.count <= 200 else { return nil }
        var fields: [Character: Int64] = [:]
        var rest = text[...]
        for part in parts {
            switch part {
            case .literal(let literal):
                guard rest.hasPrefix(literal) else { return nil }
                rest = rest.dropFirst(literal.count)
            case .field(let letter, let width):
                guard let value = Self.take(letter, width, &rest) else { return nil }
                if letter != "E" { fields[letter] = value }
            }
        }
        guard rest.isEmpty, let month = fields["M"], let day = fields["d"], let year = fields["y"] else { return nil }
        let days = Timestamp.days(year: year, month: month, day: day)
        guard (1...9999).contains(year), (1...12).contains(month), (1...31).contains(day),
            Timestamp.civil(fromDays: days).day == day
        else { return nil }
        var hour = fields["H"] ?? fields["h"] ?? 0
        if fields["H"] == nil, let half = fields["a"] { hour = hour % 12 + (half == 1 ? 12 : 0) }
        let minute = fields["m"] ?? 0
        let second = fields["s"] ?? 0
        guard hour < 24, minute < 60, second < 60 else { return nil }
        return days * 86_400_000 + hour * 3_600_000 + minute * 60_000 + second * 1000 + (fields["S"] ?? 0)
    }

    private static func take(_ letter: Character, _ width: Int, _ rest: inout Substring) -> Int64? {
        switch (letter, width) {
        case ("M", 3...): return name(among: months, isShort: width == 3, &rest).map { Int64($0 + 1) }
        case ("E", _): return name(among: weekdays, isShort: width == 3, &rest).map { Int64($0 + 1) }
        case ("a", _):
            let half = rest.prefix(2).lowercased()
            guard half == "am" || half == "pm" else { return nil }
            rest = rest.dropFirst(2)
            return half == "pm" ? 1 : 0
        default:
            // A letter alone stands for one digit or two, several for exactly so many.
            let digits = rest.prefix(width == 1 ? 2 : width).prefix { $0.isASCII && $0.isNumber }
            guard digits.count >= width, let value = Int64(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            return letter == "y" && width == 2 ? (value < 50 ? 2000 + value : 1900 + value) : value
        }
    }

    private static func name(among names: [String], isShort: Bool, _ rest: inout Substring) -> Int? {
        let lower = rest.lowercased()
        for (number, name) in names.enumerated() {
            let wanted = (isShort ? String(name.prefix(3)) : name).lowercased()
            guard lower.hasPrefix(wanted) else { continue }
            rest = rest.dropFirst(wanted.count)
            return number
        }
        return nil
    }
}
