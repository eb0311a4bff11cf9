// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Writes gzip files (RFC 1952) by hand, without a library.
enum Gzip {
    /// The bytes as they are, in stored blocks.
    static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var out = header
        var start = 0
        repeat {
            let end = min(start + 65_535, bytes.count)
            let length = UInt16(end - start)
            out.append(end == bytes.count ? 1 : 0)
            out += littleEndian(length) + littleEndian(~length) + bytes[start..<end]
            start = end
        } while start < bytes.count
        return out + littleEndian(crc32(bytes)) + littleEndian(UInt32(bytes.count))
    }

    /// `count` zero bytes in one block of fixed Huffman codes (RFC 1951 §3.2.6): a zero, then copies of 258 bytes from a
    /// distance of 1, 13 bits each. The checksum at the end is wrong: nobody should get that far.
    static func zeros(_ count: Int) -> [UInt8] {
        var bits = Bits()
        bits.append([1, 1, 0])
        bits.append(code: 0x30, length: 8)
        for _ in 0..<(count / 258) {
            // Length 258 is symbol 285 (11000101), distance 1 is symbol 0 (00000).
            bits.append(code: 0b1100_0101, length: 8)
            bits.append(code: 0, length: 5)
        }
        bits.append(code: 0, length: 7)
        return header + bits.bytes + [UInt8](repeating: 0, count: 8)
    }

    private static let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]

    private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }

    /// Bits from the lowest of each byte upward.
    private struct Bits {
        var bytes: [UInt8] = []
        private var count = 0

        mutating func append(_ bits: [UInt8]) {
            for bit in bits {
                if count % 8 == 0 { bytes.append(0) }
                bytes[bytes.count - 1] |= bit << UInt8(count % 8)
                count += 1
            }
        }

        /// A Huffman code goes in from its highest bit.
        mutating func append(code: UInt16, length: Int) {
            append((0..<length).reversed().map { UInt8(truncatingIfNeeded: code >> UInt16($0) & 1) })
        }
    }
}
