// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezExtract
import MigratezJSON
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

private let file = StreamName("file").unsafelyUnwrapped

@Suite struct ContentExtractionTests {
    /// Every fifth record cannot be read, and of every seventh the source has lost the bytes.
    private static let records: [String?] = (0..<40).map { $0 % 5 == 4 ? nil : #"{"id":"\#($0)","size":\#(size($0))}"# }
    private static let contents = Dictionary(
        uniqueKeysWithValues: (0..<40).filter { $0 % 5 != 4 && $0 % 7 != 6 }.map { ("\($0)", content($0)) })

    /// Empty ones, small ones, and one of several pieces.
    private static func size(_ number: Int) -> Int { number == 8 ? 700_001 : number % 4 * 331 }
    private static func content(_ number: Int) -> [UInt8] {
        (0..<size(number)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
    }

    private static func source(_ faults: MemorySource.Faults = .init()) -> MemorySource {
        MemorySource(
            records: [file: records], pageRecordsMax: 10, contents: [file: contents],
            contentSchema: ContentSchema(field: "content", sizeField: "size"), faults: faults)
    }

    private static func prepare(_ run: StagedRun) async throws -> StagingArea {
        let area = try await run.create(objects: [file], links: [])
        try await RecordExtraction(
            source: source(), staging: area, clock: ManualClock(), progress: SilentProgress()
        ).extract(file, fields: [])
        // What the transform says of those that cannot be read: they stand at the end of each page.
        try await area.manifest.commit { transaction in
            let malformed = (0..<40).filter { $0 % 10 >= 8 }
            try transaction.recordOutcomes(
                malformed.map { RecordOutcome(ordinal: $0, outcome: .rejected, code: .malformedRecord) }, of: file,
                in: .transform)
        }
        return area
    }

    private static func extract(
        _ source: MemorySource, into area: StagingArea, concurrency: Int = 3, bytesMax: ByteCount? = nil
    ) async throws {
        let request = ContentExtraction.Request(
            stream: file, schema: ContentSchema(field: "content", sizeField: "size"), bytesMax: bytesMax)
        try await ContentExtraction(
            source: source, staging: area, concurrency: concurrency, clock: ManualClock(advancesBySleeping: true),
            progress: SilentProgress()
        ).extract(request)
    }

    /// What the content chunks hold of each record, by what the manifest says of it.
    private static func staged(_ area: StagingArea) async throws -> [Int: [UInt8]] {
        var lines: [StagedContent.Place: ContentLine] = [:]
        var index = RecordIndex(fields: nil)
        for chunk in try await area.chunks(of: file, kind: .content) {
            for (number, text) in try await area.texts(of: file, .content, sequence: chunk.address.sequence)
                .enumerated()
            {
                lines[.init(sequence: chunk.address.sequence, line: number)] =
                    try Array(text.utf8).withUnsafeBufferPointer { try ContentLine($0, with: &index) }
            }
        }
        var staged: [Int: [UInt8]] = [:]
        for content in try await area.manifest.read({ try $0.contents(of: file, ordinals: Array(0..<40)) })
        where content.state == .whole {
            var place = try #require(content.place)
            var bytes: [UInt8] = []
            while true {
                if lines[place] == nil { place = .init(sequence: place.sequence + 1, line: 0) }
                let line = try #require(lines[place])
                place.line += 1
                if case .part(content.ordinal, _, let data) = line {
                    bytes += data
                    continue
                }
                guard case .end(content.ordinal, _, let count, _) = line else { break }
                #expect(count == bytes.count)
                break
            }
            staged[content.ordinal] = bytes
        }
        return staged
    }

    /// Records that cannot be read stand behind the others of their page.
    private static func ordinal(of number: Int) -> Int { number % 10 > 4 ? number - 1 : number }

    private static var expected: [Int: [UInt8]] {
        Dictionary(uniqueKeysWithValues: contents.map { (ordinal(of: Int($0.key) ?? -1), $0.value) })
    }

    @Test(arguments: [1, 3, 50]) func `every content is staged once, over the ends of chunks`(
        concurrency: Int
    ) async throws {
        try await withTemporaryFolder { path in
            let area = try await Self.prepare(StagedRun(path, chunkRecordsMax: 3))
            let source = Self.source()
            try await Self.extract(source, into: area, concurrency: concurrency)
            #expect(try await Self.staged(area) == Self.expected)
            let lost = try await area.manifest.read { try $0.contents(of: file, ordinals: Array(0..<40)) }
                .filter { $0.state == .unavailable }
            #expect(lost.map(\.ordinal) == (0..<40).filter { $0 % 5 != 4 && $0 % 7 == 6 }.map(Self.ordinal))
            let asked = source.contentsAskedFor.count
            try await Self.extract(source, into: area, concurrency: concurrency)
            #expect(source.contentsAskedFor.count == asked, "what is staged is not read again")
            try await area.close()
        }
    }

    @Test func `a content that is cut off is begun again`() async throws {
        try await withTemporaryFolder { path in
            let area = try await Self.prepare(StagedRun(path, chunkRecordsMax: 3))
            var faults = MemorySource.Faults()
            faults.contentsCutOff = ["8": (after: 500_000, times: 2), "10": (after: 1, times: 1)]
            try await Self.extract(Self.source(faults), into: area)
            #expect(try await Self.staged(area) == Self.expected)
            try await area.close()
        }
    }

    @Test func `a run that was cut off goes on with what is missing`() async throws {
        try await withTemporaryFolder { path in
            let run = StagedRun(path, chunkRecordsMax: 3)
            let first = try await Self.prepare(run)
            var faults = MemorySource.Faults()
            faults.contentsCutOff = ["8": (after: 600_000, times: 100)]
            let failing = Self.source(faults)
            await #expect(throws: MigratezError.self) { try await Self.extract(failing, into: first) }
            try await first.close()
            let area = try await run.open()
            let source = Self.source()
            try await Self.extract(source, into: area)
            #expect(try await Self.staged(area) == Self.expected)
            #expect(!source.contentsAskedFor.contains("0"), "what was staged before is not read again")
            try await area.close()
        }
    }

    @Test func `a file that is too large is not read`() async throws {
        try await withTemporaryFolder { path in
            let area = try await Self.prepare(StagedRun(path))
            let source = Self.source()
            try await Self.extract(source, into: area, bytesMax: .KiB(1))
            #expect(!source.contentsAskedFor.contains("8"))
            var expected = Self.expected
            expected[Self.ordinal(of: 8)] = nil
            #expect(try await Self.staged(area) == expected)
            #expect(
                try await area.manifest.read { try $0.contents(of: file, ordinals: [Self.ordinal(of: 8)]) }.map(\.state)
                    == [.unavailable]
            )
            try await area.close()
        }
    }

    @Test func `an empty content of a file that has a size is none`() async throws {
        try await withTemporaryFolder { path in
            let area = try await Self.prepare(StagedRun(path))
            var contents = Self.contents
            contents["1"] = []
            let source = MemorySource(
                records: [file: Self.records], pageRecordsMax: 10, contents: [file: contents],
                contentSchema: ContentSchema(field: "content", sizeField: "size"))
            try await Self.extract(source, into: area)
            var expected = Self.expected
            expected[Self.ordinal(of: 1)] = nil
            #expect(try await Self.staged(area) == expected)
            try await area.close()
        }
    }
}
