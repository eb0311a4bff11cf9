// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezExtract
package import MigratezModel
import MigratezStaging
import MigratezTransform

/// Brings failed chunks of a run back: those whose files are good after all as they are, raw ones from the source.
package struct ChunkRetry: Sendable {
    package enum Result: Sendable {
        /// Its file is as it was sealed.
        case good
        /// It was read from the source again.
        case remade
        /// It cannot be brought back.
        case lost(MigratezError)
    }

    private let run: Run

    package init(_ run: Run) { self.run = run }

    /// Reads every chunk to its end, declares those failed that are damaged, and brings back what it can.
    package func retry() async throws -> [(chunk: ChunkAddress, result: Result)] {
        try await run.checkAccount(.source)
        try await failDamaged()
        var results: [(chunk: ChunkAddress, result: Result)] = []
        for chunk in try await run.staging.manifest.read({ try $0.chunks(state: .failed) }) {
            do {
                if try await run.staging.retry(chunk.address) != nil {
                    results.append((chunk.address, .good))
                } else {
                    try await remake(chunk)
                    results.append((chunk.address, .remade))
                }
            } catch let error as MigratezError {
                results.append((chunk.address, .lost(error)))
            }
        }
        return results
    }

    private func failDamaged() async throws {
        for chunk in try await run.staging.manifest.read({ try $0.chunks(state: .sealed) }) {
            guard let damage = damage(of: chunk) else { continue }
            // A disk that cannot be read now says nothing about the chunk.
            guard damage.code.class == .stage else { throw damage }
            try await run.staging.manifest.commit { try $0.failChunk(chunk.address, damage.code) }
        }
    }

    /// Why the chunk cannot be read to its end; `nil` = it can.
    private func damage(of chunk: Chunk) -> MigratezError? {
        do throws(MigratezError) {
            var reader = try run.staging.openChunkReader(chunk, verifyDigest: true)
            var block: [UInt8] = []
            while try reader.next(into: &block) {}
            return nil
        } catch {
            return error
        }
    }

    private func remake(_ chunk: Chunk) async throws {
        let stream = chunk.address.stream
        let spec = run.plan.transform
        let transform = try await run.staging.manifest.read { try $0.stream(stream)?.state(of: .transform) }
        guard chunk.address.kind == .raw, transform == .pending else {
            throw MigratezError(
                .notSupported, "chunk \(chunk.address) cannot be made anew once its stream is being transformed",
                remedy: .fixConfiguration,
                hint: "give this run up and begin a new one; what was loaded is matched by its key")
        }
        if let object = spec.object(stream) {
            let extraction = RecordExtraction(
                source: run.source, staging: run.staging, clock: run.clock, progress: SilentProgress())
            try await extraction.remake(chunk, fields: object.sourceFields)
        } else if let route = spec.routes.first(where: { $0.stream == stream }) {
            let extraction = LinkExtraction(source: run.source, staging: run.staging, progress: SilentProgress())
            try await extraction.remake(chunk, from: route.from, to: route.to)
        } else {
            throw MigratezError(.internalError, "the pipeline has no stream '\(stream)'")
        }
    }
}
