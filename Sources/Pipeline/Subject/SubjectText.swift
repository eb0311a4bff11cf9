// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezJSON
import MigratezTransform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Finds addresses and numbers in staged lines, wherever they stand: in fields of their own or within a text.
struct SubjectText {
    enum Kind: UInt8 { case email = 1, phone = 2 }

    /// Shorter runs of digits are counts, years and codes.
    static let digitsMin = 7
    /// ITU-T E.164, section 6: fifteen digits; with an international prefix three more.
    static let digitsMax = 18

    private let wanted: SubjectIdentifiers
    private var token: [UInt8] = []

    init(_ wanted: SubjectIdentifiers) { self.wanted = wanted }

    static func pseudonym(_ kind: Kind, _ form: [UInt8], _ key: PseudonymKey) -> Pseudonym {
        key.pseudonym(of: [kind.rawValue] + form)
    }

    /// Whether a text is one whole address, as they are found in lines.
    static func isAddress(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(isAddressByte) }
    }

    /// Whether a line of JSON names the person anywhere.
    mutating func matches(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = line.baseAddress else { return false }
        // Without escapes the line reads as it stands: what is around a text are quotes, which end any address.
        guard memchr(start, Int32(UInt8(ascii: "\\")), line.count) != nil else { return isNamed(in: line) }
        return matches(JSONValue(validated: line))
    }

    private mutating func matches(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool: return false
        case .number(let text), .string(let text):
            var text = text
            return text.withUTF8 { isNamed(in: $0) }
        case .array(let elements):
            for element in elements where matches(element) { return true }
            return false
        case .object(let members):
            for member in members where matches(member.value) { return true }
            return false
        }
    }

    private mutating func isNamed(in text: UnsafeBufferPointer<UInt8>) -> Bool {
        hasAddress(text) || wanted.hasPhones && hasNumber(text)
    }

    private mutating func hasAddress(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = text.baseAddress else { return false }
        var i = 0
        while i < text.count, let found = memchr(start + i, Int32(UInt8(ascii: "@")), text.count - i) {
            let at = UnsafeRawPointer(start).distance(to: UnsafeRawPointer(found))
            var (first, end) = (at, at + 1)
            while first > 0, Self.isAddressByte(text[first - 1]) { first -= 1 }
            while end < text.count, Self.isAddressByte(text[end]) { end += 1 }
            // A sentence may put quotes around an address, or end with it.
            while first < at, Self.isPunctuation(text[first]) { first += 1 }
            while end > at + 1, Self.isPunctuation(text[end - 1]) { end -= 1 }
            if first < at, end > at + 1, isWanted(address: text[first..<end]) { return true }
            i = at + 1
        }
        return false
    }

    private mutating func isWanted(address: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        token.removeAll(keepingCapacity: true)
        token.append(Kind.email.rawValue)
        if address.allSatisfy({ $0 < 0x80 }) {
            for byte in address { token.append(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte) }
        } else {
            token += String(decoding: address, as: UTF8.self).lowercased().utf8
        }
        return wanted.pseudonyms.contains(wanted.key.pseudonym(of: token))
    }

    private func hasNumber(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var i = 0
        while i < text.count {
            guard Self.isDigit(text[i]) else {
                i += 1
                continue
            }
            let first = i
            var digits = 0
            while i < text.count, Self.isDigit(text[i]) || Self.isSeparator(text[i]) {
                if Self.isDigit(text[i]) { digits += 1 }
                i += 1
            }
            guard (Self.digitsMin...Self.digitsMax).contains(digits) else { continue }
            let number = String(decoding: text[first..<i], as: UTF8.self)
            guard let form = MatchKey.normalized(number, as: .phone) else { continue }
            if wanted.pseudonyms.contains(Self.pseudonym(.phone, Array(form.utf8), wanted.key)) { return true }
        }
        return false
    }

    /// What an address may be made of without quotes (RFC 5321, 4.1.2, atoms), but for `=`, `&`, `?`, `/`, `#` and braces,
    /// which stand around addresses in URLs and in templates; any byte of a letter outside ASCII (RFC 6531).
    private static func isAddressByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x80...: true
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "%"), UInt8(ascii: "+"), UInt8(ascii: "-"),
            UInt8(ascii: "'"), UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "*"), UInt8(ascii: "^"),
            UInt8(ascii: "~"), UInt8(ascii: "|"):
            true
        default: false
        }
    }

    private static func isPunctuation(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "*") || byte == UInt8(ascii: "!")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    /// What may stand between the digits of one number.
    private static func isSeparator(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "("), UInt8(ascii: ")"),
            UInt8(ascii: "/"), 0xC2, 0xA0:
            true
        default: false
        }
    }
}
