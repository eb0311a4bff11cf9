// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import MigratezJSON
import MigratezModel

/// The assertion of the JWT bearer flow (RFC 7523): who asks, for whom, until when, signed with RS256.
enum JWTAssertion {
    struct Refusal: Error {
        var error: String
        var description: String
    }

    /// - Returns: the user's name, or why the assertion is refused.
    static func check(
        _ assertion: String, _ options: OrgOptions, ownBase: String, now: Timestamp
    ) -> Result<String, Refusal> {
        let parts = assertion.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = json(parts[0]), let claims = json(parts[1]),
            let signature = bytes(parts[2]), !signature.isEmpty, header["alg"]?.text == "RS256"
        else { return refused("invalid assertion") }
        guard let issuer = claims["iss"]?.text, options.clientID.map({ $0 == issuer }) ?? !issuer.isEmpty else {
            return .failure(Refusal(error: "invalid_client_id", description: "client identifier invalid"))
        }
        let audiences = ["https://login.salesforce.com", "https://test.salesforce.com", ownBase]
        guard let audience = claims["aud"]?.text, audiences.contains(audience) else {
            return refused("audience is invalid")
        }
        guard let expires = claims["exp"].flatMap({ $0.int }), Int64(expires) * 1000 > now.milliseconds else {
            return refused("assertion has expired")
        }
        guard let subject = claims["sub"]?.text, !subject.isEmpty else { return refused("user is missing") }
        if let pem = options.jwtPublicKey {
            let signed = Array(assertion.utf8.prefix(parts[0].utf8.count + 1 + parts[1].utf8.count))
            guard let key = RSAPublicKey(pem: pem), key.verifies(signature, of: signed) else {
                return refused("invalid assertion")
            }
        }
        return .success(subject)
    }

    private static func refused(_ description: String) -> Result<String, Refusal> {
        .failure(Refusal(error: "invalid_grant", description: description))
    }

    private static func json(_ part: Substring) -> JSONValue? {
        bytes(part).flatMap { try? JSONValue(parsing: $0) }
    }

    /// base64url without padding (RFC 7515, appendix C).
    static func bytes(_ part: Substring) -> [UInt8]? {
        var text = part.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        guard text.count % 4 != 1 else { return nil }
        while text.count % 4 != 0 { text.append("=") }
        return Data(base64Encoded: String(text)).map { Array($0) }
    }
}
