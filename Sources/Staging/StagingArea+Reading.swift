// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

extension StagingArea {
    /// All chunks of a stream and kind that a stage reads through from front to back, in the order of sequence.
    ///
    /// Throws if one of them cannot be read: a stage must not go on as if its records did not exist.
    package func chunks(of stream: StreamName, kind: ChunkKind) async throws -> [Chunk] {
        let chunks = try await manifest.read { try $0.chunks(of: stream, kind: kind) }
        return try chunks.filter { chunk in
            switch chunk.state {
            case .sealed, .leased, .spent: return true
            case .writing: return false
            case .failed, .shredded:
                throw MigratezError(
                    .invalidTransition, "chunk \(chunk.address) is needed but \(chunk.state.rawValue)",
                    remedy: .fixConfiguration, hint: "migratez chunks ls \(folder.run) --state \(chunk.state.rawValue)")
            }
        }
    }
}
