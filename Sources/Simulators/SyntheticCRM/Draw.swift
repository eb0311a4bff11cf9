// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Random numbers that are a function of (seed, what, which, question): independent of each other and of any order.
struct Draw: Sendable {
    private let base: UInt64

    /// - Parameter realm: what is drawn for; an object or link kind of its own number.
    init(seed: UInt64, realm: Int, index: Int) {
        base = mix64(seed ^ mix64(UInt64(truncatingIfNeeded: realm) << 48 ^ UInt64(truncatingIfNeeded: index)))
    }

    /// 64 random bits; another question gives other bits.
    func bits(_ question: Int) -> UInt64 {
        mix64(base &+ UInt64(truncatingIfNeeded: question) &* 0x9E37_79B9_7F4A_7C15)
    }

    /// A number in 0..<limit; the bias is below 2⁻³² for the limits used here.
    func below(_ limit: Int, _ question: Int) -> Int {
        Int(truncatingIfNeeded: bits(question).multipliedFullWidth(by: UInt64(limit)).high)
    }

    /// A number in 0..<10,000, to be compared with shares in hundredths of a percent.
    func share(_ question: Int) -> Int { below(10_000, question) }

    /// One of the elements.
    func pick<Element>(_ elements: [Element], _ question: Int) -> Element {
        elements[below(elements.count, question)]
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
func mix64(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
}

/// A permutation of 0..<count that can be computed in both directions: x ↦ a·x + b mod count, with a coprime to count.
struct Scatter: Sendable {
    private let count: UInt64
    private let factor: UInt64
    private let inverse: UInt64
    private let offset: UInt64

    /// - Precondition: `count` below 2³¹, so that no product overflows.
    init(count: Int, seed: UInt64) {
        precondition(count < 1 << 31, "a synthetic CRM has fewer than 2^31 records of a kind")
        self.count = UInt64(max(count, 1))
        offset = mix64(seed) % self.count
        var candidate = mix64(seed ^ 0x5851_F42D_4C95_7F2D) % self.count | 1
        while Scatter.greatestCommonDivisor(candidate, self.count) != 1 { candidate += 2 }
        factor = candidate % self.count
        inverse = Scatter.inverse(of: factor, modulo: self.count)
    }

    func forward(_ x: Int) -> Int { Int((factor * UInt64(x) + offset) % count) }
    func backward(_ y: Int) -> Int { Int((UInt64(y) + count - offset) % count * inverse % count) }

    private static func greatestCommonDivisor(_ a: UInt64, _ b: UInt64) -> UInt64 {
        var (a, b) = (a, b)
        while b != 0 { (a, b) = (b, a % b) }
        return a
    }

    /// By the extended Euclidean algorithm.
    private static func inverse(of value: UInt64, modulo count: UInt64) -> UInt64 {
        guard count > 1 else { return 0 }
        var (r, next) = (Int64(count), Int64(value))
        var (t, nextT) = (Int64(0), Int64(1))
        while next != 0 {
            let quotient = r / next
            (r, next) = (next, r - quotient * next)
            (t, nextT) = (nextT, t - quotient * nextT)
        }
        return UInt64(t < 0 ? t + Int64(count) : t)
    }
}
