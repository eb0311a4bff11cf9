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
        case .phone: key = String(decoding: PhoneNumber.comparisonDigits(value.utf8), as: UTF8.self)
        case .domain: key = host(of: TextFold.trimmed(value).lowercased())
        case .text: key = TextFold.folded(value)
        }
        return key.isEmpty ? nil : key
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
