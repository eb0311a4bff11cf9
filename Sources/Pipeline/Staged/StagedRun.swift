// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezChunkLines
import MigratezJSON
import MigratezModel
import MigratezStaging

/// The staged data of a run, whether this process owns it or only looks.
protocol StagedRun: Sendable {
    var manifest: Manifest { get }
    func openChunkReader(_ chunk: Chunk, verifyDigest: Bool) throws(MigratezError) -> ChunkReader
}

extension StagingArea: StagedRun {}
extension RunInspection: StagedRun {}

extension StagedRun {
    /// What was kept of each record before the rows of one ready chunk changed it, by ordinal.
    func images(of stream: StreamName, readySequence: Int) async throws -> [Int: (place: ImagePlace, line: BeforeLine)]
    {
        var images: [Int: (place: ImagePlace, line: BeforeLine)] = [:]
        try await forEachImage(of: stream, readySequence: readySequence) { images[$0.ordinal] = ($0, $1) }
        return images
    }

    /// The names of the fields that the rows of one ready chunk changed in records which were there before, by ordinal.
    ///
    /// Most rows of a chunk change the same fields, so that this is small beside the images.
    func changedFields(
        of stream: StreamName, readySequence: Int
    ) async throws -> [Int: (origin: ImageOrigin, names: Set<String>)] {
        var known: [Set<String>: Set<String>] = [:]
        var changed: [Int: (origin: ImageOrigin, names: Set<String>)] = [:]
        try await forEachImage(of: stream, readySequence: readySequence) { place, line in
            let names = Set(line.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }.members.map(\.key))
            let shared = known[names, default: names]
            known[shared] = shared
            changed[place.ordinal] = (place.origin, shared)
        }
        return changed
    }

    private func forEachImage(
        of stream: StreamName, readySequence: Int, _ body: (ImagePlace, BeforeLine) -> Void
    ) async throws {
        let places = try await manifest.read { try $0.images(of: stream, readySequence: readySequence) }
        for (sequence, places) in Dictionary(grouping: places, by: \.chunkSequence) {
            let wanted = Dictionary(places.map { ($0.line, $0) }) { first, _ in first }
            let address = ChunkAddress(stream: stream, kind: .before, sequence: sequence)
            guard let chunk = try await manifest.read({ try $0.chunk(address) }) else {
                throw MigratezError(.chunkMismatch, "the manifest names chunk \(address), which does not exist")
            }
            var reader = try openChunkReader(chunk, verifyDigest: false)
            var index = RecordIndex(fields: nil)
            var (block, number): ([UInt8], Int) = ([], 0)
            while try reader.next(into: &block) {
                for range in LineRanges(block) {
                    let line = block[range]
                    if let place = wanted[number] {
                        body(place, try line.withUnsafeBufferPointer { try BeforeLine($0, with: &index) })
                    }
                    number += 1
                }
            }
        }
    }

    /// The outcomes of the records that lines refer to.
    func parents(of lines: [ReadyLine]) async throws -> [StreamName: [Int: RecordOutcome]] {
        var wanted: [StreamName: Set<Int>] = [:]
        for line in lines {
            for reference in line.references { wanted[reference.stream, default: []].insert(reference.ordinal) }
        }
        var parents: [StreamName: [Int: RecordOutcome]] = [:]
        for (stream, ordinals) in wanted { parents[stream] = try await outcomes(of: stream, Array(ordinals)) }
        return parents
    }

    /// The outcomes of records, by ordinal.
    func outcomes(of stream: StreamName, _ ordinals: [Int]) async throws -> [Int: RecordOutcome] {
        let sorted = ordinals.sorted()
        let rows = try await manifest.read { try $0.outcomes(of: stream, ordinals: sorted) }
        return Dictionary(rows.map { ($0.ordinal, $0) }) { first, _ in first }
    }
}
