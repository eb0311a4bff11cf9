// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import Testing

/// An hour of simulated time with a destination that takes a hundred times as long for a record as the source.
@Suite(.serialized, .timeLimit(.minutes(5))) struct `A slow destination` {
    private static let records = 3000
    /// For a page of a hundred records, and for a batch of ten; three batches are under way at once.
    private static let pageTime = Duration.milliseconds(400)
    private static let batchTime = Duration.seconds(40)

    private static let pipeline = """
        migratez: 1
        name: slow
        source: { connector: ndjson, dir: ., objects: { person: { file: person.ndjson, id: id } } }
        target: { connector: ndjson, dir: ./out }
        limits: { memory: 64MiB }
        staging: { chunk: { records: 200 } }
        objects: { person: { to: Person, fields: { Name: name } } }
        """

    @Test func `is waited for with flat memory, and gets every record once`() async throws {
        try await withTemporaryFolder(isInMemory: true) { folder in
            let clock = ManualClock()
            let began = clock.now
            let workplace = try Workplace(
                environment: [:], clock: clock, http: StubHTTPClient { _, _ in throw CancellationError() },
                stateFolder: "\(folder)/state")
            let files = LocalFileSystem()
            try files.open("\(folder)/pipeline.yaml", .new).write(Array(Self.pipeline.utf8), at: 0)
            let destination = MemoryDestination(beforeWrite: { try await clock.sleep(for: Self.batchTime) })
            var connection = try await PlanConnection.open("\(folder)/pipeline.yaml", in: workplace)
            let person = try #require(StreamName("person"))
            let name = String(repeating: "n", count: 500)
            let lines = (0..<Self.records).map { #"{"id":"\#($0)","name":"\#(name)"}"# }
            connection.source = SteadySource(
                inner: MemorySource(records: [person: lines]), clock: clock, pageTime: Self.pageTime)
            connection.destination = destination
            let fixed = connection
            let executor = SeededExecutor(seed: 1, name: "a slow destination") { clock.advanceToNextSleeper() }
            let samples = try await executor.run {
                try await Manifest.$worksInPlace.withValue(true) {
                    let setup = try await RunSetup.discover(
                        fixed.plan, source: fixed.source, destination: fixed.destination)
                    let run = try await Run.begin(fixed, in: workplace) { _ in }
                    try await RunExecution(run, setup, progress: SilentProgress())
                        .execute([.extract, .transform, .load])
                    let samples = try await run.staging.manifest.read { try $0.samples() }
                    try await run.close()
                    return samples
                }
            }
            #expect(clock.now.duration(since: began) >= .seconds(3600))
            #expect(destination.held.count == Self.records)
            #expect(destination.held.allSatisfy { $0.writes == 1 })
            // From the end of the extraction on, which takes twelve seconds.
            let waiting = samples.filter { $0.extracted == Self.records }.map(\.residentBytes)
            #expect(waiting.count > 20)
            let growth = (waiting.max() ?? 0) - (waiting.min() ?? 0)
            #expect(growth < 32 << 20, "\(growth >> 20) MiB more while the destination is waited for")
        }
    }
}

/// A source in memory that takes its time for each page.
private struct SteadySource: Source {
    let inner: MemorySource
    let clock: ManualClock
    let pageTime: Duration

    var name: String { inner.name }

    func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        try await clock.sleep(for: pageTime)
        return try await inner.readPage(of: object, fields: fields, after: cursor)
    }

    func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] { [] }
    func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] { try await inner.discover(objects) }
    func layout(of object: StreamName) -> RecordLayout { inner.layout(of: object) }
    func count(of object: StreamName) async throws -> Int? { try await inner.count(of: object) }
    func linkBatchSize(from: StreamName, to: StreamName) -> Int? { nil }
    func people() async throws -> [Person] { [] }
    func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        try await inner.readRecords(of: object, ids: ids, fields: fields)
    }
    func identity() async throws -> String { try await inner.identity() }
    func account(for objects: [StreamName]) async throws -> AccountReport { try await inner.account(for: objects) }
}
