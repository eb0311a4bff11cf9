// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezCrypto
package import MigratezModel

/// Who will be able to open an age file.
package enum AgeRecipient: Sendable {
    /// The owner of the private key to this public key (32 bytes).
    case x25519(publicKey: [UInt8])
    /// Whoever knows the passphrase; must be the only recipient.
    case passphrase(Secret, workFactor: Int = Scrypt.workFactorDefault)
    /// Whoever holds the chunk's key and asks for this very chunk.
    case chunk(ChunkKey, ChunkContext)

    /// Reads an `age1…` text; throws `invalidSetting` if it is none.
    package static func parse(_ text: String) throws(MigratezError) -> AgeRecipient {
        guard let (prefix, key) = Bech32.decode(text), prefix == "age", key.count == X25519.keyBytes else {
            throw MigratezError(.invalidSetting, "not an age recipient (age1…)", remedy: .fixConfiguration)
        }
        return .x25519(publicKey: key)
    }

    /// The stanza that gives this recipient the file key.
    func stanza(for fileKey: SymmetricKey) throws(MigratezError) -> AgeStanza {
        switch self {
        case .x25519(let publicKey): try X25519Stanza.wrap(fileKey, for: publicKey)
        case .passphrase(let passphrase, let workFactor):
            try ScryptStanza.wrap(fileKey, with: passphrase, workFactor: workFactor)
        case .chunk(let key, let context): try ChunkStanza.wrap(fileKey, with: key, context: context)
        }
    }
}

/// What opens an age file.
package enum AgeIdentity: Sendable {
    /// A private key of 32 bytes.
    case x25519(SymmetricKey)
    /// A passphrase; a file that asks for more work than 2^`workFactorMax` is refused.
    case passphrase(Secret, workFactorMax: Int = Scrypt.workFactorMax)
    /// A chunk's key, for this very chunk.
    case chunk(ChunkKey, ChunkContext)

    /// Reads an `AGE-SECRET-KEY-1…` text; throws `invalidSetting` if it is none.
    package static func parse(_ text: Secret) throws(MigratezError) -> AgeIdentity {
        let key = text.withExposed { text -> SymmetricKey? in
            guard let (prefix, key) = Bech32.decode(text), prefix == "AGE-SECRET-KEY-", key.count == X25519.keyBytes
            else { return nil }
            return SymmetricKey(copying: key)
        }
        guard let key else {
            throw MigratezError(.invalidSetting, "not an age identity (AGE-SECRET-KEY-1…)", remedy: .fixConfiguration)
        }
        return .x25519(key)
    }

    /// The file key, or nil if none of the stanzas is for this identity.
    ///
    /// Throws if one of them is, and is malformed.
    func unwrap(_ stanzas: [AgeStanza]) throws(MigratezError) -> SymmetricKey? {
        switch self {
        case .x25519(let privateKey):
            for stanza in stanzas {
                if let fileKey = try X25519Stanza.unwrap(stanza, with: privateKey) { return fileKey }
            }
            return nil
        case .passphrase(let passphrase, let workFactorMax):
            for stanza in stanzas {
                if let fileKey = try ScryptStanza.unwrap(stanza, with: passphrase, workFactorMax: workFactorMax) {
                    return fileKey
                }
            }
            return nil
        case .chunk(let key, let context):
            return try ChunkStanza.unwrap(stanzas, with: key, context: context)
        }
    }
}

/// The texts of X25519 keys.
package enum AgeKeyText {
    /// `age1…` for a public key of 32 bytes.
    package static func recipient(_ publicKey: [UInt8]) -> String { Bech32.encode(prefix: "age", publicKey) }

    /// `AGE-SECRET-KEY-1…` for a private key.
    package static func identity(_ privateKey: SymmetricKey) -> Secret {
        let bytes = privateKey.withUnsafeBytes { Array($0) }
        return Secret(Bech32.encode(prefix: "age-secret-key-", bytes).uppercased())
    }
}
