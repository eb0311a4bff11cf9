// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Ed25519 signatures (RFC 8032), for certificates.
package enum Ed25519 {
    /// The length of a raw private (seed) or public key in bytes.
    package static let keyBytes = 32
    /// The length of a signature in bytes.
    package static let signatureBytes = 64

    /// Signs; its 32-byte seed is all that need be kept.
    package struct PrivateKey: Sendable {
        /// The seed of RFC 8032, 5.1.5.
        package let seed: SymmetricKey
        package let publicKey: PublicKey

        /// A fresh random key.
        package init() throws(MigratezError) { try self.init(seed: SymmetricKey(randomBytes: keyBytes)) }

        /// - Precondition: the seed has 32 bytes.
        package init(seed: SymmetricKey) throws(MigratezError) {
            self.seed = seed
            let raw = try KeyHandle.private(.ed25519, seed).rawPublic()
            publicKey = PublicKey(unchecked: raw)
        }

        /// The signature of `message`: 64 bytes.
        package func signature(of message: [UInt8]) throws(MigratezError) -> [UInt8] {
            try KeyHandle.private(.ed25519, seed).signature(of: message, digest: .none)
        }
    }

    /// Checks signatures.
    package struct PublicKey: Sendable, Hashable, CustomStringConvertible {
        /// The 32 bytes of RFC 8032.
        package let raw: [UInt8]

        /// Nil unless there are 32 bytes. Whether they are a point of the curve shows when a signature is checked.
        package init?(raw: [UInt8]) {
            guard raw.count == keyBytes else { return nil }
            self.raw = raw
        }

        fileprivate init(unchecked raw: [UInt8]) { self.raw = raw }

        /// Whether `signature` is this key's, of `message`. A signature of another length is not.
        package func isValid(_ signature: [UInt8], of message: [UInt8]) -> Bool {
            guard signature.count == signatureBytes else { return false }
            do {
                return try KeyHandle.public(.ed25519, raw).isValid(signature, of: message, digest: .none)
            } catch { return false }
        }

        /// The SubjectPublicKeyInfo of RFC 8410 as PEM, which `openssl pkeyutl -verify -rawin -pubin` takes.
        package var pem: String {
            "-----BEGIN PUBLIC KEY-----\n\(Base64.standard.encode(Self.infoPrefix + raw))\n-----END PUBLIC KEY-----\n"
        }

        /// Reads what `pem` writes; other layouts of PEM are not accepted.
        package init?(pem: String) {
            let lines = pem.split(whereSeparator: \.isNewline)
            guard lines.count == 3, lines[0] == "-----BEGIN PUBLIC KEY-----", lines[2] == "-----END PUBLIC KEY-----",
                let der = Base64.standard.decode(Array(lines[1].utf8)),
                der.starts(with: Self.infoPrefix)
            else { return nil }
            self.init(raw: Array(der.dropFirst(Self.infoPrefix.count)))
        }

        /// The raw key in hexadecimal: a name for it that people can compare.
        package var description: String { Hex.encode(raw) }

        /// SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 33 bytes, 0 unused bits (RFC 8410, section 4).
        private static let infoPrefix: [UInt8] = [
            0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00,
        ]
    }
}
