// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A keyed 128-bit fingerprint of a value: equal values have equal ones, and without the key nothing can be learnt.
///
/// Ordered as 16 bytes, most significant first, so that sorted files of them can be merged by comparing bytes.
package struct Pseudonym: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Bytes 0 to 7, big-endian.
    package let high: UInt64
    /// Bytes 8 to 15, big-endian.
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func < (a: Pseudonym, b: Pseudonym) -> Bool { a.high == b.high ? a.low < b.low : a.high < b.high }

    /// 32 hexadecimal digits.
    package var description: String { Hex.encode(bytes) }

    /// The 16 bytes.
    package var bytes: [UInt8] {
        (0..<16).map { i in UInt8(truncatingIfNeeded: (i < 8 ? high : low) >> UInt64(56 - 8 * (i & 7))) }
    }
}

/// Makes pseudonyms with SipHash-2-4-128 (Aumasson, Bernstein: 'SipHash: a fast short-input PRF'; the 128-bit form is
/// the one in their reference code).
///
/// HMAC-SHA256 would do as well, but is called about two million times for a million records. Against a secret key
/// SipHash is a pseudo-random function, and with 128 bits two of a billion values meet with a chance of 10⁻²¹.
package struct PseudonymKey: Sendable {
    private let key: SymmetricKey

    /// Takes its 16-byte SipHash key from `key` by HKDF, so any strong key will do.
    package init(derivedFrom key: SymmetricKey) {
        self.key = HKDFSHA256.derive(from: key, info: "migratez.dev/pseudonym-v1", outputBytes: 16)
    }

    /// Uses these 16 bytes as they are; for test vectors.
    package init(sipHashKey key: SymmetricKey) {
        precondition(key.count == 16, "a SipHash key has 16 bytes")
        self.key = key
    }

    /// The pseudonym of `value`.
    package func pseudonym(of value: UnsafeRawBufferPointer) -> Pseudonym {
        var state = key.withUnsafeBytes { SipHash128(key: $0) }
        return state.hash(value)
    }

    /// The pseudonym of `value`.
    package func pseudonym(of value: [UInt8]) -> Pseudonym { value.withUnsafeBytes { pseudonym(of: $0) } }

    /// The pseudonym of the UTF-8 bytes of `text`.
    package func pseudonym(of text: String) -> Pseudonym {
        var text = text
        return text.withUTF8 { pseudonym(of: UnsafeRawBufferPointer($0)) }
    }
}

/// The four words of SipHash.
private struct SipHash128 {
    private var v0, v1, v2, v3: UInt64

    init(key: UnsafeRawBufferPointer) {
        let k0 = UInt64(littleEndian: key.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        let k1 = UInt64(littleEndian: key.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        v0 = 0x736f_6d65_7073_6575 ^ k0
        v1 = 0x646f_7261_6e64_6f6d ^ k1 ^ 0xEE
        v2 = 0x6c79_6765_6e65_7261 ^ k0
        v3 = 0x7465_6462_7974_6573 ^ k1
    }

    mutating func hash(_ bytes: UnsafeRawBufferPointer) -> Pseudonym {
        var offset = 0
        while bytes.count - offset >= 8 {
            compress(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            offset += 8
        }
        // The last word: what is left, and the length modulo 256 on top.
        var last = UInt64(truncatingIfNeeded: bytes.count) << 56
        for i in 0..<bytes.count - offset { last |= UInt64(bytes[offset + i]) << UInt64(8 * i) }
        compress(last)
        v2 ^= 0xEE
        for _ in 0..<4 { round() }
        let first = v0 ^ v1 ^ v2 ^ v3
        v1 ^= 0xDD
        for _ in 0..<4 { round() }
        // The reference writes both words in little-endian order; read as bytes, the first is the higher.
        return Pseudonym(high: first.byteSwapped, low: (v0 ^ v1 ^ v2 ^ v3).byteSwapped)
    }

    private mutating func compress(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    private mutating func round() {
        v0 &+= v1
        v1 = v1 << 13 | v1 >> 51
        v1 ^= v0
        v0 = v0 << 32 | v0 >> 32
        v2 &+= v3
        v3 = v3 << 16 | v3 >> 48
        v3 ^= v2
        v0 &+= v3
        v3 = v3 << 21 | v3 >> 43
        v3 ^= v0
        v2 &+= v1
        v1 = v1 << 17 | v1 >> 47
        v1 ^= v2
        v2 = v2 << 32 | v2 >> 32
    }
}
