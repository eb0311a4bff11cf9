// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// One chunk as the manifest knows it.
package struct Chunk: Sendable, Hashable {
    /// Its row in the manifest.
    package var id: Int64
    /// Its slot in the key ring: that of its number, until its lines are replaced.
    package var slot: Int64
    package var address: ChunkAddress
    package var state: ChunkState
    /// From 1 upward; bound into the encryption, so that an older attempt's file is not mistaken for this one.
    package var attempt: Int
    /// Why it failed, if it is `failed`: the text of an `ErrorCode`.
    package var failure: String?
    /// The number of lines in it; 0 until it is sealed.
    package var records: Int
    /// The ordinal of the record in its first line, where lines are records in order.
    package var firstOrdinal: Int?
    /// The length of its lines before compression, in bytes.
    package var plaintextBytes: Int
    /// The length of its file, in bytes; 0 until it is sealed.
    package var storedBytes: Int
    /// The SHA-256 of its file; empty until it is sealed.
    package var sha256: [UInt8]

    package init(
        id: Int64, slot: Int64? = nil, address: ChunkAddress, state: ChunkState, attempt: Int, failure: String? = nil,
        records: Int = 0,
        firstOrdinal: Int? = nil, plaintextBytes: Int = 0, storedBytes: Int = 0, sha256: [UInt8] = []
    ) {
        self.id = id
        self.slot = slot ?? id
        self.address = address
        self.state = state
        self.attempt = attempt
        self.failure = failure
        self.records = records
        self.firstOrdinal = firstOrdinal
        self.plaintextBytes = plaintextBytes
        self.storedBytes = storedBytes
        self.sha256 = sha256
    }

    /// The name of its file: `contact-raw-000031.ndjson.zst.age`.
    package var fileName: String { "\(address).ndjson.zst.age" }
}

/// The right of one consumer to a chunk until a deadline.
///
/// A lease that has run out may be claimed by somebody else; `spend` and `renew` of the old one are refused then.
package struct ChunkLease: Sendable, Hashable {
    package var chunk: Chunk
    /// Unique within the run; tells this claim from an earlier one of the same chunk.
    package var id: Int64
    package var stage: Stage
    package var deadline: Timestamp

    package init(chunk: Chunk, id: Int64, stage: Stage, deadline: Timestamp) {
        self.chunk = chunk
        self.id = id
        self.stage = stage
        self.deadline = deadline
    }
}
