// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezChunkLines
import MigratezJSON
import MigratezModel
package import MigratezStaging

/// Finds the lines of rejects chunks that entries of the manifest's list of rejects refer to.
package struct RejectLines: Sendable {
    private let manifest: Manifest
    private let open: @Sendable (Chunk) throws -> ChunkReader

    package init(_ inspection: RunInspection) {
        manifest = inspection.manifest
        open = { try inspection.openChunkReader($0) }
    }

    package init(_ staging: StagingArea) {
        manifest = staging.manifest
        open = { try staging.openChunkReader($0) }
    }

    /// The lines by ordinal; a reject that has none (a link) is absent.
    func read(_ rejects: [Reject], of stream: StreamName) async throws -> [Int: RejectLine.Parsed] {
        let bySequence = Dictionary(grouping: rejects.filter { $0.chunkSequence != nil }) { $0.chunkSequence ?? 0 }
        var found: [Int: RejectLine.Parsed] = [:]
        for (sequence, rejects) in bySequence.sorted(by: { $0.key < $1.key }) {
            var wanted = Set(rejects.compactMap(\.line))
            let address = ChunkAddress(stream: stream, kind: .rejects, sequence: sequence)
            guard let chunk = try await manifest.read({ try $0.chunk(address) }) else {
                throw MigratezError(.manifestDamaged, "chunk \(address) is not known, but rejects stand in it")
            }
            var reader = try open(chunk)
            var block: [UInt8] = []
            var index = RecordIndex(fields: nil)
            var number = 0
            while !wanted.isEmpty, try reader.next(into: &block) {
                for range in LineRanges(block) {
                    let line = block[range]
                    if wanted.remove(number) != nil {
                        let parsed = try line.withUnsafeBufferPointer { try RejectLine.parse($0, with: &index) }
                        found[parsed.ordinal] = parsed
                    }
                    number += 1
                }
            }
        }
        return found
    }
}
