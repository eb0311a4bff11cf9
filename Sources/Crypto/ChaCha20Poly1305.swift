// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import COpenSSL
package import MigratezModel

/// ChaCha20-Poly1305 (RFC 8439) under one key, with a context that is used again for every message.
///
/// Sealed messages are the ciphertext followed by the 16-byte tag. A nonce must never be used twice under one key:
/// that is the caller's duty.
package struct ChaCha20Poly1305: ~Copyable {
    package static let keyBytes = 32
    package static let nonceBytes = 12
    package static let tagBytes = 16

    private let context: OpaquePointer

    /// - Precondition: the key has 32 bytes.
    package init(key: SymmetricKey) throws(MigratezError) {
        precondition(key.count == Self.keyBytes, "a ChaCha20-Poly1305 key has 32 bytes")
        guard let context = EVP_CIPHER_CTX_new() else { throw opensslFailure("allocate a cipher") }
        let ready = key.withUnsafeBytes { bytes in
            EVP_CipherInit_ex(
                context, EVP_chacha20_poly1305(), nil, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), nil, 1)
        }
        guard ready == 1 else {
            EVP_CIPHER_CTX_free(context)
            throw opensslFailure("set up ChaCha20-Poly1305")
        }
        self.context = context
    }

    // Wipes the key schedule as well (EVP_CIPHER_CTX_free(3)).
    deinit { EVP_CIPHER_CTX_free(context) }

    /// Encrypts `message` into the first `message.count + 16` bytes of `output`, which must not overlap it.
    package mutating func seal(
        _ message: UnsafeRawBufferPointer, nonce: UnsafeRawBufferPointer,
        authenticating data: UnsafeRawBufferPointer? = nil,
        into output: UnsafeMutableRawBufferPointer
    ) throws(MigratezError) {
        precondition(output.count >= message.count + Self.tagBytes, "no room for the sealed message")
        try start(nonce: nonce, authenticating: data, encrypting: true)
        try update(message, into: output)
        var written: Int32 = 0
        let tag = output.baseAddress.map { $0 + message.count }
        guard EVP_CipherFinal_ex(context, tag?.assumingMemoryBound(to: UInt8.self), &written) == 1, written == 0,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagBytes), tag) == 1
        else { throw opensslFailure("finish a seal") }
    }

    /// Decrypts `sealed` into the first `sealed.count - 16` bytes of `output`, which must not overlap it.
    ///
    /// Returns false if it is not authentic; `output` is overwritten with zeros then.
    package mutating func open(
        _ sealed: UnsafeRawBufferPointer, nonce: UnsafeRawBufferPointer,
        authenticating data: UnsafeRawBufferPointer? = nil,
        into output: UnsafeMutableRawBufferPointer
    ) throws(MigratezError) -> Bool {
        guard sealed.count >= Self.tagBytes else { return false }
        let length = sealed.count - Self.tagBytes
        precondition(output.count >= length, "no room for the opened message")
        try start(nonce: nonce, authenticating: data, encrypting: false)
        try update(UnsafeRawBufferPointer(rebasing: sealed[..<length]), into: output)
        let tag = UnsafeMutableRawPointer(mutating: sealed.baseAddress.map { $0 + length })
        guard EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagBytes), tag) == 1 else {
            throw opensslFailure("check a tag")
        }
        var nothing: UInt8 = 0
        var written: Int32 = 0
        guard EVP_CipherFinal_ex(context, &nothing, &written) == 1 else {
            // A wrong tag; what was decrypted must not be seen by anybody.
            ERR_clear_error()
            if length > 0 { OPENSSL_cleanse(output.baseAddress, length) }
            return false
        }
        return true
    }

    private mutating func start(
        nonce: UnsafeRawBufferPointer, authenticating data: UnsafeRawBufferPointer?, encrypting: Bool
    ) throws(MigratezError) {
        precondition(nonce.count == Self.nonceBytes, "a ChaCha20-Poly1305 nonce has 12 bytes")
        let nonce = nonce.baseAddress?.assumingMemoryBound(to: UInt8.self)
        guard EVP_CipherInit_ex(context, nil, nil, nil, nonce, encrypting ? 1 : 0) == 1 else {
            throw opensslFailure("set a nonce")
        }
        guard let data, data.count > 0 else { return }
        precondition(data.count <= Int32.max, "more associated data than OpenSSL takes at once")
        var length: Int32 = 0
        let bytes = data.baseAddress?.assumingMemoryBound(to: UInt8.self)
        guard EVP_CipherUpdate(context, nil, &length, bytes, Int32(data.count)) == 1 else {
            throw opensslFailure("take in associated data")
        }
    }

    private mutating func update(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(MigratezError) {
        guard input.count > 0 else { return }
        // OpenSSL's lengths are Int32; callers seal frames of 64 KiB.
        precondition(input.count <= Int32.max, "a message longer than OpenSSL takes at once")
        var written: Int32 = 0
        guard
            EVP_CipherUpdate(
                context, output.baseAddress?.assumingMemoryBound(to: UInt8.self), &written,
                input.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(input.count)) == 1,
            Int(written) == input.count
        else { throw opensslFailure("run ChaCha20") }
    }
}

// Sound: the handle has exactly one owner, and moves with it; OpenSSL asks only that no two threads use it at once.
extension ChaCha20Poly1305: @unchecked Sendable {}

extension ChaCha20Poly1305 {
    /// Seals a key under this one: 16 bytes longer than it.
    package mutating func seal(
        _ secret: SymmetricKey, nonce: [UInt8], authenticating data: [UInt8] = []
    ) throws(MigratezError) -> [UInt8] {
        var sealed = [UInt8](repeating: 0, count: secret.count + Self.tagBytes)
        var target = sealed.mutableSpan
        try target.withUnsafeMutableBytes { output throws(MigratezError) in
            try secret.withUnsafeBytes { message throws(MigratezError) in
                try nonce.span.withUnsafeBytes { nonce throws(MigratezError) in
                    try data.span.withUnsafeBytes { data throws(MigratezError) in
                        try seal(message, nonce: nonce, authenticating: data, into: output)
                    }
                }
            }
        }
        return sealed
    }

    /// The key that was sealed, or nil if `sealed` is not authentic.
    package mutating func openKey(
        _ sealed: [UInt8], nonce: [UInt8], authenticating data: [UInt8] = []
    ) throws(MigratezError) -> SymmetricKey? {
        guard sealed.count >= Self.tagBytes else { return nil }
        var isAuthentic = false
        let key = try SymmetricKey(count: sealed.count - Self.tagBytes) { output throws(MigratezError) in
            try sealed.span.withUnsafeBytes { sealed throws(MigratezError) in
                try nonce.span.withUnsafeBytes { nonce throws(MigratezError) in
                    try data.span.withUnsafeBytes { data throws(MigratezError) in
                        isAuthentic = try open(sealed, nonce: nonce, authenticating: data, into: output)
                    }
                }
            }
        }
        return isAuthentic ? key : nil
    }
}
