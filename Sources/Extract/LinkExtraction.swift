// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezChunkLines
package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezStaging

/// Reads the links of records that were extracted, to their last page, into chunks of edges.
///
/// The ids come from the raw chunks of the from-records, so that links are read for exactly the records that were.
package struct LinkExtraction: Sendable {
    private let source: any Source
    private let staging: StagingArea
    private let progress: any ProgressSink
    /// How many requests for links may be under way at once.
    private let concurrency: Int
    /// What was read is made durable after this time at the latest: a crash costs the reading since then.
    private let chunkAgeMax: Duration
    private let clock: any WallClock

    package init(
        source: any Source, staging: StagingArea, concurrency: Int = 4, chunkAgeMax: Duration = .seconds(5),
        clock: any WallClock = SystemWallClock(), progress: any ProgressSink
    ) {
        self.source = source
        self.staging = staging
        self.concurrency = concurrency
        self.chunkAgeMax = chunkAgeMax
        self.clock = clock
        self.progress = progress
    }

    /// Brings all links from records of `from` to records of `to` into raw chunks of `stream`; the extraction of `from`
    /// must be complete. Goes on where an earlier call was cut off.
    package func extract(_ stream: StreamName, from: StreamName, to: StreamName) async throws {
        let state = try await staging.manifest.read { try $0.stream(stream) }
        guard let state, state.state(of: .extract) != .done else { return }
        let batchSize = try batchSize(from: from, to: to)
        // The cursor is the number of from-records whose links are staged.
        let done = state.cursor.flatMap { Int($0.text) } ?? 0
        var output = EdgeOutput(
            staging: staging, stream: stream, reached: done, chunkAgeMax: chunkAgeMax, clock: clock)
        do {
            let reached = try await forEachAnswer(from: from, to: to, records: done..<Int.max, batchSize) {
                try await output.append($0, reached: $1)
                progress.advance(.extract, stream, by: $0.reduce(0) { $0 + $1.count })
                try await output.sealIfFull()
            }
            try await output.finish(reached: reached)
        } catch {
            await output.keepWhatIsComplete()
            throw error
        }
    }

    /// Makes a failed chunk of edges anew: asks for the links of the same records again.
    ///
    /// - Throws: `countMismatch` if there are more or fewer of them now; the chunk stays failed.
    package func remake(_ chunk: Chunk, from: StreamName, to: StreamName) async throws {
        let span = try await staging.manifest.read { try $0.span(of: chunk.address) }
        guard let first = span.from.flatMap({ Int($0.text) }), let end = span.to.flatMap({ Int($0.text) }) else {
            throw MigratezError(
                .internalError, "the manifest does not say which records chunk \(chunk.address) is about")
        }
        let batchSize = try batchSize(from: from, to: to)
        try await staging.remake(chunk) { writer in
            var lines = JSONWriter()
            _ = try await forEachAnswer(from: from, to: to, records: first..<end, batchSize) { answers, _ in
                for edges in answers where !edges.isEmpty {
                    lines.removeAll()
                    for edge in edges { EdgeLine.write(edge, to: &lines) }
                    try writer.append(lines.bytes, records: edges.count)
                }
            }
        }
    }

    private func batchSize(from: StreamName, to: StreamName) throws -> Int {
        guard let batchSize = source.linkBatchSize(from: from, to: to) else {
            throw MigratezError(
                .notSupported, "\(source.name) has no links from '\(from)' to '\(to)'", remedy: .fixConfiguration,
                hint: "remove the link from the pipeline file")
        }
        return max(batchSize, 1)
    }

    /// Reads the links of the records with these ordinals, some batches at once, and hands them on in the order of the
    /// records, with the ordinal that they reach to.
    ///
    /// - Returns: the ordinal of the record after the last one.
    private func forEachAnswer(
        from: StreamName, to: StreamName, records: Range<Int>, _ batchSize: Int,
        _ body: ([[Edge]], Int) async throws -> Void
    ) async throws -> Int {
        let layout = source.layout(of: from)
        var index = RecordIndex(fields: layout.fields)
        var batches: [[RecordBytes]] = []
        var batch: [RecordBytes] = []
        // The ordinal of the record that the open batch begins with; records without an id are in no batch.
        var batchStart = records.lowerBound
        var number = 0
        for chunk in try await staging.chunks(of: from, kind: .raw) where number < records.upperBound {
            if number + chunk.records <= records.lowerBound {
                number += chunk.records
                continue
            }
            var reader = try staging.openChunkReader(chunk)
            var block: [UInt8] = []
            while try reader.next(into: &block) {
                try Task.checkCancellation()
                for range in LineRanges(block) {
                    let line = block[range]
                    defer { number += 1 }
                    guard records.contains(number) else { continue }
                    try line.withUnsafeBufferPointer { try index.indexLine($0) }
                    if let id = line.withUnsafeBufferPointer({ index.sourceID(layout, in: $0) }) {
                        if batch.isEmpty { batchStart = number }
                        batch.append(RecordBytes(id: id, bytes: line))
                    }
                    if batch.count == batchSize {
                        batches.append(batch)
                        batch = []
                    }
                }
                if batches.count >= concurrency {
                    try await body(try await answers(to: batches, from, to), batch.isEmpty ? number : batchStart)
                    batches = []
                }
            }
        }
        let end = min(number, records.upperBound)
        if !batch.isEmpty { batches.append(batch) }
        if !batches.isEmpty { try await body(try await answers(to: batches, from, to), end) }
        return end
    }

    /// Reads the links of some batches, several at once, in the order of the batches.
    private func answers(
        to batches: [[RecordBytes]], _ from: StreamName, _ to: StreamName
    ) async throws -> [[Edge]] {
        let source = source
        return try await withThrowingTaskGroup(of: (Int, [Edge]).self) { group in
            var answers = [[Edge]](repeating: [], count: batches.count)
            var next = 0
            while next < min(concurrency, batches.count) {
                let number = next
                group.addTask { (number, try await Self.links(source, from, to, batches[number])) }
                next += 1
            }
            while let (number, edges) = try await group.next() {
                answers[number] = edges
                if next < batches.count {
                    let number = next
                    group.addTask { (number, try await Self.links(source, from, to, batches[number])) }
                    next += 1
                }
            }
            return answers
        }
    }

    private static func links(
        _ source: any Source, _ from: StreamName, _ to: StreamName, _ batch: [RecordBytes]
    ) async throws -> [Edge] {
        try await source.readLinks(from: from, to: to, of: batch.map { ($0.id, $0.bytes) })
    }
}

/// A record with its id, as links are asked for.
private struct RecordBytes: Sendable {
    var id: String
    var bytes: ArraySlice<UInt8>
}

/// The chunk of edges that is being filled, and the from-record that it reaches to.
private struct EdgeOutput: ~Copyable {
    private let staging: StagingArea
    private let stream: StreamName
    private let chunkAgeMax: Duration
    private let clock: any WallClock
    private var writer: ChunkWriter?
    /// When the cursor was moved last.
    private var moved: Timestamp
    /// The from-record that the open chunk begins with.
    private var beginning: Int
    private var reached: Int
    private var pending = 0
    /// Whether the chunk holds the links of all records before `reached`, and no others.
    private var isComplete = true
    private var lines = JSONWriter()

    init(
        staging: StagingArea, stream: StreamName, reached: Int, chunkAgeMax: Duration, clock: any WallClock
    ) {
        self.staging = staging
        self.stream = stream
        self.reached = reached
        beginning = reached
        self.chunkAgeMax = chunkAgeMax
        self.clock = clock
        moved = clock.now
    }

    /// Adds the links of the next records, up to the one before `reached`.
    mutating func append(_ answers: [[Edge]], reached: Int) async throws {
        if writer == nil, answers.contains(where: { !$0.isEmpty }) {
            writer = try await staging.openChunkWriter(stream, .raw)
            beginning = self.reached
        }
        isComplete = false
        for edges in answers where !edges.isEmpty {
            lines.removeAll()
            for edge in edges { EdgeLine.write(edge, to: &lines) }
            try writer?.append(lines.bytes, records: edges.count)
            pending += edges.count
        }
        isComplete = true
        self.reached = reached
    }

    mutating func sealIfFull() async throws {
        guard writer?.isFull == true || clock.now.duration(since: moved) >= chunkAgeMax else { return }
        try await seal(isLast: false)
    }

    /// Seals what is open and marks the extraction as complete.
    mutating func finish(reached: Int) async throws {
        self.reached = reached
        try await seal(isLast: true)
    }

    /// Seals what was read before an error, so that it need not be read again. If that fails, too, it is: the error that
    /// came first is the one to tell.
    mutating func keepWhatIsComplete() async {
        if isComplete, pending > 0 {
            do { try await seal(isLast: false) } catch { return }
        } else if let writer = self.writer.take() {
            await writer.discard()
        }
    }

    private mutating func seal(isLast: Bool) async throws {
        let (stream, reached, pending) = (stream, reached, pending)
        let change: @Sendable (ManifestTransaction) throws -> Void = { transaction in
            try transaction.moveCursor(of: stream, to: Cursor(String(reached)), recordsRead: pending)
            try transaction.set(.extract, of: stream, to: isLast ? .done : .running)
        }
        self.pending = 0
        moved = clock.now
        let span = SourceSpan(from: Cursor(String(beginning)), to: Cursor(String(reached)))
        if let writer = self.writer.take() {
            _ = try await writer.seal { transaction, chunk in
                try change(transaction)
                try transaction.note(span, of: chunk)
            }
        } else {
            try await staging.manifest.commit(change)
        }
    }
}
