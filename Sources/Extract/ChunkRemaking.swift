// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezModel
package import MigratezStaging

extension RecordExtraction {
    /// Makes a failed chunk of records anew: reads the same part of the source again, and nothing else of it.
    ///
    /// - Throws: `countMismatch` if the source holds more or fewer records there now; the chunk stays failed.
    package func remake(_ chunk: Chunk, fields: [String]) async throws {
        let stream = chunk.address.stream
        let (span, holds, first) = try await staging.manifest.read { view in
            (try view.span(of: chunk.address), try view.holds(of: stream), try view.firstLine(of: chunk.address))
        }
        try await staging.remake(chunk) { writer in
            var cycle = CursorCycle(span.from)
            var cursor = span.from
            var lines: [UInt8] = []
            while true {
                let page = try await source.readPage(of: stream, fields: fields, after: cursor)
                let count = page.lines(into: &lines)
                // What was erased does not come back.
                if !holds.isEmpty {
                    ErasedLine.replace(in: &lines, from: first + writer.records) { holds[$0] == .erased }
                }
                if count > 0 { try writer.append(lines, records: count) }
                guard let next = page.next, next != span.to, writer.records <= chunk.records else { return }
                guard !cycle.isClosed(by: next) else {
                    throw MigratezError(
                        .cursorLoop, "the source answered '\(stream)' with a cursor that it has given before")
                }
                cursor = next
            }
        }
    }
}

extension StagingArea {
    /// Writes the next attempt at a failed chunk; it must get exactly as many lines as it had, because the ordinals of
    /// all records after it count on them.
    func remake(_ chunk: Chunk, _ body: (inout ChunkWriter) async throws -> Void) async throws {
        var writer = try await openChunkWriter(again: chunk.address)
        do {
            try await body(&writer)
            guard writer.records == chunk.records else {
                throw MigratezError(
                    .countMismatch,
                    "chunk \(chunk.address) held \(chunk.records) entries, the source has \(writer.records) in their place now",
                    remedy: .fixConfiguration, hint: "the source has changed since: begin a new run")
            }
        } catch {
            await writer.discard()
            throw error
        }
        _ = try await writer.seal()
    }
}
