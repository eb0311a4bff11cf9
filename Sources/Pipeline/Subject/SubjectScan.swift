// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezChunkLines
import MigratezJSON
package import MigratezModel
package import MigratezStaging

/// One record of a run that is about the person who asks.
package struct SubjectRecord: Sendable, Hashable {
    package var stream: StreamName
    package var ordinal: Int
    /// How it ended; nil if it is still under way.
    package var outcome: RecordOutcome?
    package var hold: HoldKind?
    /// Whether the destination holds it by now, or the record that it was merged into.
    package var isLoaded: Bool
}

/// A line of a chunk.
struct SubjectLine {
    var chunk: Chunk
    /// Its number within the chunk.
    var number: Int
    /// Its number within the stream and kind.
    var place: Int
    /// Valid during the call only.
    var bytes: UnsafeBufferPointer<UInt8>

    /// The ordinal of the record that it is about; `index` is a reusable index without nested fields.
    func ordinal(with index: inout RecordIndex) throws(MigratezError) -> Int {
        // Raw lines are records in order; the others say whose they are.
        if chunk.address.kind == .raw { return place }
        try index.indexLine(bytes)
        return try index.requiredNumber(chunk.address.kind == .content ? "file" : "n", in: bytes)
    }
}

/// Looks through the staged chunks of the objects of a run, front to back, in the memory of one block.
///
/// Chunks of links hold ids only and are not looked at; nor are those that are shredded.
struct SubjectScan {
    let run: any StagedRun
    /// What records lie in, in the order in which they come to be.
    static let kinds: [ChunkKind] = [.raw, .ready, .rejects, .before]

    /// The streams of objects, in the order in which they were declared.
    func objects() async throws -> [StreamStatus] {
        try await run.manifest.read { try $0.streams() }.filter { $0.kind == .object }
    }

    /// Throws `wrongRunState` if an object is half read, half mapped or half written: records of the person could be missed,
    /// or be on their way.
    func requireRest(of run: RunID) async throws {
        for stream in try await objects() {
            let batches = try await self.run.manifest.read { try $0.batches(of: stream.name) }
            let (what, command) =
                switch stream {
                case _ where stream.state(of: .extract) != .done: ("read", "extract")
                case _ where stream.state(of: .transform) == .running: ("mapped", "transform")
                case _ where !batches.isEmpty: ("written", "load")
                default: ("", "")
                }
            guard !what.isEmpty else { continue }
            throw MigratezError(
                .wrongRunState, "'\(stream.name)' is half \(what), so records of the person could be missed",
                remedy: .fixConfiguration, hint: "finish that first: migratez \(command) \(run); then ask again")
        }
    }

    /// The records that name the person, and those that were merged with them.
    func records(of wanted: SubjectIdentifiers) async throws -> [SubjectRecord] {
        var records: [SubjectRecord] = []
        for stream in try await objects().map(\.name) {
            var found: Set<Int> = []
            var text = SubjectText(wanted)
            var index = RecordIndex(fields: nil)
            for kind in Self.kinds {
                // Most lines are not about the person, so that their ordinals need not be read.
                try await forEachLine(of: stream, kind) { line in
                    if text.matches(line.bytes) { found.insert(try line.ordinal(with: &index)) }
                }
            }
            if !found.isEmpty { records += try await withMerged(found, of: stream) }
        }
        return records
    }

    /// Hands out every line that is about one of the records, with the record's ordinal.
    func forEachLine(
        of stream: StreamName, _ kind: ChunkKind, about records: Set<Int>,
        _ body: (SubjectLine, _ ordinal: Int) throws -> Void
    ) async throws {
        var index = RecordIndex(fields: nil)
        try await forEachLine(of: stream, kind) { line in
            let ordinal = try line.ordinal(with: &index)
            if records.contains(ordinal) { try body(line, ordinal) }
        }
    }

    private func forEachLine(
        of stream: StreamName, _ kind: ChunkKind, _ body: (SubjectLine) throws -> Void
    ) async throws {
        for chunk in try await chunks(of: stream, kind) { try await forEachLine(of: chunk, body) }
    }

    private func forEachLine(of chunk: Chunk, _ body: (SubjectLine) throws -> Void) async throws {
        let first = try await run.manifest.read { try $0.firstLine(of: chunk.address) }
        var reader = try run.openChunkReader(chunk, verifyDigest: false)
        var (block, number): ([UInt8], Int) = ([], 0)
        while try reader.next(into: &block) {
            try Task.checkCancellation()
            for range in LineRanges(block) {
                try block.withUnsafeBufferPointer { block in
                    let line = UnsafeBufferPointer(rebasing: block[range])
                    try body(SubjectLine(chunk: chunk, number: number, place: first + number, bytes: line))
                }
                number += 1
            }
        }
    }

    /// Throws if a chunk cannot be read: nobody may be told that there is nothing in it.
    private func chunks(of stream: StreamName, _ kind: ChunkKind) async throws -> [Chunk] {
        let chunks = try await run.manifest.read { try $0.chunks(of: stream, kind: kind) }
        return try chunks.filter { chunk in
            switch chunk.state {
            case .sealed, .leased, .spent: return true
            case .writing, .shredded: return false
            case .failed:
                throw MigratezError(
                    .chunkCorrupt, "chunk \(chunk.address) has failed, so what is in it cannot be said",
                    remedy: .fixConfiguration, hint: "bring it back first: migratez chunks retry")
            }
        }
    }

    /// The records with their outcomes; of a group of duplicates all: the one that is kept holds values of the others.
    private func withMerged(_ found: Set<Int>, of stream: StreamName) async throws -> [SubjectRecord] {
        try await run.manifest.read { view in
            let merged = try view.outcomes(of: stream, ordinals: found.sorted())
            let survivors = found.union(merged.compactMap(\.survivor))
            let all = survivors.union(try view.merged(into: survivors.sorted(), of: stream)).sorted()
            let outcomes = Dictionary(try view.outcomes(of: stream, ordinals: all).map { ($0.ordinal, $0) }) { a, _ in a
            }
            let holds = try view.holds(of: stream)
            func isLoaded(_ ordinal: Int) -> Bool { [.created, .updated].contains(outcomes[ordinal]?.outcome) }
            return all.map { ordinal in
                SubjectRecord(
                    stream: stream, ordinal: ordinal, outcome: outcomes[ordinal], hold: holds[ordinal],
                    isLoaded: isLoaded(ordinal) || outcomes[ordinal]?.survivor.map(isLoaded) == true)
            }
        }
    }
}
