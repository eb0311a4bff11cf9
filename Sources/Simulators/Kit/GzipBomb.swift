// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A small body that unpacks to a large one: white space, which a reader of JSON has to go through.
enum GzipBomb {
    /// 128 MiB of blanks in some 820 KiB of gzip (RFC 1952), without a checksum that fits.
    static let bytes: [UInt8] = make(blanks: 128 << 20)

    /// One block of DEFLATE with fixed codes (RFC 1951 §3.2.6): a blank, then repetitions of the 258 bytes before, each
    /// in 13 bits: length code 285 (eight bits, 11000101) and distance code 0 (five bits).
    private static func make(blanks: Int) -> [UInt8] {
        var bits = BitWriter([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])
        bits.append(0b1, count: 1)
        bits.append(0b10, count: 2)
        // Literals below 144 are their value + 0x30 in eight bits.
        bits.append(UInt32(UInt8(ascii: " ")) + 0x30, count: 8)
        for _ in 0..<(blanks - 1) / 258 {
            bits.append(0b1100_0101, count: 8)
            bits.append(0, count: 5)
        }
        bits.append(0, count: 7)
        return bits.finished + [UInt8](repeating: 0, count: 8)
    }

    private struct BitWriter {
        private var bytes: [UInt8]
        private var byte: UInt8 = 0
        private var count = 0

        init(_ header: [UInt8]) { bytes = header }

        /// Puts in a Huffman code, its most significant bit first, as DEFLATE packs them into bytes from the least.
        mutating func append(_ code: UInt32, count length: Int) {
            for place in (0..<length).reversed() {
                byte |= UInt8(code >> UInt32(place) & 1) << UInt8(count)
                count += 1
                if count == 8 {
                    bytes.append(byte)
                    (byte, count) = (0, 0)
                }
            }
        }

        var finished: [UInt8] { count > 0 ? bytes + [byte] : bytes }
    }
}
