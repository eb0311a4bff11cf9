// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezOdooConnector
import MigratezOdooSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// Attachments, byte for byte, by both interfaces.
@Suite struct `Odoo files` {
    private static let file = StreamName("file").unsafelyUnwrapped
    private static let counts = SyntheticCRM.Counts(contacts: 40, companies: 10, deals: 10, files: 80)

    private func records(_ source: OdooSource) async throws -> [JSONValue] {
        var records: [JSONValue] = []
        var cursor: Cursor?
        repeat {
            let page = try await source.readPage(of: Self.file, fields: ["name", "mimetype"], after: cursor)
            records += try page.records.map { try JSONValue(parsing: Array(page.bytes[$0])) }
            cursor = page.next
        } while cursor != nil
        return records
    }

    private func content(_ source: OdooSource, _ record: JSONValue) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        try await source.readContent(
            of: Self.file, id: record["id"]?.text ?? "", record: record.serialized()[...]
        ) { piece in
            #expect(piece.count <= 256 << 10 && !piece.isEmpty)
            bytes += piece
        }
        return bytes
    }

    @Test(arguments: [19, 17]) func `every attachment of a record is read as it is`(version: Int) async throws {
        try await OdooSite.run(counts: Self.counts, version: version) { site in
            let crm = try #require(site.crm)
            let source = try site.source(["page_size": "50"])
            let read = try await records(source)
            #expect(read.count > 40)
            #expect(try await source.count(of: Self.file) == read.count)
            let schema = try await source.discover([Self.file])[0]
            #expect(schema.content?.field == "datas" && schema.field("datas") == nil)
            var files = (0..<crm.counts.files).map { crm.file(at: $0) }
            var sizes: Set<Int> = []
            for record in read {
                let bytes = try await content(source, record)
                let place = files.firstIndex {
                    $0.name == record["name"]?.text && $0.size == bytes.count && $0.bytes(0..<$0.size) == bytes
                }
                let found = try #require(place, "\(record["name"]?.text ?? "")")
                #expect(record["mimetype"]?.text == files[found].mimeType)
                sizes.insert(files.remove(at: found).size)
            }
            #expect(sizes.contains { $0 > 40_000 })
        }
    }

    @Test(arguments: [19, 17], [Fault.resetMidBody, .badJSON, .errorBody])
    func `an answer that breaks off is no content`(version: Int, fault: Fault) async throws {
        try await OdooSite.run(counts: Self.counts, version: version) { site in
            let source = try site.source()
            let read = try await records(source)
            let long = try #require(read.first { $0["file_size"]?.int ?? 0 > 30_000 })
            site.server.faults.inject(
                FaultPlan.Rule(fault, .next(1), pathPrefix: version < 19 ? "/jsonrpc" : "/json/2/ir.attachment/read"))
            do {
                // An error that passes is asked for again below, where nothing has been handed on.
                let bytes = try await content(source, long)
                #expect(bytes.count == long["file_size"]?.int)
            } catch let error as MigratezError {
                guard case .retry = error.remedy else { throw error }
            }
            #expect(try await content(source, long).count == long["file_size"]?.int)
        }
    }

    @Test(arguments: [19, 17]) func `an attachment that is gone rejects its record`(version: Int) async throws {
        try await OdooSite.run(counts: Self.counts, version: version) { site in
            let source = try site.source()
            let read = try await records(source)
            _ = try await site.destination().delete(object: "file", ids: [read[2]["id"]?.text ?? ""])
            await #expect(throws: Rejection.self) { _ = try await content(source, read[2]) }
        }
    }

    // MARK: Writing

    private func row(_ key: String, _ bytes: [UInt8], name: String, _ references: [Batch.Reference] = []) -> Batch.Row {
        let fields: JSONValue = ["name": .string(name), "mimetype": "application/pdf"]
        return Batch.Row(
            key: key, fields: fields.serialized(), references: references,
            content: RowContent(field: "datas", sha256: [], bytes))
    }

    private func held(_ destination: OdooDestination, _ id: String?) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        try await destination.readContent(object: "file", id: id ?? "") { bytes += $0 }
        return bytes
    }

    private static func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    @Test(arguments: [19, 17], [0, 1, 2, 3, 196_608, 400_001])
    func `a file is one attachment, whatever its size and however often it is written`(
        version: Int, size: Int
    ) async throws {
        try await OdooSite.run(version: version) { site in
            let destination = try site.destination()
            let company = try await destination.put("company", [.init("c", ["name": "Acme"])])
            let hanging = [
                Batch.Reference(field: "res_id", object: "company", key: "c", targetID: company[0].id ?? "")
            ]
            let bytes = Self.bytes(size)
            let name = "Ünïcode \"1\" \u{1}.pdf"
            let first = try await destination.put("file", [row("f 1", bytes, name: name, hanging)])
            #expect(first.map(\.word) == ["created"])
            #expect(try await held(destination, first[0].id) == bytes)
            let second = try await site.destination().put("file", [row("f 1", bytes + [7], name: "2.pdf", hanging)])
            #expect(second.map(\.word) == ["updated"] && second[0].id == first[0].id)
            #expect(try await held(destination, first[0].id) == bytes + [7])
            let attachment = try #require(try site.simulator.records(of: "ir.attachment").first)
            #expect(attachment.values["res_model"] == "res.partner" && attachment.values["file_size"]?.int == size + 1)
            #expect(try site.simulator.count(of: "ir.attachment") == 1)
            let deleted = try await destination.delete(object: "file", ids: [first[0].id ?? ""])
            #expect(deleted.map(\.result) == [.deleted])
        }
    }

    @Test(arguments: [19, 17], [Fault.commitThenDrop, .drop, .status(429, retryAfter: .seconds(1)), .badJSON])
    func `a write whose answer is lost doubles nothing`(version: Int, fault: Fault) async throws {
        try await OdooSite.run(version: version) { site in
            let destination = try site.destination()
            _ = try await destination.discover(["file"])
            let path = version < 19 ? "/jsonrpc" : "/json/2/ir.attachment/load"
            site.server.faults.inject(FaultPlan.Rule(fault, .once, pathPrefix: path))
            let receipts = try await destination.put("file", [row("k", Self.bytes(200_000), name: "a.pdf")])
            #expect(receipts.map(\.word) == ["created"])
            #expect(try site.simulator.count(of: "ir.attachment") == 1)
            // JSON-RPC has one address for all calls: what follows is no write, and is not to be lost.
            site.server.faults.replace(with: FaultPlan())
            #expect(try await held(destination, receipts[0].id) == Self.bytes(200_000))
        }
    }

    @Test func `a file that no request has room for is refused by its size`() async throws {
        var options = OdooOptions()
        options.bodyBytesMax = 100_000
        try await OdooSite.run(options: options) { site in
            let receipts = try await site.destination().put("file", [row("k", Self.bytes(90_000), name: "a.pdf")])
            #expect(receipts.map(\.word) == [ErrorCode.contentTooLarge.description])
        }
    }
}

extension OdooDestination {
    fileprivate func put(_ object: String, _ rows: [Batch.Row]) async throws -> [Receipt] {
        try await write(
            Batch(object: object, rows: rows), by: route(for: object, expectedRows: rows.count), intent: KeptIntent())
    }
}

extension Batch.Row {
    fileprivate init(_ key: String, _ fields: JSONValue) { self.init(key: key, fields: fields.serialized()) }
}

extension Receipt {
    fileprivate var id: String? {
        switch result {
        case .created(let id), .updated(let id): id
        case .rejected: nil
        }
    }

    /// `created`, `updated` or the code.
    fileprivate var word: String {
        switch result {
        case .created: "created"
        case .updated: "updated"
        case .rejected(let rejection): rejection.code.description
        }
    }
}
