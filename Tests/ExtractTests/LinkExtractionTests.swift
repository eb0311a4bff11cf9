// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezExtract
import MigratezJSON
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

private let contact = StreamName("contact").unsafelyUnwrapped
private let company = StreamName("company").unsafelyUnwrapped
private let link = StreamName("contact-to-company").unsafelyUnwrapped

@Suite struct LinkExtractionTests {
    /// Every third record cannot be read and has no links; the others have none or two.
    private let records: [String?] = (0..<53).map { $0 % 3 == 1 ? nil : #"{"id":"\#($0)"}"# }
    private var edges: [Edge] {
        (0..<53).filter { $0 % 3 != 1 }.flatMap { number in
            (0..<number % 3).map {
                Edge(
                    from: "\(number)", to: "c\(number * 10 + $0)", isPrimary: $0 == 0,
                    label: $0 == 1 ? "Ünï \"x\"\n" : nil)
            }
        }
    }
    private var lines: [String] {
        edges.map { edge in
            var writer = JSONWriter()
            EdgeLine.write(edge, to: &writer)
            return String(decoding: writer.bytes.dropLast(), as: UTF8.self)
        }
    }

    private func source(_ faults: MemorySource.Faults = .init()) -> MemorySource {
        MemorySource(
            records: [contact: records], links: [link: edges], pageRecordsMax: 10, linkBatchMax: 4, faults: faults)
    }

    private func prepare(_ run: StagedRun) async throws -> StagingArea {
        let area = try await run.create(objects: [contact, company], links: [link])
        try await RecordExtraction(
            source: source(), staging: area, clock: ManualClock(), progress: SilentProgress()
        ).extract(contact, fields: [])
        return area
    }

    private func extract(_ source: MemorySource, into area: StagingArea, concurrency: Int = 3) async throws {
        try await LinkExtraction(
            source: source, staging: area, concurrency: concurrency, clock: ManualClock(), progress: SilentProgress()
        ).extract(link, from: contact, to: company)
    }

    @Test(arguments: [1, 2, 3, 100])
    func `all links are staged in the order of the records, however many are asked for at once`(
        concurrency: Int
    ) async throws {
        try await withTemporaryFolder { path in
            let area = try await prepare(StagedRun(path, chunkRecordsMax: 7))
            let source = source()
            try await extract(source, into: area, concurrency: concurrency)
            #expect(try await area.texts(of: link, .raw) == lines)
            let status = try await area.manifest.read { try $0.stream(link) }
            #expect(status?.recordsRead == edges.count)
            #expect(status?.state(of: .extract) == .done)
            #expect(source.linksAskedFor.reduce(0) { $0 + $1.count } == records.count { $0 != nil })
            try await area.close()
        }
    }

    @Test(arguments: 1...10)
    func `a failure at any call costs no link and doubles none`(call: Int) async throws {
        try await withTemporaryFolder { path in
            let run = StagedRun(path, chunkRecordsMax: 7)
            var area = try await prepare(run)
            var faults = MemorySource.Faults()
            faults.failingCalls = [call]
            let source = source(faults)
            do {
                try await extract(source, into: area, concurrency: 1)
                #expect(call > 9)
            } catch let error as MigratezError { #expect(error.code == .serverFailed) }
            try await area.close()
            area = try await run.open()
            try await extract(source, into: area, concurrency: 1)
            #expect(try await area.texts(of: link, .raw) == lines)
            #expect(try await area.manifest.read { try $0.stream(link)?.recordsRead } == edges.count)
            try await area.close()
        }
    }

    @Test func `links of no records are no links`() async throws {
        try await withTemporaryFolder { path in
            let area = try await StagedRun(path).create(objects: [contact, company], links: [link])
            try await extract(source(), into: area)
            #expect(try await area.manifest.read { try $0.stream(link)?.state(of: .extract) } == .done)
            #expect(try await area.chunks(of: link, kind: .raw).isEmpty)
            try await area.close()
        }
    }

    @Test func `a source without such links is named`() async throws {
        try await withTemporaryFolder { path in
            let area = try await StagedRun(path).create(objects: [contact, company], links: [link])
            let source = MemorySource(records: [contact: records])
            let failure = await #expect(throws: MigratezError.self) { try await extract(source, into: area) }
            #expect(failure?.code == .notSupported)
            try await area.close()
        }
    }
}
