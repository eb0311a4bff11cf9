// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017; 'RS256' of RFC 7518), as the JWT bearer flow of Salesforce wants it.
package struct RS256PrivateKey: Sendable {
    /// The least that RFC 7518, 3.3 allows, in bits.
    package static let keyBitsMin = 2048

    private let pem: Secret

    /// Reads a private RSA key in PEM (PKCS #1 or PKCS #8, without a passphrase).
    ///
    /// Throws `invalidSetting` if there is none, or if it has less than 2048 bits.
    package init(pem: Secret) throws(MigratezError) {
        let bits = pem.withExposed { text in
            guard let key = KeyHandle.privateRSA(pem: text) else { return 0 }
            return key.bits
        }
        guard bits > 0 else {
            throw MigratezError(
                .invalidSetting, "the private key is not an RSA key in PEM without a passphrase",
                remedy: .fixConfiguration)
        }
        guard bits >= Self.keyBitsMin else {
            throw MigratezError(
                .invalidSetting, "the RSA key has \(bits) bits; at least \(Self.keyBitsMin) are needed",
                remedy: .fixConfiguration)
        }
        self.pem = pem
    }

    /// The signature of `message`, as long as the key: 256 bytes for 2048 bits.
    package func signature(of message: [UInt8]) throws(MigratezError) -> [UInt8] {
        try pem.withExposed { text throws(MigratezError) in
            guard let key = KeyHandle.privateRSA(pem: text) else { throw opensslFailure("read the RSA key again") }
            return try key.signature(of: message, digest: .sha256)
        }
    }
}
