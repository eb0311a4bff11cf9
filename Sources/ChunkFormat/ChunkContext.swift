// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Which chunk some bytes are, down to the attempt at writing it; bound into the chunk's encryption.
///
/// The reader writes down the context of what it asks for and refuses every chunk that says or proves otherwise, so a
/// chunk cannot stand in for another one, nor for an earlier attempt at the same.
package struct ChunkContext: Hashable, Sendable, CustomStringConvertible {
    /// How the plaintext was packed before it was encrypted.
    package enum Packing: String, Sendable, CaseIterable {
        /// One zstd frame.
        case zstd
        /// As it is: intermediate data that lives for minutes.
        case none
    }

    /// The version of the chunk format.
    package static let formatVersion = 1

    package let run: RunID
    package let address: ChunkAddress
    /// From 1 upward: each attempt at writing the chunk has its own.
    package let attempt: Int
    package let packing: Packing

    /// - Precondition: sequence and attempt are not negative.
    package init(run: RunID, address: ChunkAddress, attempt: Int, packing: Packing = .zstd) {
        precondition(address.sequence >= 0 && attempt >= 0, "a chunk's sequence and attempt are not negative")
        self.run = run
        self.address = address
        self.attempt = attempt
        self.packing = packing
    }

    /// The canonical text: `1.zstd.9f3c01aa.contact.raw.31.1`.
    ///
    /// None of the seven parts can hold a full stop, so no two contexts share a text.
    package var description: String {
        "\(Self.formatVersion).\(packing.rawValue).\(run).\(address.stream).\(address.kind.rawValue)"
            + ".\(address.sequence).\(attempt)"
    }
}
