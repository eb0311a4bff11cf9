// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import COpenSSL
package import MigratezModel

/// Bytes that must stay secret; overwritten when the last reference goes.
///
/// They are never printable, have no `Codable` and no accessor but `withUnsafeBytes`. A class, so that no copy of the
/// bytes is made when the key is passed on.
package final class SymmetricKey: Sendable, CustomStringConvertible, CustomReflectable {
    /// The length in bytes.
    package let count: Int
    // Sound: written in `init` only, freed in `deinit` only; between them it is read-only memory.
    nonisolated(unsafe) private let storage: UnsafeMutableRawPointer

    /// A key of `count` bytes that `body` fills; it gets them zeroed.
    package init<E: Error>(count: Int, filledBy body: (UnsafeMutableRawBufferPointer) throws(E) -> Void) throws(E) {
        precondition(count >= 0, "a key cannot have a negative length")
        self.count = count
        storage = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 16)
        storage.initializeMemory(as: UInt8.self, repeating: 0, count: max(count, 1))
        try body(UnsafeMutableRawBufferPointer(start: storage, count: count))
    }

    /// A key with a copy of `bytes`; wiping the original is the caller's.
    package convenience init(copying bytes: [UInt8]) {
        self.init(count: bytes.count) { target in bytes.withUnsafeBytes { target.copyMemory(from: $0) } }
    }

    /// A fresh random key.
    package convenience init(randomBytes count: Int = 32) throws(MigratezError) {
        try self.init(count: count) { target throws(MigratezError) in try fillWithRandomBytes(target) }
    }

    deinit {
        // OPENSSL_cleanse is not optimised away, unlike a memset before free (OPENSSL_cleanse(3)).
        OPENSSL_cleanse(storage, count)
        storage.deallocate()
    }

    /// Runs `body` with the bytes, which must not outlive the call.
    package func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let result = try body(UnsafeRawBufferPointer(start: storage, count: count))
        // The optimiser may otherwise release `self` after its last use, while `body` still reads.
        withExtendedLifetime(self) {}
        return result
    }

    /// Whether both hold the same bytes, compared in constant time.
    package func isEqual(to other: SymmetricKey) -> Bool {
        withUnsafeBytes { mine in other.withUnsafeBytes { equalInConstantTime(mine, $0) } }
    }

    package var description: String { "«key»" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
