// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezDynamicsConnector
import MigratezDynamicsSimulator
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTransport
import Testing

/// Documents of notes, byte for byte.
@Suite struct `Dynamics files` {
    private static let file = StreamName("file").unsafelyUnwrapped
    private static let annotation = StreamName("annotation").unsafelyUnwrapped

    /// The first account with a file that is read in blocks, and one that is empty.
    private static func filled() -> SyntheticCRM {
        var crm = SyntheticCRM(seed: 0, counts: .init())
        for seed in UInt64(1)...1_000 {
            crm = SyntheticCRM(
                seed: seed, counts: .init(contacts: 40, companies: 10, deals: 10, notes: 20, files: 60))
            let live = (0..<crm.counts.files).filter { !crm.isArchived(.file, at: $0) }
            let sizes = live.map { crm.file(at: $0).size }
            if sizes.contains(0), sizes.contains(where: { $0 > 1_000_000 }) { break }
        }
        return crm
    }

    private func records(_ source: DynamicsSource, _ stream: StreamName) async throws -> [JSONValue] {
        var records: [JSONValue] = []
        var cursor: Cursor?
        repeat {
            let page = try await source.readPage(of: stream, fields: ["filename", "mimetype"], after: cursor)
            records += try page.records.map { try JSONValue(parsing: Array(page.bytes[$0])) }
            cursor = page.next
        } while cursor != nil
        return records
    }

    private func content(_ source: DynamicsSource, _ record: JSONValue) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        try await source.readContent(
            of: Self.file, id: record["annotationid"]?.text ?? "", record: record.serialized()[...]
        ) { piece in
            #expect(piece.count <= RowContent.pieceBytesMax && !piece.isEmpty)
            bytes += piece
        }
        return bytes
    }

    @Test func `every document is read as it is, and notes without a text are files alone`() async throws {
        let crm = Self.filled()
        try await DynamicsWorld.run(crm) { world in
            let source = try world.source(["page_size": "50"])
            let files = try await records(source, Self.file)
            let live = (0..<crm.counts.files).filter { !crm.isArchived(.file, at: $0) }
            #expect(files.count == live.count)
            #expect(try await source.count(of: Self.file) == live.count)
            #expect(try await records(source, Self.annotation).count == source.count(of: Self.annotation))
            let names = Dictionary(grouping: live, by: { crm.file(at: $0).name })
            var sizes: Set<Int> = []
            for (index, record) in zip(live, files) {
                let file = crm.file(at: index)
                #expect(record["filename"]?.text == file.name && names[file.name]?.contains(index) == true)
                #expect(record["filesize"]?.int == file.size)
                #expect(try await content(source, record) == file.bytes(0..<file.size), "\(file.size) bytes")
                sizes.insert(file.size)
            }
            #expect(sizes.contains(0) && sizes.contains { $0 > 1_000_000 }, "\(sizes.max() ?? 0)")
        }
    }

    @Test func `answers that are lost or cut off are asked for again`() async throws {
        let crm = Self.filled()
        try await DynamicsWorld.run(crm) { world in
            let source = try world.source()
            let files = try await records(source, Self.file)
            let live = (0..<crm.counts.files).filter { !crm.isArchived(.file, at: $0) }
            for (fault, path) in [
                (Fault.drop, "annotations("), (.status(503, retryAfter: nil), "annotations("),
                (.drop, "DownloadBlock"), (.badJSON, "DownloadBlock"),
                (.status(429, retryAfter: .seconds(1)), "InitializeAnnotationBlocksDownload"),
            ] {
                let isLong = !path.hasSuffix("(")
                let place = try #require(live.firstIndex { (crm.file(at: $0).size > 1_000_000) == isLong })
                world.inject(fault, at: path)
                let file = crm.file(at: live[place])
                #expect(try await content(source, files[place]) == file.bytes(0..<file.size), "\(fault) at \(path)")
            }
        }
    }

    @Test func `a document that is gone rejects its record`() async throws {
        try await DynamicsWorld.run(Self.filled()) { world in
            let source = try world.source()
            let files = try await records(source, Self.file)
            let id = files[3]["annotationid"]?.text ?? ""
            #expect(try await world.ask(.delete, "annotations(\(id))").status == 204)
            await #expect(throws: Rejection.self) { _ = try await content(source, files[3]) }
        }
    }

    // MARK: Writing

    private func row(_ key: String, _ bytes: [UInt8], name: String = "Offer.pdf") -> Batch.Row {
        var row = Batch.Row(key, ["filename": .string(name), "subject": "Offer", "mimetype": "application/pdf"])
        row.content = RowContent(field: "documentbody", sha256: [], bytes)
        return row
    }

    private func held(_ destination: DynamicsDestination, _ id: String?) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        try await destination.readContent(object: "file", id: id ?? "") { bytes += $0 }
        return bytes
    }

    private static func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    @Test(arguments: [0, 1, 2, 3, 196_608, 983_040, 983_041, 3_000_001])
    func `a file is one note, whatever its size and however often it is written`(size: Int) async throws {
        try await DynamicsWorld.run { world in
            let bytes = Self.bytes(size)
            let first = try await world.destination().put(
                "file", [row("hubspot-file-1", bytes, name: "Ünïcode \"1\".pdf")])
            #expect(first.map(\.word) == ["created"])
            let second = try await world.destination().put("file", [row("hubspot-file-1", bytes + [1], name: "2.pdf")])
            #expect(second.map(\.word) == ["updated"] && second[0].id == first[0].id)
            #expect(try world.environment.count(of: "annotation") == 1)
            let destination = try world.destination()
            #expect(try await held(destination, first[0].id) == bytes + [1])
            let note = try #require(try world.environment.records(of: "annotation").first)
            #expect(note["filename"]?.text == "2.pdf" && note["isdocument"] == true)
            #expect(note["filesize"]?.int == size + 1)
            let found = try await destination.resolve(
                Batch(object: "file", rows: [row("hubspot-file-1", []), row("hubspot-file-2", [])]),
                by: destination.route(for: "file", expectedRows: 2), note: nil)
            #expect(found.map(\.id) == [first[0].id])
            let deleted = try await destination.delete(object: "file", ids: [first[0].id ?? ""])
            #expect(deleted.map(\.result) == [.deleted])
            #expect(try world.environment.count(of: "annotation") == 0)
        }
    }

    @Test(arguments: [Fault.commitThenDrop, .drop, .status(503, retryAfter: nil), .badJSON])
    func `a write whose answer is lost doubles nothing`(fault: Fault) async throws {
        for (path, size) in [("annotations", 1_000), ("UploadBlock", 2_000_000), ("CommitAnnotation", 2_000_000)] {
            // Looking for notes by their ids is below the same path, and a broken list is an error at once.
            if fault == .badJSON, path == "annotations" { continue }
            try await DynamicsWorld.run { world in
                let destination = try world.destination()
                _ = try await destination.discover(["file"])
                // An upload that is begun anew ends with another request than the one before, and each of them would have
                // the fault once.
                let frequency: FaultPlan.Rule.Frequency = path == "CommitAnnotation" ? .next(1) : .once
                world.server.faults.inject(FaultPlan.Rule(fault, frequency, pathPrefix: "/api/data/v9.2/" + path))
                let receipts = try await destination.put("file", [row("k", Self.bytes(size))])
                #expect(receipts.map(\.word) == ["created"], "\(path)")
                #expect(try world.environment.count(of: "annotation") == 1)
                #expect(try await held(destination, receipts[0].id) == Self.bytes(size))
            }
        }
    }

    @Test func `a file that is too long is refused by its size, and the schema says how long it may be`() async throws {
        var options = DynamicsOptions()
        options.uploadBytesMax = 10_000
        try await DynamicsWorld.run(options: options) { world in
            let destination = try world.destination()
            let schema = try await destination.discover(["file"])[0]
            #expect(schema.content == ContentSchema(field: "documentbody", bytesMax: ByteCount(10_000)))
            #expect(schema.field("documentbody") == nil && schema.field("filename")?.isRequired == true)
            let receipts = try await destination.put("file", [row("k", Self.bytes(9_000))])
            #expect(receipts.map(\.word) == [ErrorCode.contentTooLarge.description])
            #expect(try world.environment.count(of: "annotation") == 0)
        }
    }
}
