// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezExtract
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

private let contact = StreamName("contact").unsafelyUnwrapped
private let company = StreamName("company").unsafelyUnwrapped
private let link = StreamName.link(from: contact, to: company).unsafelyUnwrapped

/// Chunks whose files are damaged, and the source that they came from.
@Suite struct ChunkRemakingTests {
    private let records: [String?] = (0..<57).map { #"{"id":"\#($0)","amount":1.0}"# }
    private let edges = (0..<57).filter { $0 % 3 > 0 }.flatMap { number in
        (0..<(number % 3)).map { Edge(from: String(number), to: "c\($0)") }
    }

    private func source(_ records: [String?]? = nil) -> MemorySource {
        MemorySource(
            records: [contact: records ?? self.records], links: [link: edges], pageRecordsMax: 10, linkBatchMax: 4,
            slicesMax: 3)
    }

    private func withExtracted(slices: Int = 1, _ body: (StagingArea) async throws -> Void) async throws {
        try await withTemporaryFolder { path in
            let area = try await StagedRun(path, chunkRecordsMax: 15).create(objects: [contact], links: [link])
            let source = source()
            try await RecordExtraction(
                source: source, staging: area, slicesMax: slices, clock: ManualClock(), progress: SilentProgress()
            ).extract(contact, fields: [])
            try await LinkExtraction(
                source: source, staging: area, concurrency: 2, clock: ManualClock(), progress: SilentProgress()
            ).extract(link, from: contact, to: company)
            try await body(area)
            try await area.close()
        }
    }

    /// Flips a bit in the middle of the chunk's file and declares the chunk failed, as whoever reads it finds out.
    private func damage(_ chunk: Chunk, _ area: StagingArea) async throws -> Chunk {
        let file = URL(filePath: "\(area.folder.chunks)/\(chunk.fileName)")
        var bytes = try Data(contentsOf: file)
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: file)
        try await area.manifest.commit { try $0.failChunk(chunk.address, .chunkAuthentication) }
        #expect(try await area.retry(chunk.address) == nil)
        return try #require(try await area.manifest.read { try $0.chunk(chunk.address) })
    }

    @Test func `each chunk of records can be read again alone, the first and the last one too`() async throws {
        try await withExtracted { area in
            let before = try await area.texts(of: contact, .raw)
            let chunks = try await area.chunks(of: contact, kind: .raw)
            #expect(chunks.count == 3)
            for chunk in chunks {
                let source = source()
                try await RecordExtraction(
                    source: source, staging: area, clock: ManualClock(), progress: SilentProgress()
                ).remake(try await damage(chunk, area), fields: [])
                #expect(source.calls == (chunk.records + 9) / 10, "only its own pages")
                #expect(try await area.texts(of: contact, .raw) == before)
            }
            let status = try await area.manifest.read { try $0.stream(contact) }
            #expect(status?.recordsRead == 57)
        }
    }

    @Test func `each chunk of each slice can be read again alone`() async throws {
        try await withExtracted(slices: 3) { area in
            let before = try await area.texts(of: contact, .raw)
            let chunks = try await area.chunks(of: contact, kind: .raw)
            // Slices of 19 records: a page of ten and one of nine each.
            #expect(chunks.map(\.records) == [19, 19, 19])
            for chunk in chunks {
                let source = source()
                try await RecordExtraction(
                    source: source, staging: area, clock: ManualClock(), progress: SilentProgress()
                ).remake(try await damage(chunk, area), fields: [])
                #expect(source.calls == 2, "only its own pages")
                #expect(try await area.texts(of: contact, .raw) == before)
            }
        }
    }

    @Test func `each chunk of links can be read again alone`() async throws {
        try await withExtracted { area in
            let before = try await area.texts(of: link, .raw)
            let chunks = try await area.chunks(of: link, kind: .raw)
            #expect(chunks.count > 2)
            for chunk in chunks {
                let extraction = LinkExtraction(
                    source: source(), staging: area, concurrency: 2, clock: ManualClock(), progress: SilentProgress())
                try await extraction.remake(try await damage(chunk, area), from: contact, to: company)
                #expect(try await area.texts(of: link, .raw) == before)
            }
        }
    }

    @Test(arguments: [-1, 1]) func `a source with more or fewer records by now cannot fill the gap`(
        change: Int
    ) async throws {
        try await withExtracted { area in
            let last = try #require(try await area.chunks(of: contact, kind: .raw).last)
            let failed = try await damage(last, area)
            let changed = change < 0 ? Array(records.dropLast()) : records + [#"{"id":"57"}"#]
            let error = await #expect(throws: MigratezError.self) {
                try await RecordExtraction(
                    source: source(changed), staging: area, clock: ManualClock(), progress: SilentProgress()
                ).remake(failed, fields: [])
            }
            #expect(error?.code == .countMismatch)
            let chunk = try await area.manifest.read { try $0.chunk(last.address) }
            #expect(chunk?.state == .failed)
        }
    }
}
