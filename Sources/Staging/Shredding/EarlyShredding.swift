// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Shreds single chunks while the run goes on.
///
/// Key destroyed and synced, file unlinked and folder synced, then the commit. `spent` is durable before, so each step
/// may be repeated: `Recovery` finishes what was cut off.
struct EarlyShredding {
    let folder: RunFolder
    let manifest: Manifest
    let ring: KeyRing
    let fileSystem: any FileSystem

    /// Shreds chunks, all of which must be `spent`.
    func shred(_ chunks: [Chunk]) async throws {
        guard !chunks.isEmpty else { return }
        let current = try await manifest.read { view in try chunks.map { try view.chunk(id: $0.id) } }
        if let other = current.first(where: { $0.state != .spent }) {
            throw MigratezError(
                .invalidTransition, "chunk \(other.address) is \(other.state.rawValue), so it is not shredded")
        }
        try ring.destroy(slots: current.map(\.slot))
        for chunk in chunks { try fileSystem.remove(folder.file(of: chunk)) }
        try fileSystem.syncFolder(folder.chunks)
        try await manifest.commit { transaction in
            for chunk in current { try transaction.shredChunk(chunk) }
        }
    }
}
