// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// X25519 (RFC 7748): two sides agree on a secret.
package enum X25519 {
    /// The length of a private key, a public key and a shared secret, in bytes.
    package static let keyBytes = 32

    /// The public key that belongs to `privateKey`.
    package static func publicKey(of privateKey: SymmetricKey) throws(MigratezError) -> [UInt8] {
        try KeyHandle.private(.x25519, privateKey).rawPublic()
    }

    /// The secret shared with the owner of `publicKey` (32 bytes), or nil if that is a point of low order, for which
    /// the secret would be zero whatever the private key.
    package static func sharedSecret(
        _ privateKey: SymmetricKey, with publicKey: [UInt8]
    ) throws(MigratezError) -> SymmetricKey? {
        let mine = try KeyHandle.private(.x25519, privateKey)
        return try mine.sharedSecret(with: KeyHandle.public(.x25519, publicKey))
    }
}
