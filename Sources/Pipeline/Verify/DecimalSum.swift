// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Adds decimal numbers without rounding, however many digits they have.
///
/// Two sums of digits, one of the positive and one of the negative numbers; only the text takes their difference. Takes
/// as much memory as the longest number.
package struct DecimalSum: Sendable, Equatable {
    private var positive = Magnitude()
    private var negative = Magnitude()
    /// Numbers that are larger or finer than any CRM can hold are refused, so that nobody fills the memory with `1e999999`.
    private static let exponentMax = 400

    package init() {}

    /// Adds a number in the grammar of JSON (RFC 8259, section 6), which a text with leading zeros is not; false if it
    /// is none, or one beyond 10^±400, and then nothing is added.
    package mutating func add(_ text: String) -> Bool {
        guard let number = DecimalNumber(text), abs(number.exponent) + number.digits.count <= Self.exponentMax else {
            return false
        }
        if number.isNegative { negative.add(number) } else { positive.add(number) }
        return true
    }

    /// The sum: `-1250.5`; no exponent, no zeros at the end.
    package var text: String {
        if positive.isSmaller(than: negative) { return "-" + negative.difference(from: positive) }
        return positive.difference(from: negative)
    }
}

/// A decimal number as digits and a power of ten: 12.50 is 125 · 10^-1.
struct DecimalNumber: Sendable, Equatable {
    let isNegative: Bool
    /// Each 0…9, the most significant first, without zeros at either end; none for zero.
    let digits: [UInt8]
    /// The power of ten of the last digit; 0 for zero.
    let exponent: Int

    /// Nil if the text is no number in the grammar of JSON.
    init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        var isNegative = false
        if rest.first == UInt8(ascii: "-") {
            isNegative = true
            rest.removeFirst()
        }
        let whole = Self.dropDigits(&rest)
        guard !whole.isEmpty, whole.count == 1 || whole[0] != 0 else { return nil }
        var digits = whole
        var exponent = 0
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            let fraction = Self.dropDigits(&rest)
            guard !fraction.isEmpty else { return nil }
            digits += fraction
            exponent = -fraction.count
        }
        if let byte = rest.first, byte | 0x20 == UInt8(ascii: "e") {
            rest.removeFirst()
            let isSmall = rest.first == UInt8(ascii: "-")
            if isSmall || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
            let power = Self.dropDigits(&rest)
            guard !power.isEmpty, power.count < 7 else { return nil }
            exponent += power.reduce(0) { $0 * 10 + Int($1) } * (isSmall ? -1 : 1)
        }
        guard rest.isEmpty else { return nil }
        while digits.last == 0 {
            digits.removeLast()
            exponent += 1
        }
        digits = Array(digits.drop { $0 == 0 })
        self.digits = digits
        self.exponent = digits.isEmpty ? 0 : exponent
        self.isNegative = isNegative && !digits.isEmpty
    }

    private static func dropDigits(_ text: inout ArraySlice<UInt8>) -> [UInt8] {
        let digits = text.prefix { $0 >= 0x30 && $0 <= 0x39 }
        text = text.dropFirst(digits.count)
        return digits.map { $0 - 0x30 }
    }
}

/// A sum of numbers that are not negative.
private struct Magnitude: Sendable, Equatable {
    /// Digits to the base 10^9, the least significant first.
    private var limbs: [UInt32] = []
    /// How many of `limbs` are behind the decimal point.
    private var fractionLimbs = 0
    private static let base: UInt64 = 1_000_000_000
    private static let limbDigits = 9

    mutating func add(_ number: DecimalNumber) {
        guard !number.digits.isEmpty else { return }
        let neededFraction = max(0, (-number.exponent + Self.limbDigits - 1) / Self.limbDigits)
        if neededFraction > fractionLimbs {
            limbs.insert(contentsOf: repeatElement(0, count: neededFraction - fractionLimbs), at: 0)
            fractionLimbs = neededFraction
        }
        // The place of the last digit, counted in digits from the least significant one that the limbs can hold.
        var place = number.exponent + fractionLimbs * Self.limbDigits
        for digit in number.digits.reversed() {
            if digit > 0 { add(UInt64(digit) * Self.power(place % Self.limbDigits), toLimb: place / Self.limbDigits) }
            place += 1
        }
    }

    private mutating func add(_ value: UInt64, toLimb index: Int) {
        var carry = value
        var index = index
        while carry > 0 {
            while limbs.count <= index { limbs.append(0) }
            carry += UInt64(limbs[index])
            limbs[index] = UInt32(carry % Self.base)
            carry /= Self.base
            index += 1
        }
    }

    func isSmaller(than other: Magnitude) -> Bool {
        let (a, b) = Self.aligned(self, other)
        for index in a.indices.reversed() where a[index] != b[index] { return a[index] < b[index] }
        return false
    }

    /// The text of this magnitude less a smaller one.
    func difference(from other: Magnitude) -> String {
        var (a, b) = Self.aligned(self, other)
        var borrow: Int64 = 0
        for index in a.indices {
            var digit = Int64(a[index]) - Int64(b[index]) - borrow
            borrow = digit < 0 ? 1 : 0
            if digit < 0 { digit += Int64(Self.base) }
            a[index] = UInt32(digit)
        }
        b.removeAll()
        let fraction = max(fractionLimbs, other.fractionLimbs)
        let groups = a.map { limb in
            let digits = String(limb)
            return String(repeating: "0", count: Self.limbDigits - digits.count) + digits
        }
        let whole = groups[fraction...].reversed().joined().drop { $0 == "0" }
        var decimals = groups[..<fraction].reversed().joined()[...]
        while decimals.last == "0" { decimals.removeLast() }
        return (whole.isEmpty ? "0" : String(whole)) + (decimals.isEmpty ? "" : "." + decimals)
    }

    /// The limbs of two magnitudes with the same weights.
    private static func aligned(_ a: Magnitude, _ b: Magnitude) -> ([UInt32], [UInt32]) {
        let fraction = max(a.fractionLimbs, b.fractionLimbs)
        var (first, second) = (
            Array(repeating: 0, count: fraction - a.fractionLimbs) + a.limbs,
            Array(repeating: 0, count: fraction - b.fractionLimbs) + b.limbs
        )
        let count = max(first.count, second.count, fraction)
        first += Array(repeating: 0, count: count - first.count)
        second += Array(repeating: 0, count: count - second.count)
        return (first, second)
    }

    private static func power(_ exponent: Int) -> UInt64 { (0..<exponent).reduce(1) { power, _ in power * 10 } }
}
