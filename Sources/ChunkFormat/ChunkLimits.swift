// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Hard limits that writer and reader share; beyond them a chunk is refused whatever its tags say.
package struct ChunkLimits: Sendable {
    /// The longest line, without its line feed.
    package var recordMax: ByteCount
    /// The most plaintext in one chunk.
    package var plaintextMax: ByteCount
    /// The most bytes of plaintext for one byte of compressed data, beyond `plaintextWithoutRatio`.
    package var ratioMax: Int
    /// Plaintext that is allowed whatever its ratio: what a writer that starts a new chunk at 16 MiB can make of
    /// ordinary data, so that thousands of equal records (zstd packs them 10,000 to 1) are not taken for a bomb.
    package var plaintextWithoutRatio: ByteCount

    /// The limits of a chunk of records.
    package init(
        recordMax: ByteCount = .MiB(16), plaintextMax: ByteCount = .MiB(256), ratioMax: Int = 2_000,
        plaintextWithoutRatio: ByteCount = .MiB(64)
    ) {
        self.recordMax = recordMax
        self.plaintextMax = plaintextMax
        self.ratioMax = ratioMax
        self.plaintextWithoutRatio = plaintextWithoutRatio
    }

    /// The most plaintext that `packed` bytes of compressed data may become.
    func plaintextAllowed(forPacked packed: Int) -> Int {
        let (scaled, overflow) = packed.multipliedReportingOverflow(by: ratioMax)
        return min(plaintextMax.bytes, max(plaintextWithoutRatio.bytes, overflow ? .max : scaled))
    }
}
