// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezCrypto
import MigratezModel

/// What a destination holds as the content of a record.
package struct HeldContent: Sendable, Hashable {
    package var bytes: Int
    package var sha256: [UInt8]

    package init(bytes: Int, sha256: [UInt8]) {
        self.bytes = bytes
        self.sha256 = sha256
    }

    /// Reads it to its end; `nil` if there is none.
    ///
    /// - Throws: `notSupported` if the destination does not give contents back.
    package static func read(_ object: String, _ id: String, at destination: any Destination) async throws -> Self? {
        do {
            var hash = SHA256()
            var bytes = 0
            try await destination.readContent(object: object, id: id) { piece in
                hash.update(piece)
                bytes += piece.count
            }
            return HeldContent(bytes: bytes, sha256: hash.finish())
        } catch is Rejection {
            return nil
        }
    }

    /// Whether the destination says that it holds this content for the record.
    static func agrees(
        _ content: RowContent, _ object: String, _ id: String, at destination: any Destination
    ) async throws -> Bool {
        do {
            return try await read(object, id, at: destination)
                == HeldContent(bytes: content.bytes, sha256: content.sha256)
        } catch let error as MigratezError where error.code == .notSupported {
            return false
        }
    }
}
