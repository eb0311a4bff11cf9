// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Turns blocks of a file into UTF-8, whatever borders the blocks have.
struct CSVTranscoder {
    private let encoding: CSVEncoding
    /// The bytes of a UTF-16 code unit or surrogate pair whose rest comes with the next block.
    private var rest: [UInt8] = []

    init(_ encoding: CSVEncoding) { self.encoding = encoding }

    /// UTF-8 for the block. What cannot be decoded becomes U+FFFD, and `invalid` gets its place in the answer.
    mutating func utf8(_ block: [UInt8], isLast: Bool, invalid: inout [Int]) -> [UInt8] {
        switch encoding {
        case .utf8: block
        case .latin1: block.contains { $0 >= 0x80 } ? decodedBytes(block, c1: nil) : block
        case .windows1252: block.contains { $0 >= 0x80 } ? decodedBytes(block, c1: CSVTranscoder.windows1252) : block
        case .utf16LittleEndian, .utf16BigEndian: decodedUTF16(block, isLast: isLast, invalid: &invalid)
        }
    }

    /// How many bytes of the file stand for this valid UTF-8.
    func sourceBytes(of utf8: UnsafeBufferPointer<UInt8>) -> Int {
        switch encoding {
        case .utf8: utf8.count
        case .latin1, .windows1252: utf8.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
        case .utf16LittleEndian, .utf16BigEndian:
            utf8.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : $1 >= 0xF0 ? 4 : 2) }
        }
    }

    private func decodedBytes(_ block: [UInt8], c1: [UInt16]?) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(block.count + block.count / 4)
        for byte in block {
            let scalar = if let c1, (0x80...0x9F).contains(byte) { c1[Int(byte) - 0x80] } else { UInt16(byte) }
            append(UInt32(scalar), to: &text)
        }
        return text
    }

    private mutating func decodedUTF16(_ block: [UInt8], isLast: Bool, invalid: inout [Int]) -> [UInt8] {
        let bytes = rest.isEmpty ? block : rest + block
        rest = []
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        var i = 0
        while i + 2 <= bytes.count {
            let unit = unit(bytes, at: i)
            if unit & 0xFC00 == 0xD800 {
                guard i + 4 <= bytes.count || isLast else { break }
                let low = i + 4 <= bytes.count ? self.unit(bytes, at: i + 2) : 0
                if low & 0xFC00 == 0xDC00 {
                    append(0x1_0000 + (unit & 0x3FF) << 10 + low & 0x3FF, to: &text)
                    i += 4
                    continue
                }
            }
            if unit & 0xF800 == 0xD800 { invalid.append(text.count) }
            append(unit, to: &text)
            i += 2
        }
        if i < bytes.count {
            if isLast {
                invalid.append(text.count)
                append(0xFFFD, to: &text)
            } else {
                rest = Array(bytes[i...])
            }
        }
        return text
    }

    private func unit(_ bytes: [UInt8], at i: Int) -> UInt32 {
        encoding == .utf16LittleEndian
            ? UInt32(bytes[i]) | UInt32(bytes[i + 1]) << 8 : UInt32(bytes[i]) << 8 | UInt32(bytes[i + 1])
    }

    private func append(_ scalar: UInt32, to text: inout [UInt8]) {
        let scalar = Unicode.Scalar(scalar) ?? "\u{FFFD}"
        if scalar.isASCII {
            text.append(UInt8(scalar.value))
        } else {
            text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
    }

    /// 0x80 to 0x9F of windows-1252, as the WHATWG Encoding Standard's index has them.
    private static let windows1252: [UInt16] = [
        0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D,
        0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
        0x0153, 0x009D, 0x017E, 0x0178,
    ]
}
