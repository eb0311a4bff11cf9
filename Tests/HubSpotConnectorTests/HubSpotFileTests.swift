// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezHubSpotConnector
import MigratezHubSpotSimulator
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Synchronization
import Testing

struct HubSpotFileTests {
    private static let counts = SyntheticCRM.Counts(contacts: 300, companies: 60, deals: 60, notes: 150, files: 80)
    private static let stream = StreamName("file")!

    // MARK: As a source

    @Test(arguments: ["v3", "2026-03"])
    func `every file that hangs on something is read once, with its name and all its bytes`(
        version: String
    )
        async throws
    {
        try await HubSpotAccount.run(Self.counts) { account in
            let source = try account.source(["api_version": version])
            let schema = try await source.discover([Self.stream])[0]
            #expect(schema.content?.sizeField == "size")
            let records = try await readAll(Self.stream, fields: schema.fields.map(\.name)) {
                try account.source(["api_version": version])
            }
            #expect(Set(records.compactMap { $0["id"]?.text }) == account.fileIDs)
            for record in records {
                let id = try #require(record["id"]?.text)
                let file = account.crm.file(at: try #require(account.crm.index(of: .file, id: Int(id) ?? 0)))
                #expect(record["properties"]?["file_name"]?.text == file.name)
                #expect(record["properties"]?["size"]?.int == file.size)
                let bytes = try await read(source, id, record)
                #expect(bytes.count == file.size)
                #expect(digest(bytes) == file.sha256, "the bytes of \(id) differ")
            }
        }
    }

    @Test func `a file hangs on what its activities are linked with, and on these`() async throws {
        try await HubSpotAccount.run(Self.counts) { account in
            let source = try account.source()
            let records = try await readAll(Self.stream, fields: []) { source }.map { record in
                (id: record["id"]?.text ?? "", bytes: record.serialized()[...])
            }
            for kind in LinkKind.ofFiles {
                let edges = try await source.readLinks(from: Self.stream, to: kind.to.stream, of: records)
                // The notes that carry files of contacts, companies and deals are not the synthetic CRM's.
                let found = edges.filter { edge in
                    kind.to != .note || Int(edge.to).flatMap { account.crm.index(of: .note, id: $0) } != nil
                }
                #expect(Set(found) == account.fileEdges(kind), "to \(kind.to)")
            }
        }
    }

    @Test func `a file that is gone is the rejection of its record, and the others are read`() async throws {
        try await HubSpotAccount.run(Self.counts) { account in
            let source = try account.source()
            let gone = try #require(account.fileIDs.sorted().first)
            _ = try await account.ask(.delete, "/files/v3/files/\(gone)")
            let records = try await readAll(Self.stream, fields: []) { source }
            #expect(Set(records.compactMap { $0["id"]?.text }) == account.fileIDs)
            let record = try #require(records.first { $0["id"]?.text == gone })
            let rejection = await #expect(throws: Rejection.self) { try await read(source, gone, record) }
            #expect(rejection?.code == .contentUnavailable)
        }
    }

    @Test func `a download that breaks off is an error of the connection, and the next attempt has all`() async throws {
        try await HubSpotAccount.run(Self.counts) { account in
            let source = try account.source()
            let records = try await readAll(Self.stream, fields: []) { source }
            let record = try #require(records.first { ($0["properties"]?["size"]?.int ?? 0) > 20_000 })
            let id = try #require(record["id"]?.text)
            account.server.faults.inject(FaultPlan.Rule(.resetMidBody, .next(1), pathPrefix: "/hubfs-signed"))
            await #expect(throws: MigratezError.self) { try await read(source, id, record) }
            let file = account.crm.file(at: try #require(account.crm.index(of: .file, id: Int(id) ?? 0)))
            #expect(digest(try await read(source, id, record)) == file.sha256)
        }
    }

    private func read(_ source: HubSpotSource, _ id: String, _ record: JSONValue) async throws -> [UInt8] {
        let bytes = Mutex<[UInt8]>([])
        try await source.readContent(of: Self.stream, id: id, record: record.serialized()[...]) { piece in
            bytes.withLock { $0 += piece }
        }
        return bytes.withLock { $0 }
    }

    // MARK: As a destination

    private static func row(_ number: Int, _ bytes: [UInt8], _ more: [String: String] = [:]) -> Batch.Row {
        let fields = ["file_name": "Offer \(number) für \"Müller\" & Söhne.pdf"].merging(more) { $1 }
        let content = RowContent(field: "file", sha256: digest(bytes), bytes)
        return Batch.Row(
            key: "hubspot:file:\(number)",
            fields: JSONValue.object(fields.map { .init($0.key, .string($0.value)) }).serialized(), content: content)
    }

    private static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) } }

    private func put(_ destination: HubSpotDestination, _ row: Batch.Row) async throws -> Receipt {
        let route = destination.route(for: "file", expectedRows: 1)
        #expect(route.recordsMax == 1)
        let receipts = try await destination.write(
            Batch(object: "file", rows: [row]), by: route, intent: KeptIntent())
        return try #require(receipts.first)
    }

    private func content(_ destination: HubSpotDestination, _ id: String) async throws -> [UInt8] {
        let bytes = Mutex<[UInt8]>([])
        try await destination.readContent(object: "file", id: id) { piece in bytes.withLock { $0 += piece } }
        return bytes.withLock { $0 }
    }

    private func prepared(_ account: HubSpotAccount) async throws -> HubSpotDestination {
        let destination = try account.destination()
        let needed = try await destination.discover(["file"]).flatMap(destination.requirements)
        #expect(needed.map(\.object) == ["note"])
        try await destination.prepare(needed)
        #expect(try await destination.discover(["file"]).flatMap(destination.requirements).isEmpty)
        return destination
    }

    @Test(arguments: [0, 1, 191 << 10, 700_000])
    func `a file is written, read back as it was, met again, replaced and taken away`(size: Int) async throws {
        try await HubSpotAccount.run(SyntheticCRM.Counts(contacts: 10)) { account in
            let destination = try await prepared(account)
            let bytes = Self.bytes(size)
            let time = "2024-05-01T10:00:00.000Z"
            let first = try await put(destination, Self.row(1, bytes, ["hs_timestamp": time]))
            let id = try #require(first.id)
            #expect(first.result == .created(id: id))
            #expect(try await content(destination, id) == bytes)
            let read = try await destination.read(object: "file", ids: [id], fields: ["file_name", "hs_timestamp"])
            #expect(read.first?.key == "hubspot:file:1")
            let values = try JSONValue(parsing: try #require(read.first?.fields))
            #expect(values["file_name"]?.text == "Offer 1 für \"Müller\" & Söhne.pdf")
            #expect(values["hs_timestamp"]?.text == time)

            let other = Self.bytes(size + 5)
            #expect(try await put(account.destination(), Self.row(1, other)).result == .updated(id: id))
            #expect(try await content(destination, id) == other)

            #expect(try await destination.delete(object: "file", ids: [id]).map(\.result) == [.deleted])
            #expect(try await destination.delete(object: "file", ids: [id]).map(\.result) == [.absent])
            #expect(try await destination.read(object: "file", ids: [id], fields: []).isEmpty)
            let notes = try await account.ask(.get, "/crm/v3/objects/notes")
            #expect(notes["results"]?.elements.isEmpty == true, "the note that carried it is left")
        }
    }

    @Test(arguments: [
        Fault.commitThenDrop, .drop, .status(503, retryAfter: nil), .status(429, retryAfter: .seconds(1)),
    ])
    func `an upload whose answer is lost is one file`(fault: Fault) async throws {
        try await HubSpotAccount.run(SyntheticCRM.Counts(contacts: 10)) { account in
            let destination = try await prepared(account)
            account.server.faults.inject(
                FaultPlan.Rule(fault, .once, pathPrefix: "/files/v3/files"))
            let receipt = try await put(destination, Self.row(7, Self.bytes(50_000)))
            let id = try #require(receipt.id)
            #expect(receipt.result == .created(id: id))
            let found = try await destination.resolve(
                Batch(object: "file", rows: [Self.row(7, Self.bytes(50_000)), Self.row(8, [])]),
                by: destination.route(for: "file", expectedRows: 1), note: nil)
            #expect(found == [Receipt(key: "hubspot:file:7", result: .created(id: id))])
            #expect(try await content(destination, id) == Self.bytes(50_000))
            #expect(try await put(destination, Self.row(8, [])).id == String(try #require(Int(id)) + 1))
        }
    }

    @Test func `a file that is too large is rejected by name`() async throws {
        var options = HubSpotOptions()
        options.fileBytesMax = 1_000
        try await HubSpotAccount.run(SyntheticCRM.Counts(contacts: 10), options: options) { account in
            let destination = try await prepared(account)
            let receipt = try await put(destination, Self.row(1, Self.bytes(1_001)))
            guard case .rejected(let rejection) = receipt.result else {
                Issue.record("it is \(receipt.result)")
                return
            }
            #expect(rejection.code == .contentTooLarge)
            #expect(rejection.fields == ["file"])
            #expect(try await put(destination, Self.row(2, Self.bytes(1_000))).id != nil)
        }
    }

    @Test(arguments: [("contact", CRMObject.contact), ("note", .note)])
    func `files hang on records, are found there, and are taken off again`(
        name: String, target: CRMObject
    )
        async throws
    {
        try await HubSpotAccount.run(SyntheticCRM.Counts(contacts: 20, notes: 20)) { account in
            let destination = try await prepared(account)
            let ends = account.ids(target).prefix(3)
            var rows: [Batch.Row] = []
            for number in 1...2 {
                let id = try #require(try await put(destination, Self.row(number, Self.bytes(100 * number))).id)
                for end in ends {
                    rows.append(
                        Batch.Row(
                            key: "link-\(number)-\(end)", fields: Array("{}".utf8),
                            references: [
                                .init(field: "from", object: "file", key: "", targetID: id),
                                .init(field: "to", object: name, key: "", targetID: end),
                            ]))
                }
            }
            let batch = Batch(object: "file_to_\(name)", rows: rows)
            let route = destination.route(for: batch.object, expectedRows: rows.count)
            #expect(try await destination.resolve(batch, by: route, note: nil).isEmpty)
            let first = try await destination.write(batch, by: route, intent: KeptIntent())
            #expect(first.allSatisfy { $0.isCreated })
            let second = try await account.destination().write(batch, by: route, intent: KeptIntent())
            #expect(second.count == rows.count && second.allSatisfy { $0.isUpdated })
            #expect(Set(first.map(\.id)) == Set(second.map(\.id)))
            #expect(try await destination.resolve(batch, by: route, note: nil).count == rows.count)
            let ids = first.compactMap(\.id)
            let read = try await destination.read(object: batch.object, ids: ids, fields: ["from", "to"])
            #expect(read.map(\.id) == ids)

            // As a source the same account tells the same.
            let source = try account.source()
            let records = try await readAll(Self.stream, fields: []) { source }.map { record in
                (id: record["id"]?.text ?? "", bytes: record.serialized()[...])
            }
            let edges = try await source.readLinks(from: Self.stream, to: target.stream, of: records)
            // Notes of an account without files name some that are not there.
            let ours = edges.map { "\($0.from):\($0.to)" }.filter { !$0.hasPrefix("90") }
            #expect(Set(ours) == Set(ids))

            #expect(
                try await destination.delete(object: batch.object, ids: ids).allSatisfy { $0.result == .deleted })
            #expect(try await destination.resolve(batch, by: route, note: nil).isEmpty)
        }
    }
}

private func digest(_ bytes: [UInt8]) -> [UInt8] {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finish()
}

extension Receipt {
    fileprivate var isCreated: Bool { if case .created = result { true } else { false } }
    fileprivate var isUpdated: Bool { if case .updated = result { true } else { false } }
    fileprivate var id: String? {
        switch result {
        case .created(let id), .updated(let id): id
        case .rejected: nil
        }
    }
}

extension HubSpotAccount {
    /// The files that hang on something.
    fileprivate var fileIDs: Set<String> {
        Set(
            (0..<crm.counts.files).map { crm.file(at: $0) }.filter { !$0.isArchived && !$0.parents.isEmpty }
                .map { String($0.id) })
    }

    /// What files hang on by themselves, and what the notes that carry them are linked with.
    fileprivate func fileEdges(_ kind: LinkKind) -> Set<Edge> {
        var edges: Set<Edge> = []
        for index in 0..<crm.counts.files {
            let file = crm.file(at: index)
            for parent in file.parents where kind.to == parent.object || parent.object == .note {
                if parent.object == kind.to {
                    edges.insert(Edge(from: String(file.id), to: String(parent.id)))
                } else if let through = LinkKind(from: .note, to: kind.to) {
                    for link in crm.links(through, from: parent.index) {
                        edges.insert(Edge(from: String(file.id), to: String(link.toID)))
                    }
                }
            }
        }
        return edges
    }
}
