// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto

/// The root of a Merkle tree: one hash that stands for many, in their order.
///
/// As in RFC 6962, 2.1: a leaf is SHA-256(0x00 ‖ data), a node SHA-256(0x01 ‖ left ‖ right), the left subtree has the
/// largest power of two of leaves that is smaller than their number, and no leaves give the hash of nothing.
package enum MerkleTree {
    /// The root over `leaves`; 32 bytes.
    package static func root(of leaves: [[UInt8]]) -> [UInt8] { root(of: leaves[...]) }

    private static func root(of leaves: ArraySlice<[UInt8]>) -> [UInt8] {
        guard leaves.count > 1 else {
            return SHA256.digest(of: leaves.first.map { [0] + $0 } ?? [])
        }
        var split = 1
        while split * 2 < leaves.count { split *= 2 }
        let middle = leaves.startIndex + split
        return SHA256.digest(of: [1] + root(of: leaves[..<middle]) + root(of: leaves[middle...]))
    }
}
