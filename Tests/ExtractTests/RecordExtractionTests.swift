// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezExtract
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

private let contact = StreamName("contact").unsafelyUnwrapped

@Suite struct RecordExtractionTests {
    /// `count` records, some of them pretty-printed, with texts that a scanner could trip over.
    private func records(_ count: Int) -> [String?] {
        (0..<count).map { number in
            number % 3 == 0
                ? "{\n  \"id\" : \"\(number)\",\r\n  \"name\": \"a\\nb } ü 🦉\"\n}"
                : #"{"id":"\#(number)","amount":1.0}"#
        }
    }

    private func line(_ record: String) -> String {
        String(decoding: record.utf8.map { $0 == 10 || $0 == 13 ? 32 : $0 }, as: UTF8.self)
    }

    private func extract(
        _ source: MemorySource, into area: StagingArea, clock: any WallClock = ManualClock()
    ) async throws {
        try await RecordExtraction(
            source: source, staging: area, clock: clock, progress: SilentProgress()
        ).extract(contact, fields: [])
    }

    private func status(_ area: StagingArea) async throws -> StreamStatus {
        try #require(try await area.manifest.read { try $0.stream(contact) })
    }

    @Test(arguments: [0, 1, 9, 10, 11, 20, 57])
    func `every record is staged once, in order, with its own bytes on one line`(count: Int) async throws {
        try await withTemporaryFolder { path in
            let area = try await StagedRun(path, chunkRecordsMax: 15).create(objects: [contact])
            let source = MemorySource(records: [contact: records(count)], pageRecordsMax: 10)
            try await extract(source, into: area)
            #expect(try await area.texts(of: contact, .raw) == records(count).compactMap { $0.map(line) })
            let status = try await status(area)
            #expect(status.recordsRead == count)
            #expect(status.sourceTotal == count)
            #expect(status.state(of: .extract) == .done)
            let calls = source.calls
            try await extract(source, into: area)
            #expect(source.calls == calls, "what is done is not read again")
            try await area.close()
        }
    }

    @Test(arguments: 1...12)
    func `a process that ends at any commit loses no record and doubles none`(end: Int) async throws {
        try await withTemporaryFolder { path in
            let run = StagedRun(path, chunkRecordsMax: 15)
            try await run.create(objects: [contact]).close()
            let source = MemorySource(records: [contact: records(57)], pageRecordsMax: 10)
            try await run.ending(atCommit: end) { try await extract(source, into: $0) }
            let area = try await run.open()
            try await extract(source, into: area)
            #expect(try await area.texts(of: contact, .raw) == records(57).compactMap { $0.map(line) })
            try await area.close()
        }
    }

    @Test(arguments: 1...8)
    func `a failure at any call costs no record and doubles none`(call: Int) async throws {
        try await withTemporaryFolder { path in
            let run = StagedRun(path, chunkRecordsMax: 15)
            var area = try await run.create(objects: [contact])
            var faults = MemorySource.Faults()
            faults.failingCalls = [call]
            let source = MemorySource(records: [contact: records(57)], pageRecordsMax: 10, faults: faults)
            do {
                try await extract(source, into: area)
                #expect(call > 6)
            } catch let error as MigratezError { #expect(error.code == .serverFailed) }
            let staged = try await area.texts(of: contact, .raw).count
            #expect(try await status(area).recordsRead == staged, "the cursor and the count move with the chunk")
            try await area.close()
            area = try await run.open()
            try await extract(source, into: area)
            #expect(try await area.texts(of: contact, .raw) == records(57).compactMap { $0.map(line) })
            #expect(try await status(area).recordsRead == 57)
            #expect(source.calls <= 8, "a failure costs one page of re-reading at most")
            try await area.close()
        }
    }

    @Test(arguments: [10, 15, 20, 30])
    func `a chunk that is full with the last page does not send the reading back to the start`(
        size: Int
    ) async throws {
        try await withTemporaryFolder { path in
            let area = try await StagedRun(path, chunkRecordsMax: size).create(objects: [contact])
            // The commit after the one that holds the last record would be one too late for the end.
            try await extract(MemorySource(records: [contact: records(30)], pageRecordsMax: 10), into: area)
            let status = try await status(area)
            #expect(status.recordsRead == 30)
            #expect(status.state(of: .extract) == .done)
            #expect(try await area.texts(of: contact, .raw).count == 30)
            try await area.close()
        }
    }

    @Test func `records that cannot be read keep a place and are counted`() async throws {
        try await withTemporaryFolder { path in
            let area = try await StagedRun(path).create(objects: [contact])
            let source = MemorySource(
                records: [contact: [#"{"id":"1"}"#, nil, #"{"id":"2"}"#, nil]], pageRecordsMax: 2)
            try await extract(source, into: area)
            let lines = try await area.texts(of: contact, .raw)
            #expect(lines.count == 4)
            #expect(lines[1] == #"{"$malformed":{"locator":"line 2","reason":"not an object","bytes":"ff00"}}"#)
            #expect(try await status(area).recordsRead == 4)
            try await area.close()
        }
    }

    @Test(arguments: [[20: 20], [30: 10], [50: 0]])
    func `a source whose cursors go round in a circle is named`(replaced: [Int: Int]) async throws {
        try await withTemporaryFolder { path in
            let area = try await StagedRun(path).create(objects: [contact])
            var faults = MemorySource.Faults()
            faults.cursorsReplaced = replaced
            let source = MemorySource(records: [contact: records(100)], pageRecordsMax: 10, faults: faults)
            let failure = await #expect(throws: MigratezError.self) { try await extract(source, into: area) }
            #expect(failure?.code == .cursorLoop)
            #expect(try await status(area).state(of: .extract) != .done)
            #expect(source.calls < 30)
            try await area.close()
        }
    }

    @Test func `a chunk is sealed when it is old enough`() async throws {
        try await withTemporaryFolder { path in
            let area = try await StagedRun(path).create(objects: [contact])
            try await extract(
                MemorySource(records: [contact: records(40)], pageRecordsMax: 10), into: area, clock: HurryingClock())
            #expect(try await area.chunks(of: contact, kind: .raw).count == 4)
            try await area.close()
        }
    }
}

/// A clock on which six seconds pass between two looks.
private final class HurryingClock: WallClock {
    private let clock = ManualClock()

    var now: Timestamp {
        clock.advance(by: .seconds(6))
        return clock.now
    }

    func sleep(for duration: Duration) async throws {}
}
