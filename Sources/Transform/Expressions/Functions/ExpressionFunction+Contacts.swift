// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto

extension ExpressionFunction {
    static let contactFunctions: [ExpressionFunction] = [
        ExpressionFunction(
            "phone", .contacts, [Parameter("text", .text), .optional("region", .text, words: PhoneNumber.regions)],
            .text, "The telephone number with its country code; nothing if it is not clearly a number",
            example: Example("phone('(415) 555-0123')", "+14155550123"),
            .values { (arguments) throws(ExpressionError) in
                let region = arguments.isGiven(1) ? arguments.text(1) : PhoneNumber.regions[0]
                guard PhoneNumber.regions.contains(region) else {
                    throw ExpressionError(expected: "a region: " + PhoneNumber.regions.joined(separator: ", "))
                }
                return PhoneNumber.normalized(arguments.text(0), region: region).map { .text($0) } ?? .null
            }),
        ExpressionFunction(
            "isEmail", .contacts, [Parameter("text", .text)], .bool,
            "Whether the text is exactly one e-mail address",
            example: Example("isEmail('ada@x')", "false"),
            .values { arguments in .bool(FieldSpec.ValueType.email.accepts(arguments.text(0))) }),
        ExpressionFunction(
            "emailLocal", .contacts, [Parameter("text", .text)], .text,
            "What stands before the @ of an e-mail address, in lower case; nothing if there is no @",
            example: Example("emailLocal('Ada@X.test')", "ada"),
            .values { arguments in ContactFunctions.addressPart(arguments.text(0)) { $0.local } }),
        ExpressionFunction(
            "emailDomain", .contacts, [Parameter("text", .text)], .text,
            "What stands after the @ of an e-mail address, in lower case; nothing if there is no @",
            example: Example("emailDomain('Ada@X.test')", "x.test"),
            .values { arguments in ContactFunctions.addressPart(arguments.text(0)) { $0.domain } }),
        ExpressionFunction(
            "url", .contacts, [Parameter("text", .text)], .text,
            "The web address with https:// if it has no scheme, the host in lower case; nothing if it is none",
            example: Example("url('WWW.Acme.test/About')", "https://www.acme.test/About"),
            .values { arguments in WebAddress(arguments.text(0)).map { .text($0.text) } ?? .null }),
        ExpressionFunction(
            "urlHost", .contacts, [Parameter("text", .text)], .text,
            "The host of a web address in lower case, without www.; nothing if it is none",
            example: Example("urlHost('https://www.Acme.test/about')", "acme.test"),
            .values { arguments in
                WebAddress(arguments.text(0)).flatMap { MatchKey.normalized($0.text, as: .domain) }.map { .text($0) }
                    ?? .null
            }),
        ExpressionFunction(
            "urlParameter", .contacts, [Parameter("text", .text), Parameter("name", .text)], .text,
            "A parameter of a web address, decoded; nothing if it has none of that name",
            example: Example("urlParameter('https://x.test/?utm_source=spring+sale', 'utm_source')", "spring sale"),
            .values { arguments in
                WebAddress(arguments.text(0))?.parameter(arguments.text(1)).map { .text($0) } ?? .null
            }),
    ]

    static let markupFunctions: [ExpressionFunction] = [
        ExpressionFunction(
            "htmlText", .markup, [Parameter("html", .text)], .text, "The text without markup; blocks become lines",
            example: Example("htmlText('<p>Call <b>Ada</b> &amp; co</p>')", "Call Ada & co"),
            .values { arguments in .text(HTMLSanitizer.plainText(arguments.text(0))) }),
        ExpressionFunction(
            "htmlSanitize", .markup, [Parameter("html", .text)], .text,
            "The markup with harmless formatting only: no scripts, styles or attributes but links",
            example: Example("htmlSanitize('<p onclick=\"x()\">Hi<script>x</script></p>')", "<p>Hi</p>"),
            .values { (arguments) throws(ExpressionError) in
                try FunctionArguments.bounded(HTMLSanitizer.sanitized(arguments.text(0)))
            }),
        ExpressionFunction(
            "htmlEscape", .markup, [Parameter("text", .text)], .text,
            "Plain text as markup: signs of markup become entities, line breaks <br>",
            example: Example("htmlEscape('a < b & c')", "a &lt; b &amp; c"),
            .values { (arguments) throws(ExpressionError) in
                try FunctionArguments.bounded(HTMLSanitizer.escaped(arguments.text(0)))
            }),
        ExpressionFunction(
            "sha256", .markup, [Parameter("text", .text)], .text,
            "The SHA-256 digest of the text in UTF-8, as 64 hexadecimal digits",
            example: Example(
                "sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            .values { arguments in .text(Hex.encode(SHA256.digest(of: Array(arguments.text(0).utf8)))) }),
    ]
}

private enum ContactFunctions {
    /// Both parts in lower case; nothing if it is not an address.
    static func addressPart(
        _ text: String, _ part: ((local: Substring, domain: Substring)) -> Substring
    ) -> ExpressionValue {
        let address = TextFold.trimmed(text).lowercased()
        guard let at = address.lastIndex(of: "@") else { return .null }
        let piece = part((address[..<at], address[address.index(after: at)...]))
        return piece.isEmpty ? .null : .text(String(piece))
    }
}

/// A web address: `https://www.acme.test/about?x=1`.
private struct WebAddress {
    /// With scheme, and with scheme and host in lower case.
    let text: String
    private let query: Substring

    /// `nil` unless it is http or https with a host of at least two labels, and without white space.
    init?(_ text: String) {
        let text = TextFold.trimmed(text)
        guard !text.contains(where: \.isWhitespace) else { return nil }
        var rest = text[...]
        var scheme = "https"
        if let mark = text.firstRange(of: "://") {
            scheme = text[..<mark.lowerBound].lowercased()
            rest = text[mark.upperBound...]
        }
        guard scheme == "https" || scheme == "http" else { return nil }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        rest = rest[authority.endIndex...]
        guard !authority.contains("@") else { return nil }
        let host = authority.prefix { $0 != ":" }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 2, labels.allSatisfy({ !$0.isEmpty }) else { return nil }
        self.text = "\(scheme)://\(authority.lowercased())\(rest)"
        query = rest.drop { $0 != "?" }.dropFirst().prefix { $0 != "#" }
    }

    /// The first parameter of that name, decoded as a form's (WHATWG URL, application/x-www-form-urlencoded).
    func parameter(_ name: String) -> String? {
        for pair in query.split(separator: "&") {
            let key = pair.prefix { $0 != "=" }
            guard Self.decoded(key) == name else { continue }
            return Self.decoded(pair[key.endIndex...].dropFirst())
        }
        return nil
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let decoded = Hex.decode(String(Substring(rest.prefix(2)))),
                decoded.count == 1
            {
                bytes += decoded
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
