// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit

/// The form in which values are compared when duplicates are looked for. Pure functions: equal keys = a match.
package enum MatchKey {
    /// How a key is normalised.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Trimmed, lower case.
        case email
        /// Digits only, without international prefix, the country code 1 or an extension.
        case phone
        /// The host of an address or URL: lower case, without scheme, `www.`, port, path or a dot at the end.
        case domain
        /// Trimmed, runs of white space one space, case folded, compatibility forms folded (NFKC-like, see `TextFold`).
        case text
    }

    /// How values of a field are compared: by its type, else by its name.
    package static func kind(of field: FieldSchema?, named name: String) -> Kind {
        switch field?.kind {
        case .email: return .email
        case .phone: return .phone
        case .url: return .domain
        default: break
        }
        let name = name.lowercased()
        if name.hasSuffix("email") || name == "e-mail" { return .email }
        if name.hasSuffix("phone") || name == "fax" { return .phone }
        if name == "domain" || name == "website" || name.hasSuffix("_domain") || name.hasSuffix("url") {
            return .domain
        }
        return .text
    }

    /// The comparable form of a value; `nil` if nothing is left of it, which matches nothing.
    package static func normalized(_ value: String, as kind: Kind) -> String? {
        let key: String
        switch kind {
        case .email: key = TextFold.trimmed(value).lowercased()
        case .phone: key = phoneDigits(value)
        case .domain: key = host(of: TextFold.trimmed(value).lowercased())
        case .text: key = TextFold.folded(value)
        }
        return key.isEmpty ? nil : key
    }

    /// Appends the comparable form of a value in UTF-8; false, and nothing appended, if nothing is left of it.
    ///
    /// Every record has such keys, so addresses in ASCII and telephone numbers never become a `String`.
    package static func append(_ value: UnsafeRawBufferPointer, as kind: Kind, to key: inout [UInt8]) -> Bool {
        let start = key.count
        switch kind {
        case .phone: PhoneNumber.appendComparisonDigits(value, to: &key)
        case .email where value.allSatisfy({ $0 < 0x80 }): appendTrimmedLower(value, to: &key)
        case .email, .domain, .text:
            guard let text = normalized(String(decoding: value, as: UTF8.self), as: kind) else { return false }
            key.append(contentsOf: text.utf8)
        }
        return key.count > start
    }

    /// Appends ASCII without white space at its ends, in lower case.
    private static func appendTrimmedLower(_ value: UnsafeRawBufferPointer, to key: inout [UInt8]) {
        var (start, end) = (0, value.count)
        while start < end, TextSteps.isSpace(value[start]) { start += 1 }
        while end > start, TextSteps.isSpace(value[end - 1]) { end -= 1 }
        for byte in value[start..<end] { key.append((0x41...0x5A).contains(byte) ? byte | 0x20 : byte) }
    }

    private static func phoneDigits(_ value: String) -> String {
        var (value, digits) = (value, [UInt8]())
        value.withUTF8 { PhoneNumber.appendComparisonDigits(UnsafeRawBufferPointer($0), to: &digits) }
        return String(decoding: digits, as: UTF8.self)
    }

    private static func host(of address: String) -> String {
        var rest = address[...]
        if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
        rest = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if let user = rest.lastIndex(of: "@") { rest = rest[rest.index(after: user)...] }
        if let port = rest.lastIndex(of: ":"), rest[rest.index(after: port)...].allSatisfy(\.isNumber) {
            rest = rest[..<port]
        }
        if rest.hasPrefix("www.") { rest = rest.dropFirst(4) }
        while rest.hasSuffix(".") { rest = rest.dropLast() }
        return String(rest)
    }
}
