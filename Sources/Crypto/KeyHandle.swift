// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import COpenSSL
import MigratezModel

/// One OpenSSL key, private or public; freed with its owner.
///
/// Kept only for the length of one operation: what lives longer is a `SymmetricKey` with the raw bytes.
struct KeyHandle: ~Copyable {
    /// The kinds of key that have a raw form of 32 bytes.
    enum Curve: Sendable {
        case x25519, ed25519

        fileprivate var nid: Int32 {
            switch self {
            case .x25519: EVP_PKEY_X25519
            case .ed25519: EVP_PKEY_ED25519
            }
        }
    }

    /// The length of a raw private or public key of either curve, in bytes (RFC 7748, RFC 8032).
    static let rawBytes = 32

    private let pointer: OpaquePointer

    private init(owning pointer: OpaquePointer) { self.pointer = pointer }

    deinit { EVP_PKEY_free(pointer) }

    /// The private key with these 32 bytes.
    static func `private`(_ curve: Curve, _ raw: SymmetricKey) throws(MigratezError) -> KeyHandle {
        precondition(raw.count == rawBytes, "a raw private key has 32 bytes")
        let pointer = raw.withUnsafeBytes { bytes in
            EVP_PKEY_new_raw_private_key(
                curve.nid, nil, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        }
        guard let pointer else { throw opensslFailure("read a private key") }
        return KeyHandle(owning: pointer)
    }

    /// The public key with these 32 bytes.
    static func `public`(_ curve: Curve, _ raw: [UInt8]) throws(MigratezError) -> KeyHandle {
        precondition(raw.count == rawBytes, "a raw public key has 32 bytes")
        guard let pointer = EVP_PKEY_new_raw_public_key(curve.nid, nil, raw, raw.count) else {
            throw opensslFailure("read a public key")
        }
        return KeyHandle(owning: pointer)
    }

    /// The private RSA key in a PEM text (PKCS #1 or PKCS #8, without a passphrase); nil if there is none in it.
    static func privateRSA(pem: String) -> KeyHandle? {
        var pem = pem
        let pointer = pem.withUTF8 { text -> OpaquePointer? in
            guard text.count <= Int32.max, let input = BIO_new_mem_buf(text.baseAddress, Int32(text.count)) else {
                return nil
            }
            defer { BIO_free(input) }
            // Without a callback OpenSSL would ask for a passphrase on the terminal.
            return PEM_read_bio_PrivateKey(input, nil, { _, _, _, _ in -1 }, nil)
        }
        ERR_clear_error()
        guard let pointer else { return nil }
        guard EVP_PKEY_get_base_id(pointer) == EVP_PKEY_RSA else {
            EVP_PKEY_free(pointer)
            return nil
        }
        return KeyHandle(owning: pointer)
    }

    /// The size of the key in bits: 2048 for an RSA key of that length.
    var bits: Int { Int(EVP_PKEY_get_bits(pointer)) }

    /// The 32 bytes of the public key.
    func rawPublic() throws(MigratezError) -> [UInt8] {
        var raw = [UInt8](repeating: 0, count: Self.rawBytes)
        var count = raw.count
        guard EVP_PKEY_get_raw_public_key(pointer, &raw, &count) == 1, count == raw.count else {
            throw opensslFailure("write a public key")
        }
        return raw
    }

    /// The secret that both sides of an X25519 exchange share, or nil if the peer's point is of low order.
    func sharedSecret(with peer: borrowing KeyHandle) throws(MigratezError) -> SymmetricKey? {
        guard let context = EVP_PKEY_CTX_new(pointer, nil) else { throw opensslFailure("allocate a key exchange") }
        defer { EVP_PKEY_CTX_free(context) }
        guard EVP_PKEY_derive_init(context) == 1, EVP_PKEY_derive_set_peer(context, peer.pointer) == 1 else {
            throw opensslFailure("set up a key exchange")
        }
        var isDerived = false
        let secret = SymmetricKey(count: Self.rawBytes) { target in
            var count = target.count
            let result = EVP_PKEY_derive(context, target.baseAddress?.assumingMemoryBound(to: UInt8.self), &count)
            isDerived = result == 1 && count == target.count
        }
        // OpenSSL refuses the all-zero secret itself (RFC 7748, 6.1: 'MAY check').
        ERR_clear_error()
        return isDerived ? secret : nil
    }

    /// The signature of `message`, with the digest that the algorithm needs: none for Ed25519.
    func signature(of message: [UInt8], digest: Digest) throws(MigratezError) -> [UInt8] {
        guard let context = EVP_MD_CTX_new() else { throw opensslFailure("allocate a signature") }
        defer { EVP_MD_CTX_free(context) }
        var count = 0
        guard EVP_DigestSignInit(context, nil, digest.algorithm, nil, pointer) == 1,
            EVP_DigestSign(context, nil, &count, message, message.count) == 1
        else { throw opensslFailure("set up a signature") }
        var signature = [UInt8](repeating: 0, count: count)
        guard EVP_DigestSign(context, &signature, &count, message, message.count) == 1 else {
            throw opensslFailure("sign")
        }
        signature.removeLast(signature.count - count)
        return signature
    }

    /// Whether `signature` is this key's, of `message`.
    func isValid(_ signature: [UInt8], of message: [UInt8], digest: Digest) throws(MigratezError) -> Bool {
        guard let context = EVP_MD_CTX_new() else { throw opensslFailure("allocate a signature") }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestVerifyInit(context, nil, digest.algorithm, nil, pointer) == 1 else {
            throw opensslFailure("set up the check of a signature")
        }
        let result = EVP_DigestVerify(context, signature, signature.count, message, message.count)
        ERR_clear_error()
        return result == 1
    }

    /// What is hashed before a message is signed.
    enum Digest {
        case none, sha256

        fileprivate var algorithm: OpaquePointer? {
            switch self {
            case .none: nil
            case .sha256: EVP_sha256()
            }
        }
    }
}
