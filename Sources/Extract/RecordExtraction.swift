// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezStaging

/// Reads the records of a source, page by page, into raw chunks; several slices of an object side by side, where the
/// source cuts it.
///
/// A record's bytes are copied as they came. The cursor moves in the manifest transaction that records the sealed chunk,
/// so that a crash costs the reading since then and nothing else. While one page of a slice is staged the next one is
/// fetched, and no further ones: a full disk or a slow transform stops the reading.
package struct RecordExtraction: Sendable {
    let source: any Source
    let staging: StagingArea
    /// Into so many slices an object is cut at most, and so many are read at once.
    private let slicesMax: Int
    /// A chunk is sealed after this time at the latest: a crash costs the reading since then.
    private let chunkAgeMax: Duration
    private let clock: any WallClock
    private let progress: any ProgressSink

    package init(
        source: any Source, staging: StagingArea, slicesMax: Int = 1, chunkAgeMax: Duration = .seconds(5),
        clock: any WallClock, progress: any ProgressSink
    ) {
        self.source = source
        self.staging = staging
        self.slicesMax = max(1, slicesMax)
        self.chunkAgeMax = chunkAgeMax
        self.clock = clock
        self.progress = progress
    }

    /// Brings all records of the stream into raw chunks, going on where an earlier call was cut off.
    package func extract(_ stream: StreamName, fields: [String]) async throws {
        let state = try await staging.manifest.read { try $0.stream(stream) }
        guard let state, state.state(of: .extract) != .done else { return }
        if let total = try await source.count(of: stream) {
            progress.expect(.extract, stream, total: total)
            try await staging.manifest.commit { try $0.setSourceTotal(total, of: stream) }
        }
        let slices = try await slices(of: state)
        guard !slices.isEmpty else {
            return try await extract(stream, slice: nil, fields: fields, after: state.cursor)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            var waiting = slices.filter { $0.cursor != nil }[...]
            func begin() {
                guard let slice = waiting.popFirst() else { return }
                group.addTask { try await extract(stream, slice: slice.number, fields: fields, after: slice.cursor) }
            }
            for _ in 0..<slicesMax { begin() }
            // The first error ends the other slices, too; what is whole of theirs is kept.
            while try await group.next() != nil { begin() }
        }
    }

    /// The slices of the stream, cut when its reading begins and never anew; none if it is read in one piece.
    private func slices(of state: StreamStatus) async throws -> [StreamSlice] {
        let stream = state.name
        let known = try await staging.manifest.read { try $0.slices(of: stream) }
        guard known.isEmpty, state.state(of: .extract) == .pending, slicesMax > 1 else { return known }
        let cursors = try await source.slices(of: stream, atMost: slicesMax)
        guard !cursors.isEmpty else { return [] }
        guard cursors.count > 1, cursors.count <= slicesMax, Set(cursors).count == cursors.count else {
            throw MigratezError(.internalError, "the source cut '\(stream)' into \(cursors.count) slices that are none")
        }
        return try await staging.manifest.commit { transaction in
            try transaction.cut(stream, into: cursors)
            return try transaction.slices(of: stream)
        }
    }

    /// Reads one slice, or the whole stream in one piece, from the cursor to its end.
    private func extract(_ stream: StreamName, slice: Int?, fields: [String], after start: Cursor?) async throws {
        var output = RawOutput(
            staging: staging, stream: stream, slice: slice, reached: start, chunkAgeMax: chunkAgeMax, clock: clock)
        do {
            try await copyPages(of: stream, fields: fields, after: start, to: &output)
        } catch {
            await output.keepWhatIsComplete()
            throw error
        }
    }

    private func copyPages(
        of stream: StreamName, fields: [String], after start: Cursor?, to output: inout RawOutput
    ) async throws {
        var page = try await source.readPage(of: stream, fields: fields, after: start)
        var cycle = CursorCycle(start)
        while let next = page.next {
            guard !cycle.isClosed(by: next) else {
                throw MigratezError(
                    .cursorLoop, "the source answered '\(stream)' with a cursor that it has given before",
                    hint: "run `migratez resume` later; if it stays, the source's paging is broken")
            }
            // The next page is on its way while this one is compressed and written.
            let source = source
            async let following = source.readPage(of: stream, fields: fields, after: next)
            try await append(page, of: stream, to: &output)
            try await output.sealIfFull()
            page = try await following
        }
        // The end of the source and the end of the extraction are one commit: a chunk that were sealed before it would
        // leave a run with no cursor, which begins again at the first page.
        try await append(page, of: stream, to: &output)
        try await output.finish()
    }

    private func append(_ page: Page, of stream: StreamName, to output: inout RawOutput) async throws {
        try Task.checkCancellation()
        let count = try await output.append(page)
        progress.advance(.extract, stream, by: count)
    }
}

/// Finds out that cursors repeat, however long the circle is, and remembers two of them only: the last one, and one that
/// moves up after 1, 2, 4, 8 … steps (Brent, "An improved Monte Carlo factorization algorithm", BIT 20, 1980).
struct CursorCycle {
    private var last: Cursor?
    private var remembered: Cursor?
    private var steps = 0
    private var stepsMax = 1

    /// - Parameter start: where the reading begins; `nil` = at the start.
    init(_ start: Cursor?) {
        last = start
        remembered = start
    }

    /// Whether the source has been at `cursor` before; called once for each page.
    mutating func isClosed(by cursor: Cursor) -> Bool {
        if cursor == last || cursor == remembered { return true }
        last = cursor
        steps += 1
        if steps == stepsMax {
            remembered = cursor
            steps = 0
            stepsMax *= 2
        }
        return false
    }
}

/// The raw chunk that is being filled, and the place in the source that it reaches to.
private struct RawOutput: ~Copyable {
    private let staging: StagingArea
    private let stream: StreamName
    /// `nil` = the stream is read in one piece.
    private let slice: Int?
    private let chunkAgeMax: Duration
    private let clock: any WallClock
    private var writer: ChunkWriter?
    private var opened: Timestamp
    /// Where the open chunk begins.
    private var beginning: Cursor?
    private var reached: Cursor?
    private var pending = 0
    /// Whether the chunk holds whole pages: false while one is put in, and for good if that failed.
    private var isComplete = true
    private var lines: [UInt8] = []

    init(
        staging: StagingArea, stream: StreamName, slice: Int?, reached: Cursor?, chunkAgeMax: Duration,
        clock: any WallClock
    ) {
        self.staging = staging
        self.stream = stream
        self.slice = slice
        self.reached = reached
        self.chunkAgeMax = chunkAgeMax
        self.clock = clock
        opened = clock.now
    }

    /// Adds a page; returns how many records it had.
    mutating func append(_ page: Page) async throws -> Int {
        let count = page.lines(into: &lines)
        if count > 0 {
            if writer == nil {
                writer = try await staging.openChunkWriter(stream, .raw, slice: slice)
                opened = clock.now
                beginning = reached
            }
            isComplete = false
            try writer?.append(lines, records: count)
            isComplete = true
        }
        reached = page.next
        pending += count
        return count
    }

    mutating func sealIfFull() async throws {
        guard let isFull = writer?.isFull else { return }
        if isFull || clock.now.duration(since: opened) >= chunkAgeMax { try await seal(isLast: false) }
    }

    /// Seals what is open and marks the extraction, or this slice of it, as complete.
    mutating func finish() async throws { try await seal(isLast: true) }

    /// Seals the whole pages that were read before an error, so that they need not be read again. If that fails, too,
    /// they are: the error that came first is the one to tell.
    mutating func keepWhatIsComplete() async {
        if isComplete, pending > 0, reached != nil {
            do { try await seal(isLast: false) } catch { return }
        } else if let writer = self.writer.take() {
            await writer.discard()
        }
    }

    private mutating func seal(isLast: Bool) async throws {
        let (stream, slice, reached, pending) = (stream, slice, reached, pending)
        let change: @Sendable (ManifestTransaction) throws -> Void = { transaction in
            if let slice {
                try transaction.moveCursor(of: stream, slice: slice, to: reached, recordsRead: pending)
                return
            }
            try transaction.moveCursor(of: stream, to: reached, recordsRead: pending)
            try transaction.set(.extract, of: stream, to: isLast ? .done : .running)
        }
        self.pending = 0
        let span = SourceSpan(from: beginning, to: reached)
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

extension Page {
    /// Replaces `lines` by the records of the page, one a line as they came, and tells how many they are.
    func lines(into lines: inout [UInt8]) -> Int {
        lines.removeAll(keepingCapacity: true)
        bytes.withUnsafeBufferPointer { bytes in
            for range in records { appendLine(UnsafeBufferPointer(rebasing: bytes[range]), to: &lines) }
        }
        for record in malformed { MalformedLine.append(record, to: &lines) }
        return records.count + malformed.count
    }
}
