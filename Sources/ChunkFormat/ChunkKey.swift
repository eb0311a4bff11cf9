// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezCrypto

/// The key that wraps the file key of a chunk (a key-encryption key), and its name.
package struct ChunkKey: Sendable {
    /// The length of the key in bytes.
    package static let keyBytes = 32

    /// Names the key in the chunk's header, in the clear: 1 to 64 letters, digits, `-`, `_` and `:`; no secret.
    package let id: String
    package let key: SymmetricKey

    /// - Precondition: the key has 32 bytes; the id keeps to its alphabet.
    package init(id: String, key: SymmetricKey) {
        precondition(key.count == Self.keyBytes, "a chunk's key has 32 bytes")
        precondition((1...64).contains(id.utf8.count) && id.utf8.allSatisfy(Self.isAllowed), "not a name for a key")
        self.id = id
        self.key = key
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x3A, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
        default: false
        }
    }
}
