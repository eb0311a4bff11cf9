// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezPipedriveConnector
import MigratezPipedriveSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

struct `Files of Pipedrive` {
    private static let stream = StreamName("file")!

    // MARK: As a source

    @Test func `every file is read with its bytes and its records`() async throws {
        try await PipedriveCompany.run(.init(contacts: 30, companies: 8, deals: 12, files: 130)) { company in
            let crm = company.crm
            let source = try company.source()
            let schema = try await source.discover([Self.stream])[0]
            #expect(schema.content?.field == "file" && schema.content?.sizeField == "file_size")
            #expect(schema.field("file") == nil)
            var seen: Set<Int> = []
            var cursor: Cursor?
            repeat {
                let page = try await company.source().readPage(of: Self.stream, fields: ["name"], after: cursor)
                for range in page.records {
                    let record = try JSONValue(parsing: Array(page.bytes[range]))
                    let id = try #require(record["id"]?.text)
                    let file = crm.file(at: try #require(Int(id).flatMap { crm.index(of: .file, id: $0) }))
                    #expect(seen.insert(file.index).inserted)
                    #expect(record["name"]?.text == file.name && record["file_size"]?.int == file.size)
                    var hash = SHA256()
                    try await source.readContent(of: Self.stream, id: id, record: page.bytes[range]) {
                        #expect($0.count <= 256 << 10)
                        hash.update($0)
                    }
                    #expect(hash.finish() == file.sha256)
                }
                let records = try page.records.map { range in
                    let id = try JSONValue(parsing: Array(page.bytes[range]))["id"]?.text
                    return (id: try #require(id), bytes: page.bytes[range])
                }
                for (kind, name) in [(LinkKind.fileToDeal, "deal"), (.fileToContact, "person")] {
                    let edges = try await source.readLinks(from: Self.stream, to: StreamName(name)!, of: records)
                    for record in records {
                        let index = try #require(Int(record.id).flatMap { crm.index(of: .file, id: $0) })
                        let expected = crm.links(kind, from: index).map { String($0.toID) }
                        #expect(edges.filter { $0.from == record.id }.map(\.to) == expected)
                    }
                }
                cursor = page.next
            } while cursor != nil
            #expect(seen == Set((0..<130).filter { !crm.isArchived(.file, at: $0) }))
        }
    }

    @Test func `a file that is gone is a rejection, one that is cut off is not`() async throws {
        try await PipedriveCompany.run(.init(files: 6)) { company in
            let source = try company.source()
            let page = try await source.readPage(of: Self.stream, fields: [], after: nil)
            let range = try #require(
                try page.records.first { try JSONValue(parsing: Array(page.bytes[$0]))["file_size"]?.int ?? 0 > 1000 })
            let id = try #require(try JSONValue(parsing: Array(page.bytes[range]))["id"]?.text)
            company.server.faults.inject(
                FaultPlan.Rule(.resetMidBody, .next(1), pathPrefix: "/api/v1/files/\(id)/download"))
            let error = await #expect(throws: MigratezError.self) {
                try await source.readContent(of: Self.stream, id: id, record: page.bytes[range]) { _ in }
            }
            guard case .retry? = error?.remedy else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(try await company.ask(.delete, "/api/v1/files/\(id)").status == 200)
            let rejection = await #expect(throws: Rejection.self) {
                try await source.readContent(of: Self.stream, id: id, record: page.bytes[range]) { _ in }
            }
            #expect(rejection?.code == .contentUnavailable)
        }
    }

    // MARK: As a destination

    private static func content(_ bytes: [UInt8]) -> RowContent {
        RowContent(field: "file", sha256: SHA256.digest(of: bytes), bytes)
    }

    private static func row(_ key: String, _ name: String, _ bytes: [UInt8], person: String) -> Batch.Row {
        Batch.Row(
            key: key, fields: JSONValue.object([.init("name", .string(name))]).serialized(),
            references: [.init(field: "person_id", object: "person", key: "p", targetID: person)],
            content: content(bytes))
    }

    private static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) } }

    @Test(arguments: [0, 1, 1000, RowContent.pieceBytesMax, 700_001])
    func `a file arrives as it is, and is read back`(size: Int) async throws {
        try await PipedriveCompany.run(.init(contacts: 1)) { company in
            let destination = try company.destination()
            #expect(destination.route(for: "file", expectedRows: 100_000).recordsMax == 1)
            let person = String(try #require(try company.simulator.records(of: "persons").first).id)
            let name = "Ängebot \"für\" O'Brien; 100% 契約.pdf"
            let row = Self.row("k", name, Self.bytes(size), person: person)
            let receipt = try await destination.put(Batch(object: "file", rows: [row]))[0]
            guard case .created(let id) = receipt.result else {
                Issue.record("\(receipt)")
                return
            }
            #expect(try company.simulator.content(ofFile: Int64(id) ?? 0) == Self.bytes(size))
            var back: [UInt8] = []
            try await destination.readContent(object: "file", id: id) { back += $0 }
            #expect(back == Self.bytes(size))
            let read = try await destination.read(
                object: "file", ids: [id], fields: ["name", "person_id", "file_size"])
            let values = try JSONValue(parsing: try #require(read.first).fields)
            #expect(values["name"]?.text == name && values["person_id"]?.text == person)
            #expect(values["file_size"]?.int == size)
            #expect(try await destination.referrers(object: "person", ids: [person]) == [person: "file"])
            #expect(try await destination.delete(object: "file", ids: [id, id]).map(\.result) == [.deleted, .deleted])
            #expect(try company.simulator.count(of: "files") == 0)
        }
    }

    @Test func `a file whose answer was lost is found by name, size and record, and nobody else's is`() async throws {
        try await PipedriveCompany.run(.init(contacts: 3)) { company in
            let destination = try company.destination()
            let people = try company.simulator.records(of: "persons").map { String($0.id) }
            let row = Self.row("k", "same.txt", Self.bytes(500), person: people[0])
            // The same file was there before.
            _ = try await destination.put(Batch(object: "file", rows: [row]))
            let intent = KeptIntent()
            company.server.faults.inject(FaultPlan.Rule(.commitThenDrop, .once, pathPrefix: "/api/v1/files"))
            let error = await #expect(throws: MigratezError.self) {
                _ = try await destination.put(Batch(object: "file", rows: [row]), intent)
            }
            #expect(error?.leavesFateUnknown == true)
            company.server.faults.replace(with: FaultPlan())
            #expect(try company.simulator.count(of: "files") == 2)
            let others = Self.row("o", "same.txt", Self.bytes(500), person: people[1])
            _ = try await company.destination().put(Batch(object: "file", rows: [others]))
            let route = destination.route(for: "file", expectedRows: 1)
            let found = try await company.destination().resolve(
                Batch(object: "file", rows: [row]), by: route, note: await intent.last)
            #expect(found.count == 1)
            let larger = Self.row("k", "same.txt", Self.bytes(501), person: people[0])
            #expect(
                try await company.destination().resolve(
                    Batch(object: "file", rows: [larger]), by: route, note: await intent.last
                ).isEmpty)
            #expect(try await destination.resolve(Batch(object: "file", rows: [row]), by: route, note: nil).isEmpty)
        }
    }

    @Test func `a throttle only slows an upload, and a file that is too large is refused by name`() async throws {
        var options = PipedriveOptions()
        options.fileBytesMax = 1000
        try await PipedriveCompany.run(.init(contacts: 1), options: options) { company in
            let destination = try company.destination()
            let person = String(try #require(try company.simulator.records(of: "persons").first).id)
            _ = try await destination.discover(["file"])
            company.server.faults.inject(
                FaultPlan.Rule(.status(429, retryAfter: .seconds(1)), .next(4), pathPrefix: "/api/v1/files"))
            let good = Self.row("k", "a.txt", Self.bytes(1000), person: person)
            guard case .created = try await destination.put(Batch(object: "file", rows: [good]))[0].result else {
                Issue.record("not created")
                return
            }
            let large = Self.row("l", "b.txt", Self.bytes(1001), person: person)
            guard
                case .rejected(let rejection) = try await destination.put(Batch(object: "file", rows: [large]))[0]
                    .result
            else {
                Issue.record("not refused")
                return
            }
            #expect(rejection.code == .contentTooLarge && rejection.fields == ["file"])
            let lost = Self.row("m", "c.txt", Self.bytes(5), person: "99999")
            guard case .rejected = try await destination.put(Batch(object: "file", rows: [lost]))[0].result else {
                Issue.record("a file of nobody was taken")
                return
            }
        }
    }

    @Test func `a file that is there is renamed, and keeps its bytes`() async throws {
        try await PipedriveCompany.run(.init(contacts: 1)) { company in
            let destination = try company.destination()
            let person = String(try #require(try company.simulator.records(of: "persons").first).id)
            let row = Self.row("k", "a.txt", Self.bytes(10), person: person)
            guard case .created(let id) = try await destination.put(Batch(object: "file", rows: [row]))[0].result else {
                Issue.record("not created")
                return
            }
            var again = Self.row("k", "b & ü.txt", Self.bytes(10), person: person)
            again.targetID = id
            #expect(try await destination.put(Batch(object: "file", rows: [again])).map(\.result) == [.updated(id: id)])
            #expect(try company.simulator.records(of: "files").map { $0.fields["name"]?.text } == ["b & ü.txt"])
            var other = Self.row("k", "b.txt", Self.bytes(11), person: person)
            other.targetID = id
            guard
                case .rejected(let rejection) = try await destination.put(Batch(object: "file", rows: [other]))[0]
                    .result
            else {
                Issue.record("other bytes were taken for the same")
                return
            }
            #expect(rejection.code == .ruleViolated)
        }
    }
}
