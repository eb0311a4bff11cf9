// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezExtract
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Synchronization
import Testing

private let contact = StreamName("contact").unsafelyUnwrapped

/// Objects that are read in slices side by side: what is gained, and what must not change.
@Suite(.timeLimit(.minutes(2))) struct SlicedExtractionTests {
    private let records: [String?] = (0..<80).map { #"{"id":"\#($0)","amount":1.0}"# }
    private var texts: [String] { records.compactMap { $0 } }

    private func source(_ count: Int = 80, faults: MemorySource.Faults = .init()) -> MemorySource {
        MemorySource(records: [contact: Array(records.prefix(count))], pageRecordsMax: 5, slicesMax: 4, faults: faults)
    }

    private func extract(_ source: any Source, into area: StagingArea, slicesMax: Int = 4) async throws {
        try await RecordExtraction(
            source: source, staging: area, slicesMax: slicesMax, clock: ManualClock(), progress: SilentProgress()
        ).extract(contact, fields: [])
    }

    private func status(_ area: StagingArea) async throws -> StreamStatus {
        try #require(try await area.manifest.read { try $0.stream(contact) })
    }

    private func slices(_ area: StagingArea) async throws -> [StreamSlice] {
        try await area.manifest.read { try $0.slices(of: contact) }
    }

    @Test func `four slices are asked for at once, and gone on with after an end in the middle`() async throws {
        try await withTemporaryFolder { path in
            let run = StagedRun(path, chunkRecordsMax: 10)
            var area = try await run.create(objects: [contact])
            // Nobody is answered until four ask: one chain of pages alone would wait for ever.
            let first = PacedSource(source(), opensAt: 4, failsAt: 10)
            await #expect(throws: MigratezError.self) { try await extract(first, into: area) }
            let half = try await status(area).recordsRead
            #expect((1..<80).contains(half))
            #expect(try await area.texts(of: contact, .raw).count == half)
            let cut = try await slices(area)
            #expect(cut.count == 4)
            try await area.close()

            area = try await run.open()
            let open = try await slices(area).filter { $0.cursor != nil }.count
            let second = PacedSource(source(), opensAt: open)
            // Slices are cut once, whatever the limit is by now.
            try await extract(second, into: area, slicesMax: max(open, 2))
            #expect(second.cuts == 0)
            #expect(try await slices(area).map(\.number) == cut.map(\.number))
            #expect(try await area.texts(of: contact, .raw) == texts)
            #expect(try await status(area).state(of: .extract) == .done)
            #expect(try await status(area).recordsRead == 80)
            try await area.close()
        }
    }

    @Test(arguments: [1, 2, 3, 4, 9])
    func `no more slices are read at once than the limit says`(limit: Int) async throws {
        try await withTemporaryFolder { path in
            let run = StagedRun(path)
            var area = try await run.create(objects: [contact])
            // Cut into four, but read under another limit.
            let interrupted = PacedSource(source(), failsAt: 1)
            await #expect(throws: MigratezError.self) { try await extract(interrupted, into: area) }
            try await area.close()
            area = try await run.open()
            #expect(try await slices(area).count == 4)
            let paced = PacedSource(source(), opensAt: min(limit, 4))
            try await extract(paced, into: area, slicesMax: limit)
            #expect(paced.atOnceMax == min(limit, 4))
            #expect(try await area.texts(of: contact, .raw) == texts)
            try await area.close()
        }
    }

    @Test func `records are in the order of the slices, whichever of them is faster`() async throws {
        try await withTemporaryFolder { path in
            let area = try await StagedRun(path, chunkRecordsMax: 10).create(objects: [contact])
            let paced = PacedSource(source(), opensAt: 4, isBackwards: true)
            try await extract(paced, into: area)
            #expect(try await area.texts(of: contact, .raw) == texts)
            let chunks = try await area.chunks(of: contact, kind: .raw)
            #expect(chunks.map(\.address.sequence).contains(3_000_001))
            // The ordinal of a chunk's first record counts what is before it in that order.
            for (number, chunk) in chunks.enumerated() {
                let first = try await area.manifest.read { try $0.firstLine(of: chunk.address) }
                #expect(first == chunks[..<number].reduce(0) { $0 + $1.records })
            }
            try await area.close()
        }
    }

    @Test(arguments: [0, 1, 5, 6, 19, 20, 21, 57])
    func `every record is staged once, in order`(count: Int) async throws {
        try await withTemporaryFolder { path in
            let area = try await StagedRun(path, chunkRecordsMax: 7).create(objects: [contact])
            try await extract(source(count), into: area)
            #expect(try await area.texts(of: contact, .raw) == Array(texts.prefix(count)))
            #expect(try await status(area).recordsRead == count)
            #expect(try await slices(area).count == (count < 6 ? 0 : min(4, (count + 4) / 5)))
            #expect(try await slices(area).allSatisfy { $0.cursor == nil })
            try await area.close()
        }
    }

    @Test(arguments: 1...25)
    func `a process that ends at any commit loses no record and doubles none`(end: Int) async throws {
        try await withTemporaryFolder { path in
            let run = StagedRun(path, chunkRecordsMax: 10)
            try await run.create(objects: [contact]).close()
            try await run.ending(atCommit: end) { try await extract(source(), into: $0) }
            let area = try await run.open()
            try await extract(source(), into: area)
            #expect(try await area.texts(of: contact, .raw) == texts)
            #expect(try await status(area).recordsRead == 80)
            try await area.close()
        }
    }

    @Test(arguments: 1...16)
    func `a failure of one slice keeps what is whole of all`(call: Int) async throws {
        try await withTemporaryFolder { path in
            let run = StagedRun(path, chunkRecordsMax: 10)
            var area = try await run.create(objects: [contact])
            var faults = MemorySource.Faults()
            faults.failingCalls = [call]
            let source = source(faults: faults)
            await #expect(throws: MigratezError.self) { try await extract(source, into: area) }
            #expect(try await status(area).recordsRead == area.texts(of: contact, .raw).count)
            try await area.close()
            area = try await run.open()
            try await extract(source, into: area)
            #expect(try await area.texts(of: contact, .raw) == texts)
            // Of each slice at most the page that came and the one that was under way.
            #expect(source.calls <= 16 + 8, "a failure costs two pages of each slice at most")
            try await area.close()
        }
    }

    @Test(arguments: [["0 40"], ["0 40", "0 40"], ["0 20", "20 40", "40 60", "60 70", "70"]])
    func `slices that are none are refused`(starts: [String]) async throws {
        try await withTemporaryFolder { path in
            let area = try await StagedRun(path).create(objects: [contact])
            let odd = PacedSource(source(), starts: starts.map { Cursor($0) })
            let failure = await #expect(throws: MigratezError.self) { try await extract(odd, into: area) }
            #expect(failure?.code == .internalError)
            #expect(try await slices(area).isEmpty)
            try await area.close()
        }
    }

    @Test func `what was begun in one piece goes on in one piece`() async throws {
        try await withTemporaryFolder { path in
            let run = StagedRun(path, chunkRecordsMax: 10)
            var area = try await run.create(objects: [contact])
            var faults = MemorySource.Faults()
            faults.failingCalls = [5]
            await #expect(throws: MigratezError.self) {
                try await extract(source(faults: faults), into: area, slicesMax: 1)
            }
            #expect(try await status(area).recordsRead == 20)
            try await area.close()

            area = try await run.open()
            let paced = PacedSource(source())
            try await extract(paced, into: area)
            #expect(paced.cuts == 0 && paced.atOnceMax == 1)
            #expect(try await slices(area).isEmpty)
            #expect(try await area.texts(of: contact, .raw) == texts)
            try await area.close()
        }
    }
}

/// A source in memory whose answers wait for each other.
private final class PacedSource: Source {
    private struct State {
        var calls = 0
        var cuts = 0
        var atOnce = 0
        var atOnceMax = 0
        var isOpen: Bool
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let inner: MemorySource
    private let opensAt: Int
    private let failsAt: Int
    private let isBackwards: Bool
    private let starts: [Cursor]?
    private let state: Mutex<State>

    /// - Parameters:
    ///   - opensAt: nobody is answered before so many ask at once.
    ///   - failsAt: the page with this number fails, from 1.
    ///   - isBackwards: earlier slices are answered later.
    ///   - starts: what it says when it is asked for slices.
    init(
        _ inner: MemorySource, opensAt: Int = 1, failsAt: Int = .max, isBackwards: Bool = false, starts: [Cursor]? = nil
    ) {
        self.inner = inner
        self.opensAt = opensAt
        self.failsAt = failsAt
        self.isBackwards = isBackwards
        self.starts = starts
        state = Mutex(State(isOpen: opensAt <= 1))
    }

    var cuts: Int { state.withLock { $0.cuts } }
    var atOnceMax: Int { state.withLock { $0.atOnceMax } }

    func slices(of object: StreamName, atMost: Int) async throws -> [Cursor] {
        state.withLock { $0.cuts += 1 }
        if let starts { return starts }
        return try await inner.slices(of: object, atMost: atMost)
    }

    func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        let number = state.withLock { state in
            state.calls += 1
            state.atOnce += 1
            state.atOnceMax = max(state.atOnceMax, state.atOnce)
            return state.calls
        }
        defer { state.withLock { $0.atOnce -= 1 } }
        await withCheckedContinuation { continuation in
            let released = state.withLock { state in
                state.waiting.append(continuation)
                if state.atOnce >= opensAt { state.isOpen = true }
                guard state.isOpen else { return [] as [CheckedContinuation<Void, Never>] }
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in released { continuation.resume() }
        }
        if number >= failsAt { throw MigratezError(.serverFailed, "as told", remedy: .retry(after: nil)) }
        if isBackwards, let start = cursor?.text.split(separator: " ").first.flatMap({ Int($0) }) {
            for _ in 0..<(80 - start) * 20 { await Task.yield() }
        }
        return try await inner.readPage(of: object, fields: fields, after: cursor)
    }

    var name: String { inner.name }
    func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] { try await inner.discover(objects) }
    func layout(of object: StreamName) -> RecordLayout { inner.layout(of: object) }
    func count(of object: StreamName) async throws -> Int? { try await inner.count(of: object) }
    func linkBatchSize(from: StreamName, to: StreamName) -> Int? { nil }
    func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] { [] }
    func people() async throws -> [Person] { [] }
    func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        try await inner.readRecords(of: object, ids: ids, fields: fields)
    }
    func identity() async throws -> String { try await inner.identity() }
    func account(for objects: [StreamName]) async throws -> AccountReport { try await inner.account(for: objects) }
}
