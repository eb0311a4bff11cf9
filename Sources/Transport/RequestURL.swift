// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// An address that a request may go to, taken apart; printing it shows host and path only.
///
/// Stricter than RFC 3986, since every address is built by a connector: `https` (or `http` to a loopback address),
/// no user information, no fragment, printable ASCII only.
package struct RequestURL: Sendable, Hashable, CustomStringConvertible {
    /// The whole address as it goes to libcurl.
    package let text: String
    package let isSecure: Bool
    /// Lower case, without port; an IPv6 address keeps its brackets.
    package let host: String
    /// `nil` = the scheme's own.
    package let port: Int?
    /// From the first slash to the query; `/` if there is none.
    package let path: String
    /// The address that the host is, if it is written as one and not as a name.
    package let literal: IPAddress?
    /// Whether the host is this machine by its literal name: 127.0.0.0/8, `[::1]` or `localhost`.
    package let isLoopback: Bool

    /// - Throws: `invalidSetting`, or `insecureURL` for plain http to anything but a loopback address. The text itself
    ///   is not quoted.
    package init(_ text: String) throws(MigratezError) {
        // Taken apart as bytes, not characters: this is done for every request.
        let bytes = text.utf8
        guard bytes.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else {
            throw RequestURL.invalid("it has characters that must be percent-encoded")
        }
        let isSecure: Bool
        let rest: Substring.UTF8View
        if let after = RequestURL.strip("https://", from: bytes) {
            (isSecure, rest) = (true, after)
        } else if let after = RequestURL.strip("http://", from: bytes) {
            (isSecure, rest) = (false, after)
        } else {
            throw RequestURL.invalid("it does not begin with https://")
        }
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        guard !authority.contains(UInt8(ascii: "@")), !authority.contains(UInt8(ascii: "\\")) else {
            throw RequestURL.invalid("it has user information")
        }
        let (host, port) = try RequestURL.split(authority)
        self.text = text
        self.isSecure = isSecure
        self.host = host
        self.port = port
        let path = rest[authority.endIndex...].prefix { $0 != UInt8(ascii: "?") }
        self.path = path.isEmpty ? "/" : String(Substring(path))
        literal = RequestURL.literal(host)
        isLoopback = host == "localhost" || literal?.isLoopback == true
        guard isSecure || isLoopback else {
            throw MigratezError(
                .insecureURL, "plain http to \(host) is refused", remedy: .fixConfiguration,
                hint: "use an https address; plain http is for loopback addresses only")
        }
        guard literal != nil || !RequestURL.endsInNumber(host) else {
            throw RequestURL.invalid("its host is neither a name nor an address in its usual form")
        }
    }

    /// `host:port/path`; a long path is cut.
    package var description: String {
        let shown = path.utf8.count <= 200 ? path : path.prefix(200) + "…"
        return host + (port.map { ":\($0)" } ?? "") + shown
    }

    private static func split(_ authority: Substring.UTF8View) throws(MigratezError) -> (host: String, port: Int?) {
        let isBracketed = authority.first == UInt8(ascii: "[")
        let end: Substring.Index
        if isBracketed {
            guard let bracket = authority.firstIndex(of: UInt8(ascii: "]")) else {
                throw invalid("its host is not valid")
            }
            end = authority.index(after: bracket)
        } else {
            end = authority.firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
        }
        let written = authority[..<end]
        guard written.count > (isBracketed ? 2 : 0) else { throw invalid("it has no host") }
        guard isBracketed ? written.dropFirst().dropLast().allSatisfy(isOfAddress) : written.allSatisfy(isOfName) else {
            throw invalid("its host is not valid")
        }
        let host = String(Substring(written)).lowercased()
        let after = authority[end...]
        guard !after.isEmpty else { return (host, nil) }
        guard after.first == UInt8(ascii: ":"), after.dropFirst().allSatisfy(isDigit),
            let port = Int(Substring(after.dropFirst())), (1...65_535).contains(port)
        else { throw invalid("its port is not valid") }
        return (host, port)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// What a host's name is made of; labels of services may begin with `_`.
    private static func isOfName(_ byte: UInt8) -> Bool {
        isDigit(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "_")
    }

    /// What an address of version 6 is made of, one of version 4 at its end included.
    private static func isOfAddress(_ byte: UInt8) -> Bool {
        isDigit(byte) || (0x61...0x66).contains(byte | 0x20) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
    }

    /// The usual forms only. A name that merely resolves to a loopback address today is not one.
    private static func literal(_ host: String) -> IPAddress? {
        guard let first = host.utf8.first else { return nil }
        if first == UInt8(ascii: "[") {
            return IPAddress(String(host.dropFirst().dropLast()))
        }
        // Most hosts are names, and this is done for every request.
        return isDigit(first) ? IPAddress(host) : nil
    }

    /// Whether resolvers take the host for an address of version 4 in one of its other forms: `127.1`, `0x7f000001`,
    /// `017700000001` (URL Living Standard, "ends in a number checker"; inet_aton(3)). Or an IPv6 address that is none.
    private static func endsInNumber(_ host: String) -> Bool {
        let last = host.utf8.split(separator: UInt8(ascii: ".")).last ?? host.utf8[...]
        return host.utf8.first == UInt8(ascii: "[") || last.starts(with: "0x".utf8) || last.allSatisfy(isDigit)
    }

    /// What follows the scheme, which is in lower case here and in either case there.
    private static func strip(_ scheme: String, from text: String.UTF8View) -> Substring.UTF8View? {
        let length = scheme.utf8.count
        let start = text.prefix(length).lazy.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        return start.elementsEqual(scheme.utf8) ? text.dropFirst(length) : nil
    }

    private static func invalid(_ reason: String) -> MigratezError {
        MigratezError(.invalidSetting, "an address is not valid: \(reason)", remedy: .fixConfiguration)
    }
}
