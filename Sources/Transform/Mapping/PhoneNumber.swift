// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Reads telephone numbers.
package enum PhoneNumber {
    /// Regions whose national numbers are understood: the North American Numbering Plan.
    package static let regions = ["US", "CA"]

    /// `+14155550123` for a number of the region or with any country code; `nil` if it is not clearly a number.
    ///
    /// Digits may be grouped with spaces, dots, dashes, slashes and brackets. National numbers of the NANP have ten
    /// digits, area code and exchange beginning with 2–9 (ATIS-0300055); international ones have 8 to 15 digits after
    /// `+` or `00`/`011` (ITU-T E.164, section 6). An extension (`x12`, `ext. 12`) is kept behind `;ext=` (RFC 3966).
    package static func normalized(_ text: String, region: String) -> String? {
        var bytes = Array(text.utf8)
        return normalize(&bytes, region: region) ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// Puts the number in the place of its text; false, and the text stays, if it is not clearly a number.
    static func normalize(_ text: inout [UInt8], region: String) -> Bool {
        guard let parts = split(text), let digits = international(parts.digits, hasPlus: parts.hasPlus) else {
            return false
        }
        text.removeAll(keepingCapacity: true)
        text.append(UInt8(ascii: "+"))
        text.append(contentsOf: digits)
        if !parts.ext.isEmpty {
            text.append(contentsOf: ";ext=".utf8)
            text.append(contentsOf: parts.ext.utf8)
        }
        return true
    }

    /// Appends the digits without country code, trunk prefix or extension, for comparing numbers; none if there are none.
    static func appendComparisonDigits(_ text: UnsafeRawBufferPointer, to digits: inout [UInt8]) {
        let start = digits.count
        for byte in text {
            if byte >= 0x30, byte <= 0x39 {
                digits.append(byte)
            } else if digits.count > start, byte | 0x20 == 0x78 || byte | 0x20 == 0x65 || byte == 0x23 || byte == 0x3B {
                break  // x, ext, # or ; begins an extension
            }
        }
        if digits[start...].starts(with: "00".utf8) {
            digits.removeSubrange(start..<start + 2)
        } else if digits[start...].starts(with: "011".utf8) {
            digits.removeSubrange(start..<start + 3)
        }
        if digits.count - start == 11, digits[start] == 0x31 { digits.remove(at: start) }
    }

    /// The digits with their country code.
    private static func international(_ digits: [UInt8], hasPlus: Bool) -> [UInt8]? {
        var digits = digits
        if !hasPlus {
            if digits.count == 10, isNational(digits[...]) { return [0x31] + digits }
            if digits.count == 11, digits.first == 0x31, isNational(digits.dropFirst()) { return digits }
            if digits.starts(with: "011".utf8) {
                digits.removeFirst(3)
            } else if digits.starts(with: "00".utf8) {
                digits.removeFirst(2)
            } else {
                return nil
            }
        }
        guard (8...15).contains(digits.count), digits.first != 0x30 else { return nil }
        if digits.first == 0x31, digits.count != 11 || !isNational(digits.dropFirst()) { return nil }
        return digits
    }

    private static func isNational(_ digits: ArraySlice<UInt8>) -> Bool {
        guard digits.count == 10 else { return false }
        return digits[digits.startIndex] >= 0x32 && digits[digits.startIndex + 3] >= 0x32
    }

    private static func split(_ text: [UInt8]) -> (digits: [UInt8], hasPlus: Bool, ext: String)? {
        var digits: [UInt8] = []
        digits.reserveCapacity(text.count)
        var hasPlus = false
        var i = 0
        while i < text.count {
            switch text[i] {
            case 0x30...0x39: digits.append(text[i])
            case UInt8(ascii: "+") where digits.isEmpty && !hasPlus: hasPlus = true
            case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "("), UInt8(ascii: ")"),
                UInt8(ascii: "/"):
                break
            case 0xC2 where i + 1 < text.count && text[i + 1] == 0xA0: i += 1  // no-break space
            default:
                guard !digits.isEmpty, let ext = ext(text[i...]) else { return nil }
                return (digits, hasPlus, ext)
            }
            i += 1
        }
        return digits.isEmpty ? nil : (digits, hasPlus, "")
    }

    private static func ext(_ text: ArraySlice<UInt8>) -> String? {
        let lower = String(decoding: text, as: UTF8.self).lowercased()
        for mark in [";ext=", "extension", "ext.", "ext", "x", "#"] where lower.hasPrefix(mark) {
            let digits = lower.dropFirst(mark.count).filter { $0 != " " }
            guard (1...7).contains(digits.count), digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
            return String(digits)
        }
        return nil
    }
}
