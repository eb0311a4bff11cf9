// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A decimal number of at most 34 digits, 24 of them behind the point, with exact arithmetic: 0.1 + 0.2 is 0.3.
///
/// What would need more digits has no result (`nil`), except that quotients and products are rounded half to even at
/// the last place that is kept. Nothing ever traps.
package struct ExactNumber: Sendable, Hashable {
    /// The value is `units` / 10^`places`; there are no zeros at the end behind the point, so that equal values are
    /// equal members.
    private let units: Int128
    private let places: Int

    private static let placesMax = 24
    /// Quotients are worked out to so many places.
    private static let quotientPlaces = 18
    private static let unitsMax = power(34)

    /// The powers of ten that fit.
    private static let powers: [Int128] = {
        var powers: [Int128] = [1]
        for _ in 1...38 { powers.append(powers[powers.count - 1] &* 10) }
        return powers
    }()

    private static func power(_ exponent: Int) -> Int128 { powers[exponent] }

    package init(_ number: Int) {
        units = Int128(number)
        places = 0
    }

    /// `nil` if it has too many digits.
    private init?(units: Int128, places: Int) {
        var units = units
        var places = places
        while places > 0, units % 10 == 0 {
            units /= 10
            places -= 1
        }
        if places > Self.placesMax {
            let excess = places - Self.placesMax
            guard excess <= 38 else { return nil }
            units = Self.dividedHalfEven(units, by: Self.power(excess))
            places = Self.placesMax
            while places > 0, units % 10 == 0 {
                units /= 10
                places -= 1
            }
        }
        guard units > -Self.unitsMax, units < Self.unitsMax else { return nil }
        self.units = units
        self.places = places
    }

    // MARK: Text

    /// Reads `12`, `-0.50`, `.5` or `1.2e3`; `nil` if it is nothing of the kind or has too many digits.
    package init?(_ text: some Collection<UInt8>) {
        var units: Int128 = 0
        var places = 0
        var exponent = 0
        var digits = 0
        var isFraction = false
        var i = text.startIndex
        let isNegative = text.first == UInt8(ascii: "-")
        if isNegative || text.first == UInt8(ascii: "+") { text.formIndex(after: &i) }
        while i < text.endIndex {
            let byte = text[i]
            if byte >= 0x30, byte <= 0x39 {
                digits += 1
                guard units < Self.unitsMax else { return nil }
                units = units * 10 + Int128(byte & 0x0F)
                if isFraction { places += 1 }
            } else if byte == UInt8(ascii: "."), !isFraction {
                isFraction = true
                let next = text.index(after: i)
                guard next < text.endIndex, text[next] >= 0x30, text[next] <= 0x39 else { return nil }
            } else if byte | 0x20 == UInt8(ascii: "e"), digits > 0 {
                guard let written = Self.exponent(text[text.index(after: i)...]) else { return nil }
                exponent = written
                break
            } else {
                return nil
            }
            text.formIndex(after: &i)
        }
        guard digits > 0 else { return nil }
        if isNegative { units = -units }
        places -= exponent
        if units == 0 { places = 0 }
        if places < 0 {
            guard places >= -34, let scaled = Self.product(units, Self.power(-places)) else { return nil }
            units = scaled
            places = 0
        }
        // A number from a text is never rounded: its digits would silently become others.
        var stripped = places
        while stripped > Self.placesMax, units % 10 == 0 {
            units /= 10
            stripped -= 1
        }
        guard stripped <= Self.placesMax, let number = ExactNumber(units: units, places: stripped) else { return nil }
        self = number
    }

    private static func exponent(_ text: some Collection<UInt8>) -> Int? {
        var rest = text.dropFirst(0)
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        guard (1...3).contains(rest.count) else { return nil }
        var value = 0
        for byte in rest {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            value = value * 10 + Int(byte & 0x0F)
        }
        return isNegative ? -value : value
    }

    // MARK: Arithmetic

    package func adding(_ other: ExactNumber) -> ExactNumber? {
        guard let (a, b, places) = Self.aligned(self, other) else { return nil }
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? nil : ExactNumber(units: sum, places: places)
    }

    package func subtracting(_ other: ExactNumber) -> ExactNumber? { adding(other.negated) }

    package func multiplied(by other: ExactNumber) -> ExactNumber? {
        guard let product = Self.product(units, other.units) else { return nil }
        return ExactNumber(units: product, places: places + other.places)
    }

    /// `nil` also if `other` is zero.
    package func divided(by other: ExactNumber) -> ExactNumber? {
        guard other.units != 0 else { return nil }
        for kept in stride(from: Self.quotientPlaces, through: 0, by: -3) {
            let shift = kept + other.places - places
            let dividend = shift >= 0 ? (shift <= 38 ? Self.product(units, Self.power(shift)) : nil) : units
            let divisor = shift >= 0 ? other.units : Self.product(other.units, Self.power(-shift))
            guard let dividend, let divisor else { continue }
            return ExactNumber(units: Self.dividedHalfEven(dividend, by: divisor), places: kept)
        }
        return nil
    }

    /// What is left of a division without fraction, with the sign of `self`; `nil` also if `other` is zero.
    package func remainder(by other: ExactNumber) -> ExactNumber? {
        guard other.units != 0, let (a, b, places) = Self.aligned(self, other) else { return nil }
        return ExactNumber(units: a % b, places: places)
    }

    package var negated: ExactNumber { ExactNumber(units: -units, places: places) ?? self }
    package var magnitude: ExactNumber { units < 0 ? negated : self }
    package var isWhole: Bool { places == 0 }
    package var isZero: Bool { units == 0 }

    /// The number as an `Int`, if it is one.
    package var int: Int? { isWhole ? Int(exactly: units) : nil }

    /// How a number with fewer places is chosen.
    package enum Rounding: Sendable {
        /// The nearest; a half away from zero, as people learn it.
        case nearest
        case down, up
    }

    /// With at most so many digits behind the point; a negative number of them rounds to tens, hundreds and so on.
    package func rounded(to digits: Int, _ rounding: Rounding) -> ExactNumber? {
        guard digits < places else { return self }
        guard places - digits <= 38 else { return ExactNumber(0) }
        let unit = Self.power(places - digits)
        let (whole, rest) = units.quotientAndRemainder(dividingBy: unit)
        var quotient = whole
        if rest != 0 {
            switch rounding {
            case .nearest: if rest.magnitude >= (unit - unit / 2).magnitude { quotient += units < 0 ? -1 : 1 }
            case .down: if units < 0 { quotient -= 1 }
            case .up: if units > 0 { quotient += 1 }
            }
        }
        guard digits < 0 else { return ExactNumber(units: quotient, places: digits) }
        return Self.product(quotient, Self.power(-digits)).flatMap { ExactNumber(units: $0, places: 0) }
    }

    // MARK: Whole numbers of both

    /// Both with the same places; `nil` if that does not fit.
    private static func aligned(_ a: ExactNumber, _ b: ExactNumber) -> (Int128, Int128, places: Int)? {
        let places = max(a.places, b.places)
        guard let x = product(a.units, power(places - a.places)), let y = product(b.units, power(places - b.places))
        else { return nil }
        return (x, y, places)
    }

    private static func product(_ a: Int128, _ b: Int128) -> Int128? {
        let (product, overflow) = a.multipliedReportingOverflow(by: b)
        return overflow ? nil : product
    }

    private static func dividedHalfEven(_ dividend: Int128, by divisor: Int128) -> Int128 {
        let (quotient, rest) = dividend.quotientAndRemainder(dividingBy: divisor)
        let half = divisor.magnitude - rest.magnitude
        guard rest != 0, rest.magnitude > half || (rest.magnitude == half && quotient % 2 != 0) else { return quotient }
        return quotient + ((dividend < 0) == (divisor < 0) ? 1 : -1)
    }
}

extension ExactNumber: Comparable {
    package static func < (a: ExactNumber, b: ExactNumber) -> Bool {
        let (x, xRest) = a.units.quotientAndRemainder(dividingBy: power(a.places))
        let (y, yRest) = b.units.quotientAndRemainder(dividingBy: power(b.places))
        if x != y { return x < y }
        return xRest * power(placesMax - a.places) < yRest * power(placesMax - b.places)
    }
}

extension ExactNumber: CustomStringConvertible {
    /// Its digits, without an exponent: `-0.5`, `1200`.
    package var description: String {
        guard places > 0 else { return String(units) }
        let digits = String(units.magnitude)
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        return "\(units < 0 ? "-" : "")\(padded.dropLast(places)).\(padded.suffix(places))"
    }
}
