// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import COpenSSL

/// SHA-256 (FIPS 180-4), in one call or piece by piece.
package struct SHA256: ~Copyable {
    /// The length of a digest in bytes.
    package static let digestBytes = 32

    private let context: OpaquePointer

    package init() {
        // Fails for lack of memory only, where Swift's own allocations trap as well.
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            preconditionFailure("OpenSSL has no memory for a SHA-256 state, or no SHA-256")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Takes in the next bytes.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        let accepted = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        precondition(accepted == 1, "SHA-256 refused input")
    }

    /// Takes in the next bytes.
    package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

    /// The digest of everything taken in: 32 bytes.
    package consuming func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Self.digestBytes)
        let finished = EVP_DigestFinal_ex(context, &digest, nil)
        precondition(finished == 1, "SHA-256 gave no digest")
        return digest
    }

    /// The digest of `bytes`: 32 bytes.
    package static func digest(of bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finish()
    }

    /// The digest of `bytes`: 32 bytes.
    package static func digest(of bytes: [UInt8]) -> [UInt8] { bytes.withUnsafeBytes { digest(of: $0) } }
}

// Sound: the handle has exactly one owner, and moves with it; OpenSSL asks only that no two threads use it at once.
extension SHA256: @unchecked Sendable {}
