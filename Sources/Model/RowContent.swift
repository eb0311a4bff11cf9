// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Synchronization

/// The bytes of a file that a destination is asked to write, never held whole.
package struct RowContent: Sendable {
    /// Gives the next piece each time that it is called: never an empty one, at most `pieceBytesMax` bytes; `nil` = the
    /// end. Fits `HTTPBody.stream`.
    package typealias Pieces = @Sendable () async throws -> [UInt8]?

    /// The most bytes of a piece; a multiple of 3, so that pieces of that length in base64 can be put one behind the other.
    package static let pieceBytesMax = 192 << 10

    /// The destination's field that takes the bytes: `VersionData`.
    package var field: String
    /// How many bytes all pieces have together; zero is a legal length.
    package var bytes: Int
    /// SHA-256 of the bytes.
    package var sha256: [UInt8]
    private let opening: @Sendable () async throws -> Pieces

    /// - Parameter opening: begins at the first byte each time that it is called.
    package init(field: String, bytes: Int, sha256: [UInt8], opening: @escaping @Sendable () async throws -> Pieces) {
        self.field = field
        self.bytes = bytes
        self.sha256 = sha256
        self.opening = opening
    }

    /// A content that is at hand; only small ones are.
    package init(field: String, sha256: [UInt8], _ data: [UInt8]) {
        self.init(field: field, bytes: data.count, sha256: sha256) {
            let rest = Mutex(data[...])
            return {
                rest.withLock { rest in
                    guard !rest.isEmpty else { return nil }
                    defer { rest = rest.dropFirst(Self.pieceBytesMax) }
                    return Array(rest.prefix(Self.pieceBytesMax))
                }
            }
        }
    }

    /// The bytes from the first one on; may be called again for a second attempt. Every piece but the last has
    /// `pieceBytesMax` bytes.
    package func pieces() async throws -> Pieces { try await opening() }
}
