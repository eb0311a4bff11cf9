// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezChunkLines
import MigratezJSON
import MigratezLoad
import MigratezModel
import MigratezStaging

/// A ready line with the destination's ids in the place of references.
struct WrittenLine {
    /// Its key in a baseline.
    var key: String
    var fields: [JSONValue.Member]

    /// Nil for a link of which an end is not there.
    ///
    /// - Parameter id: the destination's id of the record; for a link that became a field, of the record with the field.
    init?(_ line: ReadyLine, id: String, _ parents: [StreamName: [Int: RecordOutcome]]) {
        fields = line.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }.members
        var ends: [String] = []
        var isField = false
        for reference in line.references {
            if reference.field.isEmpty {
                isField = true
                continue
            }
            guard let target = parents[reference.stream]?[reference.ordinal]?.targetID else {
                if line.sourceID.isEmpty { return nil }
                continue
            }
            ends.append(target)
            fields.append(.init(reference.field, .string(target)))
        }
        key = !line.sourceID.isEmpty ? line.sourceID : isField ? id : LoadDelta.key(ends: ends, tag: line.tag)
    }
}

extension StagedRun {
    /// Hands out the ready lines of a stream in batches, each of one chunk, and each record once: of one that was
    /// rejected and tried again, the later line is the one that was written.
    ///
    /// - Parameters:
    ///   - facts: what there is to know of a chunk before its lines.
    ///   - isWanted: lines for which this is false are left out.
    func forEachReadyBatch<Facts>(
        of stream: StreamName, upTo size: Int, facts: (Chunk) async throws -> Facts,
        where isWanted: (ReadyLine) -> Bool = { _ in true }, do body: ([ReadyLine], Facts) async throws -> Void
    ) async throws {
        var seen = OrdinalSet()
        for chunk in try await manifest.read({ try $0.chunks(of: stream, kind: .ready) }).reversed() {
            let facts = try await facts(chunk)
            var lines: [ReadyLine] = []
            try await forEachReadyLine(of: chunk) { record in
                guard seen.insert(record.ordinal), isWanted(record) else { return }
                lines.append(record)
                if lines.count == size {
                    try await body(lines, facts)
                    lines.removeAll(keepingCapacity: true)
                }
            }
            if !lines.isEmpty { try await body(lines, facts) }
        }
    }

    /// Hands out the lines of one ready chunk.
    func forEachReadyLine(of chunk: Chunk, _ body: (ReadyLine) async throws -> Void) async throws {
        var reader = try openChunkReader(chunk, verifyDigest: false)
        var lines = ReadyLineReader()
        var block: [UInt8] = []
        while try reader.next(into: &block) {
            try Task.checkCancellation()
            for range in LineRanges(block) {
                try await body(try block[range].withUnsafeBufferPointer { try lines.read($0) })
            }
        }
    }
}
