// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Hard caps on a JSON document; what exceeds them is refused by name instead of being worked on.
package struct JSONLimits: Sendable, Hashable {
    /// How deep arrays and objects may nest; at most 128, because the validator keeps one bit a level in a `UInt128`.
    package var depthMax: Int
    /// How long the document may be.
    package var recordBytesMax: ByteCount

    package init(depthMax: Int = 128, recordBytesMax: ByteCount = .MiB(16)) {
        precondition((1...128).contains(depthMax), "a JSON depth limit is 1 to 128")
        self.depthMax = depthMax
        self.recordBytesMax = recordBytesMax
    }

    /// For one record.
    package static let record = JSONLimits()
    /// For a whole page, whose length the transport has capped already.
    package static let page = JSONLimits(recordBytesMax: ByteCount(.max))
}
