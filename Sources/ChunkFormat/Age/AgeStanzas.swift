// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel

/// Seals and opens file keys for one stanza: a key that serves once, hence nonce zero (age-encryption.org/v1).
private func sealFileKey(
    _ fileKey: SymmetricKey, under key: SymmetricKey, authenticating data: [UInt8] = []
) throws(MigratezError) -> [UInt8] {
    var cipher = try ChaCha20Poly1305(key: key)
    return try cipher.seal(fileKey, nonce: zeroNonce, authenticating: data)
}

private func openFileKey(
    _ sealed: [UInt8], under key: SymmetricKey, authenticating data: [UInt8] = []
) throws(MigratezError) -> SymmetricKey? {
    var cipher = try ChaCha20Poly1305(key: key)
    return try cipher.openKey(sealed, nonce: zeroNonce, authenticating: data)
}

private let zeroNonce = [UInt8](repeating: 0, count: ChaCha20Poly1305.nonceBytes)
private let sealedFileKeyBytes = AgeHeader.fileKeyBytes + ChaCha20Poly1305.tagBytes

/// `-> X25519 <share>`: the file key under a secret that a one-time key and the recipient's share.
enum X25519Stanza {
    private static let info = "age-encryption.org/v1/X25519"

    static func wrap(_ fileKey: SymmetricKey, for recipient: [UInt8]) throws(MigratezError) -> AgeStanza {
        precondition(recipient.count == X25519.keyBytes, "an X25519 public key has 32 bytes")
        let ephemeral = try SymmetricKey(randomBytes: X25519.keyBytes)
        let share = try X25519.publicKey(of: ephemeral)
        guard let secret = try X25519.sharedSecret(ephemeral, with: recipient) else {
            throw MigratezError(.invalidSetting, "the age recipient is not a usable key", remedy: .fixConfiguration)
        }
        let key = HKDFSHA256.derive(from: secret, salt: share + recipient, info: info)
        return AgeStanza(
            type: "X25519", arguments: [Base64.standardUnpadded.encode(share)],
            body: try sealFileKey(fileKey, under: key))
    }

    static func unwrap(_ stanza: AgeStanza, with privateKey: SymmetricKey) throws(MigratezError) -> SymmetricKey? {
        guard stanza.type == "X25519" else { return nil }
        guard stanza.arguments.count == 1, let share = Base64.standardUnpadded.decode(stanza.arguments[0]),
            share.count == X25519.keyBytes
        else { throw ageFailure(.header, "an X25519 stanza has malformed arguments") }
        guard stanza.body.count == sealedFileKeyBytes else {
            throw ageFailure(.header, "an X25519 stanza has a body of the wrong length")
        }
        guard let secret = try X25519.sharedSecret(privateKey, with: share) else {
            throw ageFailure(.header, "an X25519 stanza has a share of low order")
        }
        let salt = share + (try X25519.publicKey(of: privateKey))
        return try openFileKey(stanza.body, under: HKDFSHA256.derive(from: secret, salt: salt, info: info))
    }
}

/// `-> scrypt <salt> <log2 N>`: the file key under a passphrase.
enum ScryptStanza {
    private static let label = "age-encryption.org/v1/scrypt"
    private static let saltBytes = 16
    static let type = "scrypt"

    static func wrap(
        _ fileKey: SymmetricKey, with passphrase: Secret, workFactor: Int
    ) throws(MigratezError) -> AgeStanza {
        let salt = try randomBytes(saltBytes)
        let key = try Scrypt.derive(from: passphrase, salt: Array(label.utf8) + salt, workFactor: workFactor)
        return AgeStanza(
            type: type, arguments: [Base64.standardUnpadded.encode(salt), String(workFactor)],
            body: try sealFileKey(fileKey, under: key))
    }

    static func unwrap(
        _ stanza: AgeStanza, with passphrase: Secret, workFactorMax: Int
    ) throws(MigratezError) -> SymmetricKey? {
        guard stanza.type == type else { return nil }
        guard stanza.arguments.count == 2, let salt = Base64.standardUnpadded.decode(stanza.arguments[0]),
            salt.count == saltBytes
        else { throw ageFailure(.header, "a scrypt stanza has malformed arguments") }
        guard stanza.body.count == sealedFileKeyBytes else {
            throw ageFailure(.header, "a scrypt stanza has a body of the wrong length")
        }
        // Before any work is done: the number comes from whoever wrote the file.
        guard let workFactor = decimal(stanza.arguments[1]), workFactor <= workFactorMax else {
            throw ageFailure(.header, "a scrypt stanza asks for a malformed or too large amount of work")
        }
        let key = try Scrypt.derive(from: passphrase, salt: Array(label.utf8) + salt, workFactor: workFactor)
        return try openFileKey(stanza.body, under: key)
    }

    /// A number from 1 to 99 without sign and leading zeros.
    private static func decimal(_ text: String) -> Int? {
        guard (1...2).contains(text.utf8.count), text.utf8.first != 0x30,
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return Int(text)
    }
}

/// `-> migratez.dev/kek-v1 <key id> <context> <salt>`: the file key under the chunk's key, for one context only.
///
/// The key is not used as it is, but through HKDF with a salt of 16 random bytes, as age does for its own stanzas: each
/// wrap has a key of its own, so its nonce can be zero, and one key may wrap any number of file keys (spill files share
/// one) without a 96-bit random nonce ever having to be unique. The context is the associated data.
enum ChunkStanza {
    static let type = "migratez.dev/kek-v1"
    private static let saltBytes = 16

    static func wrap(
        _ fileKey: SymmetricKey, with key: ChunkKey, context: ChunkContext
    ) throws(MigratezError) -> AgeStanza {
        let salt = try randomBytes(saltBytes)
        let wrappingKey = HKDFSHA256.derive(from: key.key, salt: salt, info: type)
        let context = context.description
        return AgeStanza(
            type: type, arguments: [key.id, context, Base64.standardUnpadded.encode(salt)],
            body: try sealFileKey(fileKey, under: wrappingKey, authenticating: Array(context.utf8)))
    }

    static func unwrap(
        _ stanzas: [AgeStanza], with key: ChunkKey, context: ChunkContext
    ) throws(MigratezError) -> SymmetricKey? {
        let own = stanzas.filter { $0.type == type }
        guard let stanza = own.first else { return nil }
        guard own.count == 1, stanza.arguments.count == 3,
            let salt = Base64.standardUnpadded.decode(stanza.arguments[2]), salt.count == saltBytes,
            stanza.body.count == sealedFileKeyBytes
        else { throw ageFailure(.header, "the stanza of the chunk's key is malformed") }
        // Said first because it can be said clearly; what proves it is the associated data below.
        guard stanza.arguments[1] == context.description, stanza.arguments[0] == key.id else {
            throw MigratezError(.chunkMismatch, "the chunk is not \(context.address), attempt \(context.attempt)")
        }
        let wrappingKey = HKDFSHA256.derive(from: key.key, salt: salt, info: type)
        let asked = Array(context.description.utf8)
        guard let fileKey = try openFileKey(stanza.body, under: wrappingKey, authenticating: asked) else {
            throw MigratezError(
                .chunkAuthentication,
                "the key of \(context.address) does not open it: another key, or an altered header",
                cause: AgeFailure(.noMatch, "the chunk's file key is not authentic"))
        }
        return fileKey
    }
}
