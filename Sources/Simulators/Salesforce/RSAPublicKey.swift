// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials

/// Verifies RS256: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2.2). A simulator's own, so that it does not
/// trust the code that it is there to check; not made for speed or for secrets.
struct RSAPublicKey {
    /// Little-endian 32-bit words.
    private let modulus: [UInt32]
    private let exponent: [UInt8]
    private let length: Int

    /// Reads `BEGIN PUBLIC KEY` (SubjectPublicKeyInfo) or `BEGIN RSA PUBLIC KEY` (PKCS #1).
    init?(pem: String) {
        let lines = pem.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("-----") }
        guard let data = Data(base64Encoded: lines.joined()) else { return nil }
        var outer = DERReader(Array(data))
        guard var sequence = outer.read(0x30) else { return nil }
        if let bits = { () -> DERReader? in
            var copy = sequence
            guard copy.read(0x30) != nil else { return nil }
            return copy.read(0x03)
        }() {
            // The bit string begins with the number of unused bits, which is 0.
            var inner = DERReader(Array(bits.bytes.dropFirst()))
            guard let key = inner.read(0x30) else { return nil }
            sequence = key
        }
        guard let modulus = sequence.read(0x02), let exponent = sequence.read(0x02) else { return nil }
        let bytes = Array(modulus.bytes.drop { $0 == 0 })
        guard bytes.count >= 128 else { return nil }
        length = bytes.count
        self.modulus = RSAPublicKey.words(bytes)
        self.exponent = exponent.bytes
    }

    func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard signature.count == length else { return false }
        // DigestInfo of SHA-256 (RFC 8017, section 9.2, note 1).
        let prefix: [UInt8] = [
            0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04,
            0x20,
        ]
        let tail = prefix + SHA256Digest.of(message)
        let expected = [0x00, 0x01] + [UInt8](repeating: 0xFF, count: length - tail.count - 3) + [0x00] + tail
        return power(RSAPublicKey.words(signature)) == RSAPublicKey.words(expected)
    }

    /// Square and multiply over the exponent's bits.
    private func power(_ base: [UInt32]) -> [UInt32] {
        var result: [UInt32] = [1] + [UInt32](repeating: 0, count: modulus.count - 1)
        for byte in exponent {
            for bit in (0..<8).reversed() {
                result = product(result, result)
                if byte >> bit & 1 == 1 { result = product(result, base) }
            }
        }
        return result
    }

    /// `a · b mod modulus`, adding and doubling word by word from the top: no division is needed.
    private func product(_ a: [UInt32], _ b: [UInt32]) -> [UInt32] {
        var result = [UInt32](repeating: 0, count: modulus.count)
        for word in a.reversed() {
            for bit in (0..<32).reversed() {
                result = reduced(sum(result, result))
                if word >> UInt32(bit) & 1 == 1 { result = reduced(sum(result, b)) }
            }
        }
        return result
    }

    /// One word longer than its operands.
    private func sum(_ a: [UInt32], _ b: [UInt32]) -> [UInt32] {
        var sum: [UInt32] = []
        sum.reserveCapacity(modulus.count + 1)
        var carry: UInt64 = 0
        for index in modulus.indices {
            carry += UInt64(index < a.count ? a[index] : 0) + UInt64(index < b.count ? b[index] : 0)
            sum.append(UInt32(truncatingIfNeeded: carry))
            carry >>= 32
        }
        return sum + [UInt32(carry)]
    }

    /// Subtracts the modulus once if the number is not below it; sums of two reduced numbers need no more.
    private func reduced(_ number: [UInt32]) -> [UInt32] {
        var difference: [UInt32] = []
        difference.reserveCapacity(modulus.count)
        var borrow: Int64 = 0
        for index in modulus.indices {
            let value = Int64(number[index]) - Int64(modulus[index]) + borrow
            difference.append(UInt32(truncatingIfNeeded: value))
            borrow = value < 0 ? -1 : 0
        }
        let isBelow = Int64(number[modulus.count]) + borrow < 0
        return isBelow ? Array(number.prefix(modulus.count)) : difference
    }

    private static func words(_ bytes: [UInt8]) -> [UInt32] {
        let reversed = Array(bytes.reversed())
        return stride(from: 0, to: reversed.count, by: 4).map { start in
            reversed[start..<min(start + 4, reversed.count)].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
    }
}

/// Reads definite-length DER, one element after the other.
private struct DERReader {
    let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The content of the next element, if it has this tag.
    mutating func read(_ tag: UInt8) -> DERReader? {
        guard position + 2 <= bytes.count, bytes[position] == tag else { return nil }
        var start = position + 2
        var count = Int(bytes[position + 1])
        if count >= 0x80 {
            let digits = count & 0x7F
            guard (1...3).contains(digits), start + digits <= bytes.count else { return nil }
            count = bytes[start..<start + digits].reduce(0) { $0 << 8 | Int($1) }
            start += digits
        }
        guard start + count <= bytes.count else { return nil }
        position = start + count
        return DERReader(Array(bytes[start..<start + count]))
    }
}

/// SHA-256 (FIPS 180-4).
enum SHA256Digest {
    static func of(_ message: [UInt8]) -> [UInt8] {
        var padded = message + [0x80]
        while padded.count % 64 != 56 { padded.append(0) }
        for shift in stride(from: 56, through: 0, by: -8) {
            padded.append(UInt8(truncatingIfNeeded: (message.count * 8) >> shift))
        }
        var hash = initial
        for block in stride(from: 0, to: padded.count, by: 64) { compress(padded[block..<block + 64], into: &hash) }
        return hash.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } }
    }

    private static func compress(_ block: ArraySlice<UInt8>, into hash: inout [UInt32]) {
        var w = stride(from: block.startIndex, to: block.endIndex, by: 4).map { start in
            block[start..<start + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        for t in 16..<64 {
            let s0 = rotated(w[t - 15], 7) ^ rotated(w[t - 15], 18) ^ w[t - 15] >> 3
            let s1 = rotated(w[t - 2], 17) ^ rotated(w[t - 2], 19) ^ w[t - 2] >> 10
            w.append(w[t - 16] &+ s0 &+ w[t - 7] &+ s1)
        }
        var v = hash
        for t in 0..<64 {
            let s1 = rotated(v[4], 6) ^ rotated(v[4], 11) ^ rotated(v[4], 25)
            let first = v[7] &+ s1 &+ ((v[4] & v[5]) ^ (~v[4] & v[6])) &+ constants[t] &+ w[t]
            let s0 = rotated(v[0], 2) ^ rotated(v[0], 13) ^ rotated(v[0], 22)
            let second = s0 &+ ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]))
            v = [first &+ second, v[0], v[1], v[2], v[3] &+ first, v[4], v[5], v[6]]
        }
        for index in 0..<8 { hash[index] &+= v[index] }
    }

    private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 { word >> count | word << (32 - count) }

    /// The first 32 bits of the fractional parts of roots of the first primes: square roots of 8, cube roots of 64.
    private static let initial = primes.prefix(8).map { fraction(Double($0).squareRoot()) }
    private static let constants = primes.map { fraction(cubeRoot(of: Double($0))) }

    private static let primes: [Int] = {
        var primes: [Int] = []
        var candidate = 2
        while primes.count < 64 {
            if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
            candidate += 1
        }
        return primes
    }()

    private static func fraction(_ value: Double) -> UInt32 {
        UInt32((value - value.rounded(.down)) * 0x1p32)
    }

    /// Newton's iteration; converges to the nearest double.
    private static func cubeRoot(of value: Double) -> Double {
        var root = value / 3 + 1
        for _ in 0..<100 { root -= (root * root * root - value) / (3 * root * root) }
        return root
    }
}
